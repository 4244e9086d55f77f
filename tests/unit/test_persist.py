"""Models to bytes and back, over the whole catalogue; and bytes that somebody else made."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Perceptron
from sklearn.pipeline import Pipeline, make_pipeline

from eventsieve.domain import persist
from eventsieve.domain.estimators import CATALOGUE, build, class_scores, fit, score_events
from eventsieve.errors import DamagedArtefact

VARIANTS: dict[str, dict[str, Any]] = {
    "LogReg": {"solver": "liblinear", "class_weight": {"s": 2, "b": 1}},
    "SVM": {"probability": True, "class_weight": "balanced", "kernel": "linear"},
    "RandomForest": {"oob_score": True, "class_weight": "balanced_subsample", "warm_start": True, "n_estimators": 20},
    "GradientBoosting": {"loss": "exponential", "init": "zero", "n_iter_no_change": 2, "subsample": 0.5},
    "HistGradientBoosting": {"early_stopping": True, "class_weight": "balanced", "interaction_cst": "pairwise"},
    "LightGBM": {"class_weight": {"s": 2, "b": 1}, "max_bin": 400, "subsample": 0.5, "min_child_samples": 3},
}
"""Hyperparameters under which other types are stored than under the defaults; a new entry has to be named here."""

every_model = pytest.mark.parametrize(
    ("name", "variant"), [(name, variant) for name in CATALOGUE for variant in (False, True)]
)


@functools.cache
def features() -> np.ndarray:
    random = np.random.default_rng(0)
    values = random.normal(size=(200, 4))
    values[random.random(values.shape) < 0.1] = np.nan
    return values


@functools.cache
def fitted(name: str, *, variant: bool = False) -> Pipeline:
    pipeline = build(name, VARIANTS[name] if variant else {}, seed=7)
    random = np.random.default_rng(1)
    fit(pipeline, features(), np.nan_to_num(features()[:, 0]) + 0.5 * random.normal(size=200) > 0)
    return pipeline


@functools.cache
def stored(name: str) -> bytes:
    return persist.dumps(fitted(name))


SEVERAL: dict[str, tuple[dict[str, Any], ...]] = {
    "LogReg": ({}, {"solver": "newton-cholesky", "class_weight": {"c": 2}}),
    "SVM": ({}, {"probability": True, "decision_function_shape": "ovo", "kernel": "poly"}),
    "RandomForest": ({"n_estimators": 8}, {"n_estimators": 8, "oob_score": True, "class_weight": "balanced"}),
    "GradientBoosting": ({"n_estimators": 6}, {"n_estimators": 6, "init": "zero", "n_iter_no_change": 2}),
    "HistGradientBoosting": ({"max_iter": 6}, {"max_iter": 6, "early_stopping": True, "validation_fraction": None}),
    "LightGBM": ({"n_estimators": 6}, {"n_estimators": 6, "max_depth": 2, "class_weight": "balanced"}),
}
"""Hyperparameters for several classes; a new entry of the catalogue has to be named here."""


class Stopper:
    """Ends a fit after some steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.seen = -1

    def progress(self, done: int, total: int | None, unit: str) -> None:
        self.seen += 1

    def stop(self) -> bool:
        return self.seen >= self.steps


@functools.cache
def of_several(name: str, number: int, classes: int, *, kept_early: bool = False) -> Pipeline:
    """A weighted fit of several classes."""
    random = np.random.default_rng(1)
    mass = np.nan_to_num(features()[:, 0]) + 0.5 * random.normal(size=200)
    target = np.digitize(mass, np.quantile(mass, np.arange(1, classes) / classes)).astype(np.uint8)
    pipeline = build(name, SEVERAL[name][number], 7, tuple("abcd"[:classes]))
    watch = Stopper(2) if kept_early else None
    fit(pipeline, features(), target, weight=random.exponential(size=200), watch=watch)
    return pipeline


