"""What children do: trainings in processes of their own, under limits that strike or nearly do."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain import estimators, persist
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.events import Events, check
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import simulate
from eventsieve.domain.splitting import plan_split
from eventsieve.records import (
    Evaluation,
    EventWeights,
    Limits,
    ModelSpec,
    NegativeWeights,
    OnLimit,
    Outcome,
    Plan,
    Progress,
    State,
    Validation,
)
from eventsieve.storage.tables import map_events, write_events
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run
from eventsieve.training.worker import Training

SMALL: dict[str, dict[str, Any]] = {
    "RandomForest": {"n_estimators": 20},
    "GradientBoosting": {"n_estimators": 20},
    "HistGradientBoosting": {"max_iter": 20},
    "LightGBM": {"n_estimators": 20},
    "LogReg": {},
    "SVM": {},
}
ENDLESS: dict[str, dict[str, Any]] = {
    "RandomForest": {"n_estimators": 100_000},
    "HistGradientBoosting": {"max_iter": 1_000_000, "early_stopping": False},
    "LightGBM": {"n_estimators": 100_000},
    "GradientBoosting": {"n_estimators": 100_000},
    "LogReg": {"solver": "saga", "max_iter": 1_000_000, "tol": 1e-14},
    "SVM": {"C": 1000.0},
}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    nursery.warm()
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def events() -> Events:
    return check(simulate(2000, seed=5), load_schema("atlas-higgs-2014"), labels="both classes")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, events: Events) -> Path:
    path = tmp_path_factory.mktemp("tables") / "small.arrow"
    write_events(events, path)
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 simulated events."""
    path = tmp_path_factory.mktemp("tables") / "large.arrow"
    write_events(check(simulate(20_000, seed=6), load_schema("atlas-higgs-2014"), labels="both classes"), path)
    return path


class Run:
    """A training in a child, and what came of it."""

    def __init__(  # noqa: PLR0917 - a table of cases
        self,
        nursery: Nursery,
        folder: Path,
        table: Path,
        kind: str,
        hyperparameters: dict[str, Any],
        plan: Plan,
        *,
        seconds: float | None = None,
        validation: Path | None = None,
        stop_after: float | None = None,
    ) -> None:
        training = Training(
            spec=ModelSpec(name="m", type=kind, hyperparameters=hyperparameters),
            seed=7,
            table=table,
            artefact=folder / "model.skops",
            evaluation=folder / "evaluation.json",
            plan=plan,
            validation=validation,
            limits=Limits(seconds=seconds),
        )
        self.artefact, self.path = training.artefact, training.evaluation
        self.progress: list[Progress] = []
        stop_asked = threading.Event()
        self.started = 0.0

        def start() -> None:
            self.started = time.monotonic()
            if stop_after is not None:
                threading.Timer(stop_after, stop_asked.set).start()

        task = Task(
            "eventsieve.training.worker:train",
            json.loads(training.model_dump_json()),
            training.limits,
            started=start,
            progress=self.progress.append,
            stop_asked=stop_asked,
        )
        self.outcome: Outcome = run(nursery, task)

    @property
    def evaluation(self) -> Evaluation:
        data = self.path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == self.outcome.evaluation
        return Evaluation.model_validate_json(data)

    def model(self) -> Any:
        data = self.artefact.read_bytes()
        assert hashlib.sha256(data).hexdigest() == self.outcome.digest
        return persist.loads(data)

    def score(self, name: str, *, weighted: bool = False) -> float:
        (found,) = [s.value for s in self.outcome.scores if (s.name, s.weighted) == (name, weighted)]
        return found


@pytest.mark.parametrize("kind", CATALOGUE)
def test_without_validation_the_model_is_the_bare_fit(
    nursery: Nursery, tmp_path: Path, table: Path, events: Events, kind: str
) -> None:
    done = Run(nursery, tmp_path, table, kind, SMALL[kind], Plan())
    pipeline = estimators.build(kind, SMALL[kind], 7, events.schema.class_names)
    estimators.fit(pipeline, events.features, events.targets)
    assert done.outcome.state is State.TRAINED
    assert done.artefact.read_bytes() == persist.dumps(pipeline)
    assert done.outcome.evaluation is None
    assert done.outcome.scores == ()
    assert not done.outcome.kept_early
    assert not done.path.exists()


@pytest.mark.parametrize("kind", CATALOGUE)
def test_held_out_events_are_what_the_model_is_evaluated_on(
    nursery: Nursery, tmp_path: Path, table: Path, events: Events, kind: str
) -> None:
    plan = Plan(validation=Validation(kind="holdout", fraction=0.3))
    done = Run(nursery, tmp_path, table, kind, SMALL[kind], plan)
    (part,) = plan_split(plan.validation, events.targets, 7)
    new = events.take(part.validation)
    score = estimators.score_events(done.model(), new.features)
    assert done.score("roc_auc") == pytest.approx(roc_auc_score(new.targets, score))
    assert done.score("roc_auc", weighted=True) == pytest.approx(
        roc_auc_score(new.targets, score, sample_weight=new.weight)
    )
    evaluation = done.evaluation
    assert (evaluation.train_events, evaluation.validation_events) == (1400, 600)
    assert evaluation.probabilities is done.outcome.probabilities is (kind != "SVM")
    assert {each.feature for each in evaluation.importance} == set(events.schema.feature_names)
    assert evaluation.verdict != "not tested"
    assert done.progress[-1].stage == "evaluating"


