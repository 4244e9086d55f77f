"""Retention: what nobody has needed for as long as the settings say is removed, once a day.

A clock that jumps ahead must not empty a store. So age is not counted by the clock alone but by days that this store
has seen go by: a file notes until when they have been counted, and it follows the clock by two days a day at most.
After a jump of years, or a year without a server, what is due goes bit by bit, and the log says so meanwhile.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from eventsieve.errors import Conflict, EventsieveError, NotFound
from eventsieve.service.datasets import Datasets
from eventsieve.storage.registry import Registry

__all__ = ["Keep", "Retention"]

ROUND_SECONDS: Final = 24 * 3600.0
LEAST: Final = timedelta(hours=20)
"""Between two steps of the days that are counted: a server that starts again and again makes no more of them."""
STEP: Final = timedelta(days=2)
TOLD: Final = timedelta(days=7)
"""A clock that is so far ahead of the days that are counted is worth a warning."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keep:
    """For how many days what is kept that nobody needs; ``None`` is for ever."""

    datasets: int | None = None
    jobs: int | None = None
    audit: int | None = None

    def __bool__(self) -> bool:
        return any(days is not None for days in (self.datasets, self.jobs, self.audit))


class _Counted(BaseModel):
    """Which days have been counted.

    Attributes:
        clock: what the clock said at the last step.
        until: the moment until which days have been counted.
    """

    clock: datetime
    until: datetime


class Retention:
    """Removes what is due, in a thread of its own.

    Args:
        keep: for how long.
        datasets: the room of data sets.
        registry: the store's facts.
        note: the file that notes which days have been counted.
        clock: the time of day.
    """

    def __init__(
        self,
        keep: Keep,
        datasets: Datasets,
        registry: Registry,
        note: Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keep = keep
        self._datasets = datasets
        self._aging = registry.aging
        self._trail = registry.trail
        self._note = note
        self._clock = clock
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look once a day, the first time now; nothing begins where everything is kept for ever."""
        if self._keep and self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="retention", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop after what is being removed."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> list[str]:
        """Remove what is due; returns it, as the audit trail names it.

        Raises:
            StoreUnavailable: the registry does not answer; the next look goes on.
            OSError: the days cannot be noted; nothing is removed then.
        """
        now = self._now()
        gone = [
            *self._drop_datasets(_before(now, self._keep.datasets)),
            *self._drop_jobs(_before(now, self._keep.jobs)),
            *self._drop_deeds(_before(now, self._keep.audit)),
        ]
        if gone:
            _log.info("removed what was due: %s", ", ".join(gone))
            self._trail.add("retention", gone)
        return gone

    def _go_on(self) -> None:
        while True:
            try:
                self.look()
            except (EventsieveError, OSError) as error:
                _log.warning("what is due could not be removed, and is looked at again tomorrow: %s", error)
            except Exception:  # noqa: BLE001 - the edge of the thread
                _log.exception("what is due could not be removed")
            if self._ended.wait(ROUND_SECONDS):  # by the monotonic clock
                return

    def _now(self) -> datetime:
        """The moment until which days have been counted, which has moved by a step where one is due."""
        clock = self._clock()
        counted = self._counted(clock)
        if clock < counted.clock:  # it was ahead, and has been set back
            counted = _Counted(clock=clock, until=min(counted.until, clock))
        elif clock - counted.clock >= LEAST:
            counted = _Counted(clock=clock, until=min(clock, counted.until + STEP))
        if clock - counted.until > TOLD:
            _log.warning(
                "the clock says %s, and days have been counted until %s only: what is due goes bit by bit; set the "
                "clock if it is wrong",
                clock.date(),
                counted.until.date(),
            )
        self._write(counted)
        return counted.until

    def _counted(self, clock: datetime) -> _Counted:
        try:
            return _Counted.model_validate_json(self._note.read_bytes())
        except FileNotFoundError:
            pass
        except (ValidationError, OSError) as error:
            _log.warning("%s cannot be read, and is written anew: %s", self._note, error)
        # The store was in use then, so so much time has gone by.
        newest = self._aging.newest()
        return _Counted(clock=clock, until=clock if newest is None else min(clock, newest))

    def _write(self, counted: _Counted) -> None:
        new = self._note.with_name(f"{self._note.name}.{os.getpid()}.new")
        new.write_text(counted.model_dump_json(), encoding="utf-8")
        new.replace(self._note)

    def _drop_datasets(self, before: datetime | None) -> list[str]:
        gone = []
        for dataset in [] if before is None else self._aging.unused_datasets(before):
            try:
                self._datasets.remove(dataset)
            except (NotFound, Conflict):  # somebody was faster, or uses it by now
                continue
            gone.append(f"dataset:{dataset}")
        return gone

    def _drop_jobs(self, before: datetime | None) -> list[str]:
        return [] if before is None else [f"job:{job}" for job in self._aging.drop_jobs(before)]

    def _drop_deeds(self, before: datetime | None) -> list[str]:
        count = 0 if before is None else self._trail.prune(before)
        return [f"deeds:{count}"] if count else []


def _before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)
