"""One event as JSON: latency and throughput at 1, 16 and 64 clients, against other servers with the same model."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack

from pyarrow import csv

from benchmarks.bench import Bench, alternate
from benchmarks.load import Load, load
from benchmarks.own import own_server
from benchmarks.results import LIMIT, Measurement, SuiteResult
from benchmarks.serving import Wanted, baseline_server, mlflow_server, train_and_pickle
from benchmarks.venvs import RivalMissing
from eventsieve.domain.schema import load_schema

__all__ = ["run"]

INTRO = """\
A logistic regression answers one event at a time; each client has one connection and sends its next event when it has
the answer to the one before. The clients are one process of asyncio, the same for all (`benchmarks/load.py`), on the
same cores as the server. All servers run as they do by default: one process that answers. *The bare call* is
`predict_proba` of one row by the same pipeline in a script, without any server; `limit` is its median and 2 ms."""
CLIENTS = (1, 16, 64)
SECONDS = 3.0
CALLS = 2000
OVER_THE_CALL_MS = 2.0
TIMES_MLFLOW = 5.0
MODEL = Wanted("LogReg", 50_000)

Run = Callable[[], Load]
Target = tuple[int, str, dict[str, object]]
"""Port, path and body of a request."""


def run(bench: Bench) -> SuiteResult:
    """Milliseconds and answers per second, for each number of clients."""
    folder = bench.folder("events") / "models"
    event = _event(bench)
    with own_server(bench.folder("events")) as own, ExitStack() as stack:
        train_and_pickle(bench, own, (MODEL,), folder)
        servers = _servers(bench, stack, event)
        path = f"/api/v2/models/{MODEL.type}/predictions"
        ours: Target = (own.server.port, path, {"events": [event]})
        bare = _bare(bench)
        found = []
        for clients in CLIENTS:
            found += _at(bench, {"ours": ours} | servers, clients, bare)
        return bench.result("One event as JSON", INTRO, found)


def _event(bench: Bench) -> dict[str, float]:
    """The first event of the table, as a client would write it."""
    row = csv.read_csv(bench.table("train", events=2_000)).slice(0, 1).to_pylist()[0]
    return {name: row[name] for name in load_schema("atlas-higgs-2014").feature_names}


def _servers(bench: Bench, stack: ExitStack, event: dict[str, float]) -> dict[str, Target]:
    """What to ask of each of the rivals that are there."""
    folder = bench.folder("events") / "models"
    found: dict[str, Target] = {}
    if rival := bench.try_rival("baseline"):
        server = stack.enter_context(baseline_server(rival, folder))
        found["baseline"] = (server.port, f"/models/{MODEL.type}/predict", {"features": event})
    try:
        rival = bench.rival("mlflow")
        server = stack.enter_context(mlflow_server(rival, folder, MODEL.type))
    except (RivalMissing, RuntimeError) as failed:
        bench.missing["mlflow"] = str(failed)
    else:
        rows = {"columns": list(event), "data": [[float(value) for value in event.values()]]}
        found[rival.label("mlflow", "MLflow")] = (server.port, "/invocations", {"dataframe_split": rows})
    return found


def _bare(bench: Bench) -> dict[str, tuple[float, ...]]:
    """The 50th and 99th percentile of calls in process, a value a run."""
    rival = bench.try_rival("baseline")
    if rival is None:
        return {}
    pickled = bench.folder("events") / "models" / f"{MODEL.type}.pickle"
    runs = [rival.run("one_call", pickled, CALLS) for _ in range(bench.runs)]
    return {name: tuple(float(each[name]) for each in runs) for name in ("p50", "p99")}


def _at(
    bench: Bench,
    servers: dict[str, Target],
    clients: int,
    bare: dict[str, tuple[float, ...]],
) -> list[Measurement]:
    seconds = 0.5 if bench.quick else SECONDS
    runs = {name: _loading(*told, clients=clients, seconds=seconds) for name, told in servers.items()}
    ours, others = alternate(runs.pop("ours"), runs, runs=bench.runs)
    what = f"{clients} client{'s' if clients > 1 else ''}"
    found = []
    for name, title in (("p50", "median latency"), ("p99", "99th percentile")):
        theirs = {rival: tuple(getattr(each, name) for each in loads) for rival, loads in others.items()}
        # Many clients wait for each other at one process: only a single one sees what an answer takes.
        alone = {"the bare call": bare[name]} if bare and clients == 1 else {}
        limit = {LIMIT: sorted(bare[name])[len(bare[name]) // 2] + OVER_THE_CALL_MS} if bare and name == "p50" else {}
        mine = tuple(getattr(each, name) for each in ours)
        found.append(Measurement(f"{title}, {what}", "ms", "less", mine, theirs | alone, limit))
    rates = {rival: tuple(each.rate for each in loads) for rival, loads in others.items()}
    targets = {rival: TIMES_MLFLOW for rival in rates if rival.startswith("MLflow")}
    mine = tuple(each.rate for each in ours)
    return [*found, Measurement(f"answers per second, {what}", "1/s", "more", mine, rates, targets)]


def _loading(port: int, path: str, body: dict[str, object], *, clients: int, seconds: float) -> Run:
    sent = json.dumps(body).encode()
    return lambda: load(port, path, sent, clients=clients, seconds=seconds)