def test_folds_score_every_event_by_a_model_that_never_saw_it(
    nursery: Nursery, tmp_path: Path, table: Path, events: Events
) -> None:
    plan = Plan(validation=Validation(kind="folds", folds=3))
    done = Run(nursery, tmp_path, table, "RandomForest", {"n_estimators": 20}, plan)
    score = np.empty(len(events))
    for part in plan_split(plan.validation, events.targets, 7):
        pipeline = estimators.build("RandomForest", {"n_estimators": 20}, 7, events.schema.class_names)
        estimators.fit(pipeline, events.features[part.train], events.targets[part.train])
        score[part.validation] = estimators.score_events(pipeline, events.features[part.validation])
    assert done.score("roc_auc") == pytest.approx(roc_auc_score(events.targets, score))
    whole = estimators.build("RandomForest", {"n_estimators": 20}, 7, events.schema.class_names)
    estimators.fit(whole, events.features, events.targets)
    assert done.artefact.read_bytes() == persist.dumps(whole)
    evaluation = done.evaluation
    assert (evaluation.train_events, evaluation.validation_events) == (2000, 2000)
    assert evaluation.verdict == "overtrained"  # trees that are grown to the end know their events by heart
    assert "folds' models" in evaluation.verdict_reason
    assert done.progress[-2].total == 80


def test_folds_of_a_model_that_learns_little_are_not_called_overtrained(
    nursery: Nursery, tmp_path: Path, table: Path
) -> None:
    plan = Plan(validation=Validation(kind="folds"))
    done = Run(nursery, tmp_path, table, "GradientBoosting", {"n_estimators": 2, "max_depth": 1}, plan)
    assert done.evaluation.verdict == "no sign of overtraining"


def test_another_table_may_be_validated_on(nursery: Nursery, tmp_path: Path, table: Path, large: Path) -> None:
    plan = Plan(validation=Validation(kind="dataset", dataset="other"))
    done = Run(nursery, tmp_path, table, "LogReg", {}, plan, validation=large)
    new = map_events(large)
    expected = roc_auc_score(new.targets, estimators.score_events(done.model(), new.features))
    assert done.score("roc_auc") == pytest.approx(expected)
    assert (done.evaluation.train_events, done.evaluation.validation_events) == (2000, 20_000)


def test_several_classes_are_trained_and_evaluated(nursery: Nursery, tmp_path: Path, events: Events) -> None:
    classes = ("ggF", "VBF", "VH")
    schema = events.schema.model_validate(
        events.schema.model_dump() | {"classes": classes, "signal": None, "class_weight_sums": {}}
    )
    heavy = (events.features[:, 0] > np.nanmedian(events.features[:, 0])) * (1 - events.targets)
    three = replace(events, schema=schema, target=(events.targets * 2 + heavy).astype(np.uint8))
    write_events(three.take(np.arange(600)), tmp_path / "three.arrow")
    for kind in ("GradientBoosting", "SVM"):
        for validation in (Validation(), Validation(kind="folds", folds=2)):
            done = Run(nursery, tmp_path, tmp_path / "three.arrow", kind, SMALL[kind], Plan(validation=validation))
            assert done.outcome.state is State.TRAINED, done.outcome.reason
            assert done.evaluation.classes == classes
            assert done.evaluation.ams is None
            assert len(done.evaluation.curves) == 3


def test_weights_are_used_and_negative_ones_by_the_policy(nursery: Nursery, tmp_path: Path, events: Events) -> None:
    assert events.weight is not None
    weight = np.where(np.arange(len(events)) % 10 == 0, -events.weight, events.weight)
    write_events(replace(events, weight=weight), tmp_path / "negative.arrow")
    outcomes = {}
    for policy in NegativeWeights:
        plan = Plan(validation=Validation(), weights=EventWeights.EVENT, negative_weights=policy)
        outcomes[policy] = Run(nursery, tmp_path, tmp_path / "negative.arrow", "LogReg", {}, plan).outcome
    refused = outcomes[NegativeWeights.REFUSE]
    assert refused.state is State.FAILED
    assert refused.reason.startswith("150 of 1500 events") or "negative weight" in refused.reason
    kept = [outcomes[NegativeWeights.DROP], outcomes[NegativeWeights.ABSOLUTE]]
    assert [each.state for each in kept] == [State.TRAINED, State.TRAINED]
    assert all("negative" in " ".join(each.remarks) for each in kept)
    assert kept[0].digest != kept[1].digest


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RandomForest", "GradientBoosting", "HistGradientBoosting", "LightGBM"])
@pytest.mark.parametrize("how", ["none", "holdout", "folds"])
def test_what_an_endless_fit_has_by_the_limit_is_kept(
    nursery: Nursery, tmp_path: Path, large: Path, kind: str, how: Any
) -> None:
    plan = Plan(validation=Validation(kind=how, folds=3 if how == "folds" else 5), on_limit=OnLimit.KEEP)
    done = Run(nursery, tmp_path, large, kind, ENDLESS[kind], plan, seconds=8.0)
    outcome = done.outcome
    assert outcome.state is State.TRAINED, outcome.reason
    assert outcome.kept_early
    assert outcome.seconds < 8.0
    assert outcome.remarks[0].startswith("Stopped by the time limit after ")
    wanted = ENDLESS[kind].get("n_estimators") or ENDLESS[kind]["max_iter"]
    assert outcome.remarks[0].endswith((f" of {wanted} trees.", f" of {wanted} stages."))
    assert not any("kept as it was" in remark for remark in outcome.remarks)
    events = map_events(large)
    auc = roc_auc_score(events.targets, estimators.score_events(done.model(), events.features))
    assert auc > 0.8
    if how != "none":
        assert done.score("roc_auc") > 0.65
        assert done.evaluation.validation_events in ({5000} if how == "holdout" else {20_000, 13_334, 13_333, 6667})