@every_model
def test_a_model_comes_back_as_it_was(name: str, *, variant: bool) -> None:
    pipeline = fitted(name, variant=variant)
    data = persist.dumps(pipeline)
    again = persist.loads(data)
    assert np.array_equal(score_events(again, features()), score_events(pipeline, features()))
    assert again.get_params()["classifier"].get_params() == pipeline.get_params()["classifier"].get_params()
    assert persist.dumps(again) == data


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("classes", [3, 4])
def test_a_model_of_several_classes_comes_back_as_it_was(name: str, number: int, classes: int) -> None:
    pipeline = of_several(name, number, classes)
    data = persist.dumps(pipeline)
    again = persist.loads(data)
    assert np.array_equal(class_scores(again, features()), class_scores(pipeline, features()))
    assert persist.dumps(again) == data


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.keepable])
def test_a_model_that_was_stopped_and_kept_comes_back_as_it_was(name: str) -> None:
    pipeline = of_several(name, 0, 3, kept_early=True)
    again = persist.loads(persist.dumps(pipeline))
    assert np.array_equal(class_scores(again, features()), class_scores(pipeline, features()))


@pytest.mark.slow
def test_the_same_training_in_another_process_is_the_same_bytes() -> None:
    """Twice, with different seeds of Python's own hashes: nothing of a process may be in the file."""
    program = (
        "import hashlib, test_persist as t\n"
        "from eventsieve.domain import persist\n"
        "print([hashlib.sha256(persist.dumps(t.fitted(n, variant=v))).hexdigest()\n"
        "       for n in t.CATALOGUE for v in (False, True)])"
    )
    command = [sys.executable, "-c", program]
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    children = [
        subprocess.Popen(
            command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}, stdout=subprocess.PIPE
        )
        for seed in ("1", "2")
    ]
    answers = [child.communicate()[0].decode().strip() for child in children]
    assert answers[0] == answers[1]
    here = [hashlib.sha256(persist.dumps(fitted(n, variant=v))).hexdigest() for n in CATALOGUE for v in (False, True)]
    assert answers[0] == str(here)


def test_it_is_a_skops_file() -> None:
    types = sorted(frozenset().union(*persist.TRUSTED.values()))
    assert isinstance(skops.io.loads(stored("LogReg"), trusted=types), Pipeline)


def test_nothing_of_the_moment_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(stored("RandomForest"))) as archive:
        names = archive.namelist()
        assert names == ["schema.json", *(f"{number}.npy" for number in range(len(names) - 1))]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("schema.json"))["_eventsieve"]["protocol"] == persist.PROTOCOL


