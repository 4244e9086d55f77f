"""Fits that are watched: the same model, told in steps, and kept when they are stopped; and weighted fits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from eventsieve.domain import persist
from eventsieve.domain.estimators import (
    CATALOGUE,
    LightGBM,
    NothingToKeep,
    build,
    class_scores,
    fit,
    training_weights,
    unfinished,
)
from eventsieve.domain.estimators import fitting as module
from eventsieve.domain.estimators.trimming import trim
from eventsieve.errors import BadTable
from eventsieve.records import EventWeights, NegativeWeights
from fits import Diary, events

CASES: list[tuple[str, dict[str, Any]]] = [
    ("LogReg", {}),
    ("LogReg", {"max_iter": 3}),
    ("LogReg", {"solver": "saga", "max_iter": 5}),
    ("LogReg", {"solver": "liblinear"}),
    ("SVM", {}),
    ("RandomForest", {"n_estimators": 1}),
    ("RandomForest", {"n_estimators": 23}),
    ("RandomForest", {"n_estimators": 23, "oob_score": True, "class_weight": "balanced"}),
    ("RandomForest", {"n_estimators": 10, "oob_score": True, "class_weight": "balanced_subsample", "warm_start": True}),
    ("RandomForest", {"n_estimators": 10, "max_samples": 0.5, "class_weight": {"s": 2, "b": 1}}),
    ("RandomForest", {"n_estimators": 10, "bootstrap": False}),
    ("GradientBoosting", {"n_estimators": 12}),
    ("GradientBoosting", {"n_estimators": 60, "n_iter_no_change": 2, "tol": 0.01}),
    ("GradientBoosting", {"n_estimators": 12, "loss": "exponential", "subsample": 0.5, "warm_start": True}),
    ("HistGradientBoosting", {"max_iter": 12}),
    ("HistGradientBoosting", {"max_iter": 12, "max_features": 0.5, "warm_start": True, "class_weight": "balanced"}),
    ("HistGradientBoosting", {"max_iter": 60, "early_stopping": True, "n_iter_no_change": 2}),
    ("HistGradientBoosting", {"max_iter": 60, "early_stopping": True, "validation_fraction": None, "tol": 0.01}),
    ("LightGBM", {"n_estimators": 12}),
    ("LightGBM", {"n_estimators": 12, "subsample": 0.5, "colsample_bytree": 0.5, "class_weight": {"s": 2, "b": 1}}),
]

KEEPABLE = [
    ("LogReg", {"tol": 1e-9}),
    ("RandomForest", {"n_estimators": 40}),
    ("GradientBoosting", {}),
    ("HistGradientBoosting", {}),
    ("HistGradientBoosting", {"early_stopping": True}),
    ("LightGBM", {}),
]


def as_kept(pipeline: Pipeline) -> Pipeline:
    """A pipeline that was fitted without us, less what is not kept of it."""
    classifier = pipeline[-1]
    if isinstance(classifier, HistGradientBoostingClassifier):
        trim(classifier)
    if isinstance(classifier, LightGBM):
        pipeline.steps[-1] = ("classifier", classifier.plain_)
    return pipeline


@pytest.mark.parametrize(("name", "given"), CASES)
def test_a_watched_fit_is_scikit_learns_own_to_the_bit(name: str, given: dict[str, Any]) -> None:
    features, target = events()
    expected = build(name, given, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected.fit(features, target.astype(np.int64))
    expected = as_kept(expected)
    watched = build(name, given, seed=3)
    fit(watched, features, target, watch=Diary())
    assert persist.dumps(watched) == persist.dumps(expected)
    assert watched[-1].get_params() == expected[-1].get_params()


@pytest.mark.parametrize(("name", "given"), CASES)
def test_steps_are_told_in_order_up_to_the_end(name: str, given: dict[str, Any]) -> None:
    features, target = events()
    diary = Diary()
    fitted = fit(build(name, given, seed=3), features, target, watch=diary)
    assert not fitted.kept_early
    entry = CATALOGUE[name]
    values = {parameter.name: parameter.default for parameter in entry.parameters} | given
    if not entry.can_keep(values):
        assert diary.said == []
        return
    done = [number for number, _, _ in diary.said]
    assert done[0] == 0
    assert done == sorted(set(done))
    assert done[-1] == fitted.done <= fitted.total
    assert {(total, unit) for _, total, unit in diary.said} == {(fitted.total, entry.unit)}


@pytest.mark.parametrize(("name", "given"), KEEPABLE)
@pytest.mark.parametrize("classes", [2, 4])
def test_a_fit_that_is_stopped_keeps_what_it_has(name: str, given: dict[str, Any], classes: int) -> None:
    features, target = events(classes=classes)
    pipeline, diary = build(name, given, 3, "abcd"[:classes]), Diary(most=2)
    fitted = fit(pipeline, features, target, watch=diary)
    assert fitted.kept_early
    assert fitted.done == diary.said[-1][0] < fitted.total
    assert fitted.remarks == (f"Stopped after {fitted.done} of {fitted.total} {diary.said[0][2]} and kept as it was.",)
    assert class_scores(pipeline, features).shape == (len(features), classes)


def test_a_forest_that_is_stopped_has_the_first_trees_of_the_whole_one() -> None:
    features, target = events()
    given = {"n_estimators": 40, "oob_score": True}
    stopped, short = build("RandomForest", given, 3), build("RandomForest", given | {"n_estimators": 12}, 3)
    fitted = fit(stopped, features, target, watch=Diary(most=2))
    assert fitted.done == 12
    fit(short, features, target)
    assert np.array_equal(class_scores(stopped, features), class_scores(short, features))
    assert stopped[-1].oob_score_ == short[-1].oob_score_
    assert stopped[-1].get_params()["n_estimators"] == 40


def test_a_booster_that_is_stopped_has_the_first_stages_of_the_whole_one() -> None:
    features, target = events()
    stopped, short = build("GradientBoosting", {}, 3), build("GradientBoosting", {"n_estimators": 3}, 3)
    assert fit(stopped, features, target, watch=Diary(most=3)).done == 3
    fit(short, features, target)
    assert np.array_equal(class_scores(stopped, features), class_scores(short, features))


@pytest.mark.parametrize(
    ("name", "count", "given"),
    [
        ("HistGradientBoosting", "max_iter", {"max_features": 0.5}),
        ("HistGradientBoosting", "max_iter", {"early_stopping": True}),
        ("LightGBM", "n_estimators", {"subsample": 0.5}),
    ],
)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_fast_booster_that_is_stopped_has_the_first_stages_of_the_whole_one(
    name: str, count: str, given: dict[str, Any], classes: int
) -> None:
    features, target = events(classes=classes)
    stopped, short = (build(name, given | more, 3, "abc"[:classes]) for more in ({}, {count: 3}))
    assert fit(stopped, features, target, watch=Diary(most=3)).done == 3
    fit(short, features, target)
    assert np.array_equal(class_scores(stopped, features), class_scores(short, features))
    assert stopped[-1].max_iter == 100


@pytest.mark.parametrize(("name", "count"), [("HistGradientBoosting", "max_iter"), ("LightGBM", "n_estimators")])
def test_a_fast_booster_can_be_stored_between_stages_and_goes_on_untouched(name: str, count: str) -> None:
    features, target = events()
    pipeline, whole, short = (build(name, {count: most}, 3) for most in (12, 12, 4))
    between = []

    class Curious(Diary):
        def stop(self) -> bool:
            if len(self.said) == 5:
                between.append(unfinished(pipeline[-1]))
            return False

    fit(pipeline, features, target, watch=Curious())
    fit(whole, features, target)
    fit(short, features, target)
    assert persist.dumps(pipeline) == persist.dumps(whole)
    stored = persist.loads(persist.dumps(Pipeline([("classifier", between[0])])))
    assert np.array_equal(class_scores(stored, features), class_scores(short, features))


@pytest.mark.parametrize("events_", [10_000, 10_001])
def test_from_so_many_events_on_auto_stops_early_as_scikit_learn_does(events_: int) -> None:
    features, target = events(events_)
    given = {"max_iter": 30, "n_iter_no_change": 1, "learning_rate": 1.0}
    ours, plain = build("HistGradientBoosting", given, 3), build("HistGradientBoosting", given, 3)
    fitted = fit(ours, features, target, watch=Diary())
    plain.fit(features, target.astype(np.int64))
    assert persist.dumps(ours) == persist.dumps(as_kept(plain))
    assert (fitted.done < 30) is (events_ > 10_000)


def test_a_feature_that_is_hardly_ever_defined_is_not_cut_on_and_does_no_harm() -> None:
    """scikit-learn's bins refuse a feature without values, also in the part that it draws."""
    features, target = events()
    rare = np.full((len(features), 3), np.nan)
    rare[:5, 1] = 1.0, 2.0, 3.0, 4.0, 5.0
    rare[:100, 2] = 7.0
    weight = np.ones(len(features))
    weight[:100] = 0.0
    for given in ({}, {"early_stopping": True}):
        pipeline, without = (build("HistGradientBoosting", {"max_iter": 10} | given, 3) for _ in range(2))
        fit(pipeline, np.hstack([features, rare]), target, weight=weight)
        fit(without, features, target, weight=weight)
        scored = class_scores(pipeline, np.hstack([features, rare[::-1]]))
        assert np.array_equal(scored, class_scores(without, features))


