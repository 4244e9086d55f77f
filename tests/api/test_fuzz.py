"""Requests from generators: from the interface's own description, and from mutations of good requests."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from calls import ROUTE, choose, compare, listed, predict, refused, remove, statuses, train
from eventsieve.records import ModelSpec
from eventsieve.service import Service
from fuzzing import description, few, small_app

FEW = few(30)


def _zip(table: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", table)
    return sink.getvalue()


def _parquet(table: bytes) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pacsv.read_csv(pa.BufferReader(table)), sink)
    return sink.getvalue()


PACK = {"gzip": gzip.compress, "zip": _zip, "parquet": _parquet}


def healthy(service: Service) -> bool:
    """Whether no slot is lost and nothing is left over."""
    return service._engine.free == 4 and not list(service._files._incoming.iterdir())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = small_app(tmp_path_factory.mktemp("fuzz"), seconds=2.0)
    with TestClient(app):
        yield app


@pytest.fixture(scope="module")
def described(app: FastAPI) -> schemathesis.BaseSchema:
    return description(app, "/openapi.json")


OPERATIONS = [
    ("GET", "/"),
    ("GET", f"{ROUTE}get_eda_pdf"),
    ("GET", f"{ROUTE}get_columns"),
    ("GET", f"{ROUTE}get_model_types"),
    ("POST", f"{ROUTE}train_with_file"),
    ("GET", f"{ROUTE}get_current_model"),
    ("POST", f"{ROUTE}set_model/{{model_id}}"),
    ("POST", f"{ROUTE}unset_model"),
    ("POST", f"{ROUTE}predict_with_file"),
    ("POST", f"{ROUTE}compare_models"),
    ("GET", f"{ROUTE}models_list"),
    ("DELETE", f"{ROUTE}remove_model/{{model_id}}"),
    ("DELETE", f"{ROUTE}remove/{{model_id}}"),
    ("DELETE", f"{ROUTE}remove_all"),
]


def test_all_operations_are_described(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} >= set(OPERATIONS)
    v1 = {(method, path) for method, path in OPERATIONS if path != "/"}
    described = {(m.upper(), p) for p, methods in paths.items() for m in methods if p.startswith(ROUTE)}
    assert described == v1


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_described(
    described: schemathesis.BaseSchema, app: FastAPI, events_csv: Path, method: str, path: str
) -> None:
    operation = described[path][method]
    service = app.state.service
    if not service.list_models():
        service.wait(service.train(events_csv, [ModelSpec(name="m1", type="LogReg")]))
        service.choose("m1")
    uploads = "POST" in method and ("file" in path or "compare" in path)

    def validate(case: schemathesis.Case) -> None:
        # A random file is a valid request of the description's, and no table of events.
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if uploads else [])

    for case in described.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=described.config.generation
    ):
        validate(case)
    # Only forms can be wrong: a path is text, and any text may be an id.
    for mode in GenerationMode if uploads else (GenerationMode.POSITIVE,):
        FEW(given(operation.as_strategy(generation_mode=mode))(validate))()
    assert healthy(service)


@pytest.fixture(scope="module")
def table(events_csv: Path) -> bytes:
    return b"\n".join(events_csv.read_bytes().split(b"\n")[:101]) + b"\n"


@pytest.fixture(scope="module")
def wild(trained: TestClient) -> TestClient:
    assert choose(trained, "m1").status_code == 200
    return trained


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HYPERPARAMETERS = st.dictionaries(
    st.sampled_from(["C", "tol", "max_iter", "class_weight", "solver", "l1_ratio", "dual", "n_jobs", "", "__init__"]),
    ANYTHING | st.sampled_from(["", "True", "None", "0,5", "1e400", "nan", "-inf", "lbfgs", "saga", "balanced"]),
    max_size=3,
)
MODELS = st.lists(
    st.fixed_dictionaries(
        {"id": st.text(max_size=3), "type": st.sampled_from(["LogReg", "SVM", "Forest"])},
        optional={"hyperparameters": HYPERPARAMETERS},
    )
    | ANYTHING,
    max_size=3,
)
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=12) | st.sampled_from([b"\n", b",", b'"', b"-"])),
    max_size=4,
)


@pytest.mark.slow
@few(150)
@given(models=MODELS)
def test_any_models_are_trained_or_refused(wild: TestClient, table: bytes, models: list[Any]) -> None:
    answer = train(wild, json.dumps(models), table)
    assert answer.status_code in (200, 409, 422), answer.text
    if answer.status_code == 200:
        for name, status in statuses(answer).items():
            assert status in ("trained", "error")
            assert (name in listed(wild)) == (status == "trained")
            if status == "trained":
                assert predict(wild, table).status_code == 200
                assert remove(wild, name).status_code == 200
    else:
        refused(answer, answer.status_code)
    assert healthy(wild.app.state.service)


@pytest.mark.slow
@few(300)
@given(changes=CHANGES)
def test_a_changed_table_is_read_or_refused(wild: TestClient, table: bytes, changes: list[Any]) -> None:
    for place, length, new in changes:
        start = int(place * len(table))
        table = table[:start] + new + table[start + length :]
    for answer in (predict(wild, table), compare(wild, ["m1"], table)):
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 422:
            refused(answer, 422)
    assert healthy(wild.app.state.service)


@pytest.mark.parametrize("how", ["gzip", "zip", "parquet"])
@few(60)
@given(changes=CHANGES)
def test_a_changed_package_is_read_or_refused(wild: TestClient, table: bytes, how: str, changes: list[Any]) -> None:
    data = PACK[how](table)
    for place, length, new in changes:
        start = int(place * len(data))
        data = data[:start] + new + data[start + length :]
    answer = predict(wild, data)
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        refused(answer, 422)
    assert healthy(wild.app.state.service)


def nodes(document: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a JSON document with the path to it."""
    if isinstance(document, dict):
        yield place, document
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in items:
        yield from nodes(value, f"{place}/{name}")


def test_everything_is_described(app: FastAPI) -> None:
    document = app.openapi()
    bare = []
    for place, node in nodes(document):
        in_schema = "/properties/" in place and place.rsplit("/", 2)[1] == "properties"
        in_answer = place.rsplit("/", 2)[1:2] == ["responses"]
        in_parameter = place.rsplit("/", 2)[1:2] == ["parameters"]
        if (in_schema or in_answer or in_parameter) and not node.get("description", "").strip():
            bare.append(place)
        # What FastAPI writes where nothing was said.
        if node.get("description") in ("Successful Response", "Validation Error"):
            bare.append(place)
    for place, node in nodes(document["paths"]):
        if "responses" in node and not (node.get("summary") and node.get("description")):
            bare.append(place)
    for name, node in document["components"]["schemas"].items():
        if not node.get("description") and not name.startswith("Body_"):
            bare.append(name)
    assert bare == []


def test_every_refusal_has_the_one_shape(app: FastAPI) -> None:
    for place, node in nodes(app.openapi()["paths"]):
        status = place.rsplit("/", 1)[-1]
        if place.rsplit("/", 2)[1:2] == ["responses"] and not status.startswith("2"):
            assert node["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/RequestError"}}}, (
                place
            )
