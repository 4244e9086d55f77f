"""LightGBM's models as scikit-learn's: the same scores to the last bit as its own, and what is said without it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest

from eventsieve.domain import persist
from eventsieve.domain.estimators import CATALOGUE, build, class_scores, fit, resolve, unknown
from eventsieve.domain.estimators.leaves import _ZERO, scikit_learns
from eventsieve.errors import UnknownModelType

lightgbm = pytest.importorskip("lightgbm", reason="needs eventsieve[fast]")

CASES: list[dict[str, Any]] = [
    {},
    {"num_leaves": 63, "max_bin": 1000, "min_child_samples": 3},
    {"max_depth": 2, "class_weight": "balanced"},
    {"subsample": 0.5, "colsample_bytree": 0.5, "reg_alpha": 1.0, "reg_lambda": 2.0, "min_split_gain": 0.1},
    {"extra_trees": True, "min_child_weight": 5.0, "learning_rate": 1.0},
    {"min_child_samples": 3000},  # nothing but what it begins with
]


def events(n: int = 4000, classes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that are awkward each in its way, and classes and weights of the events."""
    random = np.random.default_rng(4)
    features = random.normal(size=(n, 12))
    mass = features[:, 0] + features[:, 1] * features[:, 2] + 0.5 * random.normal(size=n)
    features[random.random(n) < 0.3, 0] = np.nan  # gaps
    features[:, 1] = np.round(features[:, 1])  # ties
    features[:, 2] *= 1e300  # huge, and some of it infinite
    features[:, 3] *= 1e-35  # around what is taken for 0
    features[:, 4] = 1.0  # constant
    features[:, 5] = np.nan  # never defined
    features[::9, 6], features[1::9, 6] = np.inf, -np.inf
    features[:, 7] = np.where(random.random(n) < 0.9, 0.0, mass)  # mostly 0
    features[:, 8] = np.where(mass > 0, np.nan, 0.0)  # a gap says it all, now and then
    features[random.random(n) < 0.5, 8] = 0.0
    features[:, 9] = features[:, 9].astype(np.float32)
    target = np.digitize(mass, np.quantile(mass, np.arange(1, classes) / classes)).astype(np.uint8)
    return features, target, random.exponential(size=n)


def awkward(features: np.ndarray) -> np.ndarray:
    """New events: undefined where training had none, on the thresholds, tiny, huge."""
    random = np.random.default_rng(6)
    new = features.copy()
    new[random.random(new.shape) < 0.2] = np.nan
    edges = [0.0, -0.0, _ZERO, -_ZERO, np.nextafter(_ZERO, 1), -np.nextafter(_ZERO, 1), 1e-36, -1e-36, 5e-324, 1e308]
    chosen = random.random(new.shape) < 0.2
    new[chosen] = random.choice([*edges, np.inf, -np.inf, -1e308], size=int(chosen.sum()))
    return new


def own(given: dict[str, Any], features: np.ndarray, target: np.ndarray, weight: np.ndarray | None) -> Any:
    """LightGBM's own classifier."""
    same = {"subsample_freq": 1, "random_state": 3, "n_jobs": 0, "deterministic": True, "force_row_wise": True}
    return lightgbm.LGBMClassifier(verbosity=-1, **same | given).fit(features, target, sample_weight=weight)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_lightgbm_to_the_last_bit(case: dict[str, Any], classes: int, *, weighted: bool) -> None:
    features, target, weight = events(classes=classes)
    given = {"n_estimators": 15} | case
    pipeline = build("LightGBM", given, 3, "abc"[:classes])
    fit(pipeline, features, target, weight=weight if weighted else None)
    expected = own(given, features, target, weight if weighted else None)
    for sample in (features, awkward(features)):
        assert np.array_equal(pipeline.decision_function(sample), expected.predict(sample, raw_score=True))
        assert np.allclose(class_scores(pipeline, sample), expected.predict_proba(sample), rtol=0, atol=1e-12)


