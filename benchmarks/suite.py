"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.limits import compare_limits
from benchmarks.predicting import compare_predicting
from benchmarks.reading import compare_reading
from benchmarks.results import Comparison, markdown
from benchmarks.starting import compare_starting
from eventsieve.domain.simulation import simulate
from eventsieve.storage.tables import write_table

__all__ = ["main"]

NAMES = ("reading", "predicting", "starting", "limits")


def main() -> None:
    """Measure what is named on the command line, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--events", type=int, default=250_000, help="events of the table (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all runs as JSON")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    # The children of both sides import this package.
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or they would compile all of it again each time
    with tempfile.TemporaryDirectory() as folder:
        found = list(_measure(options.names or NAMES, options.events, options.runs, Path(folder)))
    if options.json:
        print(json.dumps([asdict(each) | {"ratio": each.ratio} for each in found], indent=1))
    else:
        print(markdown(found))


def _measure(names: tuple[str, ...], events: int, runs: int, folder: Path) -> Iterator[Comparison]:
    table = folder / "events.csv"
    if {"reading", "predicting"}.intersection(names):
        write_table(simulate(events, seed=0), table)
    benchmarks: dict[str, Callable[[], list[Comparison]]] = {
        "reading": lambda: compare_reading(table, runs),
        "predicting": lambda: compare_predicting(table, events, runs, folder),
        "starting": lambda: compare_starting(runs),
        "limits": lambda: compare_limits(runs),
    }
    for name in names:
        began = time.monotonic()
        yield from benchmarks[name]()
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
