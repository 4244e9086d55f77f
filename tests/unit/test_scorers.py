"""Scorers: the answers of scikit-learn's own code, whatever the model, the events and the number of threads."""

from __future__ import annotations

import gc
import json
import weakref
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from eventsieve import machine
from eventsieve.domain.estimators import build, class_scores, fit, predict_codes, score_events
from eventsieve.domain.estimators import scoring as module
from eventsieve.domain.scorers import scorer_of, threads, trees
from eventsieve.domain.scorers.preparation import Preparation

CASES: list[tuple[str, dict[str, Any]]] = [
    ("LogReg", {}),
    ("LogReg", {"fit_intercept": False, "C": 0.01}),
    ("SVM", {}),
    ("SVM", {"gamma": "auto", "C": 100.0, "decision_function_shape": "ovo"}),
    ("SVM", {"kernel": "linear", "class_weight": "balanced"}),
    ("SVM", {"kernel": "poly", "degree": 5, "coef0": 0.3, "gamma": 0.05}),
    ("SVM", {"kernel": "poly", "degree": 0}),
    ("SVM", {"kernel": "sigmoid", "coef0": -0.2, "gamma": 0.01}),
    ("RandomForest", {"n_estimators": 12}),
    ("RandomForest", {"n_estimators": 7, "max_depth": 3, "class_weight": "balanced"}),
    ("GradientBoosting", {"n_estimators": 9}),
    ("GradientBoosting", {"n_estimators": 5, "init": "zero", "learning_rate": 0.7, "max_depth": 6}),
    ("HistGradientBoosting", {"max_iter": 9}),
    ("HistGradientBoosting", {"max_iter": 5, "early_stopping": False, "max_leaf_nodes": None}),
]
NAMES = {2: ("b", "s"), 4: ("b", "s", "t", "u")}


def events(number: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of several sizes: with gaps together and alone, never defined, constant, and of a few values only."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(number, 8)) * [1.0, 100.0, 1e-3, 1.0, 1.0, 1.0, 1.0, 1.0] + [
        0,
        500,
        0,
        0,
        0,
        0,
        0,
        0,
    ]
    features[:, 3] = random.integers(0, 3, number)
    features[:, 4] = 7.25
    target = np.digitize(features[:, 0] + 0.4 * random.normal(size=number), np.linspace(-0.7, 0.7, classes - 1))
    target[:classes] = np.arange(classes)[:number]
    features[random.random(number) < 0.4, 5:7] = np.nan
    features[random.random(number) < 0.1, 0] = np.nan
    features[:, 7] = np.nan
    return features, target.astype(np.uint8)


def unseen(number: int, classes: int) -> np.ndarray:
    """Other events, with gaps where the training had none and values where it never had any."""
    features, _ = events(number, classes, seed=1)
    random = np.random.default_rng(2)
    features[random.random(features.shape) < 0.05] = np.nan
    features[:: max(1, number // 10), 7] = 3.0
    features[0] = np.nan
    features[-1] *= 1e6
    return features


def fitted(name: str, params: dict[str, Any], classes: int = 2) -> Pipeline:
    """A copy of one that was fitted once for all tests."""
    return deepcopy(fitted_once(name, json.dumps(params), classes))


@cache
def fitted_once(name: str, params: str, classes: int) -> Pipeline:
    given = json.loads(params)
    start = given.pop("init", None)  # the catalogue does not offer it, and files may have it
    pipeline = build(name, given, 0, NAMES[classes])
    if start:
        pipeline[-1].set_params(init=start)
    fit(pipeline, *events(400, classes))
    return pipeline


def plain(pipeline: Pipeline, features: np.ndarray) -> np.ndarray:
    """What scikit-learn says, in the form of `class_scores`."""
    if hasattr(pipeline, "predict_proba"):
        return np.asarray(pipeline.predict_proba(features))
    if pipeline[-1].decision_function_shape == "ovo":
        pipeline = Pipeline(pipeline.steps)
        pipeline.steps[-1] = ("classifier", weights_of(pipeline[-1]))
    values = pipeline.decision_function(features)
    return values if values.ndim == 2 else np.column_stack((-values, values))


def weights_of(classifier: Any) -> Any:
    other = type(classifier)(**{**classifier.get_params(), "decision_function_shape": "ovr"})
    vars(other).update({name: value for name, value in vars(classifier).items() if name != "decision_function_shape"})
    return other


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("name", "params"), CASES)
@pytest.mark.parametrize("number", [1, 2, 300, 1500])
def test_the_scores_are_those_of_the_pipeline(name: str, params: dict[str, Any], classes: int, number: int) -> None:
    pipeline, features = fitted(name, params, classes), unseen(number, classes)
    assert scorer_of(pipeline) is not None
    before = features.copy()
    expected, found = plain(pipeline, features), class_scores(pipeline, features)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    if classes == 2:
        assert np.array_equal(score_events(pipeline, features), found[:, 1])
        assert np.array_equal(predict_codes(found), pipeline.predict(features))
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("name", "params"), CASES)
@pytest.mark.parametrize("prepare", [np.asfortranarray, lambda table: np.repeat(table, 2, axis=0)[::2], np.float32])
def test_tables_of_any_layout(name: str, params: dict[str, Any], classes: int, prepare: Any) -> None:
    pipeline, features = fitted(name, params, classes), prepare(unseen(50, classes))
    features.setflags(write=False)
    np.testing.assert_allclose(class_scores(pipeline, features), plain(pipeline, features), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("name", "params"), [case for case in CASES if "Boosting" in case[0] or "Forest" in case[0]])
