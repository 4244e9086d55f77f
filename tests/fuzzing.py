"""What the fuzzers of both interfaces share: a small application, and what it says of itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from eventsieve.api.app import create_app
from eventsieve.settings import read_settings

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times as much is generated as in the tests: `make fuzz TIMES=10`."""


def few(examples: int) -> settings:
    """So many examples, the same in each run of the tests; others, and more of them, for who fuzzes."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def small_app(folder: Path, *, seconds: float, **values: Any) -> FastAPI:
    """An application with four slots and little patience: uploads of a megabyte, trainings of some seconds."""
    return create_app(
        read_settings(
            MODEL_DIR=folder / "models",
            LOG_DIR=folder / "logs",
            PDF_PATH="",
            NUM_CPUS=4,
            MAX_UPLOAD_MB=1,
            TIME_LIMIT=seconds,
            **values,
        )
    )


def description(app: FastAPI, path: str) -> schemathesis.BaseSchema:
    """What an open application says of itself at a path."""

    async def open_already(scope: Any, receive: Any, send: Any) -> None:
        # Schemathesis would open and close the service with every request.
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return schemathesis.openapi.from_asgi(path, open_already)