@pytest.mark.real
@pytest.mark.parametrize("classes", [2, 3])
def test_scores_of_real_events_are_those_of_lightgbm_to_the_last_bit(real_data: Path, classes: int) -> None:
    table = pyarrow.csv.read_csv(real_data / "higgsml_training_17889.csv.gz")
    names = [name for name in table.column_names if name.startswith(("DER_", "PRI_"))]
    features = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    features[features == -999.0] = np.nan
    target = (np.array(table["Label"]) == "s").astype(np.uint8)
    if classes == 3:
        target += (target == 1) & (features[:, 1] > 50)
    weight = table["Weight"].to_numpy()
    weight = weight / weight.mean()
    train, rest = slice(0, 10_000), slice(10_000, None)
    pipeline = build("LightGBM", {}, 3, "abc"[:classes])
    fit(pipeline, features[train], target[train], weight=weight[train])
    expected = own({}, features[train], target[train], weight[train])
    for sample in (features[rest], awkward(features[rest])):
        assert np.array_equal(pipeline.decision_function(sample), expected.predict(sample, raw_score=True))


def test_a_threshold_next_to_0_takes_what_lightgbm_takes_for_0() -> None:
    features = np.repeat([[-3 * _ZERO], [0.0], [3 * _ZERO]], 50, axis=0)
    target = np.repeat([0, 1, 0], 50).astype(np.uint8)
    pipeline = build("LightGBM", {"n_estimators": 3}, 3)
    fit(pipeline, features, target)
    sample = np.concatenate([[sign * k * _ZERO / 4] for sign in (-1, 1) for k in range(17)])[:, None]
    sample = np.vstack([sample, np.nextafter(sample, 1), np.nextafter(sample, -1), [[np.nan]]])
    expected = own({"n_estimators": 3}, features, target, None)
    assert len(np.unique(expected.predict(sample, raw_score=True))) > 1
    assert np.array_equal(pipeline.decision_function(sample), expected.predict(sample, raw_score=True))


def test_deep_trees_are_followed_to_their_end() -> None:
    features = np.arange(3000.0)[:, None]
    target = (np.arange(3000) % 7 == 0).astype(np.uint8)
    given = {"num_leaves": 900, "min_child_samples": 1, "max_bin": 4000, "n_estimators": 2, "min_child_weight": 0.0}
    pipeline = build("LightGBM", given, 3)
    fit(pipeline, features, target)
    expected = own(given, features, target, None)
    assert np.array_equal(pipeline.decision_function(features), expected.predict(features, raw_score=True))
    nodes = pipeline[-1]._predictors[0][0].nodes
    inner = nodes[nodes["is_leaf"] == 0]
    for side in ("left", "right"):
        assert np.array_equal(nodes["depth"][inner[side]], inner["depth"] + 1)


@pytest.mark.parametrize(
    ("parameters", "columns"),
    [({"zero_as_missing": True}, None), ({"linear_tree": True}, None), ({}, [0])],
)
def test_what_scikit_learn_has_no_form_for_is_refused(parameters: dict[str, Any], columns: list[int] | None) -> None:
    random = np.random.default_rng(0)
    features = random.integers(0, 4, size=(500, 2)).astype(float)
    given = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 5, "min_data_per_group": 5} | parameters
    data = lightgbm.Dataset(features, features[:, 0] % 2, params=given, categorical_feature=columns or "auto")
    text = lightgbm.train(given, data, 2).model_to_string()
    with pytest.raises(ValueError, match="no form in scikit-learn"):
        scikit_learns(text, classes=2, features=2)


def test_the_largest_seed_is_taken() -> None:
    features, target, _ = events(300)
    fit(build("LightGBM", {"n_estimators": 2, "subsample": 0.5}, 2**32 - 1), features, target)


def test_a_stored_model_needs_no_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target, _ = events(500)
    pipeline = build("LightGBM", {"n_estimators": 4}, 3)
    fit(pipeline, features, target)
    data = persist.dumps(pipeline)
    assert b"lightgbm" not in data.lower()
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert np.array_equal(class_scores(persist.loads(data), features), class_scores(pipeline, features))


def test_without_lightgbm_the_type_is_not_offered_and_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target, _ = events(300)
    assert CATALOGUE["LightGBM"].available
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert not CATALOGUE["LightGBM"].available
    assert CATALOGUE["HistGradientBoosting"].available
    assert "install eventsieve[fast]" in unknown("LightGBM", ["SVM"])
    assert "there are: SVM" in unknown("LightGBN", ["SVM"])
    assert resolve("LightGBM")["num_leaves"] == 31  # cards of stored models ask for it
    with pytest.raises(ValueError, match=r"install eventsieve\[fast\]"):
        fit(build("LightGBM", {}, 3), features, target)
    with pytest.raises(UnknownModelType):
        resolve("LightGBN")