def test_trees_agree_to_the_bit_at_their_thresholds_and_beside_them(
    name: str, params: dict[str, Any], classes: int
) -> None:
    pipeline = fitted(name, params, classes)
    seen, _ = events(400, classes)
    values = np.nan_to_num(np.unique(seen[:, 1]))
    middle = (values[:-1] + values[1:]) / 2
    edges = np.concatenate([values, middle, np.float64(np.float32(middle))])
    edges = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    narrow = np.float32(edges)
    edges = np.concatenate([edges, *(np.float64(np.nextafter(narrow, np.float32(end))) for end in (-np.inf, np.inf))])
    features = np.resize(np.nan_to_num(seen), (len(edges), seen.shape[1]))
    features[:, 1] = edges
    expected = plain(pipeline, features)
    assert np.array_equal(class_scores(pipeline, features)[:, 1:], expected[:, 1:])
    assert len(np.unique(expected[:, 1])) > 5


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("name", "params"), CASES)
def test_threads_change_nothing(
    name: str, params: dict[str, Any], classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, features = fitted(name, params, classes), unseen(301, classes)
    alone = class_scores(pipeline, features)
    monkeypatch.setattr(threads, "_WORTH", 1e-9)
    monkeypatch.setattr(threads, "_most", lambda: 3)
    started = []
    pool = threads.ThreadPoolExecutor
    monkeypatch.setattr(
        threads, "ThreadPoolExecutor", lambda number, **more: started.append(number) or pool(number, **more)
    )
    np.testing.assert_allclose(class_scores(pipeline, features), alone, rtol=1e-13, atol=1e-13)
    assert started == [3]
    features[200, 1] = np.inf  # in one thread's part
    for each in (class_scores, plain):
        if name == "HistGradientBoosting":
            assert np.isfinite(each(pipeline, features)).all()
        else:
            with pytest.raises(ValueError, match="infinity"):
                each(pipeline, features)


def test_few_events_start_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "ThreadPoolExecutor", None)
    pipeline = fitted("RandomForest", {"n_estimators": 12})
    assert len(class_scores(pipeline, unseen(20, 2))) == 20


def test_a_process_that_openmp_is_short_of_has_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 64)
    with threads.ThreadpoolController().limit(limits=2, user_api="openmp"):
        assert threads._most() == 2


def test_the_order_in_which_deep_trees_are_walked_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_LARGE", 5)
    pipeline, features = fitted("RandomForest", {"n_estimators": 12}, 4), unseen(900, 4)
    made = scorer_of(pipeline)
    assert made.score.leaves.deep
    assert np.array_equal(class_scores(pipeline, features), pipeline.predict_proba(features))


def outcome(score: Any, pipeline: Pipeline, features: np.ndarray) -> np.ndarray | str:
    """The scores, or the sentence of the refusal."""
    try:
        return np.asarray(score(pipeline, features))
    except ValueError as refusal:
        return str(refusal)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, 1e308])
@pytest.mark.parametrize("column", [0, 7])
@pytest.mark.parametrize(("name", "params"), CASES)
def test_values_that_a_model_refuses(name: str, params: dict[str, Any], column: int, value: float) -> None:
    pipeline, features = fitted(name, params), unseen(5, 2)
    features[3, column] = value
    with np.errstate(over="ignore", invalid="ignore"):
        answers = [outcome(score, pipeline, features) for score in (class_scores, plain)]
    if any(isinstance(answer, str) for answer in answers):
        assert str(answers[0]) == str(answers[1])
    else:
        np.testing.assert_allclose(*answers, rtol=1e-9)


def test_a_table_of_other_columns_is_refused() -> None:
    pipeline = fitted("LogReg", {})
    with pytest.raises(ValueError, match="expecting 8 features"):
        score_events(pipeline, np.zeros((3, 7)))


@pytest.mark.parametrize("classes", [2, 4])
def test_no_events_have_no_scores(classes: int) -> None:
    assert class_scores(fitted("RandomForest", {"n_estimators": 2}, classes), np.empty((0, 8))).shape == (0, classes)


