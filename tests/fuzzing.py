"""What the fuzzers of both interfaces share: a small application, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI

from eventsieve.api.app import create_app
from eventsieve.settings import read_settings


def small_app(folder: Path, *, seconds: float) -> FastAPI:
    """An application with four slots and little patience: uploads of a megabyte, trainings of some seconds."""
    return create_app(
        read_settings(
            MODEL_DIR=folder / "models",
            LOG_DIR=folder / "logs",
            PDF_PATH="",
            NUM_CPUS=4,
            MAX_UPLOAD_MB=1,
            TIME_LIMIT=seconds,
        )
    )


def description(app: FastAPI, path: str) -> schemathesis.BaseSchema:
    """What an open application says of itself at a path."""

    async def open_already(scope: Any, receive: Any, send: Any) -> None:
        # Schemathesis would open and close the service with every request.
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return schemathesis.openapi.from_asgi(path, open_already)
