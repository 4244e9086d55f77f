"""Vitals: whether the service can do its work just now, and how much of what it has is in use."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import _CacheInfo
from pathlib import Path

from eventsieve.service.ready import ReadyModels
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training.engine import LocalEngine

__all__ = ["Pulse", "Vitals"]

USAGE_SECONDS = 60.0
"""How long the sizes of the store's folders are believed: to add them up takes a look at each file."""


@dataclass(frozen=True)
class Pulse:
    """What is in use just now.

    Attributes:
        slots: training slots in all.
        running: slots that are at work.
        free: slots that nothing runs in and nothing waits for.
        waiting: trainings that wait for a slot.
        hits: how often a model that was needed was in memory.
        misses: how often it was not.
        cached: models in memory.
        ready: names under which models are ready for a few events at once.
    """

    slots: int
    running: int
    free: int
    waiting: int
    hits: int
    misses: int
    cached: int
    ready: int


class Vitals:
    """The room of vitals; everything here is quick, but for a database or a disk that does not answer.

    Args:
        files: the store's files.
        registry: the store's facts.
        engine: what trains.
        cache: tells how often models were in memory.
        ready: the models that are ready.
    """

    def __init__(
        self,
        files: Files,
        registry: Registry,
        engine: LocalEngine,
        *,
        cache: Callable[[], _CacheInfo],
        ready: ReadyModels,
    ) -> None:
        self._files = files
        self._registry = registry
        self._engine = engine
        self._cache = cache
        self._ready = ready
        self._usage: tuple[float, dict[str, int]] = (float("-inf"), {})

    def try_database(self) -> None:
        """See that the registry's database answers.

        Raises:
            StoreUnavailable: it does not.
        """
        self._registry.ping()

    def try_store(self) -> None:
        """See that files can be written.

        Raises:
            OSError: they cannot.
        """
        path = self._files.new(".try")
        try:
            path.write_bytes(b"\n")
        finally:
            path.unlink(missing_ok=True)

    def room(self) -> tuple[int, int]:
        """Bytes that are free on the disk of the store, and that it has."""
        usage = shutil.disk_usage(self._files.root)
        return usage.free, usage.total

    def usage(self) -> dict[str, int]:
        """Bytes on this machine's disk by the folder of the store they are in; ``registry`` is a SQLite file's."""
        looked, found = self._usage
        if time.monotonic() - looked > USAGE_SECONDS:
            found = _sizes(self._files.root)
            self._usage = (time.monotonic(), found)
        return found

    def pulse(self) -> Pulse:
        """What is in use just now."""
        cache = self._cache()
        return Pulse(
            slots=self._engine.slots,
            running=self._engine.running,
            free=self._engine.free,
            waiting=self._engine.waiting,
            hits=cache.hits,
            misses=cache.misses,
            cached=cache.currsize,
            ready=len(self._ready),
        )


def _sizes(root: Path) -> dict[str, int]:
    sizes = {"registry": 0}
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                sizes[entry.name] = _size(Path(entry.path))
            elif entry.name.startswith("registry."):
                sizes["registry"] += entry.stat().st_size
    return sizes


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it went away meanwhile
                total += os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118 - a Path each takes thrice as long
    return total