def test_a_logistic_regression_that_is_stopped_has_the_coefficients_of_that_iteration() -> None:
    features, target = events()
    stopped, short = build("LogReg", {}, 3), build("LogReg", {"max_iter": 2}, 3)
    assert fit(stopped, features, target, watch=Diary(most=2)).done == 2
    assert "converge" in fit(short, features, target).remarks[0]
    assert np.allclose(stopped[-1].coef_, short[-1].coef_)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_fit_that_is_stopped_before_anything_is_done_has_nothing_to_keep(name: str) -> None:
    features, target = events(200)
    diary = Diary(most=-1)
    with pytest.raises(NothingToKeep, match="more time or fewer events"):
        fit(build(name, {}, 3), features, target, watch=diary)
    assert all(done == 0 for done, _, _ in diary.said)


def test_the_catalogue_says_what_can_be_kept() -> None:
    assert [name for name, entry in CATALOGUE.items() if entry.keepable] == [
        "LogReg",
        "RandomForest",
        "GradientBoosting",
        "HistGradientBoosting",
        "LightGBM",
    ]
    assert CATALOGUE["LogReg"].can_keep({"solver": "lbfgs"})
    assert not CATALOGUE["LogReg"].can_keep({"solver": "saga"})


def test_without_callbacks_a_logistic_regression_fits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target = events(500)
    expected = build("LogReg", {}, 3)
    fit(expected, features, target)
    monkeypatch.setattr(module, "reports", lambda values, classifier: False)
    silent, diary = build("LogReg", {}, 3), Diary()
    assert fit(silent, features, target, watch=diary).done is None
    assert diary.said == []
    assert persist.dumps(silent) == persist.dumps(expected)