def test_any_damage_is_found() -> None:
    data = stored("LogReg")
    random = np.random.default_rng(0)
    cuts = [data[:length] for length in (0, 1, 4, 21, 100, len(data) // 2, len(data) - 1)]
    extended = [data + b"\0", b"\0" + data, data + data]
    # The ends of a zip are dense with meaning; in between a sample is enough.
    places = [*range(60), *range(len(data) - 200, len(data)), *random.integers(0, len(data), 100)]
    flipped = []
    for place in places:
        copy = bytearray(data)
        copy[place] ^= 1 << int(random.integers(8))
        flipped.append(bytes(copy))
    noise = [random.bytes(size) for size in (1, 100, 10_000)]
    for damaged in [*cuts, *extended, *flipped, *noise]:
        with pytest.raises(DamagedArtefact):
            persist.loads(damaged)


def forged(
    change: Callable[[dict[str, Any], dict[str, bytes]], None], name: str = "LogReg", data: bytes | None = None
) -> bytes:
    """A file with something changed by somebody who knows the format: in its schema, or in its arrays."""
    with zipfile.ZipFile(io.BytesIO(data or stored(name))) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema, members)
    return persist._zip(members | {"schema.json": json.dumps(schema, separators=(",", ":")).encode()})


def test_forging_nothing_still_loads() -> None:
    persist.loads(forged(lambda schema, members: None))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def node_of(schema: dict[str, Any], loader: str) -> dict[str, Any]:
    return next(node for node in persist._nodes(schema) if node["__loader__"] == loader)


@pytest.mark.parametrize(
    ("loader", "module", "cls"),
    [
        ("ObjectNode", "os", "system"),
        ("FunctionNode", "os", "system"),
        ("TypeNode", "builtins", "eval"),
        ("ObjectNode", "sklearn.linear_model._perceptron", "Perceptron"),
        ("MethodNode", "sklearn.pipeline", "Pipeline"),
        ("PartialNode", "functools", "partial"),
        ("OperatorFuncNode", "operator", "methodcaller"),
        ("ObjectNode", "builtins", "str"),
        ("NoSuchNode", "builtins", "str"),
    ],
)
def test_types_that_are_not_on_the_list_are_named_and_refused(loader: str, module: str, cls: str) -> None:
    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        node_of(schema, "JsonNode").update({"__loader__": loader, "__module__": module, "__class__": cls})

    with pytest.raises(DamagedArtefact, match=rf"not trusted: {module}\.{cls}"):
        persist.loads(forged(change))


def test_a_file_cannot_name_what_it_trusts() -> None:
    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        node_of(schema, "JsonNode").update({"__loader__": "FunctionNode", "__module__": "os", "__class__": "system"})
        schema["trusted"] = schema["_eventsieve"]["trusted"] = ["os.system"]

    with pytest.raises(DamagedArtefact, match=r"os\.system"):
        persist.loads(forged(change))


def test_a_pickle_is_not_read(tmp_path: Any) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "pwned"), "w"))

    for data in (pickle.dumps(Evil()), pickle.dumps(fitted("LogReg"))):
        with pytest.raises(DamagedArtefact):
            persist.loads(data)

    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, np.array([Evil()], dtype=object), allow_pickle=True)
        members["0.npy"] = buffer.getvalue()

    with pytest.raises(DamagedArtefact):
        persist.loads(forged(change))
    assert not list(tmp_path.iterdir())


def test_a_zip_bomb_is_not_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"0" * 50_000_000)
    assert len(buffer.getvalue()) < 100_000
    with pytest.raises(DamagedArtefact, match="compressed"):
        persist.loads(buffer.getvalue())


def test_too_many_bytes_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persist, "_MAX_BYTES", 1000)
    with pytest.raises(DamagedArtefact, match="at most 1000"):
        persist.loads(stored("LogReg"))


def test_an_array_is_read_once() -> None:
    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        arrays = [node for node in persist._nodes(schema) if "file" in node]
        arrays[-1]["file"] = arrays[0]["file"]

    with pytest.raises(DamagedArtefact, match="twice"):
        persist.loads(forged(change))


def test_no_member_is_without_use() -> None:
    with pytest.raises(DamagedArtefact, match="nothing refers to"):
        persist.loads(forged(lambda _, members: members.update({"more": b""})))


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", "null", "", '{"_eventsieve": {}}', "\ud800"])
def test_a_schema_that_is_none(text: str) -> None:
    with pytest.raises(DamagedArtefact):
        persist.loads(persist._zip({"schema.json": text.encode(errors="surrogatepass")}))


def test_a_model_that_is_no_pipeline() -> None:
    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        kept = {key: schema[key] for key in ("protocol", "_skops_version", "_eventsieve")}
        schema.clear()
        schema.update(kept | {"__loader__": "JsonNode", "__module__": "builtins", "__class__": "str", "content": "1"})

    with pytest.raises(DamagedArtefact):
        persist.loads(forged(change))


def edit(dtype_field: str, value: int) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """A change of one number in the root of the first tree."""

    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        for member, content in members.items():
            if member.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if array.dtype.names:
                    array[dtype_field][0] = value
                    members[member] = npy(array)
                    return

    return change


@pytest.mark.parametrize("name", ["RandomForest", "GradientBoosting"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 10**9),
        ("right_child", 10**9),
        ("left_child", 0),
        ("right_child", -7),
        ("feature", 10**9),
        ("feature", -2),
    ],
)
def test_a_tree_that_leads_outside_of_itself(name: str, field: str, value: int) -> None:
    with pytest.raises(DamagedArtefact, match="outside of itself"):
        persist.loads(forged(edit(field, value), name))