def test_batches_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, features = fitted("SVM", {}), unseen(100, 2)
    whole = score_events(pipeline, features)
    monkeypatch.setattr(module, "_BATCH", 7)
    np.testing.assert_allclose(score_events(pipeline, features), whole, rtol=1e-12)


def strange(change: str) -> Pipeline:
    """A pipeline that is like those of the catalogue and yet another."""
    if change == "probability":
        pipeline = build("SVM", {}, 0)
        pipeline[-1].set_params(probability=True)
    elif change == "start":
        pipeline = build("GradientBoosting", {"n_estimators": 3}, 0)
        pipeline[-1].set_params(init=LogisticRegression(max_iter=10_000))
    elif change == "scaling":
        pipeline = build("LogReg", {}, 0)
        pipeline.steps[0] = ("scale", MinMaxScaler())
    else:
        pipeline = build("LogReg", {}, 0)
        pipeline.steps[-1] = ("classifier", DummyClassifier())
    return pipeline


@pytest.mark.filterwarnings("ignore:The `probability`:FutureWarning", "ignore:The default value of n_jobs")
@pytest.mark.parametrize("change", ["probability", "start", "scaling", "classifier"])
def test_what_is_not_known_is_left_to_the_pipeline(change: str) -> None:
    pipeline = strange(change)
    fit(pipeline, *events(200, 2))
    features = unseen(20, 2)
    features[-1] /= 1e6
    assert scorer_of(pipeline) is None
    assert np.array_equal(score_events(pipeline, features), pipeline.predict_proba(features)[:, 1])


def test_kernels_of_vectors_far_away_are_left_to_libsvm() -> None:
    pipeline = fitted("SVM", {"gamma": 1e4})
    assert scorer_of(pipeline) is None
    features = unseen(20, 2)
    assert np.array_equal(score_events(pipeline, features), pipeline.decision_function(features))


def test_events_far_away_from_all_vectors() -> None:
    pipeline = fitted("SVM", {})
    features = np.nan_to_num(unseen(9, 2))
    for power, row in enumerate(features):
        row[:3] = 10.0 ** (power * 20)
    np.testing.assert_allclose(score_events(pipeline, features), pipeline.decision_function(features), rtol=1e-12)


@pytest.mark.parametrize("vectors", [71, 72, 73, 145])
def test_vectors_that_do_not_fill_their_blocks(vectors: int) -> None:
    pipeline = build("SVM", {"C": 1e-3}, 0)  # all events become vectors
    fit(pipeline, *(part[:vectors] for part in events(400, 2)))
    for number in (1, 127, 128, 129):
        features = unseen(number, 2)
        np.testing.assert_allclose(
            score_events(pipeline, features), pipeline.decision_function(features), rtol=1e-12, atol=1e-13
        )


def test_a_scorer_is_made_once_and_goes_with_its_pipeline() -> None:
    pipeline = fitted("LogReg", {})
    made = scorer_of(pipeline)
    score_events(pipeline, unseen(3, 2))
    pipeline.predict(unseen(3, 2))
    assert scorer_of(pipeline) is made
    watched = weakref.ref(pipeline)
    del pipeline
    gc.collect()
    assert watched() is None


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_pipeline_that_is_fitted_again_gets_another_scorer(name: str, params: dict[str, Any]) -> None:
    pipeline, features = fitted(name, params), unseen(50, 2)
    before = class_scores(pipeline, features)
    table, target = events(400, 2)
    fit(pipeline, table[::-1] * 1.5, 1 - target)
    after = class_scores(pipeline, features)
    np.testing.assert_allclose(after, plain(pipeline, features), rtol=1e-11, atol=1e-11)
    assert params.get("degree") == 0 or not np.allclose(before, after)


def test_a_forest_that_grows_on_gets_another_scorer() -> None:
    forest = RandomForestClassifier(3, random_state=0, warm_start=True)
    features, target = np.nan_to_num(events(200, 2)[0]), events(200, 2)[1]
    pipeline = Pipeline([("classifier", forest.fit(features, target))])
    score_events(pipeline, features)
    forest.set_params(n_estimators=6).fit(features, target)
    assert np.array_equal(score_events(pipeline, features), pipeline.predict_proba(features)[:, 1])


def test_a_forest_that_takes_gaps_itself() -> None:
    features, target = events(300, 2)
    pipeline = Pipeline([("classifier", RandomForestClassifier(5, random_state=0).fit(features, target))])
    others = unseen(50, 2)
    assert np.array_equal(score_events(pipeline, others), pipeline.predict_proba(others)[:, 1])


def test_the_preparation_is_the_steps_to_the_bit() -> None:
    for name in ("LogReg", "RandomForest"):
        pipeline, features = fitted(name, {}), unseen(300, 2)
        prepare = Preparation.of([step for _, step in pipeline.steps[:-1]], 8)
        assert np.array_equal(prepare(features), pipeline[:-1].transform(features))
