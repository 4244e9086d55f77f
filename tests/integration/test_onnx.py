"""Models as ONNX files: run by another library, they give the same scores and decisions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow.csv
import pyarrow.parquet
import pytest
from sklearn.pipeline import Pipeline

from eventsieve.domain import onnx as module
from eventsieve.domain import onnxtrees
from eventsieve.domain.estimators import CATALOGUE, build, class_scores, fit, natural_cut, predict_codes, score_events
from eventsieve.domain.onnx import export

CASES: list[tuple[str, dict[str, Any]]] = [
    ("LogReg", {}),
    ("LogReg", {"solver": "newton-cholesky", "fit_intercept": False}),
    ("SVM", {}),
    ("SVM", {"kernel": "poly", "coef0": 0.5, "decision_function_shape": "ovo"}),
    ("SVM", {"kernel": "linear", "C": 0.1}),
    ("SVM", {"kernel": "sigmoid", "gamma": 0.01}),
    ("RandomForest", {"n_estimators": 20}),
    ("RandomForest", {"n_estimators": 21, "max_depth": 4, "class_weight": "balanced"}),
    ("GradientBoosting", {"n_estimators": 20}),
    ("GradientBoosting", {"n_estimators": 20, "init": "zero", "subsample": 0.5}),
    ("HistGradientBoosting", {"max_iter": 20}),
    ("HistGradientBoosting", {"max_iter": 20, "early_stopping": True, "class_weight": "balanced"}),
    ("LightGBM", {"n_estimators": 20}),
    ("LightGBM", {"n_estimators": 20, "min_child_samples": 400}),
]

BINARY: list[tuple[str, dict[str, Any]]] = [
    ("LogReg", {"solver": "liblinear"}),
    ("GradientBoosting", {"n_estimators": 20, "loss": "exponential"}),
]

NAMES = ("mass", "pt", "eta", "phi")


def events(n: int = 1500, classes: int = 2, *, gaps: bool = True) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    features = random.normal(size=(n, 4)) * [1.0, 100.0, 1e-3, 1.0]
    mass = features[:, 0] + 0.5 * random.normal(size=n)
    if gaps:
        features[random.random(n) < 0.3, 1] = np.nan
        features[random.random(n) < 0.1, 0] = np.nan
    return features, np.digitize(mass, np.quantile(mass, np.arange(1, classes) / classes)).astype(np.uint8)


def fitted(name: str, given: dict[str, Any], features: np.ndarray, target: np.ndarray) -> Pipeline:
    pipeline = build(name, given, 5, "abcd"[: int(target.max()) + 1])
    fit(pipeline, features, target)
    return pipeline


def exported(pipeline: Pipeline, sample: np.ndarray, cut: float | None) -> tuple[Any, Any]:
    names = [f"x{number}" for number in range(sample.shape[1])]
    return export(pipeline, sample, cut, features=names, classes="abcd"[: len(pipeline.classes_)])


def test_every_type_is_tried() -> None:
    assert {name for name, _ in CASES} == set(CATALOGUE)


@pytest.mark.parametrize(("name", "given"), [*CASES, *BINARY])
def test_two_classes_are_reproduced(name: str, given: dict[str, Any]) -> None:
    features, target = events()
    pipeline = fitted(name, given, features[:500], target[:500])
    data, check = exported(pipeline, features, natural_cut(pipeline))
    assert check.reproduces, check.reason
    assert check.events == len(features)
    assert check.labels_differ == 0
    assert check.size == len(data)
    scores, labels = onnxruntime.InferenceSession(data).run(["scores", "label"], {"events": features})
    assert np.allclose(scores[:, 1], score_events(pipeline, features), rtol=0, atol=1e-6)
    assert np.array_equal(labels, score_events(pipeline, features) > natural_cut(pipeline))
    assert labels.dtype == np.int64


@pytest.mark.parametrize(("name", "given"), CASES)
def test_four_classes_are_reproduced(name: str, given: dict[str, Any]) -> None:
    features, target = events(classes=4)
    pipeline = fitted(name, given, features[:600], target[:600])
    data, check = exported(pipeline, features, None)
    assert check.reproduces, check.reason
    scores, labels = onnxruntime.InferenceSession(data).run(["scores", "label"], {"events": features})
    assert np.allclose(scores, class_scores(pipeline, features), rtol=0, atol=1e-6)
    assert np.array_equal(labels, predict_codes(class_scores(pipeline, features)))


@pytest.mark.parametrize("name", CATALOGUE)
def test_events_that_are_all_undefined_or_of_any_number_are_scored(name: str) -> None:
    features, target = events(400)
    given = {"n_estimators": 5} if name in ("RandomForest", "GradientBoosting") else {}
    pipeline = fitted(name, given, features, target)
    sample = np.vstack([np.full(4, np.nan), np.zeros(4), features[:1]])
    data, check = exported(pipeline, sample, natural_cut(pipeline))
    assert check.reproduces, check.reason
    session = onnxruntime.InferenceSession(data)
    assert session.run(["label"], {"events": sample[:0]})[0].shape == (0,)


def test_a_table_without_gaps_needs_no_indicators() -> None:
    features, target = events(400, gaps=False)
    _, check = exported(fitted("LogReg", {}, features, target), features, 0.5)
    assert check.reproduces, check.reason


def test_the_votes_of_a_forest_that_are_one_half_are_decided_the_same() -> None:
    features, target = events()
    pipeline = fitted("RandomForest", {"n_estimators": 10}, features[:500], target[:500])
    assert (score_events(pipeline, features) == 0.5).sum() > 10
    data, check = exported(pipeline, features, 0.5)
    assert check.labels_differ == 0
    scores = onnxruntime.InferenceSession(data).run(["scores"], {"events": features})[0]
    assert np.array_equal(scores, class_scores(pipeline, features))


def test_a_forest_that_was_stopped_and_kept_is_reproduced() -> None:
    class Impatient:
        done = 0

        def progress(self, done: int, total: int | None, unit: str) -> None:
            self.done = done

        def stop(self) -> bool:
            return self.done > 0

    features, target = events()
    pipeline = build("RandomForest", {}, 0)
    assert fit(pipeline, features, target, watch=Impatient()).kept_early
    assert exported(pipeline, features, 0.5)[1].reproduces


def test_the_file_says_what_it_is_about() -> None:
    features, target = events()
    pipeline = fitted("LogReg", {}, features, target)
    data, _ = export(pipeline, features, 0.73, features=NAMES, classes=("bkg", "sig"))
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["features"]) == list(NAMES)
    assert json.loads(about["classes"]) == ["bkg", "sig"]
    assert float(about["threshold"]) == 0.73
    assert about["scores"] == "probabilities"
    labels = onnxruntime.InferenceSession(data).run(["label"], {"events": features})[0]
    assert np.array_equal(labels, score_events(pipeline, features) > 0.73)
    assert data == export(pipeline, features, 0.73, features=NAMES, classes=("bkg", "sig"))[0]


@pytest.mark.parametrize("classes", [2, 3])
def test_what_has_no_form_in_onnx_says_why(classes: int) -> None:
    features, target = events(classes=classes)
    data, check = exported(fitted("SVM", {"probability": True}, features, target), features, None)
    assert data is None
    assert not check.reproduces
    assert "probability=false" in check.reason


def test_too_many_trees_say_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxtrees, "_MOST_NODES", 100)
    features, target = events()
    data, check = exported(fitted("RandomForest", {}, features, target), features, 0.5)
    assert data is None
    assert "nodes, and an ONNX file holds 100" in check.reason


def test_a_file_that_does_not_reproduce_the_scores_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target = events()
    pipeline = fitted("LogReg", {}, features, target)
    monkeypatch.setattr(module, "class_scores", lambda *arguments: class_scores(*arguments) + 0.01)
    data, check = exported(pipeline, features, 0.5)
    assert data is None
    assert check.largest_difference == pytest.approx(0.01)
    assert check.labels_differ
    assert "its scores differ by up to 0.01" in check.reason


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_the_cure_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    features, target = events(300)
    pipeline = fitted("LogReg", {}, features, target)
    monkeypatch.setitem(sys.modules, package, None)
    if package == "onnx":
        monkeypatch.delitem(sys.modules, "eventsieve.domain.onnxgraph", raising=False)
        monkeypatch.delitem(sys.modules, "eventsieve.domain.onnxnodes", raising=False)
    data, check = exported(pipeline, features, 0.5)
    assert data is None
    assert "install eventsieve[onnx]" in check.reason


@pytest.mark.real
@pytest.mark.parametrize("name", CATALOGUE)
def test_real_events_are_reproduced(name: str, real_data: Path) -> None:
    table = pyarrow.csv.read_csv(real_data / "higgsml_training_17889.csv.gz")
    names = [name for name in table.column_names if name.startswith(("DER_", "PRI_"))]
    features = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    features[features == -999.0] = np.nan
    target = (np.array(table["Label"]) == "s").astype(np.uint8)
    pipeline = fitted(name, {}, features[:2000], target[:2000])
    _, check = exported(pipeline, features[2000:12_000], natural_cut(pipeline))
    assert check.reproduces, check.reason
    assert check.labels_differ <= 1


@pytest.mark.real
@pytest.mark.parametrize("name", CATALOGUE)
def test_real_events_of_four_classes_are_reproduced(name: str, real_data: Path) -> None:
    table = pyarrow.parquet.read_table(real_data / "fair_universe_labelled_1000.parquet")
    names = [name for name in table.column_names if name not in ("weights", "labels", "detailed_labels")]
    features = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    features[features == -25.0] = np.nan
    _, target = np.unique(np.array(table["detailed_labels"]), return_inverse=True)
    pipeline = fitted(name, {}, features[:600], target[:600].astype(np.uint8))
    _, check = exported(pipeline, features, None)
    assert check.reproduces, check.reason
    assert check.labels_differ == 0
