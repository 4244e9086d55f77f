"""The whole way through the real service: upload, explore, train, follow, compare, put in charge, predict, remove."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import uproot
from fastapi.testclient import TestClient

from calls_v2 import PREFIX, V2, pointers, problem
from eventsieve import records
from eventsieve.api.app import create_app
from eventsieve.settings import read_settings

TREES = {"type": "RandomForest", "hyperparameters": {"n_estimators": 20}}


def open_v2(folder: Path, **settings: Any) -> TestClient:
    known = {"MODEL_DIR": folder / "models", "LOG_DIR": folder / "logs", "PDF_PATH": "", "NUM_CPUS": 4}
    return TestClient(create_app(read_settings(**(known | settings))))


def ended(client: V2, job: dict[str, Any], seconds: float = 120) -> records.Job:
    """The job when all of its models have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = records.Job.model_validate(client.get(f"/jobs/{job['id']}").json())
        if found.final:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def add(client: V2, table: bytes, **query: Any) -> records.Dataset:
    answer = client.post("/datasets", content=table, params=query)
    assert answer.status_code in (200, 201), answer.text
    return records.Dataset.model_validate(answer.json())


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, events_csv: Path) -> Iterator[tuple[V2, records.Dataset]]:
    """A server with a data set and two models, "linear" and "trees/1"; tests leave them so."""
    with open_v2(tmp_path_factory.mktemp("native")) as http:
        client = V2(http)
        dataset = add(client, events_csv.read_bytes(), filename="train.csv")
        models = [{"name": "linear", "type": "LogReg"}, {"name": "trees/1", **TREES}]
        answer = client.post("/jobs", json={"dataset": dataset.id, "models": models, "weights": "balanced"})
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"{PREFIX}/jobs/{answer.json()['id']}"
        job = ended(client, answer.json())
        assert [model.state for model in job.models] == ["trained", "trained"], job
        yield client, dataset


# data sets


def test_the_same_bytes_are_one_data_set(native, events_csv):
    client, dataset = native
    answer = client.post("/datasets", content=events_csv.read_bytes())
    assert answer.status_code == 200
    assert answer.json()["id"] == dataset.id
    assert answer.headers["location"] == f"{PREFIX}/datasets/{dataset.id}"
    assert client.get("/datasets").json()["total"] == 1
    assert records.Dataset.model_validate(client.get(f"/datasets/{dataset.id}").json()).events == 2000


def test_a_data_set_is_renamed_read_in_another_way_and_removed(native):
    client, _ = native
    rows = [b"%d,%d.5,%d.25,%s,1.5" % (i, i % 17, i % 5, b"ab"[i % 2 : i % 2 + 1]) for i in range(60)]
    table = b"\n".join([b"run,pt,eta,kind,w", *rows])
    schema = {"label": "kind", "signal": "a", "weight": "w", "index": "run"}
    answer = client.post("/datasets", content=table, params={"schema": json.dumps(schema), "name": "own"})
    assert answer.status_code == 201, answer.text
    dataset = records.Dataset.model_validate(answer.json())
    assert (dataset.name, dataset.event_schema.signal) == ("own", "a")
    path = f"/datasets/{dataset.id}"
    assert client.patch(path, json={"name": "новое"}).json()["name"] == "новое"
    edited = records.Dataset.model_validate(client.patch(f"{path}/schema", json={"leave_out": ["eta"]}).json())
    assert edited.event_schema.feature_names == ("pt",)
    document = problem(client.patch(f"{path}/schema", json={"label": "nonsense"}), 422)
    assert "nonsense" in document["detail"]
    assert client.delete(path).status_code == 204
    problem(client.get(path), 404, "DatasetNotFound")
    problem(client.delete(path), 404, "DatasetNotFound")


@pytest.mark.parametrize("table", [b"", b"nonsense", b"a,b\n1\n", b"PAR1" * 10, b"root" + b"\0" * 100, b"\x1f\x8b" * 9])
def test_a_table_that_is_none_is_refused_with_its_faults(native, table):
    client, _ = native
    document = problem(client.post("/datasets", content=table), 422)
    assert document["type"] in ("urn:eventsieve:BadTable", "urn:eventsieve:BadRequest")
    service = client.http.app.state.service
    assert list(service._files._incoming.iterdir()) == []


