"""The server's memory: its peak in each kind of work, and whether it grows when the work is repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pyarrow import csv

from benchmarks.bench import Bench
from benchmarks.own import Own, own_server, train
from benchmarks.processes import MEBIBYTE, peak_memory, resident
from benchmarks.results import LIMIT, Measurement, SuiteResult

__all__ = ["growth", "run"]

TIMES_TABLE = 3.0
REPEATS, QUICK_REPEATS = 50, 6
SETTLING = 0.2
"""Part of the repeats after which what is kept for later (loaded models, freed blocks) is there."""
GROWTH = 0.05
"""Of the table, that the memory may grow by in all repeats and be called flat."""
SETTLE_SECONDS = 0.1
INTRO = """\
One server, as it is started by default; its process alone, in MB of 2\\*\\*20 bytes of resident memory, mapped files
included. The peak is the kernel's (`VmHWM`), set back before each kind of work. It contains what the process needs
before any work: {idle:.0f} MB. The limit is three times the columnar size of the tables at work, as Arrow has them in
memory: {train:.0f} MB for {events_train:,} training events, {test:.0f} MB for {events_test:,} events to predict. A
training runs in a process of its own, which has its own line. *Growth* is that of a straight line through the memory
after each repeat, the first fifth left out, over all repeats; the limit is a twentieth of the table."""


def run(bench: Bench) -> SuiteResult:
    """Peaks in MB, and growth in MB."""
    train_table, test_table = bench.table("train"), bench.table("test")
    train_size, test_size = map(_columnar, (train_table, test_table))
    repeats = QUICK_REPEATS if bench.quick else REPEATS
    folder = bench.folder("memory")
    with own_server(folder) as own:
        idle = resident(own.server.pid) / MEBIBYTE
        works = _Works(own, train_table, test_table, folder / "scores.csv")
        measurements = [
            _peak(own, "uploading a CSV", works.upload, test_size),
            _peak(own, "training, the server", works.train, train_size),
            Measurement("training, the process of its own", "MB", "less", (works.child_peak,)),
            _peak(own, "predicting a CSV", works.predict, test_size),
            _peak(own, "exploring both tables", works.explore, train_size + test_size),
        ]
        measurements += _repeated(own, f"{repeats} predictions", works.predict, test_size, repeats)
        measurements += _repeated(own, f"{repeats} uploads and removals", works.upload_and_remove, train_size, repeats)
    intro = INTRO.format(
        idle=idle, train=train_size, test=test_size, events_train=bench.events_train, events_test=bench.events_test
    )
    return bench.result("Memory", intro, measurements)


def growth(values: list[float]) -> float:
    """By how much a straight line through values rises over all of them, the first fifth left out."""
    kept = values[int(SETTLING * len(values)) :]
    slope = np.polyfit(np.arange(len(kept)), kept, 1)[0]
    return float(slope * len(values))


class _Works:
    """The kinds of work, in the order in which they need one another."""

    def __init__(self, own: Own, train_table: Path, test_table: Path, scores: Path) -> None:
        self.own = own
        self.train_table = train_table
        self.test_table = test_table
        self.scores = scores
        self.train_data = own.client.upload(train_table)
        self.test_data = ""
        self.child_peak = 0.0

    def upload(self) -> None:
        self.test_data = self.own.client.upload(self.test_table).id

    def train(self) -> None:
        spec = {"type": "LogReg", "name": "line"}
        (trained,) = train(self.own, self.train_data, [spec], validation=0.25)
        self.child_peak = (trained.state.peak_memory or 0) / MEBIBYTE

    def predict(self) -> None:
        self.own.client.predict(self.test_table, model="line", to=self.scores)
        self.scores.unlink()

    def explore(self) -> None:
        self.train_data.explore(self.test_data)

    def upload_and_remove(self) -> None:
        # The training table is there already, and the same bytes would not be stored again: read in another way.
        self.own.client.upload(self.train_table, leave_out=["PRI_met_phi"]).delete()


def _peak(own: Own, what: str, work: Callable[[], None], columnar: float) -> Measurement:
    _forget_peak(own.server.pid)
    work()
    peak = peak_memory(own.server.pid) / MEBIBYTE
    note = f"limit: three times {columnar:.0f} MB"
    return Measurement(f"peak: {what}", "MB", "less", (peak,), {}, {LIMIT: TIMES_TABLE * columnar}, note)


def _repeated(own: Own, what: str, work: Callable[[], None], columnar: float, repeats: int) -> list[Measurement]:
    after: list[float] = []
    _forget_peak(own.server.pid)
    for _ in range(repeats):
        work()
        time.sleep(SETTLE_SECONDS)
        after.append(resident(own.server.pid) / MEBIBYTE)
    peak = peak_memory(own.server.pid) / MEBIBYTE
    return [
        Measurement(f"memory after each of {what}", "MB", "less", tuple(after)),
        Measurement(f"peak in {what}", "MB", "less", (peak,), {}, {LIMIT: TIMES_TABLE * columnar}),
        Measurement(f"growth over {what}", "MB", "less", (growth(after),), {}, {LIMIT: GROWTH * columnar}),
    ]


def _columnar(table: Path) -> float:
    return float(csv.read_csv(table).nbytes) / MEBIBYTE


def _forget_peak(pid: int) -> None:
    """Set the kernel's record of the largest resident memory back to what there is now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
