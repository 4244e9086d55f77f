"""Reading and checking a table of events, against pandas reading it and checking nothing.

Run as ``python -m benchmarks.reading PATH``, it prints what our reading of one table cost, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bare import without_pandas
from benchmarks.bench import Bench, alternate
from benchmarks.processes import MEBIBYTE, peak_memory, resident
from benchmarks.results import Measurement, SuiteResult
from eventsieve.domain.schema import load_schema
from eventsieve.storage.readers import read_events

__all__ = ["run"]

INTRO = """\
A CSV of the challenge's training events, each run in a fresh process. Eventsieve names every fault there is; pandas
only converts: it would take a table with events twice, labels that are none, or numbers that are not finite. Memory is
what comes on top of the loaded libraries."""


def run(bench: Bench) -> SuiteResult:
    """Seconds and memory of both readers."""
    table = bench.table("train")
    rival = bench.try_rival("baseline")
    others = {} if rival is None else {f"{rival.label('pandas')}, unchecked": lambda: rival.run("reading", table)}
    mine, theirs = alternate(lambda: _ours(table), others, runs=bench.runs)
    return bench.result(
        "Reading and checking a table",
        INTRO,
        [
            Measurement(
                what,
                unit,
                "less",
                tuple(each[key] for each in mine),
                {name: tuple(each[key] for each in costs) for name, costs in theirs.items()},
            )
            for what, unit, key in (
                (f"read {bench.events_train:,} events, CSV of {table.stat().st_size / 1e6:.0f} MB", "s", "seconds"),
                ("memory for that", "MB", "megabytes"),
            )
        ],
    )


def _ours(table: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reading", str(table)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _measure(table: Path) -> dict[str, float]:
    without_pandas()
    schema = load_schema("atlas-higgs-2014")
    before = resident(os.getpid())
    began = time.perf_counter()
    events = read_events(table, schema, labels="both classes")
    seconds = time.perf_counter() - began
    del events
    return {"seconds": seconds, "megabytes": (peak_memory() - before) / MEBIBYTE}


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
