"""A few events for a model that is ready: the same answers as on the whole way, and never those of yesterday."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.csv as pacsv
import pytest
from fastapi.testclient import TestClient
from sklearn.pipeline import Pipeline

from calls_v2 import PREFIX, V2, problem
from eventsieve.api.app import create_app
from eventsieve.service import Service
from eventsieve.service import ready as readiness
from eventsieve.service.predictions import Predicting
from eventsieve.service.ready import ReadyModel
from eventsieve.settings import Settings, read_settings

MODELS = [
    {"name": "linear", "type": "LogReg"},
    {"name": "trees/1", "type": "RandomForest", "hyperparameters": {"n_estimators": 5}},
    {"name": "ω %", "type": "SVM", "hyperparameters": {"probability": False, "kernel": "linear"}},
]
SLOWLY = {"accept": "application/json;q=0.5"}
"""What the quick way does not understand, and the whole way answers in JSON."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("quick")
    return read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=4)


@pytest.fixture(scope="module")
def client(settings: Settings, events_csv: Path) -> Iterator[V2]:
    with TestClient(create_app(settings)) as http:
        client = V2(http)
        dataset = client.post("/datasets", content=events_csv.read_bytes(), params={"filename": "t.csv"}).json()
        job = client.post("/jobs", json={"dataset": dataset["id"], "models": MODELS}).json()
        until_trained(client, job["id"])
        client.put("/current", json={"model": "linear"})
        yield client


def until_trained(client: V2, job: str) -> None:
    for _ in range(1200):
        states = {each["state"] for each in client.get(f"/jobs/{job}").json()["models"]}
        if states == {"trained"}:
            return
        assert not states & {"failed", "died", "timed_out"}
        threading.Event().wait(0.1)
    raise AssertionError(states)