def test_a_data_set_is_explored(native):
    client, dataset = native
    found = records.Exploration.model_validate(client.get(f"/datasets/{dataset.id}/exploration?bins=7").json())
    assert found.bins == 7
    assert found.table.events == 2000
    against = client.get(f"/datasets/{dataset.id}/exploration", params={"against": dataset.id})
    assert against.status_code in (200, 409, 422), against.text
    problem(client.get(f"/datasets/{dataset.id}/exploration?against=nope"), 404, "DatasetNotFound")
    problem(client.get("/datasets/nope/exploration"), 404, "DatasetNotFound")


@pytest.mark.slow
def test_the_report_of_a_data_set_is_a_pdf(native):
    client, dataset = native
    answer = client.get(f"/datasets/{dataset.id}/exploration.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    problem(client.get("/datasets/nope/exploration.pdf"), 404, "DatasetNotFound")


# schemas and estimators


def test_what_comes_with_eventsieve_is_listed(native):
    client, dataset = native
    schemas = client.get("/schemas").json()
    assert "atlas-higgs-2014" in [each["name"] for each in schemas["items"]]
    assert records.Schema.model_validate(client.get("/schemas/atlas-higgs-2014").json()).signal == "s"
    problem(client.get("/schemas/nope"), 404, "SchemaNotFound", "atlas-higgs-2014")
    types = client.get("/estimators").json()
    assert {"LogReg", "SVM", "RandomForest", "GradientBoosting"} <= {each["name"] for each in types["items"]}
    for each in types["items"]:
        assert each["hyperparameters"]["type"] == "object"
        assert each["limits"]["seconds"] > 0
        assert client.get(f"/estimators/{each['name']}").json() == each
    named = client.get(f"/estimators/LogReg?dataset={dataset.id}").json()
    assert '"s"' in json.dumps(named["hyperparameters"]["properties"]["class_weight"])
    problem(client.get("/estimators/nope"), 404, "TypeNotFound", "LogReg")
    problem(client.get("/estimators?dataset=nope"), 404, "DatasetNotFound")


# jobs


def test_faults_of_models_have_their_places_in_the_request(native):
    client, dataset = native
    models = [
        {"type": "LogReg", "hyperparameters": {"C": -1, "nope": 1}},
        {"type": "Nope"},
        {"type": "LogReg", "name": "linear"},
    ]
    for path in ("/jobs", "/jobs/estimate"):
        document = problem(client.post(path, json={"dataset": dataset.id, "models": models}), 422, "BadModels")
        assert set(pointers(document)) == {
            "#/models/0/hyperparameters/C",
            "#/models/0/hyperparameters/nope",
            "#/models/1/type",
            "#/models/2/name",
        }
    problem(client.post("/jobs", json={"dataset": "nope", "models": models}), 404, "DatasetNotFound")


def test_a_job_is_estimated_before_it_is_started(native):
    client, dataset = native
    answer = client.post("/jobs/estimate", json={"dataset": dataset.id, "models": [TREES, {"type": "SVM"}]})
    assert [records.Estimate.model_validate(each).fits for each in answer.json()] == [True, True]


def test_a_job_is_followed_to_its_end(native):
    client, dataset = native
    body = {"dataset": dataset.id, "models": [{"name": "followed", "type": "LogReg"}], "validation": {"kind": "none"}}
    job = client.post("/jobs", json=body).json()
    with client.http.stream("GET", f"{PREFIX}/jobs/{job['id']}/events") as answer:
        blocks = "".join(answer.iter_text()).strip().split("\n\n")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if not block.startswith(":")]
    assert [each["event"] for each in events][-1] == "end"
    assert records.Job.model_validate_json(events[-1]["data"]).models[0].state == "trained"
    assert client.delete("/models/followed").status_code == 204


def test_a_job_is_cancelled(native):
    client, dataset = native
    slow = {"name": "slow", "type": "RandomForest", "hyperparameters": {"n_estimators": 100_000}}
    job = client.post("/jobs", json={"dataset": dataset.id, "models": [slow]}).json()
    problem(client.delete(f"/jobs/{job['id']}?model=nope"), 404, "ModelNotFound", "nope")
    cancelled = records.Job.model_validate(client.delete(f"/jobs/{job['id']}").json())
    assert cancelled.models[0].state == "cancelled"
    assert client.get("/jobs?limit=1").json()["items"][0]["id"] == job["id"]
    for method, path in (("get", ""), ("delete", ""), ("post", "/stop"), ("get", "/events")):
        problem(getattr(client, method)(f"/jobs/nope{path}"), 404, "JobNotFound", "nope")


