"""The catalogue against scikit-learn itself: its defaults, its checks, and what its `fit` accepts."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import check_estimator

from eventsieve.domain.estimators import (
    CATALOGUE,
    Interval,
    Parameter,
    build,
    class_scores,
    event_scores,
    fit,
    has_probabilities,
    natural_cut,
    predict_codes,
    resolve,
    score_events,
)
from eventsieve.domain.estimators.catalogue import WITHHELD
from eventsieve.domain.estimators.pipeline import _native
from eventsieve.domain.estimators.scoring import _BATCH
from eventsieve.errors import BadHyperparameters, UnknownModelType

SMALL: dict[str, dict[str, Any]] = {
    "LogReg": {},
    "SVM": {},
    "RandomForest": {"n_estimators": 5},
    "GradientBoosting": {"n_estimators": 5},
    "HistGradientBoosting": {"max_iter": 5},
    "LightGBM": {"n_estimators": 5},
}
"""Hyperparameters that make a fit quick; a new entry of the catalogue has to be named here."""

GRIDS: dict[str, dict[str, list[Any]]] = {
    "LogReg": {
        "solver": ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"],
        "penalty": ["deprecated", "l1", "l2", "elasticnet", None],
        "l1_ratio": [None, 0, 0.5, 1],
        "dual": [False, True],
        "C": [1, "inf"],
    },
    "SVM": {
        "kernel": ["linear", "rbf"],
        "decision_function_shape": ["ovo", "ovr"],
        "break_ties": [False, True],
        "probability": ["deprecated", False, True],
        "class_weight": [None, "balanced", {"s": 1, "b": 2}],
    },
    "RandomForest": {
        "bootstrap": [False, True],
        "oob_score": [False, True],
        "max_samples": [None, 0.5, 20],
        "class_weight": [None, "balanced", "balanced_subsample", {"s": 1, "b": 2}],
        "warm_start": [False, True],
    },
    "GradientBoosting": {
        "loss": ["log_loss", "exponential"],
        "init": [None, "zero"],
        "n_iter_no_change": [None, 2],
        "subsample": [0.5, 1],
        "criterion": ["deprecated", "squared_error"],
    },
    "HistGradientBoosting": {
        "early_stopping": ["auto", False, True],
        "validation_fraction": [0.2, 10, None],
        "interaction_cst": [None, "pairwise", "no_interactions"],
        "max_leaf_nodes": [None, 4],
        "class_weight": [None, "balanced"],
    },
    "LightGBM": {
        "subsample": [0.5, 1],
        "subsample_freq": [0, 1],
        "max_depth": [-1, 3],
        "min_child_samples": [1, 5],
        "min_child_weight": [0, 1e-3],
        "extra_trees": [False, True],
    },
}
"""The hyperparameters that could depend on each other, with the values that could matter."""

EXPECTED_FAILURES = {
    "check_estimators_overwrite_params": "a pipeline fits the very steps that are its parameters",
    "check_dont_overwrite_parameters": "the same",
    "check_estimators_nan_inf": "NaN is an undefined feature here, and imputed",
}

every_type = pytest.mark.parametrize("name", CATALOGUE)


def events(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features with gaps and one that is never defined, and labels that depend on them."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 4)) * [1.0, 100.0, 1e-3, 1.0]
    label = features[:, 0] + 0.5 * random.normal(size=n) > 0
    features[random.random(n) < 0.3, 1] = np.nan
    features[:, 3] = np.nan
    return features, label


def faults(name: str, given: dict[str, Any], classes: tuple[str, ...] = ("b", "s")) -> dict[str, str]:
    with pytest.raises(BadHyperparameters) as refused:
        resolve(name, given, classes)
    return refused.value.faults


PROCESSES = ("htautau", "ztautau", "ttbar", "diboson")


def processes(n: int = 400, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Features, and class codes that depend on them."""
    features, _ = events(n)
    mass = features[:, 0] + 0.3 * np.random.default_rng(1).normal(size=n)
    return features, np.digitize(mass, np.quantile(mass, np.arange(1, classes) / classes)).astype(np.uint8)


