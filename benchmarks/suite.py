"""The command line of the benchmarks: which suites there are, and running them one after another."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType

from benchmarks.bench import Bench
from benchmarks.docs import summary, write_page
from benchmarks.results import SuiteResult, save

__all__ = ["ON_REQUEST", "SUITES", "main"]

SUITES = {
    "predict": "benchmarks.predicting:run",
    "events": "benchmarks.json_events:run",
    "reading": "benchmarks.reading:run",
    "training": "benchmarks.training:run",
    "packing": "benchmarks.packing:run",
    "boosting": "benchmarks.boosting:run",
    "exploring": "benchmarks.exploring:run",
    "uploading": "benchmarks.uploading:run",
    "memory": "benchmarks.memory:run",
    "starting": "benchmarks.starting:run",
    "limits": "benchmarks.limits:run",
    "growing": "benchmarks.growing:run",
}
"""Each is ``run(bench: Bench) -> SuiteResult``; loaded when it runs, so that one that is broken breaks no other."""
ON_REQUEST = frozenset({"growing"})
QUICK_EVENTS = 20_000


def main() -> None:
    """Measure what is named on the command line, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; or docs. Default: all")
    parser.add_argument("--events", type=int, default=0, help="events of the table to predict (default: 550,000)")
    parser.add_argument("--runs", type=int, default=0, help="runs of each side (default: 5)")
    parser.add_argument("--quick", action="store_true", help="small tables, two runs: to try it out, proves nothing")
    options = parser.parse_args()
    if options.names == ["docs"]:
        print(write_page())
        return
    names = options.names or [name for name in SUITES if name not in ON_REQUEST]
    if unknown := [name for name in names if name not in SUITES]:
        parser.error(f"there is no suite {', '.join(unknown)}; there are: {', '.join(SUITES)}")
    _prepare()
    failed = [name for name in names if not _measure(name, _bench(name, options))]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _bench(name: str, options: argparse.Namespace) -> Bench:
    if options.quick:
        test = options.events or QUICK_EVENTS
        return Bench(name, options.runs or 2, events_train=min(test, QUICK_EVENTS), events_test=test, quick=True)
    return Bench(name, options.runs or 5, events_test=options.events or 550_000)


def _prepare() -> None:
    # The children of both sides import this package.
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or they would compile all of it again each time
    # Everything is put away in `finally`, which a plain signal would pass over.
    for sent in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sent, _leave)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _measure(name: str, bench: Bench) -> bool:
    """Run one suite, keep what it found and print it; a suite that fails is told and does not end the others."""
    module, _, function = SUITES[name].partition(":")
    began = time.monotonic()
    try:
        result: SuiteResult = getattr(importlib.import_module(module), function)(bench)
    except Exception:  # noqa: BLE001 - the edge of the program: told with its traceback
        traceback.print_exc()
        return False
    # What was tried out on small tables must not be taken for a result.
    kept = save(result, bench.folder("quick")) if bench.quick else save(result)
    print(summary(result))
    sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s, kept in {kept}\n")
    return True
