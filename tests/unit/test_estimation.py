"""Estimates before a training: laws, corrected by what has been trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from eventsieve.domain.estimation import _correction, _median, estimate
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.laws import LAWS, Size
from eventsieve.errors import UnknownModelType
from eventsieve.records import Estimate, Limits, OnLimit, PastTraining, Plan, State, Validation

ALONE = Plan(validation=Validation(kind="none"))

every_type = pytest.mark.parametrize("name", CATALOGUE)


def foreseen(name: str, events: int = 16_000, given: dict[str, Any] | None = None, **changes: Any) -> Estimate:
    """What is foreseen for 30 features and two classes with nothing but a fit."""
    asked: dict[str, Any] = {"features": 30, "classes": 2, "plan": ALONE, "limits": Limits()}
    return estimate(name, given or {}, events=events, **(asked | changes))


def past(name: str, events: int, seconds: float, state: State = State.TRAINED, **changes: Any) -> PastTraining:
    known: dict[str, Any] = {"hyperparameters": {}, "features": 30, "classes": 2, "peak_memory": None, "folds": 0}
    return PastTraining(type=name, events=events, seconds=seconds, state=state, **(known | changes))


def plain(name: str, events: int, **changes: Any) -> float:
    """The seconds that make a past training what the law foresees."""
    return foreseen(name, events, plan=Plan(validation=Validation()), **changes).seconds


def test_every_type_has_a_law() -> None:
    assert set(LAWS) == set(CATALOGUE)
    for name, law in LAWS.items():
        assert not law.variant or law.variant in {parameter.name for parameter in CATALOGUE[name].parameters}
    with pytest.raises(UnknownModelType):
        foreseen("Perceptron")


def test_a_kernel_machine_on_250_000_events_will_not_fit_in_60_s() -> None:
    found = foreseen("SVM", 250_000, limits=Limits(seconds=60))
    assert not found.fits
    assert found.low > 60
    assert found.basis.startswith("Support vector machine on 250,000 events will not fit in 60 s: it takes about")
    assert "none has been trained here yet" in found.basis
    assert foreseen("SVM", 2_000, limits=Limits(seconds=60)).fits
    assert foreseen("LogReg", 250_000, limits=Limits(seconds=60)).fits


@pytest.mark.parametrize(
    ("name", "given", "low", "high"),
    [
        ("SVM", {}, 3.9, 7.5),
        ("SVM", {"kernel": "linear"}, 3.9, 7.5),
        ("RandomForest", {}, 2.0, 2.4),
        ("RandomForest", {"max_depth": 5}, 1.9, 2.1),
        ("GradientBoosting", {}, 1.9, 2.1),
        ("HistGradientBoosting", {}, 1.8, 2.1),
        ("LightGBM", {}, 1.8, 2.1),
        ("LogReg", {}, 1.7, 2.1),
    ],
)
def test_twice_the_events_take_as_much_longer_as_the_algorithm_says(
    name: str, given: dict[str, Any], low: float, high: float
) -> None:
    ratio = foreseen(name, 400_000, given).seconds / foreseen(name, 200_000, given).seconds
    assert low <= ratio <= high


@pytest.mark.parametrize(
    ("name", "less", "more", "factor"),
    [
        ("RandomForest", {"n_estimators": 100}, {"n_estimators": 200}, 2.0),
        ("RandomForest", {"max_features": 5}, {"max_features": None}, 6.0),
        ("RandomForest", {"max_depth": 3}, {"max_depth": 9}, 3.0),
        ("RandomForest", {"max_samples": 0.1, "max_depth": 3}, {"max_depth": 3}, 10.0),
        ("GradientBoosting", {}, {"n_estimators": 300}, 3.0),
        ("GradientBoosting", {"subsample": 0.5}, {}, 2.0),
        ("GradientBoosting", {"max_leaf_nodes": 2}, {}, 1.0),
        ("HistGradientBoosting", {}, {"max_iter": 300}, 3.0),
        ("LightGBM", {"subsample": 0.5}, {}, 2.0),
        ("LightGBM", {"subsample": 0.5, "subsample_freq": 0}, {}, 1.0),
        ("LightGBM", {"max_depth": 0}, {"max_depth": -1}, 1.0),
        ("SVM", {}, {"probability": True}, 5.0),
        ("SVM", {"max_iter": 10}, {"max_iter": 20}, 2.0),
        ("LogReg", {"max_iter": 10}, {"max_iter": 20}, 2.0),
        ("LogReg", {"solver": "saga", "max_iter": 100}, {"solver": "saga", "max_iter": 300}, 3.0),
    ],
)
def test_hyperparameters_count(name: str, less: dict[str, Any], more: dict[str, Any], factor: float) -> None:
    defaults = {parameter.name: parameter.default for parameter in CATALOGUE[name].parameters}
    first, second = (LAWS[name].cost(defaults | given, Size(100_000, 30)).fit for given in (less, more))
    assert second / first == pytest.approx(factor, rel=0.05)


@every_type
def test_every_solver_and_kernel_has_a_cost(name: str) -> None:
    for parameter in CATALOGUE[name].parameters:
        for value in [*parameter.choices, *parameter.hidden, parameter.default]:
            found = foreseen(name, given={parameter.name: value})
            assert 0 < found.low < found.seconds < found.high < math.inf
            assert found.memory > 200 << 20


@every_type
def test_folds_and_classes_and_evaluation_cost_more(name: str) -> None:
    alone = foreseen(name)
    held_out = foreseen(name, plan=Plan(validation=Validation(fraction=0.01)))
    folds = foreseen(name, plan=Plan(validation=Validation(kind="folds", folds=5)))
    assert alone.seconds < held_out.seconds < folds.seconds
    assert foreseen(name, 200_000, classes=4).seconds > alone.seconds
    free = foreseen(name, plan=Plan(validation=Validation(fraction=0.5)), evaluation=lambda events, classes: 0.0)
    dear = foreseen(name, plan=Plan(validation=Validation(fraction=0.5)), evaluation=lambda events, classes: 7.0)
    assert dear.seconds == pytest.approx(free.seconds + 7.0)


def test_an_evaluation_that_is_cut_short_makes_no_training_late() -> None:
    plan = Plan(validation=Validation(), on_limit=OnLimit.KEEP)
    found = foreseen("LogReg", plan=plan, limits=Limits(seconds=1.0), evaluation=lambda events, classes: 500.0)
    assert found.fits
    assert found.seconds == pytest.approx(1.0)


def test_memory_is_held_against_its_limit() -> None:
    found = foreseen("RandomForest", 1_000_000, limits=Limits(memory=1 << 30))
    assert not found.fits
    assert "1,000,000 events needs about" in found.basis
    assert "1,024 MB" in found.basis


@every_type
@pytest.mark.parametrize("factor", [0.2, 4.0])
def test_past_trainings_correct_a_law(name: str, factor: float) -> None:
    expected = foreseen(name, 100_000)
    known = [past(name, events, factor * plain(name, events)) for events in (90_000, 100_000, 110_000)]
    found = foreseen(name, 100_000, past=known)
    assert found.seconds == pytest.approx(factor * expected.seconds, rel=0.25)
    assert found.high / found.low < expected.high / expected.low
    assert "from 3 past trainings" in found.basis
    assert "had 100,000 events" in found.basis


def test_the_nearest_in_cost_counts_most() -> None:
    known = [past("SVM", 1_000, 10 * plain("SVM", 1_000)), past("SVM", 50_000, 2 * plain("SVM", 50_000))]
    base = foreseen("SVM", 50_000).seconds
    assert foreseen("SVM", 50_000, past=known).seconds / base == pytest.approx(2.0, rel=0.35)
    near = foreseen("SVM", 50_000, past=known)
    far = foreseen("SVM", 500_000, past=known)
    assert far.high / far.low > near.high / near.low


def test_one_that_timed_out_is_a_lower_bound() -> None:
    base = foreseen("SVM", 50_000).seconds
    surprising = foreseen("SVM", 50_000, past=[past("SVM", 50_000, 20 * base, State.TIMED_OUT)])
    assert surprising.seconds > 5 * base
    assert "1 of which timed out" in surprising.basis
    known = past("SVM", 50_000, 0.01 * base, State.TIMED_OUT)
    assert foreseen("SVM", 50_000, past=[known]).seconds == pytest.approx(base)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.DIED, State.INTERRUPTED])
def test_others_say_nothing_about_time(state: State) -> None:
    assert foreseen("SVM", past=[past("SVM", 16_000, 1e6, state)]) == foreseen("SVM")
    assert foreseen("SVM", past=[past("LogReg", 16_000, 1e6)]) == foreseen("SVM")


def test_past_trainings_correct_memory() -> None:
    expected = foreseen("RandomForest", 100_000)
    known = [past("RandomForest", 100_000, 10.0, peak_memory=2 * expected.memory) for _ in range(4)]
    found = foreseen("RandomForest", 100_000, past=known)
    assert found.memory == pytest.approx(2 * expected.memory, rel=0.15)


def test_a_correction_is_the_weighted_median() -> None:
    assert _median([]) == 0.0
    assert _median([(3.0, 1.0)]) == 3.0
    assert _median([(1.0, 1.0), (2.0, 1.0), (90.0, 1.0)]) == 2.0
    assert _median([(1.0, 1.0), (2.0, 98.0), (90.0, 1.0)]) == 2.0
    assert _correction([], 0.5) == (1.0, 0.5)


def test_the_bounds_hold_two_of_three() -> None:
    random = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        ratios = [(float(value), 1.0, False) for value in random.normal(0.4, 0.3, size=25)]
        factor, spread = _correction(ratios, 0.8)
        inside.append(abs(random.normal(0.4, 0.3) - math.log(factor)) < spread)
    assert 0.58 < np.mean(inside) < 0.85