@every_type
def test_defaults_are_scikit_learns(name: str) -> None:
    defaults = {k: v for k, v in CATALOGUE[name].classifier().get_params().items() if k not in WITHHELD}
    assert resolve(name) == defaults
    assert list(resolve(name)) == sorted(defaults)


@every_type
def test_built_with_defaults_is_scikit_learns_classifier(name: str) -> None:
    entry = CATALOGUE[name]
    assert build(name, None, seed=3)[-1].get_params() == entry.classifier(random_state=3).get_params()
    assert build(name, {"random_state": 5}, seed=3)[-1].random_state == 5


@every_type
def test_parameters_are_described_in_plain_data(name: str) -> None:
    for parameter in CATALOGUE[name].parameters:
        assert parameter.help.endswith("."), parameter.name
        assert not set("`:~") & set(parameter.help.replace(": ", "")), parameter.help
        assert "\n" not in parameter.help
        assert parameter.kinds
        assert parameter.allowed()
        json.dumps(parameter.default)


def test_intervals_and_choices_are_scikit_learns() -> None:
    forest = {parameter.name: parameter for parameter in CATALOGUE["RandomForest"].parameters}
    vectors = {parameter.name: parameter for parameter in CATALOGUE["SVM"].parameters}
    assert forest["criterion"].choices == ("entropy", "gini", "log_loss")
    assert forest["max_features"].kinds == ("text", "integer", "number", "null")
    assert forest["max_features"].intervals[1] == Interval("number", 0.0, 1.0, low_open=True)
    assert vectors["C"].intervals == (Interval("number", 0.0, None, low_open=True),)
    assert vectors["kernel"].choices == ("linear", "poly", "rbf", "sigmoid")
    assert vectors["C"].help.startswith("Regularization parameter")


@every_type
def test_resolving_twice_changes_nothing(name: str) -> None:
    for given_ in ({}, {"class_weight": '{"s": 2, "0": "0,5"}'} if name != "GradientBoosting" else {"init": "zero"}):
        once = resolve(name, given_)
        assert json.dumps(resolve(name, json.loads(json.dumps(once)))) == json.dumps(once)