def test_a_callers_exception_ends_the_fit_and_leaves_no_trace_in_the_parameters() -> None:
    class Angry(Diary):
        def progress(self, done: int, total: int | None, unit: str) -> None:
            if done:
                raise KeyboardInterrupt

    features, target = events(500)
    for name in ("RandomForest", "LogReg", "HistGradientBoosting", "LightGBM"):
        pipeline = build(name, {}, 3)
        before = pipeline[-1].get_params()
        with pytest.raises(KeyboardInterrupt):
            fit(pipeline, features, target, watch=Angry())
        assert pipeline[-1].get_params() == before
        assert not {"_skl_callbacks", "_should_stop"} & set(vars(pipeline[-1]))


@pytest.mark.parametrize("target", [[0, 0, 0], [1, 1, 1], [0, 2, 2], []])
def test_a_class_without_events_is_named(target: list[int]) -> None:
    features = np.zeros((len(target), 2))
    with pytest.raises(ValueError, match="no events of class"):
        fit(build("LogReg", {}, 0), features, np.array(target, dtype=np.uint8))


def test_weights_reach_the_classifier_and_only_it() -> None:
    features, target = events(800)
    weight = np.random.default_rng(2).exponential(size=800)
    pipeline = build("LogReg", {}, 0)
    fit(pipeline, features, target, weight=weight)
    scaler = StandardScaler().fit(features)
    assert np.array_equal(pipeline["scale"].mean_, scaler.mean_)
    prepared = pipeline[:-1].transform(features)
    assert np.allclose(pipeline[-1].coef_, LogisticRegression().fit(prepared, target, weight).coef_)
    forest = build("RandomForest", {"n_estimators": 30}, 4)
    fit(forest, features, target, weight=weight, watch=Diary())
    expected = RandomForestClassifier(30, random_state=4).fit(forest[:-1].transform(features), target, weight)
    assert np.array_equal(class_scores(forest, features), expected.predict_proba(forest[:-1].transform(features)))