def test_a_job_is_stopped_and_keeps_what_it_has(native):
    client, dataset = native
    slow = {"name": "kept", "type": "RandomForest", "hyperparameters": {"n_estimators": 100_000}}
    job = client.post("/jobs", json={"dataset": dataset.id, "models": [slow], "validation": {"kind": "none"}}).json()
    deadline = time.monotonic() + 60
    while not (client.get(f"/jobs/{job['id']}").json()["models"][0]["progress"]["done"] or 0) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.post(f"/jobs/{job['id']}/stop").status_code == 200
    assert ended(client, job).models[0].state == "trained"
    kept = records.Model.model_validate(client.get("/models/kept").json())
    assert kept.kept_early
    assert client.delete("/models/kept").status_code == 204


# models


def test_models_are_listed_and_told_about(native):
    client, dataset = native
    page = client.get("/models", params={"type": "LogReg", "dataset": dataset.id}).json()
    assert [each["name"] for each in page["items"]] == ["linear"]
    assert client.get("/models?limit=1&offset=1").json()["items"][0]["name"] == "trees/1"
    model = records.Model.model_validate(client.get("/models/linear").json())
    assert model.dataset == dataset.id
    evaluation = records.Evaluation.model_validate(client.get(f"/models/{quote('trees/1', safe='')}/evaluation").json())
    assert evaluation.signal == "s"
    card = client.get("/models/linear/card.md")
    assert card.headers["content-type"].startswith("text/markdown")
    assert "linear" in card.text
    page_of = client.get("/models/linear/card.html")
    assert page_of.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page_of.headers["content-security-policy"]
    for path in ("", "/evaluation", "/card.md", "/card.html", "/artefact", "/onnx", "/onnx/check"):
        problem(client.get(f"/models/nope{path}"), 404, "ModelNotFound", "nope")


def test_a_model_is_changed(native):
    client, _ = native
    edited = client.patch(
        "/models/linear",
        json={"tags": ["paper"], "note": "good", "threshold": {"kind": "value", "value": 0.7}},
    )
    assert edited.status_code == 200, edited.text
    assert client.get("/models?tag=paper").json()["total"] == 1
    assert client.get("/models/linear").json()["threshold"] == {"kind": "value", "value": 0.7}
    document = problem(client.patch("/models/linear", json={"threshold": {"kind": "value", "value": 7}}), 422)
    assert pointers(document) == ["#/threshold/value"]
    problem(client.patch("/models/linear", json={"name": "trees/1"}), 409, "ModelExists")
    client.patch("/models/linear", json={"tags": [], "threshold": {"kind": "natural"}})


def test_an_artefact_is_what_its_digest_says(native):
    import hashlib

    client, _ = native
    model = client.get("/models/linear").json()
    answer = client.get("/models/linear/artefact")
    assert hashlib.sha256(answer.content).hexdigest() == model["digest"]
    assert answer.headers["etag"] == f'"{model["digest"]}"'


@pytest.mark.slow
def test_a_model_is_had_as_onnx_where_it_gives_the_same_scores(native):
    client, _ = native
    check = records.OnnxCheck.model_validate(client.get("/models/linear/onnx/check").json())
    answer = client.get("/models/linear/onnx")
    if check.reproduces:
        assert len(answer.content) == check.size
    else:
        problem(answer, 409, "NotReproduced", check.reason)


def test_training_again_gives_the_same_digest(native):
    client, _ = native
    answer = client.post("/models/linear/retrain", json={"name": "again"})
    assert answer.status_code == 202, answer.text
    assert ended(client, answer.json()).models[0].state == "trained"
    assert client.get("/models/again").json()["digest"] == client.get("/models/linear").json()["digest"]
    assert client.delete("/models/again").status_code == 204
    assert client.post("/models/nope/retrain").status_code == 404