@pytest.mark.parametrize(
    ("name", "parameter", "sent", "read"),
    [
        ("LogReg", "C", "", 1.0),
        ("LogReg", "C", "  ", 1.0),
        ("LogReg", "C", "0,5", 0.5),
        ("LogReg", "C", " 0.5 ", 0.5),
        ("LogReg", "C", "1e-3", 1e-3),
        ("LogReg", "C", ".5", 0.5),
        ("LogReg", "C", 2, 2.0),
        ("LogReg", "C", "inf", "inf"),
        ("LogReg", "C", "Infinity", "inf"),
        ("LogReg", "C", math.inf, "inf"),
        ("LogReg", "max_iter", "100", 100),
        ("LogReg", "max_iter", "1e3", 1000),
        ("LogReg", "max_iter", 100.0, 100),
        ("LogReg", "dual", "False", False),
        ("LogReg", "fit_intercept", "true", True),
        ("LogReg", "fit_intercept", False, False),
        ("LogReg", "penalty", "l2", "l2"),
        ("LogReg", "penalty", "None", None),
        ("LogReg", "penalty", "", "deprecated"),
        ("LogReg", "solver", "LBFGS", "lbfgs"),
        ("LogReg", "class_weight", "balanced", "balanced"),
        ("LogReg", "class_weight", {"s": 2, "b": 0.5}, {"s": 2.0, "b": 0.5}),
        ("LogReg", "class_weight", {"1": 2, "0": "0,5"}, {"s": 2.0, "b": 0.5}),
        ("LogReg", "class_weight", {1: 3}, {"s": 3.0, "b": 1.0}),
        ("LogReg", "class_weight", '{"b": 3}', {"s": 1.0, "b": 3.0}),
        ("SVM", "probability", "True", True),
        ("SVM", "gamma", "auto", "auto"),
        ("SVM", "gamma", "0,1", 0.1),
        ("SVM", "max_iter", "-1", -1),
        ("RandomForest", "max_depth", "none", None),
        ("RandomForest", "max_depth", "null", None),
        ("RandomForest", "max_depth", None, None),
        ("RandomForest", "max_features", "2", 2),
        ("RandomForest", "max_features", "1", 1),
        ("RandomForest", "max_features", "1.0", 1.0),
        ("RandomForest", "max_features", "1,0", 1.0),
        ("RandomForest", "max_features", "sqrt", "sqrt"),
        ("RandomForest", "min_samples_split", "0.5", 0.5),
        ("RandomForest", "min_samples_split", "1.0", 1.0),
        ("RandomForest", "min_samples_split", 2.0, 2),
        ("RandomForest", "random_state", "7", 7),
        ("RandomForest", "random_state", 2**32 - 1, 2**32 - 1),
        ("GradientBoosting", "criterion", "friedman_mse", "friedman_mse"),
        ("GradientBoosting", "init", "zero", "zero"),
    ],
)
def test_what_clients_send(name: str, parameter: str, sent: Any, read: Any) -> None:
    value = resolve(name, {parameter: sent})[parameter]
    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("name", "parameter", "sent"),
    [
        ("LogReg", "C", "zzz"),
        ("LogReg", "C", 0),
        ("LogReg", "C", "-1"),
        ("LogReg", "C", "nan"),
        ("LogReg", "C", math.nan),
        ("LogReg", "C", "-inf"),
        ("LogReg", "C", True),
        ("LogReg", "C", None),
        ("LogReg", "C", [1]),
        ("LogReg", "C", "1e999"),
        ("LogReg", "C", "1,000.5"),
        ("LogReg", "C", "1_000"),
        ("LogReg", "C", "\N{ARABIC-INDIC DIGIT ONE}"),
        pytest.param("LogReg", "C", 10**400, id="10**400"),
        ("LogReg", "tol", math.inf),
        ("LogReg", "dual", 1),
        ("LogReg", "dual", "yes"),
        ("LogReg", "max_iter", 10.5),
        ("LogReg", "max_iter", "1,000"),
        ("LogReg", "max_iter", True),
        ("LogReg", "max_iter", 2**31),
        pytest.param("LogReg", "max_iter", 10**5000, id="long number"),
        pytest.param("LogReg", "max_iter", [10**5000], id="long number in a list"),
        pytest.param("LogReg", "max_iter", "9" * 5000, id="long text"),
        ("LogReg", "max_iter", math.inf),
        ("LogReg", "class_weight", {"s": 0}),
        ("LogReg", "class_weight", {"s": -1, "b": 1}),
        ("LogReg", "class_weight", {"s": 1, "1": 1}),
        ("LogReg", "class_weight", {"x": 1}),
        ("LogReg", "class_weight", {"s": math.inf}),
        ("LogReg", "class_weight", {"s": True}),
        ("LogReg", "class_weight", {"s": None}),
        ("LogReg", "class_weight", {}),
        ("LogReg", "class_weight", "{"),
        pytest.param("LogReg", "class_weight", '{"s":' * 100_000, id="deep text"),
        ("SVM", "kernel", "precomputed"),
        ("SVM", "kernel", "os.system"),
        ("RandomForest", "random_state", 2**32),
        ("RandomForest", "random_state", -1),
        ("RandomForest", "min_samples_split", 1),
        ("RandomForest", "max_features", 0),
        ("RandomForest", "class_weight", [{"s": 1}]),
        ("GradientBoosting", "init", {"estimator": "LogReg"}),
    ],
)
def test_what_is_refused(name: str, parameter: str, sent: Any) -> None:
    found = faults(name, {parameter: sent})
    assert list(found) == [parameter]
    assert parameter in found[parameter]
    assert "takes" in found[parameter]
    assert len(found[parameter]) < 400


def test_every_fault_is_named_at_once() -> None:
    found = faults("RandomForest", {"n_estimators": 0, "criterion": "zzz", "max_dept": 3, "n_jobs": 2, "max_depth": 4})
    assert set(found) == {"n_estimators", "criterion", "max_dept", "n_jobs"}
    assert "from 1" in found["n_estimators"]
    assert "'gini'" in found["criterion"]
    assert "Did you mean max_depth?" in found["max_dept"]
    assert "min_samples_leaf" in found["max_dept"]
    assert "not accepted" in found["n_jobs"]


