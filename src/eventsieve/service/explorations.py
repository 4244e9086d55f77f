"""Explorations of data sets: values that are computed once and kept, and the report that is drawn from them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import cuts_of, explore
from eventsieve.errors import BadRequest, NoReport
from eventsieve.records import Dataset, Detail, Exploration, Limits, Outcome, State
from eventsieve.service.datasets import Datasets
from eventsieve.storage.files import ORPHAN_SECONDS, Files
from eventsieve.storage.once import Once
from eventsieve.training.channel import Channel
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

__all__ = ["Explorations", "draw"]

VERSION = 3
"""To be raised when the same tables give other values: what older versions have kept is not found then."""
BINS = 50
MOST_BINS = 1_000
MOST_CUTS = 50
"""Files after a cut that are kept of a data set, those used last: everyone who looks at it may think of new cuts."""
LIMITS = Limits(seconds=300.0)
"""What the drawing of a report may take: some seconds for 30 features, a minute for some hundred."""
_CUT = "cut"


@dataclass(frozen=True)
class _Wanted:
    """What is asked for: the data sets, and the way of looking at them."""

    first: Dataset
    second: Dataset | None
    bins: int
    cut: str | None
    detail: Detail

    @property
    def key(self) -> str:
        """The name of the file of values: the data sets' ids, and a hash of how they are read and looked at."""
        schemas = [each.event_schema.model_dump() for each in (self.first, self.second) if each is not None]
        kind = "" if self.cut is None else _CUT
        way = _hash([VERSION, self.bins, self.cut, self.detail, schemas])
        return f"{self.first.id}-{self.second.id if self.second else ''}-{kind}{way}.json"


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
        self._exploring: Once[Exploration] = Once()
        self._drawing: Once[Path] = Once()
        # One of each at a time: the tables are in memory. What is wanted fast does not wait for what takes long.
        self._computing: dict[Detail, threading.Lock] = {"histograms": threading.Lock(), "all": threading.Lock()}

    def explore(
        self,
        dataset: str,
        *,
        against: str | None = None,
        bins: int = BINS,
        cut: str | None = None,
        detail: Detail = "all",
    ) -> Exploration:
        """What is to be known of a data set, and of another beside it; computed once, then read.

        Args:
            dataset: its id.
            against: id of the data set that it is compared with.
            bins: number of bins of each feature's histograms.
            cut: a condition on the events of both, see `eventsieve.domain.cuts`.
            detail: "histograms" leaves out what takes longer: correlations, duplicates, drift.

        Raises:
            DatasetNotFound: there is no such data set.
            BadRequest: the number of bins is none, or the cut is none on both data sets.
            BadTable: the events cannot be read as the schema says, or the two have no feature in common.
            TooLarge: there are more events than may be in memory.
            DamagedArtefact: what is stored of a data set is not what was stored.
        """
        if not 1 <= bins <= MOST_BINS:
            raise BadRequest(f"Histograms cannot have {bins} bins; ask for 1 to {MOST_BINS}.")
        wanted = self._wanted(dataset, against, bins, cut, detail)
        # Of the whole the histograms are a part.
        found = self._kept(wanted.key) or self._kept(replace(wanted, detail="all").key)
        return found if found is not None else self._exploring(wanted.key, lambda: self._compute(wanted))

    def pdf(self, dataset: str, *, against: str | None = None, cut: str | None = None) -> Path:
        """The report as a PDF; drawn once, in a process of its own. The call waits until it is there.

        Raises:
            NoReport: it could not be drawn.
            DatasetNotFound, BadRequest, BadTable, TooLarge, DamagedArtefact: as for the values.
        """
        self.explore(dataset, against=against, cut=cut)
        wanted = self._wanted(dataset, against, BINS, cut, "all")
        names = [each.name for each in (wanted.first, wanted.second) if each is not None]
        values = wanted.key
        # The names stand on the title page.
        key = f"{values.removesuffix('.json')}-{_hash(names)}.pdf"
        path = self._shelf.path(key)
        return path if path.is_file() else self._drawing(key, lambda: self._draw(key, values, names))

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

    def _wanted(self, dataset: str, against: str | None, bins: int, cut: str | None, detail: Detail) -> _Wanted:
        first = self._datasets.get(dataset)
        second = None if against is None else self._datasets.get(against)
        if cut is not None:
            # Two ways of writing one cut are one exploration.
            ours, _ = cuts_of(cut, first.event_schema, None if second is None else second.event_schema)
            cut = ours.text
        return _Wanted(first, second, bins, cut, detail)

    def _kept(self, key: str) -> Exploration | None:
        try:
            found = Exploration.model_validate_json(self._shelf.path(key).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:  # damaged: it is made again, and replaced
            return None
        self._shelf.touch(key)
        return found

    def _compute(self, wanted: _Wanted) -> Exploration:
        with self._computing[wanted.detail]:
            if (kept := self._kept(wanted.key)) is not None:  # by who has just had this place
                return kept
            events, others = self._events(wanted.first, wanted.second)
            found = explore(events, others, bins=wanted.bins, detail=wanted.detail, cut=wanted.cut)
        path = self._files.new(".json")
        try:
            path.write_text(found.model_dump_json(), encoding="utf-8")
            self._shelf.settle(path, wanted.key)
        finally:
            path.unlink(missing_ok=True)
        if wanted.cut is not None:
            self._drop_cuts(wanted.first)
        return found

    def _events(self, first: Dataset, second: Dataset | None) -> tuple[Events, Events | None]:
        def read(dataset: Dataset) -> Events:
            return self._datasets.events(dataset.id, "optional", schema=dataset.event_schema)

        if second is None:
            return read(first), None
        with ThreadPoolExecutor(2) as pool:
            ours, theirs = pool.map(read, (first, second))
        return ours, theirs

    def _drop_cuts(self, dataset: Dataset) -> None:
        """Remove what was made of the cuts that were used longest ago."""
        made: list[tuple[float, Path]] = []
        for path in self._shelf.folder.glob(f"{dataset.id}-*-{_CUT}*"):
            with suppress(FileNotFoundError):  # another server has removed it
                made.append((path.stat().st_mtime, path))
        for _, path in sorted(made, reverse=True)[MOST_CUTS:]:
            path.unlink(missing_ok=True)

    def _draw(self, key: str, values: str, names: list[str]) -> Path:
        path = self._files.new(".pdf")
        arguments = {"values": str(self._shelf.path(values)), "path": str(path), "tables": names}
        outcome = self._engine.aside(Task("eventsieve.service.explorations:draw", arguments, LIMITS)).result()
        if outcome.state is not State.TRAINED:
            path.unlink(missing_ok=True)
            if outcome.errno is not None:  # what a full disk is answered with is known at the edge
                raise OSError(outcome.errno, outcome.reason, str(path))
            raise NoReport(
                f"The report of {' and '.join(names)} could not be drawn: {outcome.reason} "
                f"Leave out columns that say nothing, or ask for the values of the exploration instead."
            )
        self._shelf.settle(path, key)
        return self._shelf.path(key)


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
        outcome = Outcome(state=State.DIED, reason=f"{error.strerror}.", errno=error.errno)
    channel.answer(outcome)


def _datasets_of(path: Path) -> set[str]:
    """The ids that a file's name holds."""
    return {part for part in path.name.split("-")[:2] if part}


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
