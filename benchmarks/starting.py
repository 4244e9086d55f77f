"""Starting: the command, the server, and a child that trains."""

from __future__ import annotations

import importlib
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bench import Bench, alternate, timed
from benchmarks.own import own_server
from benchmarks.results import LIMIT, Measurement, SuiteResult
from benchmarks.serving import Wanted, baseline_server, mlflow_server, train_and_pickle
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

__all__ = ["run"]

TASK = "eventsieve.training.worker"
HELP_SECONDS, SERVE_SECONDS = 0.3, 2.0
MODEL = Wanted("LogReg", 2_000)
SPAWN = "`multiprocessing`, `spawn`, importing what a training needs"
INTRO = """\
Fresh processes, whose files the system has read before. *Help* ends with the process. *To the first answer*: from
starting the server, over an empty store for us, with one model for the rivals, until a `GET` that is repeated every
20 ms is answered. *Start a training*: from the engine's `submit` to a child that has loaded the libraries and is
ready to train."""


def run(bench: Bench) -> SuiteResult:
    """Seconds of each, in turns with the rivals."""
    return bench.result("Starting", INTRO, [_help(bench), _serve(bench), _child(bench.runs)])


def _help(bench: Bench) -> Measurement:
    ours = [str(Path(sys.executable).with_name("eventsieve")), "--help"]
    rival = bench.try_rival("mlflow")
    theirs = {rival.label("mlflow", "MLflow"): [str(rival.python.with_name("mlflow")), "--help"]} if rival else {}

    def seconds(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
        return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment))

    environment = rival.environment if rival else None
    seconds(ours)  # which writes bytecode where there is none
    for command in theirs.values():
        seconds(command, environment)
    mine, others = alternate(
        lambda: seconds(ours),
        {name: partial(seconds, command, environment) for name, command in theirs.items()},
        runs=bench.runs,
    )
    rivals = {name: tuple(values) for name, values in others.items()}
    return Measurement("`--help`", "s", "less", tuple(mine), rivals, {LIMIT: HELP_SECONDS})


def _serve(bench: Bench) -> Measurement:
    folder = bench.folder("starting")
    with own_server(folder) as own:
        train_and_pickle(bench, own, (MODEL,), folder)

    def ours() -> float:
        with own_server(folder) as own:
            return own.server.seconds

    rivals = {}
    if baseline := bench.try_rival("baseline"):

        def fastapi() -> float:
            with baseline_server(baseline, folder) as server:
                return server.seconds

        rivals[f"{baseline.label('fastapi', 'FastAPI')} + pandas"] = fastapi
    if mlflow := bench.try_rival("mlflow"):

        def models_serve() -> float:
            with mlflow_server(mlflow, folder, MODEL.type) as server:
                return server.seconds

        rivals[f"{mlflow.label('mlflow', 'MLflow')} `models serve`"] = models_serve
    mine, others = alternate(ours, rivals, runs=bench.runs)
    theirs = {name: tuple(values) for name, values in others.items()}
    return Measurement("`serve` to the first answer", "s", "less", tuple(mine), theirs, {LIMIT: SERVE_SECONDS})


def _child(runs: int) -> Measurement:
    engine = LocalEngine(1)
    try:
        _ready(engine)  # the first one waits for the libraries,
        _spawned()  # and writes their bytecode if nobody has
        mine, others = alternate(lambda: _ready(engine), {SPAWN: _spawned}, runs=runs)
    finally:
        engine.close()
    return Measurement("start a training", "ms", "less", tuple(mine), {SPAWN: tuple(others[SPAWN])})


def _ready(engine: LocalEngine) -> float:
    ready: list[float] = []
    task = Task("benchmarks.doomed:answer", {}, started=lambda: ready.append(time.perf_counter()))
    engine.reserve(1, queue=True)
    began = time.perf_counter()
    engine.submit(task).result()
    return 1e3 * (ready[0] - began)


def _spawned() -> float:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    began = time.perf_counter()
    process = context.Process(target=_become_ready, args=(there,))
    process.start()
    here.recv()
    seconds = time.perf_counter() - began
    process.join()
    return 1e3 * seconds


def _become_ready(connection: Connection) -> None:
    importlib.import_module(TASK)
    connection.send("ready")
