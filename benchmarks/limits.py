"""Keeping a time limit, against a pool of processes and a result that is waited for with a timeout."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import psutil

from benchmarks import doomed
from benchmarks.bench import Bench, alternate
from benchmarks.results import Measurement, SuiteResult
from eventsieve.records import Limits, State
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task
from eventsieve.training.deadline import run as run_task

__all__ = ["run"]

LIMIT_SECONDS = 1.0
AFTERWARDS_SECONDS = 1.0
QUANTITIES = (("answer after the limit of 1 s", "ms"), ("processor time in the second after it", "s"))
RIVAL = "`ProcessPoolExecutor`, `result(timeout=1)`"
INTRO = """\
Fits of 60,000 events with 30 features that would take minutes, with a limit of one second. The answer of Python's own
pool comes sooner because it is only an answer: its worker goes on for as long as the fit would have taken, and the pool
has no way to stop it. Eventsieve answers when the process is gone. What tells them apart is the processor time that is
used in the second after the answer; on a machine where others work too, the pool gets less of it than it would take."""


def run(bench: Bench) -> SuiteResult:
    """For each doomed fit: when the answer comes, and what is burned in the second after it."""
    found = []
    nursery = Nursery()
    try:
        run_task(nursery, Task("benchmarks.doomed:answer", {}))  # its libraries are loaded then, as the rival's are
        for case in list(doomed.CASES)[: 1 if bench.quick else None]:
            found += _case(bench, nursery, case)
    finally:
        nursery.close()
    return bench.result("Keeping a time limit", INTRO, found)


def _case(bench: Bench, nursery: Nursery, case: str) -> list[Measurement]:
    mine, others = alternate(lambda: _ours(nursery, case), {RIVAL: lambda: _theirs(case)}, runs=bench.runs)
    return [
        Measurement(
            f"{case}: {what}",
            unit,
            "less",
            tuple(each[i] for each in mine),
            {RIVAL: tuple(each[i] for each in others[RIVAL])},
        )
        for i, (what, unit) in enumerate(QUANTITIES)
    ]


def _ours(nursery: Nursery, case: str) -> tuple[float, float]:
    ready: list[float] = []
    limits = Limits(seconds=LIMIT_SECONDS)
    task = Task("benchmarks.doomed:run", {"case": case}, limits, started=lambda: ready.append(time.perf_counter()))
    outcome = run_task(nursery, task)
    late = time.perf_counter() - ready[0] - LIMIT_SECONDS
    if outcome.state is not State.TIMED_OUT:
        raise RuntimeError(f"{case} ended: {outcome.state}, {outcome.reason}")
    me = psutil.Process()
    return 1e3 * late, _burned(me.children(recursive=True))


def _theirs(case: str) -> tuple[float, float]:
    # Not fork, the default before Python 3.14: this process has threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.doomed"])
    pool = ProcessPoolExecutor(1, mp_context=context)
    pool.submit(doomed.warm).result()
    workers = [psutil.Process(process.pid) for process in multiprocessing.active_children() if process.pid]
    future = pool.submit(doomed.fit, case)
    began = time.perf_counter()
    try:
        future.result(timeout=LIMIT_SECONDS)
    except TimeoutError:
        late = time.perf_counter() - began - LIMIT_SECONDS
    else:
        raise RuntimeError(f"{case} ended")
    burned = _burned(workers)
    for worker in workers:  # it would go on until it is done, and the interpreter would wait for it at exit
        worker.kill()
    pool.shutdown(cancel_futures=True)
    return 1e3 * late, burned


def _burned(processes: list[psutil.Process]) -> float:
    """Processor seconds that these processes use in the time after."""
    before = _processor_seconds(processes)
    time.sleep(AFTERWARDS_SECONDS)
    return _processor_seconds(processes) - before


def _processor_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