@pytest.mark.slow
@pytest.mark.parametrize("kind", CATALOGUE)
def test_what_an_endless_fit_has_by_the_limit_is_discarded_unless_it_is_to_be_kept(
    nursery: Nursery, tmp_path: Path, large: Path, kind: str
) -> None:
    outcome = Run(nursery, tmp_path, large, kind, ENDLESS[kind], Plan(validation=Validation()), seconds=1.0).outcome
    assert outcome.state is State.TIMED_OUT
    assert outcome.reason.endswith("raise TIME_LIMIT.")
    assert 1.0 <= outcome.seconds <= 1.5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LogReg", "SVM"])
def test_a_fit_that_cannot_be_kept_times_out_and_says_so(
    nursery: Nursery, tmp_path: Path, large: Path, kind: str
) -> None:
    plan = Plan(on_limit=OnLimit.KEEP)
    outcome = Run(nursery, tmp_path, large, kind, ENDLESS[kind], plan, seconds=1.0).outcome
    assert outcome.state is State.TIMED_OUT
    assert "cannot be kept" in outcome.reason


@pytest.mark.parametrize("kind", ["RandomForest", "GradientBoosting", "HistGradientBoosting", "LightGBM"])
def test_a_limit_that_is_far_changes_nothing(nursery: Nursery, tmp_path: Path, table: Path, kind: str) -> None:
    digests = set()
    for on_limit in OnLimit:
        plan = Plan(validation=Validation(), on_limit=on_limit)
        done = Run(nursery, tmp_path, table, kind, SMALL[kind], plan, seconds=300.0)
        assert not done.outcome.kept_early
        digests.add(done.outcome.digest)
    assert len(digests) == 1


def test_a_limit_that_nothing_can_keep_strikes(nursery: Nursery, tmp_path: Path, large: Path) -> None:
    plan = Plan(validation=Validation(), on_limit=OnLimit.KEEP)
    outcome = Run(nursery, tmp_path, large, "RandomForest", ENDLESS["RandomForest"], plan, seconds=0.02).outcome
    assert outcome.state is State.TIMED_OUT
    assert "too little time" in outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RandomForest", "GradientBoosting", "HistGradientBoosting", "LightGBM"])
@pytest.mark.parametrize("how", ["none", "holdout", "folds"])
def test_who_asks_to_stop_gets_what_there_is(
    nursery: Nursery, tmp_path: Path, large: Path, kind: str, how: Any
) -> None:
    plan = Plan(validation=Validation(kind=how))
    done = Run(nursery, tmp_path, large, kind, ENDLESS[kind], plan, stop_after=2.0)
    assert done.outcome.state is State.TRAINED
    assert done.outcome.kept_early
    assert done.outcome.remarks[0].startswith("Stopped by request after ")
    done.model()
    if how == "folds":
        assert done.evaluation.validation_events == 4000
        assert any("1 of 5 folds" in remark for remark in done.outcome.remarks)


def test_who_asks_to_stop_before_there_is_anything_gets_nothing(nursery: Nursery, tmp_path: Path, large: Path) -> None:
    outcome = Run(nursery, tmp_path, large, "SVM", ENDLESS["SVM"], Plan(), stop_after=0.0).outcome
    # Between the start and the first look at the channel is the time that it takes to prepare the events.
    assert outcome.state is State.CANCELLED
    assert "anything to keep" in outcome.reason


def test_what_cannot_be_done_is_said(nursery: Nursery, tmp_path: Path, table: Path) -> None:
    missing = Run(nursery, tmp_path, tmp_path / "nowhere.arrow", "LogReg", {}, Plan()).outcome
    assert missing.state is State.FAILED
    assert "nowhere.arrow" in missing.reason
    assert not missing.reason.startswith("DamagedArtefact")
    plan = Plan(validation=Validation(kind="dataset", dataset="other"))
    assert Run(nursery, tmp_path, table, "LogReg", {}, plan).outcome.state is State.FAILED
    assert list(tmp_path.iterdir()) == []
