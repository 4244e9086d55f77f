"""Accelerated fits: plain scikit-learn when they are kept, as good as its own, and only where they are of its kind."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain import persist
from eventsieve.domain.estimators import acceleration, build, class_scores, fit
from eventsieve.domain.estimators.binning import binned
from eventsieve.records import Means
from fits import Diary, events

FAST = Means(threads=2, accelerate=True)
needed = pytest.mark.skipif(not acceleration.available(), reason="scikit-learn-intelex is not installed")

FORESTS: list[dict[str, Any]] = [
    {"n_estimators": 30},
    {"n_estimators": 30, "max_depth": 6, "min_samples_leaf": 5},
    {"n_estimators": 30, "max_samples": 0.5, "max_features": 0.5, "min_samples_split": 0.01},
    {"n_estimators": 30, "bootstrap": False, "max_samples": None, "min_impurity_decrease": 1e-4},
]
MACHINES: list[dict[str, Any]] = [
    {},
    {"kernel": "linear", "C": 0.1},
    {"kernel": "poly", "degree": 2, "coef0": 1.0},
    {"class_weight": "balanced", "gamma": 0.3},
    {"C": 50.0, "tol": 1e-4, "decision_function_shape": "ovo"},
]


def fitted(name: str, given: dict[str, Any], means: Means = FAST, classes: int = 2, **more: Any) -> tuple[Any, Any]:
    features, target = events(6000, classes)
    pipeline = build(name, given, 3, "abcd"[:classes])
    return pipeline, fit(pipeline, features, target, means=means, **more)


def area(pipeline: Any, classes: int) -> float:
    features, target = events(9000, classes)
    scores = class_scores(pipeline, features[6000:])
    if scores.shape[1] > 2 and not np.allclose(scores.sum(axis=1), 1.0):
        scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    right = {"multi_class": "ovr"} if classes > 2 else {}
    return float(roc_auc_score(target[6000:], scores if classes > 2 else scores[:, -1], **right))


@needed
@pytest.mark.parametrize(
    ("name", "given", "classes"),
    [
        *(("RandomForest", given, 2) for given in FORESTS),
        *(("SVM", given, classes) for given in MACHINES for classes in (2, 3)),
    ],
)
def test_an_accelerated_model_is_plain_and_as_good(name: str, given: dict[str, Any], classes: int) -> None:
    fast, told = fitted(name, given, classes=classes)
    slow, plain = fitted(name, given, Means(threads=2), classes)
    assert (told.libraries, plain.libraries) == (("scikit-learn-intelex",), ())
    assert type(fast[-1]) is type(slow[-1])
    assert fast[-1].get_params() == slow[-1].get_params()
    # A forest's area has an error of its own, by chance.
    assert area(fast, classes) == pytest.approx(area(slow, classes), abs=0.008 if name == "RandomForest" else 0.001)
    features, _ = events(500, classes)
    again = persist.loads(persist.dumps(fast))
    assert np.array_equal(class_scores(again, features), class_scores(fast, features))
    assert np.array_equal(again.predict(features), fast.predict(features))


@needed
@pytest.mark.parametrize("name", ["RandomForest", "SVM"])
def test_the_same_training_gives_the_same_bytes(name: str) -> None:
    dumps = {persist.dumps(fitted(name, {}, watch=watch)[0]) for watch in (None, Diary(), Diary())}
    assert len(dumps) == 1


@needed
def test_a_forest_does_not_depend_on_the_number_of_threads() -> None:
    dumps = [
        persist.dumps(fitted("RandomForest", {"n_estimators": 30}, Means(threads=n, accelerate=True))[0])
        for n in (1, 2, 3)
    ]
    assert len(set(dumps)) == 1


@needed
@pytest.mark.parametrize("name", ["RandomForest", "SVM"])
def test_it_has_what_scikit_learns_own_has_and_of_the_same_kind(name: str) -> None:
    fast, slow = (vars(fitted(name, {}, means)[0][-1]) for means in (FAST, Means()))
    # Which events a tree was grown on is not known, and must not be made up.
    unknown = {"_n_samples", "_n_samples_bootstrap", "_sample_weight"} if name == "RandomForest" else set()
    assert slow.keys() - fast.keys() == unknown
    assert fast.keys() <= slow.keys()
    for key, value in fast.items():
        assert type(value) is type(slow[key]), key
        if isinstance(value, np.ndarray):
            assert (value.dtype, value.ndim, value.flags.c_contiguous) == (
                slow[key].dtype,
                slow[key].ndim,
                slow[key].flags.c_contiguous,
            ), key


@needed
def test_the_scores_of_vectors_are_those_of_libsvm() -> None:
    features, target = events(7000, 3)
    weight = np.random.default_rng(1).exponential(size=7000)
    weight[:200] = 0.0
    for classes in (2, 3):
        codes = np.minimum(target[:6000], classes - 1)
        fast, slow = (build("SVM", {}, 3, "abc"[:classes]) for _ in range(2))
        fit(fast, features[:6000], codes, weight=weight[:6000], means=FAST)
        fit(slow, features[:6000], codes, weight=weight[:6000])
        ours, theirs = (pipeline.decision_function(features[6000:]) for pipeline in (fast, slow))
        assert np.mean(np.abs(ours - theirs) < 5e-3) > 0.99
        assert np.mean(fast.predict(features) == slow.predict(features)) > 0.998


@needed
@pytest.mark.parametrize(("depth", "most"), [(4, 0.0), (None, 0.02)])
def test_nodes_hold_the_shares_of_the_events_that_come_to_them(depth: int | None, most: float) -> None:
    given = {"n_estimators": 10, "bootstrap": False, "max_samples": None, "max_depth": depth}
    pipeline, _ = fitted("RandomForest", given)
    features, target = events(6000)
    prepared = pipeline[:-1].transform(features).astype(np.float32)
    _, cuts, first = binned(prepared)
    nodes = wrong = 0
    for tree in (each.tree_ for each in pipeline[-1].estimators_):
        path = tree.decision_path(prepared)
        counted, second = path.T @ np.ones(6000), path.T @ target
        shares = tree.value[:, 0, 1] * tree.n_node_samples
        leaves = tree.children_left < 0
        differ = leaves & ((counted != tree.n_node_samples) | (np.abs(second - shares) > 1e-6))
        nodes, wrong = nodes + tree.node_count, wrong + int(differ.sum())
        # The sums of all leaves below, in every node.
        assert shares[0] == pytest.approx(shares[leaves].sum())
        inner = np.flatnonzero(~leaves)
        below = shares[tree.children_left[inner]] + shares[tree.children_right[inner]]
        assert shares[inner] == pytest.approx(below)
        for node in np.flatnonzero(tree.children_left >= 0)[:50]:
            column = tree.feature[node]
            assert tree.threshold[node] in cuts[first[column] : first[column + 1]]
    # oneDAL itself sometimes takes one for the other of the two last events on a path.
    assert wrong <= most * nodes


@needed
def test_the_scores_of_a_forest_are_onedals_own() -> None:
    from sklearnex.ensemble import RandomForestClassifier as Fast

    features, target = events(6000)
    pipeline, _ = fitted("RandomForest", {"n_estimators": 20, "min_samples_leaf": 10})
    prepared = pipeline[:-1].transform(features).astype(np.float32)
    codes, _, _ = binned(prepared)
    seed = np.random.RandomState(3).randint(2**31 - 1)
    theirs = Fast(20, min_samples_leaf=10, random_state=seed, max_bins=4 * int(codes.max() + 1)).fit(codes, target)
    assert class_scores(pipeline, features) == pytest.approx(theirs.predict_proba(codes), abs=1e-6)


@needed
def test_a_forest_tells_its_trees_and_keeps_them_when_it_is_stopped() -> None:
    diary = Diary(most=1)
    stopped, told = fitted("RandomForest", {"n_estimators": 60}, watch=diary)
    assert [done for done, _, _ in diary.said] == [0, 25]
    assert (told.kept_early, told.done, told.total) == (True, 25, 60)
    assert told.libraries == ("scikit-learn-intelex",)
    short, _ = fitted("RandomForest", {"n_estimators": 25})
    features, _ = events(500)
    assert np.array_equal(class_scores(stopped, features), class_scores(short, features))
    assert stopped[-1].get_params()["n_estimators"] == 60
    whole = Diary()
    fitted("RandomForest", {"n_estimators": 60}, watch=whole)
    assert whole.said == [(done, 60, "trees") for done in (0, 25, 50, 60)]


ELSEWHERE: list[tuple[str, dict[str, Any]]] = [
    ("RandomForest", {"class_weight": "balanced"}),
    ("RandomForest", {"criterion": "entropy"}),
    ("RandomForest", {"oob_score": True}),
    ("RandomForest", {"warm_start": True}),
    ("RandomForest", {"ccp_alpha": 0.01}),
    ("RandomForest", {"max_leaf_nodes": 20}),
    ("SVM", {"kernel": "sigmoid"}),
    ("SVM", {"max_iter": 50}),
    ("LogReg", {}),
]


@pytest.mark.parametrize(("name", "given"), ELSEWHERE)
def test_what_would_become_another_model_is_left_to_scikit_learn(name: str, given: dict[str, Any]) -> None:
    given = given | ({"n_estimators": 5} if name == "RandomForest" else {})
    fast, told = fitted(name, given)
    slow, _ = fitted(name, given, Means())
    assert told.libraries == ()
    assert persist.dumps(fast) == persist.dumps(slow)


def test_weighted_forests_and_few_events_are_left_to_scikit_learn() -> None:
    forest = build("RandomForest", {}, 3)[-1]
    features, target = np.zeros((6000, 2)), np.arange(6000) % 2
    assert (acceleration.faster(forest, features, target, None, FAST) is None) == (not acceleration.available())
    assert acceleration.faster(forest, features, np.arange(6000) % 3, None, FAST) is None
    assert acceleration.faster(forest, features, target, np.ones(6000), FAST) is None
    assert acceleration.faster(forest, features[:4999], target[:4999], None, FAST) is None
    assert acceleration.faster(forest, features + 1e39, target, None, FAST) is None
    assert acceleration.faster(forest, features, target, None, Means(threads=2)) is None
    forest.set_params(max_samples=7000)
    assert acceleration.faster(forest, features, target, None, FAST) is None


def test_without_the_package_everything_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("sklearnex"):
            raise ImportError(name)
        return real(name, *rest)

    def load(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(acceleration.importlib, "import_module", load)
    acceleration.available.cache_clear()
    try:
        _, told = fitted("RandomForest", {"n_estimators": 3})
    finally:
        monkeypatch.undo()
        acceleration.available.cache_clear()
    assert told.libraries == ()


@pytest.mark.parametrize("given", [{"n_estimators": 7}, {"n_estimators": 7, "oob_score": True, "max_depth": 3}])
def test_a_plain_forest_is_the_same_with_any_number_of_threads(given: dict[str, Any]) -> None:
    one, three = (fitted("RandomForest", given, Means(threads=n))[0] for n in (1, 3))
    assert three[-1].n_jobs is None
    assert persist.dumps(one) == persist.dumps(three)


@pytest.mark.parametrize("n", [400, 401])
def test_medians_are_those_of_scikit_learn_to_the_bit(n: int) -> None:
    features, target = events(n)
    features[:, 1] = np.nan
    ours, theirs = build("GradientBoosting", {"n_estimators": 1}, 3), build("GradientBoosting", {"n_estimators": 1}, 3)
    fit(ours, features, target)
    theirs.fit(features, target.astype(np.int64))
    assert np.array_equal(ours[0].statistics_, theirs[0].statistics_)
    assert persist.dumps(ours) == persist.dumps(theirs)
