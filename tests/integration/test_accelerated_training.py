"""Accelerated trainings in children of a nursery: forked without threads, with some of their own, and ended as ever."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from eventsieve.domain import persist
from eventsieve.domain.estimators import acceleration
from eventsieve.domain.events import check
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import simulate
from eventsieve.records import Limits, Means, ModelSpec, Outcome, Plan, State, Validation
from eventsieve.storage.tables import write_events
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run
from eventsieve.training.worker import Training

pytestmark = pytest.mark.skipif(not acceleration.available(), reason="scikit-learn-intelex is not installed")

MEANS = Means(threads=2, accelerate=True)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery(MEANS)
    nursery.warm()
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "events.arrow"
    write_events(check(simulate(8000, seed=6), load_schema("atlas-higgs-2014"), labels="both classes"), path)
    return path


def train(nursery: Nursery, folder: Path, table: Path, kind: str, seconds: float = 100.0, **given: object) -> Outcome:
    training = Training(
        spec=ModelSpec(name="m", type=kind, hyperparameters=given),
        seed=7,
        table=table,
        artefact=folder / "model.skops",
        evaluation=folder / "evaluation.json",
        plan=Plan(validation=Validation(kind="none")),
        limits=Limits(seconds=seconds),
        means=MEANS,
    )
    arguments = training.model_dump(mode="json")
    return run(nursery, Task("eventsieve.training.worker:train", arguments, training.limits))


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux does")
def test_the_nursery_has_no_threads_when_it_forks(nursery: Nursery) -> None:
    assert nursery._process is not None
    assert psutil.Process(nursery._process.pid).num_threads() == 1


@pytest.mark.parametrize(("kind", "given"), [("RandomForest", {"n_estimators": 30}), ("SVM", {})])
def test_a_model_says_what_trained_it_and_is_the_same_the_next_time(
    kind: str, given: dict[str, object], nursery: Nursery, table: Path, tmp_path: Path
) -> None:
    outcomes = [train(nursery, tmp_path, table, kind, **given) for _ in range(2)]
    assert [outcome.state for outcome in outcomes] == [State.TRAINED] * 2
    assert "scikit-learn-intelex" in outcomes[0].versions
    assert outcomes[0].digest == outcomes[1].digest
    pipeline = persist.loads((tmp_path / "model.skops").read_bytes())
    assert type(pipeline[-1]).__module__.startswith("sklearn.")
    assert len(np.unique(pipeline.predict(np.full((3, 30), np.nan)))) == 1


def test_what_was_trained_by_scikit_learn_names_nothing_else(nursery: Nursery, table: Path, tmp_path: Path) -> None:
    outcome = train(nursery, tmp_path, table, "RandomForest", n_estimators=3, criterion="entropy")
    assert outcome.state is State.TRAINED
    assert "scikit-learn-intelex" not in outcome.versions


def test_a_limit_ends_an_accelerated_fit(nursery: Nursery, table: Path, tmp_path: Path) -> None:
    outcome = train(nursery, tmp_path, table, "SVM", 0.5, C=1e9, tol=1e-12, gamma=1e-3)
    assert outcome.state is State.TIMED_OUT
    assert outcome.seconds < 2.0
