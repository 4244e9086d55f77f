"""The fast boosting types, against the libraries called directly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.bench import Bench
from benchmarks.own import Own, own_server, train
from benchmarks.results import Measurement, SuiteResult
from benchmarks.training import auc_of
from benchmarks.venvs import Rival

__all__ = ["run"]

TREES = 100
WITHIN = 1.10
TIMES_PLAIN = 20.0
PLAIN_EVENTS, HELD_OUT = 10_000, 50_000
QUICK_PLAIN, QUICK_HELD_OUT = 1_000, 2_000
TYPES: Mapping[str, dict[str, Any]] = {
    "HistGradientBoosting": {"max_iter": TREES, "early_stopping": False},
    "LightGBM": {"n_estimators": TREES},
}
LIBRARIES = {
    "scikit-learn HistGradientBoosting": "scikit-learn",
    "LightGBM": "lightgbm",
    "XGBoost": "xgboost-cpu",
}
"""Names in what the script prints, and the packages they are in."""
OWN_LIBRARY = "HistGradientBoosting"
"""The type that is measured by its own library; the other, the fastest that we have, by all of them."""
INTRO = """\
{events:,} events, {trees} trees of 31 leaves, learning rate 0.1, 255 bins, all cores, no early stopping. For us the
time is that of a training over HTTP, from the start of the child's work to the stored artefact (mapping the table,
fit, turning the trees into the audited form, writing it); for the libraries it is `fit` alone, on an array in memory,
in a fresh process for every run. Plain `GradientBoosting` is fitted on {plain:,} events, and its time is scaled by
the number of events, which flatters it: it sorts. The type `HistGradientBoosting` shall keep up with its own library,
`LightGBM` with the fastest of all."""


def run(bench: Bench) -> SuiteResult:
    """Seconds and held-out AUC of our types and of each library."""
    plain_events = QUICK_PLAIN if bench.quick else PLAIN_EVENTS
    with own_server(bench.folder("boosting")) as own:
        contest = _Contest(bench, own, plain_events)
        for _ in range(bench.runs):
            contest.turn()
    intro = INTRO.format(events=bench.events_train, trees=TREES, plain=plain_events)
    return bench.result("Fast boosting", intro, contest.measurements())


class _Contest:
    """Our types, the libraries, and plain gradient boosting, in turns."""

    def __init__(self, bench: Bench, own: Own, plain_events: int) -> None:
        self.own = own
        self.table = bench.table("train")
        self.held_out = bench.table("heldout", events=QUICK_HELD_OUT if bench.quick else HELD_OUT)
        self.plain_table = bench.table("train", events=plain_events)
        self.scale = bench.events_train / plain_events
        self.pickle = bench.folder("boosting") / "plain.pickle"
        self.boosters, self.script = bench.try_rival("boosters"), bench.try_rival("sklearn")
        self.data = own.client.upload(self.table)
        self.ours: dict[str, list[float]] = {name: [] for name in _offered(bench, own)}
        self.libraries: dict[str, list[float]] = {}
        self.plain: dict[str, list[float]] = {}
        self.our_aucs: dict[str, float] = {}
        self.aucs: dict[str, float] = {}

    def turn(self) -> None:
        """Everyone once."""
        for kind, seconds in self.ours.items():
            seconds.append(self._train(kind))
        if self.boosters:
            self._call(self.boosters)
        if self.script:
            self._fit_plainly(self.script)

    def measurements(self) -> list[Measurement]:
        """Seconds first, then what they were good for."""
        seconds = {name: tuple(values) for name, values in (self.libraries | self.plain).items()}
        aucs: dict[str, tuple[float, ...]] = {name: (auc,) for name, auc in self.aucs.items()}
        return [
            *(
                Measurement(f"train {kind}", "s", "less", tuple(values), seconds, self._targets(kind))
                for kind, values in self.ours.items()
            ),
            *(Measurement(f"held-out AUC of {kind}", "", "more", (auc,), aucs) for kind, auc in self.our_aucs.items()),
        ]

    def _targets(self, kind: str) -> dict[str, float]:
        libraries = [name for name in self.libraries if kind != OWN_LIBRARY or OWN_LIBRARY in name]
        return dict.fromkeys(libraries, 1 / WITHIN) | dict.fromkeys(self.plain, TIMES_PLAIN)

    def _train(self, kind: str) -> float:
        (trained,) = train(self.own, self.data, [{"type": kind, "name": kind, "hyperparameters": TYPES[kind]}])
        if kind not in self.our_aucs:
            self.our_aucs[kind] = auc_of(self.own, kind, self.held_out)
        self.own.client.model(kind).delete()
        return trained.state.seconds

    def _call(self, rival: Rival) -> None:
        task = {"table": str(self.table), "held_out": str(self.held_out), "trees": TREES}
        found = rival.run("boosters", json.dumps(task))
        for library, package in LIBRARIES.items():
            name = rival.label(package, library)
            self.libraries.setdefault(name, []).append(found[library]["seconds"])
            self.aucs[name] = found[library]["auc"]

    def _fit_plainly(self, rival: Rival) -> None:
        task = {
            "type": "GradientBoosting",
            "hyperparameters": {"n_estimators": TREES},
            "table": str(self.plain_table),
            "model": str(self.pickle),
        }
        seconds = rival.run("sklearn_training", "fit", json.dumps(task))["seconds"]
        name = rival.label("scikit-learn", "scikit-learn GradientBoosting") + ", scaled"
        self.plain.setdefault(name, []).append(self.scale * seconds)


def _offered(bench: Bench, own: Own) -> list[str]:
    """Those of our types that the server has; the results name the others."""
    offered = own.client.estimators()
    for name in TYPES:
        if name not in offered:
            bench.missing[f"Eventsieve's type {name}"] = "the server does not offer it"
    return [name for name in TYPES if name in offered]
