"""Explorations of data sets: values that are computed once and kept, and the report that is drawn from them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import explore
from eventsieve.errors import BadRequest, NoReport
from eventsieve.records import Dataset, Exploration, Limits, Outcome, State
from eventsieve.service.datasets import Datasets
from eventsieve.storage.files import ORPHAN_SECONDS, Files
from eventsieve.training.channel import Channel
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

__all__ = ["Explorations", "draw"]

T = TypeVar("T")

VERSION = 1
"""To be raised when the same tables give other values: what older versions have kept is not found then."""
BINS = 50
MOST_BINS = 1_000
LIMITS = Limits(seconds=300.0)
"""What the drawing of a report may take: some seconds for 30 features, a minute for some hundred."""


class Explorations:
    """The room of explorations.

    Args:
        datasets: where the events come from.
        files: the store's files.
        engine: what draws the reports, each in a process of its own.
    """

    def __init__(self, datasets: Datasets, files: Files, engine: LocalEngine) -> None:
        self._datasets = datasets
        self._files = files
        self._shelf = files.explorations
        self._engine = engine
        self._lock = threading.Lock()
        self._making: dict[str, Future[Any]] = {}
        self._computing = threading.Lock()

    def explore(self, dataset: str, *, against: str | None = None, bins: int = BINS) -> Exploration:
        """What is to be known of a data set, and of another beside it; computed once, then read.

        Args:
            dataset: its id.
            against: id of the data set that it is compared with.
            bins: number of bins of each feature's histograms.

        Raises:
            DatasetNotFound: there is no such data set.
            BadRequest: the number of bins is none.
            BadTable: the events cannot be read as the schema says, or the two have no feature in common.
            TooLarge: there are more events than may be in memory.
            DamagedArtefact: what is stored of a data set is not what was stored.
        """
        if not 1 <= bins <= MOST_BINS:
            raise BadRequest(f"Histograms cannot have {bins} bins; ask for 1 to {MOST_BINS}.")
        first, second = self._find(dataset, against)
        key = _key(first, second, bins)
        kept = self._kept(key)
        return kept if kept is not None else self._once(key, lambda: self._compute(key, first, second, bins))

    def pdf(self, dataset: str, *, against: str | None = None) -> Path:
        """The report as a PDF; drawn once, in a process of its own. The call waits until it is there.

        Raises:
            NoReport: it could not be drawn.
            DatasetNotFound, BadTable, TooLarge, DamagedArtefact: as for the values.
        """
        first, second = self._find(dataset, against)
        self.explore(dataset, against=against)
        names = [each.name for each in (first, second) if each is not None]
        values = _key(first, second, BINS)
        # The names stand on the title page.
        key = f"{values.removesuffix('.json')}-{_hash(names)}.pdf"
        path = self._shelf.path(key)
        return path if path.is_file() else self._once(key, lambda: self._draw(key, values, names))

    def forget(self, dataset: str) -> None:
        """Remove all that is kept of a data set that is removed, or read in another way from now on."""
        for path in self._shelf.folder.iterdir():
            if dataset in _datasets_of(path):
                path.unlink(missing_ok=True)

    def sweep(self, datasets: Collection[str]) -> None:
        """Remove old files that are kept of other data sets than these."""
        horizon = time.time() - ORPHAN_SECONDS
        for path in self._shelf.folder.iterdir():
            if not _datasets_of(path) <= set(datasets):
                with suppress(FileNotFoundError):  # another server has removed it
                    if path.stat().st_mtime < horizon:
                        path.unlink()

    def _find(self, dataset: str, against: str | None) -> tuple[Dataset, Dataset | None]:
        return self._datasets.get(dataset), None if against is None else self._datasets.get(against)

    def _kept(self, key: str) -> Exploration | None:
        try:
            return Exploration.model_validate_json(self._shelf.path(key).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:  # damaged: it is made again, and replaced
            return None

    def _compute(self, key: str, first: Dataset, second: Dataset | None, bins: int) -> Exploration:
        # One at a time: the tables are in memory.
        with self._computing:
            if (kept := self._kept(key)) is not None:  # by who has just had this place
                return kept
            events = self._events(first)
            others = None if second is None else self._events(second)
            found = explore(events, others, bins=bins)
        path = self._files.new(".json")
        try:
            path.write_text(found.model_dump_json(), encoding="utf-8")
            self._shelf.settle(path, key)
        finally:
            path.unlink(missing_ok=True)
        return found

    def _events(self, dataset: Dataset) -> Events:
        return self._datasets.events(dataset.id, "optional", schema=dataset.event_schema)

    def _draw(self, key: str, values: str, names: list[str]) -> Path:
        path = self._files.new(".pdf")
        arguments = {"values": str(self._shelf.path(values)), "path": str(path), "tables": names}
        outcome = self._engine.aside(Task("eventsieve.service.explorations:draw", arguments, LIMITS)).result()
        if outcome.state is not State.TRAINED:
            path.unlink(missing_ok=True)
            raise NoReport(
                f"The report of {' and '.join(names)} could not be drawn: {outcome.reason} "
                f"Leave out columns that say nothing, or ask for the values of the exploration instead."
            )
        self._shelf.settle(path, key)
        return self._shelf.path(key)

    def _once(self, key: str, make: Callable[[], T]) -> T:
        """Make something; who asks for it while it is being made waits for that."""
        with self._lock:
            making = self._making.get(key)
            mine = self._making.setdefault(key, Future())
        if making is not None:
            found: T = making.result()
            return found
        try:
            made = make()
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._making[key]
        mine.set_result(made)
        return made


def draw(arguments: Mapping[str, Any], channel: Channel) -> None:
    """Draw the report of an exploration (runs in a child)."""
    # Drawing takes long to load, and the server itself never draws.
    from eventsieve.report import write_report  # noqa: PLC0415

    channel.ready()
    try:
        found = Exploration.model_validate_json(Path(arguments["values"]).read_bytes())
        write_report(found, Path(arguments["path"]), tables=tuple(arguments["tables"]))
        outcome = Outcome(state=State.TRAINED)
    except OSError as error:
        outcome = Outcome(state=State.FAILED, reason=f"{error.strerror}.")
    channel.answer(outcome)


def _key(first: Dataset, second: Dataset | None, bins: int) -> str:
    """The name of the file of values: the data sets' ids, and a hash of how they are read."""
    schemas = [each.event_schema.model_dump() for each in (first, second) if each is not None]
    return f"{first.id}-{second.id if second else ''}-{_hash([VERSION, bins, schemas])}.json"


def _datasets_of(path: Path) -> set[str]:
    """The ids that a file's name holds."""
    return {part for part in path.name.split("-")[:2] if part}


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
