"""Scores of stored data sets and simulated events, over HTTP through the real service."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from calls_v2 import PREFIX, V2, pointers, problem
from eventsieve import records
from eventsieve.api.app import create_app
from eventsieve.domain.simulation import simulate
from eventsieve.sample import SampleReport
from eventsieve.settings import read_settings


def open_v2(folder: Path, **settings: Any) -> TestClient:
    known = {"MODEL_DIR": folder / "models", "LOG_DIR": folder / "logs", "PDF_PATH": "", "NUM_CPUS": 4}
    return TestClient(create_app(read_settings(**(known | settings))))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[V2, str, str]]:
    """A server with the model "line/1", and the ids of labelled and unlabelled events."""
    with open_v2(tmp_path_factory.mktemp("scored")) as http:
        client = V2(http)
        labelled = client.post("/simulations", json={"events": 1000, "seed": 3}).json()["id"]
        wish = {"events": 300, "seed": 4, "first_id": 350_000, "unlabelled": True}
        unlabelled = client.post("/simulations", json=wish).json()["id"]
        models = [{"name": "line/1", "type": "LogReg"}]
        job = client.post("/jobs", json={"dataset": labelled, "models": models}).json()["id"]
        assert "event: end" in client.get(f"/jobs/{job}/events").text
        yield client, labelled, unlabelled


def as_text(client: V2, dataset: str, **query: object) -> list[dict[str, str]]:
    path = "/models/line%2F1/predictions"
    answer = client.post(path, json={"dataset": dataset}, params={"format": "csv", **query})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_scores_are_counted(scored):
    client, labelled, _ = scored
    before = as_text(client, labelled)
    answer = client.get("/models/line%2F1/scores", params={"dataset": labelled, "bins": 20})
    found = records.ScoreSummary.model_validate(answer.json())
    assert (found.model, found.dataset, found.events, len(found.edges)) == ("line/1", labelled, 1000, 21)
    assert found.digest == client.get("/models/line%2F1").json()["digest"]
    assert found.dataset_digest == client.get(f"/datasets/{labelled}").json()["digest"]
    score = np.array([float(row["score"]) for row in before])
    assert sum(each.above[10] for each in found.scores) == np.sum(score > found.edges[10])
    assert found.predicted["s"] == sum(row["label"] == "s" for row in before)
    assert as_text(client, labelled) == before  # from what is kept now


def test_predictions_come_page_by_page(scored):
    client, _, unlabelled = scored
    whole = as_text(client, unlabelled)
    query = {"dataset": unlabelled, "offset": 290, "limit": 100, "threshold": 0.25}
    page = records.PredictionPage.model_validate(client.get("/models/line%2F1/predictions", params=query).json())
    assert (page.offset, page.total, page.threshold, page.index_name) == (290, 300, 0.25, "EventId")
    assert [str(number) for number in page.index] == [row["EventId"] for row in whole[290:]]
    assert list(page.score) == [float(row["score"]) for row in whole[290:]]
    assert list(page.label) == ["s" if score > 0.25 else "b" for score in page.score]


@pytest.mark.parametrize("way", ["data set", "file", "form", "rows"])
def test_a_threshold_is_for_one_answer(scored, way, tmp_path: Path):
    client, labelled, _ = scored
    path, query = "/models/line%2F1/predictions", {"threshold": 0.9, "format": "json"}
    if way == "data set":
        answer = client.post(path, json={"dataset": labelled}, params=query)
    else:
        events = simulate(50, 3)
        if way == "rows":
            answer = client.post(path, json={"events": events.to_pylist()}, params=query)
        else:
            pq.write_table(events, tmp_path / "t.parquet")
            content = (tmp_path / "t.parquet").read_bytes()
            sent = (
                {"files": {"file": content}, "data": query} if way == "form" else {"content": content, "params": query}
            )
            answer = client.post(path, **sent)
    found = records.Predictions.model_validate(answer.json())
    assert found.threshold == 0.9
    assert found.label == tuple("s" if score > 0.9 else "b" for score in found.score)
    assert client.get("/models/line%2F1").json()["threshold"] == {"kind": "natural", "value": 0.5}


def test_what_cannot_be_is_refused(scored):
    client, labelled, _ = scored
    for path in ("/models/line%2F1/scores", "/models/line%2F1/predictions"):
        assert pointers(problem(client.get(path), 422)) == ["dataset"]
        problem(client.get(path, params={"dataset": "nope"}), 404, "DatasetNotFound")
        problem(client.get(path.replace("line%2F1", "nope"), params={"dataset": labelled}), 404, "ModelNotFound")
        problem(client.get(path, params={"dataset": labelled, "threshold": 2}), 422, "BadRequest", "from 0 to 1")
        problem(client.get(path, params={"dataset": labelled, "threshold": "nan"}), 422)
        problem(client.get(path, params={"dataset": labelled, "colour": "red"}), 422)
    problem(client.get("/models/line%2F1/scores", params={"dataset": labelled, "bins": 1001}), 422)
    problem(client.get("/models/line%2F1/predictions", params={"dataset": labelled, "limit": 1001}), 422)
    problem(
        client.post("/models/line%2F1/predictions", json={"dataset": labelled}, params={"threshold": -1}),
        422,
        "BadRequest",
        "from 0 to 1",
    )


def test_a_data_set_without_the_columns_is_refused_by_their_names(scored):
    client, _, _ = scored
    rows = [b"%d,%d,%s" % (i, i % 7, b"sb"[i % 2 : i % 2 + 1]) for i in range(40)]
    own = client.post("/datasets", content=b"\n".join([b"pt,eta,kind", *rows])).json()["id"]
    for path in ("/models/line%2F1/scores", "/models/line%2F1/predictions"):
        problem(client.get(path, params={"dataset": own}), 422, "BadTable", "DER_mass_MMC")


# simulated events


def test_the_same_request_is_the_same_data_set(scored):
    client, labelled, unlabelled = scored
    answer = client.post("/simulations", json={"events": 1000, "seed": 3})
    assert (answer.status_code, answer.json()["id"]) == (200, labelled)
    assert answer.headers["location"] == f"{PREFIX}/datasets/{labelled}"
    answer = client.post("/simulations", json={"events": 40, "seed": 9})
    assert answer.status_code == 201
    assert answer.json()["events"] == 40
    assert client.get(f"/datasets/{unlabelled}").json()["classes"] == []


@pytest.mark.parametrize(
    "wish",
    [
        {"events": 0},
        {"events": 1_000_001},
        {"seed": -1},
        {"seed": 2**54},
        {"first_id": -1},
        {"colour": 1},
        {"events": "x"},
    ],
)
def test_what_cannot_be_simulated_is_refused(scored, wish):
    client, _, _ = scored
    assert pointers(problem(client.post("/simulations", json=wish), 422)) == [f"#/{next(iter(wish))}"]


# the report of a sample


def test_the_report_of_a_sample_is_a_pdf(tmp_path):
    (tmp_path / "eda.pdf").write_bytes(b"%PDF-1.7 of the test")
    with open_v2(tmp_path, PDF_PATH=tmp_path / "eda.pdf") as http:
        answer = V2(http).get("/report.pdf")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content == b"%PDF-1.7 of the test"
        assert V2(http).get("/report.pdf", headers={"Range": "bytes=0-3"}).content == b"%PDF"


def test_a_server_without_a_report_says_so(tmp_path):
    with open_v2(tmp_path) as http:
        problem(V2(http).get("/report.pdf"), 404, "NoReport", "PDF_PATH")


def test_a_report_that_is_being_made_is_to_be_asked_for_again(tmp_path, monkeypatch):
    monkeypatch.setattr(SampleReport, "_make", lambda *_: Future())
    with open_v2(tmp_path, PDF_PATH=tmp_path / "eda.pdf") as http:
        answer = V2(http).get("/report.pdf")
        problem(answer, 503, "NotReady")
        assert answer.headers["retry-after"] == "3"