def test_aliases_and_the_current_model(native):
    client, _ = native
    problem(client.get("/current"), 404, "NoCurrentModel")
    alias = quote("best/of all", safe="")
    assert client.put(f"/aliases/{alias}", json={"model": "trees/1"}).json() == {
        "name": "best/of all",
        "model": "trees/1",
    }
    assert client.get(f"/models/{alias}").json()["name"] == "trees/1"
    assert client.get("/aliases").json()["total"] == 1
    problem(client.put("/aliases/linear", json={"model": "trees/1"}), 409)
    problem(client.put("/aliases/x", json={"model": "nope"}), 404, "ModelNotFound")
    assert client.put("/current", json={"model": "best/of all", "by": "me"}).json()["model"] == "trees/1"
    problem(client.put("/current", json={"model": "trees/1"}), 409, "AlreadyCurrent")
    assert client.put("/current", json={"model": "linear"}).status_code == 200
    assert client.get("/current").json()["name"] == "linear"
    assert client.post("/current/rollback", json={"by": "me"}).json()["model"] == "trees/1"
    assert client.delete("/current?by=me").json()["model"] is None
    assert [each["model"] for each in client.get("/current/history?limit=2").json()["items"]] == [None, "trees/1"]
    assert client.delete(f"/aliases/{alias}").status_code == 204
    problem(client.delete(f"/aliases/{alias}"), 404, "AliasNotFound")


def test_models_are_compared(native):
    client, dataset = native
    answer = client.post("/comparisons", json={"dataset": dataset.id, "models": ["linear", "trees/1"]})
    assert answer.status_code == 200, answer.text
    found = records.Comparison.model_validate(answer.json())
    assert set(found.ranking) == {"linear", "trees/1"}
    problem(client.post("/comparisons", json={"dataset": dataset.id, "models": ["nope"]}), 404, "ModelNotFound")
    problem(client.post("/comparisons", json={"dataset": "nope", "models": ["linear"]}), 404, "DatasetNotFound")


# predictions


READERS = {
    "json": lambda data: records.Predictions.model_validate_json(data).score,
    "csv": lambda data: pacsv.read_csv(pa.BufferReader(data))["score"].to_pylist(),
    "parquet": lambda data: pq.read_table(pa.BufferReader(data))["score"].to_pylist(),
    "arrow": lambda data: pa.ipc.open_stream(data).read_all()["score"].to_pylist(),
    "root": lambda data: uproot.open(io.BytesIO(data))["eventsieve"]["score"].array().tolist(),
}


@pytest.mark.parametrize("kind", READERS)
def test_predictions_are_the_same_in_every_format(native, unlabelled_csv, kind):
    client, _ = native
    path = f"/models/{quote('trees/1', safe='')}/predictions"
    table = unlabelled_csv.read_bytes()
    answer = client.post(path, content=table, params={"format": kind})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-eventsieve-digest"] == client.get("/models/trees%2F1").json()["digest"]
    scores = READERS[kind](answer.content)
    rows = pacsv.read_csv(pa.BufferReader(table)).to_pylist()
    told = client.post(path, json={"events": rows}).json()
    assert len(scores) == 500
    assert list(scores) == pytest.approx(told["score"], rel=1e-6)
    assert list(client.http.app.state.service._files._incoming.iterdir()) == []


def test_a_table_that_does_not_fit_the_model_is_refused_before_anything_is_sent(native):
    client, _ = native
    answer = client.post("/models/linear/predictions?format=csv", content=b"pt,eta\n1,2\n")
    problem(answer, 422, "BadTable", "PRI_met")
    document = problem(client.post("/models/linear/predictions", json={"events": [{"PRI_met": 1.0}]}), 422)
    assert "DER_mass_MMC" in document["detail"]
    problem(client.post("/models/linear/predictions", json={"dataset": "nope"}), 404, "DatasetNotFound")


def test_ten_clients_at_once(native, unlabelled_csv, events_csv):
    client, dataset = native
    table, known = unlabelled_csv.read_bytes(), events_csv.read_bytes()

    def session(number: int) -> list[int]:
        return [
            client.post("/datasets", content=known).status_code,
            client.post("/models/linear/predictions", content=table, params={"format": "csv"}).status_code,
            client.get(f"/datasets/{dataset.id}/exploration?bins=7").status_code,
            client.put(f"/aliases/a{number}", json={"model": "linear"}).status_code,
            client.get("/models").status_code,
            client.delete(f"/aliases/a{number}").status_code,
        ]

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(session, range(10))) == [[200, 200, 200, 200, 200, 204]] * 10


def test_version_one_and_two_see_the_same_models(native):
    client, _ = native
    listed = client.http.get("/api/model_service/models_list").json()["models"]
    assert {each["id"] for each in listed} == {each["name"] for each in client.get("/models").json()["items"]}