@pytest.mark.parametrize("kind", CATALOGUE)
def test_an_empty_field_of_a_form_is_no_fault(kind: str) -> None:
    assert resolve(kind, {"n_jobs": "", "verbose": ""}) == resolve(kind)


def test_a_rule_speaks_only_where_its_values_are_known() -> None:
    assert set(faults("LogReg", {"dual": True, "solver": "zzz"})) == {"solver"}
    assert set(faults("LogReg", {"dual": True, "tol": "zzz"})) == {"dual", "tol"}


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelType, match=r"'Perceptron'.*LogReg, SVM, RandomForest, GradientBoosting"):
        resolve("Perceptron", {})
    with pytest.raises(UnknownModelType):
        build("", {}, seed=0)


@every_type
@pytest.mark.parametrize("withheld", WITHHELD)
def test_what_reaches_outside_is_not_accepted(name: str, withheld: str) -> None:
    assert withheld not in {parameter.name for parameter in CATALOGUE[name].parameters}
    assert set(faults(name, {withheld: 1})) == {withheld}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([(name, p.name) for name in CATALOGUE for p in CATALOGUE[name].parameters]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda value: st.lists(value, max_size=2) | st.dictionaries(st.text(max_size=2), value, max_size=2),
        max_leaves=4,
    ),
)
def test_any_json_is_resolved_or_refused(parameter: tuple[str, str], value: Any) -> None:
    name, key = parameter
    try:
        once = resolve(name, {key: value})
    except BadHyperparameters:
        return
    assert json.dumps(resolve(name, once), allow_nan=False) == json.dumps(once, allow_nan=False)
    build(name, once, seed=0)


def edges(parameter: Parameter) -> list[Any]:
    """The texts of a parameter and numbers at the ends of its intervals."""
    values: list[Any] = [*parameter.choices, *parameter.hidden]
    values += [True, False] if "boolean" in parameter.kinds else []
    values += [None] if "null" in parameter.kinds else []
    values += [{"s": 2.0, "b": 1.0}] if "weights" in parameter.kinds else []
    for interval in parameter.intervals:
        step = 1 if interval.kind == "integer" else 0.25
        low = 0 if interval.low is None else interval.low
        values += [value for value in (low, low + step, interval.high) if value is not None and value in interval]
    # Numbers of trees, iterations and neighbours that a test has time and memory for.
    return [value for value in values if not (isinstance(value, int) and 1000 < value < 2**32 - 1)]


@every_type
def test_each_value_that_is_accepted_can_be_fitted(name: str) -> None:
    features, label = events()
    for parameter in CATALOGUE[name].parameters:
        for value in edges(parameter):
            given_ = SMALL[name] | {parameter.name: value}
            try:
                resolve(name, given_)
            except BadHyperparameters as exc:
                assert all("needs" in fault for fault in exc.faults.values()), "only a rule may refuse it"  # noqa: PT017
            else:
                fit(build(name, given_, seed=0), features, label)


