"""What a suite is given: sizes, tables, rivals, and the turns in which both sides run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeVar

from benchmarks import data
from benchmarks.results import Machine, Measurement, SuiteResult
from benchmarks.venvs import Rival, RivalMissing, make_rival
from eventsieve import machine

__all__ = ["BUILD", "Bench", "alternate", "timed"]

BUILD = Path(__file__).resolve().parents[1] / "build" / "bench"
LIBRARIES = ("eventsieve", "numpy", "pyarrow", "scikit-learn", "uvicorn")
T = TypeVar("T")


def alternate(
    ours: Callable[[], T], rivals: Mapping[str, Callable[[], T]], *, runs: int
) -> tuple[list[T], dict[str, list[T]]]:
    """Run both sides in turns, so that a minute in which the machine is slow is slow for all of them.

    Args:
        ours: one run of ours; returns what it measured.
        rivals: one run of each rival's.
        runs: of each.

    Returns:
        Our values, and those of each rival.
    """
    mine: list[T] = []
    others: dict[str, list[T]] = {name: [] for name in rivals}
    for _ in range(runs):
        mine.append(ours())
        for name, run in rivals.items():
            others[name].append(run())
    return mine, others


def timed(work: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass
class Bench:
    """One suite's measuring.

    Attributes:
        name: of the suite.
        runs: of each side.
        events_train: events of the table to train on.
        events_test: events of the table to predict.
        quick: a small try-out; suites shrink their own sizes too.
        missing: rivals that were asked for and are not there, with the reason.
    """

    name: str
    runs: int = 5
    events_train: int = 250_000
    events_test: int = 550_000
    quick: bool = False
    missing: dict[str, str] = field(default_factory=dict)

    def table(
        self, which: Literal["train", "test", "heldout"], kind: Literal["csv", "parquet"] = "csv", events: int = 0
    ) -> Path:
        """A table of events, made on first use and kept in ``build/bench/``.

        ``train`` and ``heldout`` have weights and labels and share no real event; ``test`` has neither.

        Args:
            which: the table.
            kind: its format.
            events: how many; default: `events_train`, `events_test`, and a fifth of `events_train`.
        """
        default = {"train": self.events_train, "test": self.events_test, "heldout": self.events_train // 5}[which]
        return data.table(BUILD / "tables", which, kind, events or default)

    def rival(self, name: str) -> Rival:
        """A rival in an environment of its own, installed on first use.

        Raises:
            RivalMissing: it cannot be had here; `missing` has the reason then.
        """
        try:
            return make_rival(name, BUILD / "venvs")
        except RivalMissing as missing:
            self.missing[name] = str(missing)
            raise

    def try_rival(self, name: str) -> Rival | None:
        """As `rival`; None where it is missing, which the results say."""
        try:
            return self.rival(name)
        except RivalMissing:
            return None

    def folder(self, name: str) -> Path:
        """A folder below ``build/bench/`` for what a suite keeps between runs."""
        path = BUILD / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def result(self, title: str, intro: str, measurements: list[Measurement]) -> SuiteResult:
        """What the suite returns."""
        return SuiteResult(
            self.name, title, intro, tuple(measurements), dict(self.missing), self._machine, quick=self.quick
        )

    @cached_property
    def _machine(self) -> Machine:
        return Machine(
            cores=machine.cores(),
            cpu=_cpu(),
            memory_gb=round(machine.memory() / 1e9, 1),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            python=platform.python_version(),
            versions={name: version(name) for name in LIBRARIES},
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            load=round(os.getloadavg()[0], 2),
        )

    def __post_init__(self) -> None:
        """Look at the machine before the suite puts load on it."""
        _ = self._machine


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