@pytest.fixture(scope="module")
def rows(events_csv: Path) -> list[dict[str, Any]]:
    table = pacsv.read_csv(events_csv).drop_columns(["Weight", "Label"])
    return list(table.slice(0, 64).to_pylist())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that were asked on the whole way since."""
    asked: list[str] = []
    whole = Predicting.rows

    def rows(self: Predicting, ref: str, *args: Any, **options: Any) -> Any:
        asked.append(ref)
        return whole(self, ref, *args, **options)

    monkeypatch.setattr(Predicting, "rows", rows)
    return asked


def predict(client: V2, ref: str, rows: Any, **headers: str) -> Any:
    body = json.dumps({"events": rows})
    return client.post(
        f"/models/{ref}/predictions", content=body, headers={"content-type": "application/json"} | headers
    )


def same(ours: Any, theirs: Any) -> None:
    assert ours.status_code == theirs.status_code
    assert ours.content == theirs.content
    unlike = {"x-request-id"}
    assert {k: v for k, v in ours.headers.items() if k not in unlike} == {
        k: v for k, v in theirs.headers.items() if k not in unlike
    }


@pytest.mark.parametrize("ref", ["linear", "trees%2F1", "trees/1", "%CF%89%20%25", "current"])
@pytest.mark.parametrize("count", [1, 3, 64])
def test_answers_are_those_of_the_whole_way_to_the_byte(client, rows, quick, ref, count):
    unnumbered = [{name: value for name, value in row.items() if name != "EventId"} for row in rows[:count]]
    for sent in (rows[:count], unnumbered, [{**row, "PRI_jet_num": None} for row in unnumbered]):
        whole = predict(client, ref, sent, **SLOWLY)
        assert whole.status_code == 200
        assert len(quick) == 1
        same(predict(client, ref, sent), whole)  # in a thread where the model is not known to be fast, else at once
        same(predict(client, ref, sent), whole)
        assert len(quick) == 1
        quick.clear()


@pytest.mark.parametrize(
    "change",
    [
        {"PRI_met": "much"},
        {"PRI_met": True},
        {"PRI_met": float("1e308")},
        {"PRI_met": 10**400},
        {"PRI_jet_num": 1.5},
        {"EventId": "one"},
        {"EventId": 2**63},
        {"PRI_met": [1.0]},
        {"note": "a column of its own"},
        {"Weight": 1.0, "Label": "s"},
    ],
)
def test_what_is_unusual_is_answered_as_ever(client, rows, quick, change):
    predict(client, "current", rows[:2])
    sent = [rows[0], rows[1] | change]
    same(predict(client, "current", sent), predict(client, "current", sent, **SLOWLY))


def test_what_is_no_list_of_events_is_refused_as_ever(client, rows):
    predict(client, "current", rows[:1])
    headers = {"content-type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b'{"events":[]}', b'{"events":[1]}', b'{"events":{}}', b'{"events":[NaN]}'):
        ours = client.post("/models/current/predictions", content=body, headers=headers)
        same(ours, client.post("/models/current/predictions", content=body, headers=headers | SLOWLY))
        assert ours.status_code == 422
    more = [{**rows[0], "x": 1}] * 65
    same(predict(client, "current", more), predict(client, "current", more, **SLOWLY))
    missing = [{name: value for name, value in rows[0].items() if name != "PRI_met"}]
    document = problem(predict(client, "current", missing), 422)
    assert document["errors"][0]["pointer"] == "#/events/0/PRI_met"


def test_other_ways_to_ask_still_work(client, rows, quick):
    predict(client, "current", rows[:1])
    quick.clear()
    cut = client.post("/models/current/predictions?threshold=0.9", json={"events": rows[:1]})
    assert cut.json()["threshold"] == 0.9
    assert quick == ["current"]
    problem(predict(client, "current", rows[:1], accept="text/csv"), 406)
    problem(predict(client, "current", rows[:1], **{"content-encoding": "gzip"}), 415)
    problem(client.post("/models/current/predictions?banana=1", json={"events": rows[:1]}), 422)
    problem(client.get("/models/current/predictions"), 422)
    problem(predict(client, "nobody", rows[:1]), 404, "ModelNotFound")
    assert predict(client, "current", rows[:1], **{"x-request-id": "mine"}).headers["x-request-id"] == "mine"


def test_a_body_may_come_in_pieces(client, rows, quick):
    whole = predict(client, "current", rows[:2])
    body = json.dumps({"events": rows[:2]}).encode()
    quick.clear()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    pieces = client.post("/models/current/predictions", content=iter([body[:7], body[7:]]), headers=headers)
    same(pieces, whole)


def test_who_is_current_is_never_that_of_yesterday(client, rows, quick, settings):
    def says() -> str:
        return str(predict(client, "current", rows[:1]).json()["model"])

    assert [says(), says()] == ["linear", "linear"]
    with Service.open(settings) as other:  # as another server on the same store would
        other.models.choose("trees/1")
        assert says() == "trees/1"
        other.models.set_alias("best", "trees/1")
        assert predict(client, "best", rows[:1]).json()["model"] == "trees/1"
        assert predict(client, "best", rows[:1]).json()["model"] == "trees/1"
        other.models.set_alias("best", "linear")
        assert predict(client, "best", rows[:1]).json()["model"] == "linear"
        other.models.drop_alias("best")
        problem(predict(client, "best", rows[:1]), 404, "ModelNotFound")
        other.models.choose("linear")
    client.put("/current", json={"model": "trees/1"})
    assert says() == "trees/1"
    client.put("/current", json={"model": "linear"})
    assert says() == "linear"


def test_a_threshold_holds_from_when_it_is_set(client, rows):
    predict(client, "linear", rows[:1])
    client.patch("/models/linear", json={"threshold": {"kind": "value", "value": 0.999}})
    assert predict(client, "linear", rows[:1]).json()["threshold"] == 0.999
    client.patch("/models/linear", json={"threshold": {"kind": "natural"}})
    assert predict(client, "linear", rows[:1]).json()["threshold"] == 0.5


def test_where_changes_cannot_be_seen_nothing_is_kept(client, rows, quick, monkeypatch):
    monkeypatch.setattr(client.http.app.state.service.predictions.ready, "stamp", lambda: None)
    for _ in range(3):
        assert predict(client, "current", rows[:1]).status_code == 200
    assert quick == ["current"] * 3


def test_a_pipeline_that_nobody_keeps_is_loaded_again(client, rows, quick, monkeypatch):
    predict(client, "current", rows[:1])
    quick.clear()
    with monkeypatch.context() as gone:
        gone.setattr(ReadyModel, "pipeline", property(lambda _: None))
        assert predict(client, "current", rows[:1]).status_code == 200
    assert quick == ["current"]


class Watching:
    """In which threads models work."""

    threads: ClassVar[list[str]] = []

    @classmethod
    def score_part(cls, pipeline: Pipeline, part: Any, schema: Any) -> Any:
        cls.threads.append(threading.current_thread().name)
        return real_score_part(pipeline, part, schema)


real_score_part = readiness.score_part


def test_a_slow_model_works_in_a_thread_and_a_fast_one_at_once(client, rows, monkeypatch):
    monkeypatch.setattr(readiness, "score_part", Watching.score_part)
    ready = client.http.app.state.service.predictions.ready
    for seconds, stays in ((0.0, True), (1.0, False)):
        ready._models.clear()
        Watching.threads.clear()
        predict(client, "current", rows[:4])
        monkeypatch.setattr(readiness, "BRIEF_SECONDS", 60.0 if stays else seconds * 1e-9)
        for _ in range(3):
            predict(client, "current", rows[:4])
        loop, work = Watching.threads[-1], Watching.threads[0]
        assert ("worker" not in loop.lower()) is stays, Watching.threads
        assert "worker" in work.lower(), Watching.threads


def test_paths_beside_it_are_not_taken_for_it(client):
    assert client.http.get("/").json() == {"message": "Ready to work!"}
    assert client.http.post(f"{PREFIX}/models//predictions", json={"events": []}).status_code in (404, 422)