def fit_and_predict(classifier: Any, features: np.ndarray, label: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(features, label).predict(features)


@pytest.mark.slow
@every_type
@pytest.mark.parametrize("classes", [("b", "s"), ("s", "b", "c")])
def test_rules_refuse_what_fit_would_refuse(name: str, classes: tuple[str, ...]) -> None:
    features, label = processes(60, len(classes))
    grid = GRIDS[name]
    for values in itertools.product(*grid.values()):
        given_ = SMALL[name] | dict(zip(grid, values, strict=True))
        try:
            resolve(name, given_, classes)
        except BadHyperparameters:
            if given_.get("solver") == "liblinear" and given_["C"] == "inf":
                continue  # scikit-learn would start it, and never end
            classifier = CATALOGUE[name].classifier(**{key: _native(value, classes) for key, value in given_.items()})
            with pytest.raises((ValueError, TypeError)):
                fit_and_predict(classifier, np.nan_to_num(features), label)
        else:
            pipeline = build(name, given_, 0, classes)
            fit(pipeline, features, label)
            assert np.isfinite(class_scores(pipeline, features)).all()


@pytest.mark.slow
@every_type
def test_scikit_learns_own_checks(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(build(name, SMALL[name], seed=0), on_fail=None, on_skip=None)
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert failed == set(EXPECTED_FAILURES)
    assert sum(result["status"] == "passed" for result in results) > 40


@every_type
def test_fits_and_tells_signal_from_background(name: str) -> None:
    features, label = events(300)
    pipeline = build(name, SMALL[name], seed=0)
    assert fit(pipeline, features, label).remarks == ()
    score = score_events(pipeline, features)
    selected = score > natural_cut(pipeline)
    assert score.dtype == np.float64
    assert score.shape == label.shape
    assert score[label].mean() > score[~label].mean()
    assert (selected == label).mean() > 0.8
    assert np.array_equal(selected, pipeline.predict(features).astype(bool))


@every_type
def test_same_seed_same_model(name: str) -> None:
    features, label = events(200)
    scores = []
    for _ in range(2):
        pipeline = build(name, SMALL[name], seed=11)
        fit(pipeline, features, label)
        scores.append(score_events(pipeline, features))
    assert np.array_equal(*scores)


@every_type
def test_features_undefined_only_in_new_events_are_imputed(name: str) -> None:
    features, label = events()
    pipeline = build(name, SMALL[name], seed=0)
    fit(pipeline, features, label)
    assert np.isfinite(score_events(pipeline, np.full((2, 4), np.nan))).all()


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if not entry.gaps])
def test_indicator_columns_are_not_scaled(name: str) -> None:
    features, label = events()
    pipeline = build(name, SMALL[name], seed=0)
    fit(pipeline, features, label)
    prepared = pipeline[:-1].transform(features)
    assert prepared.shape[1] == features.shape[1] + 2
    assert np.array_equal(prepared[:, -2:], np.isnan(features[:, [1, 3]]))
    assert math.isclose(prepared[:, 0].std(), 1.0) is CATALOGUE[name].scaled


def test_probabilities_are_the_score_where_there_are_any() -> None:
    features, label = events()
    forest, vectors = (build(name, SMALL[name], seed=0) for name in ("RandomForest", "SVM"))
    for pipeline in (forest, vectors):
        fit(pipeline, features, label)
    assert np.array_equal(score_events(forest, features), forest.predict_proba(features)[:, 1])
    # Sums over vectors are taken in another order than scikit-learn's.
    assert np.allclose(score_events(vectors, features), vectors.decision_function(features), rtol=0, atol=1e-12)


def test_large_tables_are_scored_in_batches() -> None:
    features, label = events()
    pipeline = build("LogReg", {}, seed=0)
    fit(pipeline, features, label)
    many = np.resize(features, (_BATCH + 10, 4))
    assert np.allclose(score_events(pipeline, many), pipeline.predict_proba(many)[:, 1])
    assert score_events(pipeline, features[:0]).shape == (0,)


def test_class_weights_reach_the_right_class() -> None:
    features, label = events(300)
    selected = []
    for weights in ({"s": 50, "b": 1}, {"s": 1, "b": 50}):
        pipeline = build("LogReg", {"class_weight": weights}, seed=0)
        fit(pipeline, features, label)
        selected.append((score_events(pipeline, features) > natural_cut(pipeline)).sum())
    assert selected[0] > label.sum() > selected[1]


def test_deprecated_parameters_still_train_in_silence() -> None:
    features, label = events()
    for name, given_ in (
        ("LogReg", {"penalty": "l2"}),
        ("SVM", {"probability": True}),
        ("GradientBoosting", {"criterion": "friedman_mse", "n_estimators": 5}),
    ):
        assert fit(build(name, given_, seed=0), features, label).remarks == ()


def test_a_fit_that_did_not_converge_says_so_once() -> None:
    features, label = events()
    remarks = fit(build("LogReg", {"max_iter": 1}, seed=0), features, label).remarks
    assert len(remarks) == 1
    assert "converge" in remarks[0]


