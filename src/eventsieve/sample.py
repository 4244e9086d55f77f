"""The report that a server shows when it was given none: an analysis of simulated events, made once."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from eventsieve.domain.events import check
from eventsieve.domain.exploration import explore
from eventsieve.domain.schema import load_schema
from eventsieve.errors import NoReport, NotReady
from eventsieve.records import Limits, Outcome, State
from eventsieve.training.channel import Channel
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

__all__ = ["SampleReport", "make"]

SCHEMA = "atlas-higgs-2014"
TRAIN_EVENTS = 20_000
TEST_EVENTS = 10_000
LIMITS = Limits(seconds=600.0)
RETRY_SECONDS = 3


class SampleReport:
    """The PDF at a path, made in a process of its own when it is not there.

    Args:
        path: where the PDF is, or shall be; None where there shall be none.
        engine: what to make it with.
    """

    def __init__(self, path: Path | None, engine: LocalEngine) -> None:
        self._path = path and path.absolute()
        self._engine = engine
        self._lock = threading.Lock()
        self._making: Future[Outcome] | None = None

    def path(self) -> Path:
        """Where the PDF is.

        Raises:
            NotReady: it is being made.
            NoReport: there is none, and none will come by waiting.
        """
        if self._path is None:
            raise NoReport("There is no report: PDF_PATH is empty. Set it to a PDF, or to where one shall be made.")
        if self._path.is_file():
            return self._path
        with self._lock:
            making = self._making = self._making or self._make(self._path)
        if not making.done():
            raise NotReady("The report of a simulated sample is being made; ask again soon.", RETRY_SECONDS)
        outcome = making.result()
        if outcome.state is State.TRAINED:  # it was made, and has been removed since
            with self._lock:
                self._making = None
            return self.path()
        raise NoReport(f"Making the report failed: {outcome.reason} Put a PDF at PDF_PATH, or restart the server.")

    def prepare(self) -> None:
        """Start to make the PDF if it is not there."""
        with suppress(NoReport, NotReady):
            self.path()

    def _make(self, path: Path) -> Future[Outcome]:
        return self._engine.aside(Task("eventsieve.sample:make", {"path": str(path)}, LIMITS))


def make(arguments: Mapping[str, Any], channel: Channel) -> None:
    """Make the report of a simulated sample (runs in a child)."""
    # Drawing and four-vectors take long to load, and the server itself needs neither.
    from eventsieve.domain.simulation import simulate  # noqa: PLC0415
    from eventsieve.report import write_report  # noqa: PLC0415

    channel.ready()
    schema = load_schema(SCHEMA)
    train = check(simulate(TRAIN_EVENTS, seed=0), schema, labels="required")
    test = check(simulate(TEST_EVENTS, seed=1), schema, labels="required")
    path = Path(arguments["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_up(path)
    write_report(
        explore(train, test), path, simulated=True, tables=("simulated training events", "simulated test events")
    )
    channel.answer(Outcome(state=State.TRAINED))


def _clear_up(path: Path) -> None:
    """Remove what drawings that were killed have left beside the PDF."""
    horizon = time.time() - (LIMITS.seconds or 0.0)
    for unfinished in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):  # another server has finished it meanwhile
            if unfinished.stat().st_mtime < horizon:
                unfinished.unlink()
