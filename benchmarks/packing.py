"""Four models at once, against the ideal packing of their single times on the cores that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from benchmarks.bench import Bench
from benchmarks.own import Own, Trained, own_server, train
from benchmarks.results import Measurement, SuiteResult
from eventsieve import machine
from eventsieve.client.datasets import Dataset

__all__ = ["ideal", "run"]

EVENTS, QUICK_EVENTS = 30_000, 4_000
SLACK = 1.15
RIVAL = "ideal packing of the single times"
MODELS: Mapping[str, dict[str, Any]] = {
    "LogReg": {"solver": "saga", "max_iter": 400, "tol": 1e-12},
    "SVM": {"C": 5.0},
    "RandomForest": {"n_estimators": 400},
    "GradientBoosting": {"n_estimators": 25},
}
"""Hyperparameters with which each takes some seconds alone, whatever makes it fast."""
INTRO = """\
Four models on {events:,} events: {models}. Each is first trained alone, with the whole machine for itself, then all
four in one job; both in every turn. *Seconds* are those from the request to the end as the client sees it. The ideal
packing is the larger of two bounds that no schedule can beat: the longest single time, and the sum of the processor
seconds that the four used alone, divided by the number of cores. It knows no start of a process, no server and no
shared memory bandwidth."""


def ideal(singles: Sequence[Trained], cores: int) -> float:
    """The least seconds in which the same work could be done at once."""
    longest = max(each.seconds for each in singles)
    return max(longest, sum(each.processor_seconds for each in singles) / cores)


def run(bench: Bench) -> SuiteResult:
    """Seconds of each model alone, of all at once, and of the ideal packing."""
    numbers = count()
    with own_server(bench.folder("packing")) as own:
        data = own.client.upload(bench.table("train", events=QUICK_EVENTS if bench.quick else EVENTS))
        turns = [_turn(own, data, numbers) for _ in range(bench.runs)]
    together = tuple(seconds for _, seconds in turns)
    packed = tuple(ideal(singles, machine.cores()) for singles, _ in turns)
    measurements = [Measurement("all four at once", "s", "less", together, {RIVAL: packed}, {RIVAL: 1 / SLACK})]
    for position, name in enumerate(MODELS):
        alone = [singles[position] for singles, _ in turns]
        used = sorted(each.processor_seconds for each in alone)[len(alone) // 2]
        note = f"{used:.1f} processor seconds (median)"
        measurements.append(Measurement(f"{name} alone", "s", "less", tuple(each.seconds for each in alone), note=note))
    models = "; ".join(f"{name} {_shown(values)}" for name, values in MODELS.items())
    intro = INTRO.format(events=data.events, models=models)
    return bench.result("Four models at once", intro, measurements)


def _turn(own: Own, data: Dataset, numbers: count[int]) -> tuple[list[Trained], float]:
    """Each alone, then all at once; the models do not stay."""
    specs: list[Mapping[str, Any]] = [
        {"type": name, "name": f"{name}-{next(numbers)}", "hyperparameters": values} for name, values in MODELS.items()
    ]
    singles = [train(own, data, [spec])[0] for spec in specs]
    _drop(own, specs)
    together = train(own, data, specs)[0].seconds
    _drop(own, specs)
    return singles, together


def _drop(own: Own, specs: Sequence[Mapping[str, Any]]) -> None:
    for spec in specs:
        own.client.model(spec["name"]).delete()


def _shown(values: Mapping[str, Any]) -> str:
    return "`" + ", ".join(f"{name}={value!r}" for name, value in values.items()) + "`"
