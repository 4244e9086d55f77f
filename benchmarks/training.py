"""Training on all cores, against a script of plain scikit-learn with the same hyperparameters."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyarrow import csv
from sklearn.metrics import roc_auc_score

from benchmarks.bench import Bench, alternate
from benchmarks.own import Own, own_server, train
from benchmarks.results import LIMIT, Measurement, SuiteResult
from benchmarks.venvs import Rival, RivalMissing

__all__ = ["auc_of", "run"]

HELD_OUT = 50_000
AUC_LIMIT = 0.002
INTRO = """\
Rival: a script that reads the table with pandas, builds the same preprocessing and the same classifier, `n_jobs=-1`
where it has it, fits, and pickles. Both sides have all cores, the same hyperparameters (scikit-learn's defaults) and
the same tables: a new process for every run, the seed is the number of the run. *Training* is, for us, everything
between the start of the child's work and the stored artefact (mapping the table, fit, artefact), for the script its
`fit` and `pickle.dumps` alone. *End to end* is, for us, uploading the CSV and training over HTTP, for the script
from its start to its end. AUC: on {held_out:,} held-out events that share no real event with the training, of the
first run."""


@dataclass(frozen=True)
class Case:
    """A type of model, the number of events, and how many times faster it shall be."""

    type: str
    events: int
    target: float
    hyperparameters: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("RandomForest", 50_000, 5.0, {"n_estimators": 100}),
    Case("SVM", 20_000, 4.0),
    Case("LogReg", 250_000, 2.0),
)


def run(bench: Bench) -> SuiteResult:
    """Seconds and held-out AUC of each case."""
    rival = bench.try_rival("sklearn")
    measurements: list[Measurement] = []
    held_out = bench.table("heldout", events=2_000 if bench.quick else HELD_OUT)
    with own_server(bench.folder("training")) as own:
        for case in CASES:
            table = bench.table("train", events=min(case.events, 5_000) if bench.quick else case.events)
            measurements += _Duel(own, rival, case, table, bench.folder("training")).fought(bench.runs, held_out)
    return bench.result("Training", INTRO.format(held_out=_events(held_out)), measurements)


def auc_of(own: Own, model: str, held_out: Path) -> float:
    """The AUC of a model of ours on a table with labels, from the scores that the server answers."""
    scores = own.client.predict(held_out, model=model, to="arrow")["score"].to_numpy()
    return float(roc_auc_score(_truth(held_out), scores))


def _truth(held_out: Path) -> npt.NDArray[np.bool_]:
    labels = csv.read_csv(held_out, convert_options=csv.ConvertOptions(include_columns=["Label"]))["Label"]
    return np.asarray(labels.to_numpy() == "s")


class _Duel:
    """One case on both sides."""

    def __init__(self, own: Own, rival: Rival | None, case: Case, table: Path, folder: Path) -> None:
        self.own = own
        self.rival = rival
        self.case = case
        self.table = table
        self.folder = folder
        self._ours, self._theirs = count(), count()

    def fought(self, runs: int, held_out: Path) -> list[Measurement]:
        """Both sides in turns."""
        rivals = {self.rival.label("scikit-learn"): self.theirs} if self.rival else {}
        mine, others = alternate(self.ours, rivals, runs=runs)
        ours = auc_of(self.own, self._name(0), held_out)
        aucs = {name: self.their_auc(held_out) for name in others}
        for number in range(runs):
            self.own.client.model(self._name(number)).delete()
        what = f"{self.case.type}, {_events(self.table):,} events"
        # The parts of a run: training, and end to end.
        fits, totals = ({name: tuple(pair[i] for pair in pairs) for name, pairs in others.items()} for i in (0, 1))
        targets = dict.fromkeys(others, self.case.target)
        return [
            Measurement(f"{what}: training", "s", "less", tuple(pair[0] for pair in mine), fits, targets),
            Measurement(f"{what}: end to end", "s", "less", tuple(pair[1] for pair in mine), totals),
            Measurement(f"{what}: AUC", "", "more", (ours,), {name: (auc,) for name, auc in aucs.items()}),
            *(
                Measurement(f"{what}: AUC apart from {name}", "", "less", (abs(auc - ours),), {}, {LIMIT: AUC_LIMIT})
                for name, auc in aucs.items()
            ),
        ]

    def ours(self) -> tuple[float, float]:
        """Seconds of the training, and end to end."""
        number = next(self._ours)
        began = time.perf_counter()
        data = self.own.client.upload(self.table)
        spec = {"type": self.case.type, "name": self._name(number), "hyperparameters": self.case.hyperparameters}
        (trained,) = train(self.own, data, [spec], seed=number)
        total = time.perf_counter() - began
        data.delete()  # or the next upload would find it there
        return trained.state.seconds, total

    def theirs(self) -> tuple[float, float]:
        """The same of the script."""
        number = next(self._theirs)
        task = {
            "type": self.case.type,
            "hyperparameters": self.case.hyperparameters | {"random_state": number},
            "table": str(self.table),
            "model": str(self._pickle(number)),
        }
        began = time.perf_counter()
        seconds = self._script("fit", task)["seconds"]
        return seconds, time.perf_counter() - began

    def their_auc(self, held_out: Path) -> float:
        """The AUC of the script's first model."""
        return float(self._script("score", {"model": str(self._pickle(0)), "table": str(held_out)})["auc"])

    def _script(self, verb: str, task: dict[str, Any]) -> Any:
        if self.rival is None:
            raise RivalMissing("there is no script without its environment")
        return self.rival.run("sklearn_training", verb, json.dumps(task))

    def _name(self, number: int) -> str:
        return f"{self.case.type}-{number}"

    def _pickle(self, number: int) -> Path:
        return self.folder / f"{self._name(number)}.pickle"


def _events(table: Path) -> int:
    return int(table.stem.rpartition("-")[2])
