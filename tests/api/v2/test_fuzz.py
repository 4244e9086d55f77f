"""Requests from generators: from the interface's own description, and from mutations of good requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from calls_v2 import PREFIX, V2, eventually
from eventsieve.api.v2.app import ROUTERS
from eventsieve.domain import simulation
from eventsieve.service import Service
from fuzzing import description, few, small_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]

FEW = few(15)

OPERATIONS = sorted(
    (method, route.path_format) for router in ROUTERS for route in router.routes for method in route.methods
)

# What a generator cannot guess: the id of the data set, of the job and of the model that are there.
KNOWN = {"id": "KNOWN", "ref": "m1", "name": "atlas-higgs-2014", "type": "LogReg"}


def healthy(service: Service) -> bool:
    """Whether nothing is left over."""
    return not list(service._files._incoming.iterdir())


def _few(simulate: Callable[..., Any], events: int, *arguments: Any, **more: Any) -> Any:
    return simulate(min(events, 50), *arguments, **more)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = small_app(tmp_path_factory.mktemp("fuzz"), seconds=5.0)
    with pytest.MonkeyPatch.context() as patch, TestClient(app):
        # A generator asks for a million events again and again.
        patch.setattr(simulation, "simulate", partial(_few, simulation.simulate))
        yield app


@pytest.fixture(scope="module")
def described(app: FastAPI) -> schemathesis.BaseSchema:
    return description(app, f"{PREFIX}/openapi.json")


@pytest.fixture
def known(app: FastAPI, events_csv: Path) -> dict[str, str]:
    """Ids of a data set and of a job that has ended, with a model m1; made again where a request has removed them."""
    client = V2(TestClient(app))
    table = b"\n".join(events_csv.read_bytes().split(b"\n")[:101]) + b"\n"
    dataset = client.post("/datasets", content=table).json()["id"]
    if client.get("/models/m1").status_code == 404:
        body = {"dataset": dataset, "models": [{"name": "m1", "type": "LogReg"}]}
        job = client.post("/jobs", json=body).json()["id"]
        assert "event: end" in client.get(f"/jobs/{job}/events").text
    return {"dataset": dataset, "job": client.get("/jobs").json()["items"][-1]["id"]}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_described(
    described: schemathesis.BaseSchema, app: FastAPI, known: dict[str, str], method: str, path: str
) -> None:
    operation = described[path][method]
    # A model may be called "m1/evaluation", and is changed and removed by that name.
    checks = [check for check in CHECKS if check is not unsupported_method or not path.startswith("/models/{ref}/")]

    def validate(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=checks, timeout=120)

    def validate_known(case: schemathesis.Case) -> None:
        ids = KNOWN | {"id": known["job"] if path.startswith("/jobs") else known["dataset"]}
        case.path_parameters = {name: ids.get(name, value) for name, value in (case.path_parameters or {}).items()}
        if isinstance(case.body, dict) and "dataset" in case.body:
            case.body["dataset"] = known["dataset"]
        if case.query and "dataset" in case.query:
            case.query["dataset"] = known["dataset"]
        validate(case)

    for case in described.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=described.config.generation
    ):
        validate(case)
    described_parts = [*operation.path_parameters, *operation.query, *operation.headers, *operation.body]
    for mode in GenerationMode if described_parts else (GenerationMode.POSITIVE,):
        FEW(given(operation.as_strategy(generation_mode=mode))(validate))()
    FEW(given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))(validate_known))()
    eventually(lambda: healthy(app.state.service), 60)  # a training writes its model there


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@few(80)
@given(
    hyperparameters=st.dictionaries(st.sampled_from(["C", "tol", "max_iter", "class_weight", "", "é"]), ANYTHING),
    plan=st.dictionaries(st.sampled_from(["validation", "weights", "seconds", "memory", "seed", "on_limit"]), ANYTHING),
)
def test_no_job_fails_the_server(app: FastAPI, known: dict[str, str], hyperparameters: Any, plan: Any) -> None:
    body = {"dataset": known["dataset"], "models": [{"type": "LogReg", "hyperparameters": hyperparameters}], **plan}
    answer = V2(TestClient(app)).post("/jobs/estimate", json=body)
    assert answer.status_code in (200, 422), answer.text


@few(80)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["EventId", "PRI_met", "DER_mass_MMC", "x"]), ANYTHING)) | ANYTHING
)
def test_no_rows_fail_the_server(app: FastAPI, known: dict[str, str], rows: Any) -> None:
    answer = V2(TestClient(app)).post("/models/m1/predictions", json={"events": rows})
    assert answer.status_code in (200, 422), answer.text


@few(80)
@given(edit=st.dictionaries(st.sampled_from(["name", "label", "signal", "classes", "index", "leave_out"]), ANYTHING))
def test_no_edit_of_a_schema_fails_the_server(app: FastAPI, known: dict[str, str], edit: Any) -> None:
    table = b"pt,eta,kind\n" + b"".join(b"%d,%d,%s\n" % (i, i % 7, b"sbc"[i % 3 : i % 3 + 1]) for i in range(40))
    client = V2(TestClient(app))
    answer = client.post("/datasets", content=table, params={"schema": json.dumps(edit)})
    assert answer.status_code in (200, 201, 422), answer.text
    plain = client.post("/datasets", content=table).json()["id"]
    answer = client.patch(f"/datasets/{plain}/schema", json=edit)
    assert answer.status_code in (200, 409, 422), answer.text


def nodes(document: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a JSON document with the path to it."""
    items = enumerate(document) if isinstance(document, list) else ()
    if isinstance(document, dict):
        yield place, document
        items = document.items()
    for name, value in items:
        yield from nodes(value, f"{place}/{name}")


def test_everything_is_described(app: FastAPI) -> None:
    document = TestClient(app).get(f"{PREFIX}/openapi.json").json()
    assert document["servers"] == [{"url": PREFIX}]
    bare = []
    for place, node in nodes(document["paths"]):
        above = place.rsplit("/", 2)[1:2]
        if above in (["responses"], ["parameters"]) and not node.get("description", "").strip():
            bare.append(place)
        if node.get("description") in ("Successful Response", "Validation Error"):
            bare.append(place)  # what FastAPI writes where nothing was said
        if "responses" in node and not (node.get("summary") and node.get("description") and node.get("tags")):
            bare.append(place)
    bare += [name for name, node in document["components"]["schemas"].items() if not node.get("description")]
    assert [each for each in bare if not each.startswith("Page_")] == []


def test_every_refusal_is_a_problem_document(app: FastAPI) -> None:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for place, node in nodes(TestClient(app).get(f"{PREFIX}/openapi.json").json()["paths"]):
        if place.rsplit("/", 2)[1:2] == ["responses"] and place.rsplit("/", 1)[-1][0] in "45":
            assert node["content"] == content, place