# The bins of LightGBM hold so many events, whatever these count; tests/unit/test_lightgbm.py has its weights.
@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"LightGBM"}))
def test_an_event_of_weight_two_counts_like_two_events(name: str) -> None:
    given: dict[str, Any] = {
        "LogReg": {"tol": 1e-8},
        "SVM": {"tol": 1e-8, "gamma": 0.5},
        "RandomForest": {"bootstrap": False, "n_estimators": 3, "max_depth": 3, "max_features": None},
        "GradientBoosting": {"max_depth": 2, "n_estimators": 5},
        "HistGradientBoosting": {"max_leaf_nodes": 4, "max_iter": 5, "min_samples_leaf": 1},
    }[name]
    random = np.random.default_rng(8)
    features = random.normal(size=(150, 3))
    target = (features[:, 0] + random.normal(size=150) > 0).astype(np.uint8)
    double = random.random(150) < 0.5
    weighted, repeated = build(name, given, 0)[-1:], build(name, given, 0)[-1:]
    weighted[-1].fit(features, target, sample_weight=1.0 + double)
    repeated[-1].fit(np.vstack([features, features[double]]), np.concatenate([target, target[double]]))
    assert np.allclose(class_scores(weighted, features), class_scores(repeated, features), atol=2e-3)


TARGET = np.array([0, 0, 0, 1, 1], dtype=np.uint8)
WEIGHT = np.array([1.0, 2.0, 3.0, -0.5, 1.0])


def test_without_weights_negative_ones_do_not_matter() -> None:
    for policy in NegativeWeights:
        assert training_weights(EventWeights.NONE, policy, WEIGHT, TARGET) == (None, None, ())


def test_event_weights_are_scaled_to_mean_1() -> None:
    rows, weight, remarks = training_weights(EventWeights.EVENT, NegativeWeights.REFUSE, np.abs(WEIGHT), TARGET)
    assert rows is None
    assert remarks == ()
    assert weight == pytest.approx(np.abs(WEIGHT) / 1.5)


def test_balanced_weights_give_every_class_the_same_sum() -> None:
    for given in (np.abs(WEIGHT), None):
        _, weight, _ = training_weights(EventWeights.BALANCED, NegativeWeights.REFUSE, given, TARGET)
        assert weight.mean() == pytest.approx(1.0)
        assert weight[TARGET == 0].sum() == pytest.approx(weight[TARGET == 1].sum())
    assert weight == pytest.approx([5 / 6, 5 / 6, 5 / 6, 5 / 4, 5 / 4])


def test_negative_weights_are_refused_with_their_number_and_what_to_do() -> None:
    with pytest.raises(BadTable, match=r"1 of 5 events have a negative weight.*'drop'.*'absolute'.*'none'"):
        training_weights(EventWeights.EVENT, NegativeWeights.REFUSE, WEIGHT, TARGET)


def test_events_of_negative_weight_are_dropped() -> None:
    rows, weight, remarks = training_weights(EventWeights.EVENT, NegativeWeights.DROP, WEIGHT, TARGET)
    assert rows.tolist() == [True, True, True, False, True]
    assert weight == pytest.approx(np.array([1.0, 2.0, 3.0, 1.0]) / 1.75)
    assert remarks == ("1 events of negative weight were not trained on.",)


def test_negative_weights_lose_their_sign() -> None:
    rows, weight, remarks = training_weights(EventWeights.EVENT, NegativeWeights.ABSOLUTE, WEIGHT, TARGET)
    assert rows is None
    assert weight == pytest.approx(np.abs(WEIGHT) / 1.5)
    assert "without sign" in remarks[0]


@pytest.mark.parametrize("weights", [EventWeights.EVENT, EventWeights.BALANCED])
def test_a_class_without_weight_cannot_be_trained(weights: EventWeights) -> None:
    weight = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    with pytest.raises(BadTable, match="class 1 add up to nothing"):
        training_weights(weights, NegativeWeights.REFUSE, weight, TARGET)
    with pytest.raises(BadTable, match="class 1 add up to nothing"):
        training_weights(weights, NegativeWeights.DROP, np.where(TARGET == 1, -1.0, 1.0), TARGET)


def test_event_weights_that_are_not_there() -> None:
    with pytest.raises(BadTable, match="which column holds them"):
        training_weights(EventWeights.EVENT, NegativeWeights.REFUSE, None, TARGET)
