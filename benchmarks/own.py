"""Our own server, as a user starts it, and what the suites ask of it through the client."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import Server, free_port, serving
from eventsieve.client import Client
from eventsieve.records import ModelState, State

__all__ = ["COMMAND", "Own", "Trained", "environment_of", "own_server", "processor_seconds", "train"]

SECONDS = 900.0
"""Time limit of a training: none of them shall be ended by it."""
BARE = "from benchmarks import bare; bare.without_pandas(); from eventsieve.cli import main; main()"
COMMAND = (sys.executable, "-c", BARE)
"""``eventsieve`` without pandas, which only the rivals' part of this environment has."""


@dataclass(frozen=True)
class Own:
    """A running server of ours.

    Attributes:
        client: that speaks to it.
        server: its process.
        folder: of its store.
    """

    client: Client
    server: Server
    folder: Path


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        state: how it ended.
        seconds: from the request to its end as the client sees it.
        processor_seconds: of the server and all of its processes meanwhile.
    """

    state: ModelState
    seconds: float
    processor_seconds: float


def environment_of(store: Path) -> dict[str, str]:
    """Environment variables of a server with a store of its own, all other settings as they are by default."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTSIEVE_")}
    own = {"MODEL_DIR": store / "models", "LOG_DIR": store / "logs", "PDF_PATH": ""}
    return kept | {f"EVENTSIEVE_{name}": str(value) for name, value in own.items()}


@contextmanager
def own_server(folder: Path) -> Iterator[Own]:
    """A server over a new store in a folder, which goes away with it."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        store, port = Path(name), free_port()
        command = [*COMMAND, "serve", "--port", str(port)]
        with (
            serving(
                command, port=port, environment=environment_of(store), folder=store, log=store / "server.log"
            ) as server,
            Client(server.url) as client,
            warnings.catch_warnings(),
        ):
            # What a physicist should know of the events is no news here.
            warnings.simplefilter("ignore")
            yield Own(client, server, store / "models")


def train(own: Own, data: Any, models: Sequence[Mapping[str, Any]], **options: Any) -> list[Trained]:
    """Train models at once, without validation unless it is asked for; how each ended.

    Raises:
        RuntimeError: one of them was not trained.
    """
    asked: dict[str, Any] = {"validation": None, "seconds": SECONDS, "progress": False} | options
    used, began = processor_seconds(own.server.pid), time.perf_counter()
    job = own.client.train(data, models, **asked)
    seconds = time.perf_counter() - began
    used = processor_seconds(own.server.pid) - used
    if failed := [each for each in job.models if each.state is not State.TRAINED]:
        raise RuntimeError("; ".join(f"{each.spec.type} {each.state}: {each.reason}" for each in failed))
    return [Trained(state, seconds, used) for state in job.models]


def processor_seconds(pid: int) -> float:
    """Processor seconds that a process has used so far, with all processes below it, those that have ended too."""
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            total += sum(process.cpu_times()[:4])  # own and buried children's, in user and in system mode
        except psutil.NoSuchProcess:
            continue
    return total
