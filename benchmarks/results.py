"""What a suite found: every run of ours and of each rival's, their ratios, and the machine that it was on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

__all__ = ["LIMIT", "RESULTS", "Machine", "Measurement", "SuiteResult", "load", "load_all", "save"]

RESULTS = Path(__file__).parent / "results"
LIMIT = "limit"
"""In `Measurement.targets`, the name of a target that our own value must keep, whatever the rivals do."""


@dataclass(frozen=True)
class Measurement:
    """One quantity, measured on both sides in turns.

    Attributes:
        what: the quantity.
        unit: of all values, as it is printed: ``s``, ``ms``, ``MB``, ``1/s``, ``MB/s`` or nothing.
        better: whether ``less`` of it is better, or ``more``.
        ours: our values, a run each.
        rivals: those of each rival by its name with its version; without a value where it failed.
        targets: by a rival's name the ratio to reach; under ``"limit"`` the value that ours must not be worse than.
        note: what a reader must know to understand the numbers; printed below the table.
    """

    what: str
    unit: str
    better: Literal["less", "more"]
    ours: tuple[float, ...]
    rivals: dict[str, tuple[float, ...]] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def ratio(self, rival: str) -> float | None:
        """How many times better our median is than the rival's: above 1 where we win; None where it means nothing."""
        theirs = self.rivals[rival]
        if not theirs or not self.ours:
            return None
        worse, best = statistics.median(theirs), statistics.median(self.ours)
        if self.better == "more":
            worse, best = best, worse
        return worse / best if best > 0 else None

    def met(self, name: str) -> bool | None:
        """Whether a target is reached; None where there is nothing to compare."""
        wanted = self.targets[name]
        if name != LIMIT:
            reached = self.ratio(name) if name in self.rivals else None
            return None if reached is None else reached >= wanted
        if not self.ours:
            return None
        median = statistics.median(self.ours)
        return median <= wanted if self.better == "less" else median >= wanted


@dataclass(frozen=True)
class Machine:
    """Where and when it was measured.

    Attributes:
        cores: those that this process may use.
        cpu: the processor's name.
        memory_gb: of main memory.
        system: kernel and architecture.
        python: version that runs Eventsieve.
        versions: of the libraries below Eventsieve, by their names.
        date: ISO 8601, in UTC.
        load: processes that wanted to run, averaged over the minute before the suite began.
    """

    cores: int
    cpu: str
    memory_gb: float
    system: str
    python: str
    versions: dict[str, str]
    date: str
    load: float


@dataclass(frozen=True)
class SuiteResult:
    """What one suite found.

    Attributes:
        name: of the suite, and of its file.
        title: heading in the documentation.
        intro: Markdown above the table: what was run and how; it may end in sentences about what the numbers show.
        measurements: in the order of the table.
        missing: rivals that could not be measured, and why.
        machine: where and when.
        quick: measured on small tables, to try the suite out: proves nothing.
    """

    name: str
    title: str
    intro: str
    measurements: tuple[Measurement, ...]
    missing: dict[str, str]
    machine: Machine
    quick: bool = False

    # A misspelt key in a file would otherwise be a silent default.
    __pydantic_config__ = ConfigDict(extra="forbid")


_ADAPTER = TypeAdapter(SuiteResult)


def save(result: SuiteResult, folder: Path = RESULTS) -> Path:
    """Write it as ``NAME.json``, in place of what was there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    written = path.with_suffix(".part")
    written.write_bytes(_ADAPTER.dump_json(result, indent=1) + b"\n")
    written.replace(path)
    return path


def load(path: Path) -> SuiteResult:
    """The result in a file.

    Raises:
        pydantic.ValidationError: it holds none.
    """
    return _ADAPTER.validate_json(path.read_bytes())


def load_all(folder: Path = RESULTS) -> list[SuiteResult]:
    """All that there are, by their names."""
    return [load(path) for path in sorted(folder.glob("*.json"))]