def test_support_vectors_that_do_not_fit() -> None:
    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        vectors = len(fitted("SVM")[-1].support_vectors_)
        for member, content in members.items():
            if member.endswith(".npy") and np.load(io.BytesIO(content)).shape == (1, vectors):
                members[member] = npy(np.ones((1, 1)))

    with pytest.raises(DamagedArtefact, match="support vectors"):
        persist.loads(forged(change, "SVM"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("protocol", persist.PROTOCOL + 1, "reads format"),
        ("scikit-learn", "0.1.0", "written with scikit-learn 0.1.0.*Train it again"),
    ],
)
def test_a_file_of_another_version_says_so(key: str, value: Any, message: str) -> None:
    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        schema["_eventsieve"][key] = value

    with pytest.raises(DamagedArtefact, match=message):
        persist.loads(forged(change))


def test_what_could_not_be_loaded_is_not_stored() -> None:
    model = make_pipeline(Perceptron()).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match=r"Perceptron"):
        persist.dumps(model)


def attribute(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """The node of an attribute that only one object of the model has."""

    def nodes(tree: object) -> Any:
        if isinstance(tree, dict):
            for key, value in tree.items():
                if key == name and isinstance(value, dict) and "__loader__" in value:
                    yield value
                yield from nodes(value)
        elif isinstance(tree, list):
            for value in tree:
                yield from nodes(value)

    return next(nodes(schema))


def replaced(name: str, new: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """A change of the array that is kept under a name."""

    def change(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        member = attribute(schema, name)["file"]
        members[member] = npy(np.ascontiguousarray(new(np.load(io.BytesIO(members[member])))))

    return change


def said(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """A change of a text or number that is kept under a name."""

    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        attribute(schema, name)["content"] = json.dumps(value)

    return change


@pytest.mark.parametrize("name", ["support_", "support_vectors_", "_n_support", "_dual_coef_", "_intercept_", "_probA"])
@pytest.mark.parametrize("classes", [3, 4])
def test_an_array_of_a_support_vector_machine_that_is_too_short(name: str, classes: int) -> None:
    data = persist.dumps(of_several("SVM", 1, classes))
    with pytest.raises(DamagedArtefact, match="support vectors"):
        persist.loads(forged(replaced(name, lambda array: array[:-1]), data=data))


@pytest.mark.parametrize(
    "change",
    [
        replaced("_n_support", lambda array: array + np.array([1, 0, -2], dtype=array.dtype)),
        replaced("_n_support", lambda array: np.array([-1, 0, array.sum() + 1], dtype=array.dtype)),
        replaced("support_vectors_", lambda array: np.hstack([array, array])),
        said("kernel", "precomputed"),
        said("_sparse", value=True),
    ],
)
def test_support_vectors_that_libsvm_would_follow_too_far(change: Any) -> None:
    with pytest.raises(DamagedArtefact, match="support vectors"):
        persist.loads(forged(change, data=persist.dumps(of_several("SVM", 1, 3))))


@pytest.mark.parametrize("number", [0, 1])
def test_a_booster_with_more_trees_a_stage_than_scores(number: int) -> None:
    data = persist.dumps(of_several("GradientBoosting", number, 3))

    with pytest.raises(DamagedArtefact, match="trees a stage"):
        persist.loads(forged(replaced("classes_", lambda array: array[:2]), data=data))


def test_a_booster_that_starts_from_fewer_scores_than_it_has_trees() -> None:
    data = persist.dumps(of_several("GradientBoosting", 0, 3))
    with pytest.raises(DamagedArtefact, match="starts from 1 scores, and has 3"):
        persist.loads(forged(replaced("class_prior_", lambda array: array[:1]), data=data))


@pytest.mark.parametrize("value", [0, -1])
def test_a_tree_without_nodes(value: int) -> None:
    with pytest.raises(DamagedArtefact):
        persist.loads(forged(said("node_count", value), "RandomForest"))


def test_classes_that_are_not_numbered_from_0() -> None:
    with pytest.raises(DamagedArtefact, match="not numbered"):
        persist.loads(forged(replaced("classes_", lambda array: array + 1)))


def test_a_step_that_no_pipeline_has() -> None:
    model = make_pipeline(fitted("RandomForest")[:-1], fitted("RandomForest")[-1].estimators_[0])
    with pytest.raises(DamagedArtefact, match="steps that no model has"):
        persist.loads(persist.dumps(model))


@pytest.mark.parametrize("name", ["HistGradientBoosting", "LightGBM"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left", 10**9),
        ("right", 2**32 - 1),
        ("left", 0),
        ("right", 0),
        ("feature_idx", 4),
        ("feature_idx", -1),
        ("is_categorical", 1),
    ],
)
def test_a_tree_of_histograms_that_leads_outside_of_itself(name: str, field: str, value: int) -> None:
    with pytest.raises(DamagedArtefact, match="outside of itself"):
        persist.loads(forged(edit(field, value), name))


@pytest.mark.parametrize(
    "new",
    [
        lambda nodes: nodes[:0],
        lambda nodes: nodes[:, None],
        lambda nodes: nodes["value"],
        lambda nodes: nodes[[*nodes.dtype.names[::-1]]].astype([(n, nodes.dtype[n]) for n in nodes.dtype.names[::-1]]),
    ],
)
def test_nodes_of_histograms_that_are_none(new: Any) -> None:
    with pytest.raises(DamagedArtefact):
        persist.loads(forged(replaced("nodes", new), "HistGradientBoosting"))


def test_a_tree_of_histograms_that_does_not_end() -> None:
    def change(nodes: np.ndarray) -> np.ndarray:
        nodes["is_leaf"] = 0
        return nodes

    with pytest.raises(DamagedArtefact, match="outside of itself"):
        persist.loads(forged(replaced("nodes", change), "HistGradientBoosting"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("_baseline_prediction", lambda array: array[:, :2]), "start from 3 scores"),
        (replaced("_baseline_prediction", lambda array: array.astype(np.float32)), "start from 3 scores"),
        (replaced("classes_", lambda array: array[:2]), "trees a stage"),
        (said("n_trees_per_iteration_", 1), "trees a stage"),
    ],
)
def test_histograms_that_do_not_fit_their_classes(change: Any, message: str) -> None:
    with pytest.raises(DamagedArtefact, match=message):
        persist.loads(forged(change, data=persist.dumps(of_several("HistGradientBoosting", 0, 3))))


def test_histograms_that_take_their_features_for_bins() -> None:
    model = copy.deepcopy(fitted("HistGradientBoosting"))
    model[-1]._in_fit = True
    with pytest.raises(DamagedArtefact, match="bins or categories"):
        persist.loads(persist.dumps(model))


@pytest.mark.parametrize("name", ["n_features_in_", "_n_features"])
@pytest.mark.parametrize("value", [3, 5, -1])
def test_histograms_of_more_or_fewer_features(name: str, value: int) -> None:
    """What is read must at least not be followed: it is refused, or scores as before."""
    data = persist.dumps(fitted("HistGradientBoosting"))
    try:
        again = persist.loads(forged(said(name, value), data=data))
    except DamagedArtefact:
        return
    assert again.n_features_in_ == 4 or name == "n_features_in_"


def test_categories_that_no_feature_has() -> None:
    def change(array: np.ndarray) -> np.ndarray:
        return np.ones_like(array)

    def of_mapper(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        mapper = next(n for n in persist._nodes(schema) if n["__class__"] == "_BinMapper")
        replaced("is_categorical_", change)(mapper, members)

    with pytest.raises(DamagedArtefact, match="bins or categories"):
        persist.loads(forged(of_mapper, "HistGradientBoosting"))


@pytest.mark.parametrize("name", ["HistGradientBoosting", "LightGBM"])
def test_what_only_the_fit_needed_is_not_stored(name: str) -> None:
    schema = json.loads(zipfile.ZipFile(io.BytesIO(stored(name))).read("schema.json"))
    assert not [node for node in persist._nodes(schema) if node["__loader__"] == "RandomGeneratorNode"]
    assert attribute(schema, "n_threads")["content"] == "null"