def test_class_weights_go_by_the_names_of_the_classes_or_their_codes() -> None:
    weights = [
        resolve("LogReg", {"class_weight": given_}, PROCESSES)["class_weight"]
        for given_ in ({"ttbar": 3}, {"2": 3}, {2: 3}, '{"ttbar": "3,0"}')
    ]
    assert weights == [{"htautau": 1.0, "ztautau": 1.0, "ttbar": 3.0, "diboson": 1.0}] * 4
    assert list(weights[0]) == list(PROCESSES)
    assert resolve("LogReg", {"class_weight": {"sig": 2}}, ("bkg", "sig"))["class_weight"] == {"sig": 2.0, "bkg": 1.0}
    assert build("LogReg", {"class_weight": {"ttbar": 3}}, 0, PROCESSES)[-1].class_weight == {0: 1, 1: 1, 2: 3, 3: 1}
    # A class that is named like another one's code is meant by its name.
    assert resolve("LogReg", {"class_weight": {"0": 5}}, ("1", "0"))["class_weight"] == {"0": 5.0, "1": 1.0}
    found = faults("LogReg", {"class_weight": {"qcd": 1}}, PROCESSES)
    assert '"htautau": 1.0, "ztautau": 1.0' in found["class_weight"]


def test_what_knows_two_classes_only_is_refused_for_more() -> None:
    assert "needs two classes" in faults("LogReg", {"solver": "liblinear"}, PROCESSES)["solver"]
    assert "choose loss='log_loss'" in faults("GradientBoosting", {"loss": "exponential"}, PROCESSES)["loss"]
    for name, given_ in (("LogReg", {"solver": "liblinear"}), ("GradientBoosting", {"loss": "exponential"})):
        resolve(name, given_, ("bkg", "sig"))


@every_type
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_every_class_has_a_score(name: str, classes: int) -> None:
    features, target = processes(classes=classes)
    pipeline = build(name, SMALL[name], 0, PROCESSES[:classes])
    fit(pipeline, features, target)
    scores = class_scores(pipeline, features)
    assert scores.shape == (len(features), classes)
    assert scores.dtype == np.float64
    assert (predict_codes(scores) == target).mean() > 0.6
    assert (predict_codes(scores) == pipeline.predict(features)).mean() > 0.98
    if has_probabilities(pipeline):
        assert np.allclose(scores.sum(axis=1), 1.0)
        assert np.allclose(scores, pipeline.predict_proba(features), rtol=0, atol=1e-12)


@every_type
def test_two_classes_have_the_score_of_signal_among_theirs(name: str) -> None:
    features, label = events(200)
    pipeline = build(name, SMALL[name], seed=0)
    fit(pipeline, features, label)
    scores = class_scores(pipeline, features)
    assert np.array_equal(scores[:, 1], score_events(pipeline, features))
    assert np.array_equal(predict_codes(scores), score_events(pipeline, features) > natural_cut(pipeline))
    assert np.array_equal(event_scores(scores, 1), scores[:, 1])


def test_one_score_is_that_of_the_signal_or_the_largest() -> None:
    scores = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    assert event_scores(scores, 2).tolist() == [0.3, 0.3]
    assert event_scores(scores, None).tolist() == [0.5, 0.6]
    assert predict_codes(scores).tolist() == [1, 0]


def test_a_support_vector_machine_scores_classes_whatever_form_its_decision_has() -> None:
    features, target = processes()
    scores = []
    for shape in ("ovr", "ovo"):
        pipeline = build("SVM", {"decision_function_shape": shape}, 0, PROCESSES)
        fit(pipeline, features, target)
        scores.append(class_scores(pipeline, features))
        assert pipeline[-1].decision_function_shape == shape
        if shape == "ovr":
            assert np.allclose(scores[0], pipeline.decision_function(features), rtol=0, atol=1e-12)
    assert np.array_equal(*scores)


def test_several_classes_have_no_score_of_signal_against_background() -> None:
    features, target = processes()
    pipeline = build("LogReg", {}, 0, PROCESSES)
    fit(pipeline, features, target)
    with pytest.raises(ValueError, match="4 classes"):
        score_events(pipeline, features)


@every_type
def test_scores_of_a_large_table_of_several_classes_come_in_batches(name: str) -> None:
    features, target = processes(100)
    pipeline = build(name, SMALL[name], 0, PROCESSES)
    fit(pipeline, features, target)
    many = np.resize(features, (_BATCH + 3, features.shape[1]))
    scores = class_scores(pipeline, many)
    assert np.allclose(scores[-3:], class_scores(pipeline, many[-3:]))
    assert class_scores(pipeline, many[:0]).shape == (0, 4)
