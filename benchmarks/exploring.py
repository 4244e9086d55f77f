"""The values behind the page of exploratory analysis, against drawing the same histograms with seaborn."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.bare import without_pandas
from benchmarks.bench import Bench, alternate, timed
from benchmarks.own import Own, own_server
from benchmarks.results import LIMIT, Measurement, SuiteResult
from benchmarks.venvs import Rival

__all__ = ["run"]

SECONDS = 1.5
TIMES_SEABORN = 20.0
BINS = 50
DETAILS = {
    "histograms": "histograms, statistics and separations",
    "all": "all values: distances, correlations, duplicates and drift too",
}
INTRO = """\
{train:,} training and {test:,} test events with 30 features, both comparisons at once: signal with background,
training with test. *Computing* is the call in a fresh process, from the stored data sets to all values, nothing kept
from an earlier call; *over HTTP* is a request to a running server that has not seen it before, JSON and all. The
rival draws 60 histograms by seaborn's `histplot` with `hue`, one by class and one by table for each feature, into
memory; reading its tables is not counted. {once}"""


def run(bench: Bench) -> SuiteResult:
    """Seconds of the values, in both depths, and of the rival's drawing."""
    rival = bench.try_rival("seaborn")
    tables = [bench.table("train"), bench.table("test")]
    with own_server(bench.folder("exploring")) as own:
        ids = [own.client.upload(table).id for table in tables]
        found = {detail: _measured(own, ids, detail, bench.runs) for detail in DETAILS}
    # Its minute does not grow or shrink by more than what is asked of it, a factor of 20.
    drawn: dict[str, tuple[float, ...]] = {rival.label("seaborn"): (_drawn(rival, tables),)} if rival else {}
    targets = {LIMIT: SECONDS, **dict.fromkeys(drawn, TIMES_SEABORN)}
    measurements = [
        Measurement(f"computing: {DETAILS[detail]}", "s", "less", computed, drawn, targets)
        for detail, (computed, _) in found.items()
    ]
    measurements += [
        Measurement(f"over HTTP: {DETAILS[detail]}", "s", "less", asked) for detail, (_, asked) in found.items()
    ]
    once = "It takes a minute, and runs once." if drawn else ""
    intro = INTRO.format(train=bench.events_train, test=bench.events_test, once=once)
    return bench.result("Exploring", intro, measurements)


def _measured(own: Own, ids: list[str], detail: str, runs: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # What was computed once is kept: another number of bins, by one or two, is another exploration.
    numbers = count(BINS + 1)
    computed, asked = alternate(
        lambda: _computed(own.folder, ids, detail),
        {"http": lambda: timed(lambda: _asked(own, ids, detail, next(numbers)))},
        runs=runs,
    )
    return tuple(computed), tuple(asked["http"])


def _asked(own: Own, ids: list[str], detail: Any, bins: int) -> None:
    own.client.dataset(ids[0]).explore(ids[1], bins=bins, detail=detail)


def _computed(folder: Path, ids: list[str], detail: str) -> float:
    command = [sys.executable, "-m", "benchmarks.exploring", str(folder), *ids, detail]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout))


def _drawn(rival: Rival, tables: list[Path]) -> float:
    train, test = map(str, tables)
    return float(rival.run("seaborn_eda", json.dumps({"train": train, "test": test}))["draw"])


def _explored(folder: Path, first: str, second: str, detail: Any) -> float:
    """Seconds of the values in this process."""
    without_pandas()
    from eventsieve.service import Service  # noqa: PLC0415 - only the process that measures it loads it
    from eventsieve.settings import read_settings  # noqa: PLC0415

    with Service.open(read_settings(MODEL_DIR=folder, PDF_PATH="")) as service:
        service.explorations.forget(first)
        began = time.perf_counter()
        service.explorations.explore(first, against=second, bins=BINS, detail=detail)
        return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(_explored(Path(sys.argv[1]), *sys.argv[2:])))
