"""How each grows with the number of events, of models at once, and of clients; on request only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyarrow import csv

from benchmarks import plots
from benchmarks.bench import Bench
from benchmarks.load import load
from benchmarks.own import Own, own_server, train
from benchmarks.results import Measurement, SuiteResult
from benchmarks.sending import send_file
from eventsieve import machine
from eventsieve.domain.schema import load_schema

__all__ = ["run"]

EVENTS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
MODELS = (1, 2, 4, 8, 16)
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
QUICK = 3
"""Points of each curve in a try-out."""
QUICK_EVENTS = (1_000, 3_000, 10_000)
LONGEST_SECONDS = 12.0
"""A type that took longer is not trained on more events: the next point is more than three times as many."""
MODEL_EVENTS, QUICK_MODEL_EVENTS = 20_000, 2_000
CLIENT_SECONDS = 3.0
TYPES = ("LogReg", "SVM", "RandomForest", "GradientBoosting", "HistGradientBoosting", "LightGBM")
PREDICTED = ("LogReg", "RandomForest", "LightGBM")
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "RandomForest": {"n_estimators": 100},
    "HistGradientBoosting": {"max_iter": 100, "early_stopping": False},
}
INTRO = """\
Every point is one run. Trainings: seconds from the start of the child's work to the stored artefact, without
validation; a type that takes more than {longest:g} s is not trained on more events. Predictions: a Parquet table as
the body of a request, CSV back, by models that were trained on {first:,} events. Models at once: one job of so many
random forests of 100 trees on {model_events:,} events, different seeds; the ideal is that of
[four models at once](#four-models-at-once) with the processor seconds of the first. Clients: each sends one event
as JSON again and again, for {seconds:g} s.

{images}"""


def run(bench: Bench) -> SuiteResult:
    """All curves; the pictures are drawn anew from them."""
    sizes = QUICK_EVENTS if bench.quick else EVENTS
    with own_server(bench.folder("growing")) as own:
        offered = own.client.estimators()
        found = [*_trainings(bench, own, [name for name in TYPES if name in offered], sizes)]
        found += _predictions(bench, own, [name for name in PREDICTED if name in offered], sizes)
        found += _models(bench, own, MODELS[:QUICK] if bench.quick else MODELS)
        found += _clients(bench, own, CLIENTS[:QUICK] if bench.quick else CLIENTS)
    intro = INTRO.format(
        longest=LONGEST_SECONDS,
        first=sizes[0],
        model_events=QUICK_MODEL_EVENTS if bench.quick else MODEL_EVENTS,
        seconds=CLIENT_SECONDS,
        images=plots.images(),
    )
    result = bench.result("How it grows", intro, found)
    plots.draw(result, bench.folder("quick") if bench.quick else plots.FOLDER)
    return result


def _trainings(bench: Bench, own: Own, types: Sequence[str], sizes: Sequence[int]) -> Iterator[Measurement]:
    took = dict.fromkeys(types, 0.0)
    for events in sizes:
        data = own.client.upload(bench.table("train", "parquet", events=events))
        for name in types:
            if took[name] <= LONGEST_SECONDS:
                took[name] = _train(own, data, name, f"{name}-{events}")
                yield plots.point("training", name, events, took[name], "s")
        data.delete()


def _train(own: Own, data: Any, kind: str, name: str) -> float:
    (trained,) = train(own, data, [{"type": kind, "name": name, "hyperparameters": HYPERPARAMETERS.get(kind, {})}])
    return trained.state.seconds


def _predictions(bench: Bench, own: Own, types: Sequence[str], sizes: Sequence[int]) -> Iterator[Measurement]:
    for events in sizes:
        table = bench.table("test", "parquet", events=events)
        for name in types:
            path = f"/api/v2/models/{name}-{sizes[0]}/predictions?format=csv"
            if events == sizes[0]:
                send_file(own.server.port, path, table)  # which loads the model
            seconds = send_file(own.server.port, path, table).seconds
            yield plots.point("predicting", name, events, seconds, "s")


def _models(bench: Bench, own: Own, numbers: Sequence[int]) -> Iterator[Measurement]:
    table = bench.table("train", "parquet", events=QUICK_MODEL_EVENTS if bench.quick else MODEL_EVENTS)
    data = own.client.upload(table)
    alone = used = 0.0
    for number in numbers:
        specs = [_forest(f"forest-{number}-{seed}", seed) for seed in range(number)]
        began = time.perf_counter()
        trained = train(own, data, specs)
        seconds = time.perf_counter() - began
        if number == 1:
            alone, used = seconds, trained[0].processor_seconds
        yield plots.point("models", "Eventsieve", number, seconds, "s")
        yield plots.point("models", "ideal packing", number, max(alone, number * used / machine.cores()), "s")


def _forest(name: str, seed: int) -> dict[str, Any]:
    return {"type": "RandomForest", "name": name, "hyperparameters": {"n_estimators": 100, "random_state": seed}}


def _clients(bench: Bench, own: Own, numbers: Sequence[int]) -> Iterator[Measurement]:
    body = _event(bench.table("train", events=2_000))
    path = f"/api/v2/models/LogReg-{(QUICK_EVENTS if bench.quick else EVENTS)[0]}/predictions"
    for number in numbers:
        seconds = 0.5 if bench.quick else CLIENT_SECONDS
        seen = load(own.server.port, path, body, clients=number, seconds=seconds)
        yield plots.point("latency", "median", number, seen.p50, "ms")
        yield plots.point("latency", "99th percentile", number, seen.p99, "ms")
        yield plots.point("throughput", "answers", number, seen.rate, "1/s")


def _event(table: Path) -> bytes:
    row = csv.read_csv(table).slice(0, 1).to_pylist()[0]
    return json.dumps(
        {"events": [{name: row[name] for name in load_schema("atlas-higgs-2014").feature_names}]}
    ).encode()
