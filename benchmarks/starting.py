"""From "train this" to a process that is ready to, against spawning one with the same imports."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from multiprocessing.connection import Connection

from benchmarks.results import Comparison
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

__all__ = ["compare_starting"]

TASK = "eventsieve.training.worker"


def compare_starting(runs: int) -> list[Comparison]:
    """The time until a child is ready, in turns."""
    engine = LocalEngine(1)
    try:
        _ours(engine)  # the first one waits for the libraries,
        _theirs()  # and writes their bytecode if nobody has
        pairs = [(_ours(engine), _theirs()) for _ in range(runs)]
    finally:
        engine.close()
    mine, others = zip(*pairs, strict=True)
    rival = "`multiprocessing`, `spawn`, importing what a training needs"
    return [Comparison("start a training: from submit to ready", "ms", rival, mine, others)]


def _ours(engine: LocalEngine) -> float:
    ready: list[float] = []
    task = Task("benchmarks.doomed:answer", {}, started=lambda: ready.append(time.perf_counter()))
    engine.reserve(1, queue=True)
    began = time.perf_counter()
    engine.submit(task).result()
    return 1e3 * (ready[0] - began)


def _theirs() -> float:
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
