"""Predictions and files on their way out: the format that was asked for, ranges, tags, and nothing left behind."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from urllib.parse import quote, unquote

import httpx2
import pytest

from calls_v2 import PREFIX, V2, eventually, pointers, problem

PREDICTIONS = "/models/m1/predictions"
TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "root": "application/vnd.root",
}


@pytest.mark.parametrize("sent", ["body", "form"])
def test_a_file_is_predicted_and_everything_is_cleared_away(fake, faked: V2, folder, sent):
    asked = {"tree": "t", "branch": ["pt*", "y"], "header": "yes", "format": "root"}
    if sent == "body":
        answer = faked.post(PREDICTIONS, content=b"pt\n1\n", params=asked)
    else:
        answer = faked.post(PREDICTIONS, files={"file": b"pt\n1\n"}, data=asked)
    assert answer.status_code == 200, answer.text
    assert answer.content == b"root:b'pt\\n1\\n'"
    assert answer.headers["content-disposition"] == 'attachment; filename="predictions.root"'
    assert answer.headers["content-type"].startswith("text/x-test")
    assert unquote(answer.headers["x-eventsieve-model"]) == "m1"
    assert answer.headers["x-eventsieve-digest"] == "ab" * 32
    assert answer.headers["x-eventsieve-remarks"].isascii()
    assert json.loads(answer.headers["x-eventsieve-remarks"]) == ["µ is odd."]
    ((ref, _, kind, given),) = fake.predictions.asked
    assert (ref, kind) == ("m1", "root")
    assert given["reading"].model_dump() == {"trees": ("t",), "branches": ("pt*", "y"), "header": "yes"}
    assert list(folder.iterdir()) == []


def test_a_stored_data_set_is_predicted(fake, faked: V2, folder):
    answer = faked.post(PREDICTIONS, json={"dataset": "d1"}, params={"format": "csv"})
    assert answer.content == b"csv:'d1'"
    assert list(folder.iterdir()) == []


def test_rows_of_json_are_predicted(fake, faked: V2):
    rows = [{"pt": 1.5, "n": 2, "y": "s", "gap": None, "on": True}, {}]
    answer = faked.post(PREDICTIONS, json={"events": rows})
    assert answer.json()["score"] == [0.5]
    assert json.loads(answer.headers["x-eventsieve-remarks"]) == ["ω is odd."]
    assert list(fake.predictions.asked[0][1]) == rows
    assert isinstance(fake.predictions.asked[0][1][0]["n"], int)
    problem(faked.post(PREDICTIONS, json={"events": rows}, params={"format": "root"}), 406, None, "as a file")


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["#"]),
        ({"dataset": "d", "events": []}, ["#"]),
        ({"dataset": 3}, ["#/dataset"]),
        ({"events": [{"pt": 1}], "more": 1}, ["#/more"]),
        ([], ["#"]),
        ("text", ["#"]),
    ],
)
def test_a_request_for_predictions_that_cannot_be_used_is_pointed_at(faked: V2, body, places):
    document = problem(faked.post(PREDICTIONS, json=body), 422, "BadRequest")
    assert pointers(document) == places


def test_a_value_that_is_none_is_pointed_at(faked: V2):
    document = problem(faked.post(PREDICTIONS, json={"events": [{"pt": 1}, {"pt": [1]}]}), 422, "BadRequest")
    assert all(place.startswith("#/events/1/pt") for place in pointers(document))
    answer = faked.post(PREDICTIONS, content=b'{"events": [{"pt": NaN}]}', headers={"Content-Type": "application/json"})
    problem(answer, 422, "BadRequest", "send null")


def test_how_a_file_is_read_goes_with_files_only(faked: V2):
    problem(faked.post(PREDICTIONS, json={"dataset": "d"}, params={"tree": "t"}), 422, "BadRequest", "tree")


def test_one_file_is_predicted_at_a_time(faked: V2, folder):
    problem(faked.post(PREDICTIONS, files=[("file", b"a"), ("file", b"b")]), 422, "BadRequest", "2 files")
    assert list(folder.iterdir()) == []


def test_a_model_that_does_not_exist_is_told_before_the_file_is_read(fake, faked: V2):
    problem(faked.post("/models/nope/predictions", content=b"pt\n1\n"), 404, "ModelNotFound", "nope")
    assert fake.predictions.asked == []


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "json"),
        ("", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("text/*", "csv"),
        ("application/vnd.apache.parquet, application/json;q=0.5", "parquet"),
        ("application/json;q=0.2, application/vnd.root;q=0.9", "root"),
        ("application/json;q=0, */*;q=0.1", "csv"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
    ],
)
def test_the_answer_is_what_accept_takes_best(fake, faked: V2, accept, kind):
    answer = faked.post(PREDICTIONS, content=b"x", headers={"Accept": accept})
    assert answer.content.startswith(kind.encode())


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "nonsense", "image/*;q=x"])
def test_what_cannot_be_had_is_refused_with_what_there_is(fake, faked: V2, folder, accept):
    document = problem(faked.post(PREDICTIONS, content=b"x", headers={"Accept": accept}), 406)
    assert all(f"{media} (format={kind})" in document["detail"] for kind, media in TYPES.items())
    assert list(folder.iterdir()) == []


def test_the_format_of_the_query_comes_before_accept(fake, faked: V2):
    answer = faked.post(PREDICTIONS, content=b"x", params={"format": "arrow"}, headers={"Accept": "text/html"})
    assert answer.content.startswith(b"arrow")
    document = problem(faked.post(PREDICTIONS, content=b"x", params={"format": "xml"}), 422, "BadRequest", "'root'")
    assert pointers(document) == ["format"]


@pytest.mark.parametrize("body", ["file", "dataset"])
def test_work_ends_when_the_client_hangs_up(fake, serve, folder, body):
    server = serve()
    fake.predictions.endless = True
    kind, content = ("text/csv", b"pt\n1\n") if body == "file" else ("application/json", b'{"dataset": "d1"}')
    with socket.create_connection(server.address) as client:
        head = f"POST {PREFIX}{PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        client.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        assert fake.predictions.begun.wait(20)
    assert fake.predictions.ended.wait(20)
    eventually(lambda: server.tasks() == 0)
    assert list(folder.iterdir()) == []


def test_who_hangs_up_while_waiting_for_a_turn_is_forgotten(fake, serve, folder):
    server = serve()
    fake.predictions.endless = True
    slots = int(server.app.state.heavy.total_tokens)
    request = f"POST {PREFIX}{PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx".encode()
    clients = [socket.create_connection(server.address) for _ in range(slots + 3)]
    at_work, waiting = clients[:slots], clients[slots:]
    for client in at_work:
        client.sendall(request)
    eventually(lambda: len(fake.predictions.asked) == slots)
    for client in waiting:
        client.sendall(request)
    eventually(lambda: server.app.state.heavy.statistics().tasks_waiting == 3)
    for client in waiting:
        client.close()
    eventually(lambda: server.app.state.heavy.statistics().tasks_waiting == 0)
    for client in at_work:
        client.close()
    eventually(lambda: server.tasks() == 0)
    assert len(fake.predictions.asked) == slots
    assert server.app.state.heavy.borrowed_tokens == 0
    assert list(folder.iterdir()) == []


@pytest.fixture
def artefact(fake, tmp_path: Path) -> bytes:
    """The file of the model m1."""
    path = tmp_path / fake.models.model.digest
    path.write_bytes(os.urandom(200_000))
    fake.models.artefact = lambda ref: path
    return path.read_bytes()


def test_an_artefact_is_known_by_its_digest(fake, faked: V2, artefact):
    answer = faked.get("/models/m1/artefact")
    assert answer.content == artefact
    tag = answer.headers["etag"]
    assert tag == f'"{"ab" * 32}"'
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = faked.get("/models/m1/artefact", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert faked.get("/models/m1/artefact", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_head_of_an_artefact_says_its_size(fake, faked: V2, artefact):
    answer = faked.head("/models/m1/artefact")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(artefact))
    assert answer.headers["content-disposition"] == 'attachment; filename="m1.skops"'


def test_an_artefact_is_had_in_ranges(fake, faked: V2, artefact):
    answer = faked.get("/models/m1/artefact", headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, artefact[100:200])
    rest = faked.get("/models/m1/artefact", headers={"Range": "bytes=-10"})
    assert (rest.status_code, rest.content) == (206, artefact[-10:])
    for wrong in ("bytes=9999999-", "bytes=5-1", "lines=1-2", "bytes"):
        problem(faked.get("/models/m1/artefact", headers={"Range": wrong}), 416, None, "bytes=FIRST-LAST")


def test_a_model_of_any_name_is_reached(fake, serve, artefact):
    server = serve()  # starlette's client decodes paths twice
    with httpx2.Client(base_url=server.url, trust_env=False) as http:
        client = V2(http)
        for name in ("a/b", "../x", "100%", "%2F", "?x#y", "line\nfeed", "модель №1", "+", "a/artefact/b", "a/onnx/"):
            fake.models.model = fake.models.model.model_copy(update={"name": name})
            path = f"/models/{quote(name, safe='')}"
            assert client.get(path).json().get("name") == name
            assert client.get(f"{path}/artefact").content == artefact
            answer = client.post(f"{path}/predictions", content=b"x")
            assert answer.status_code == 200
            assert answer.headers["x-eventsieve-model"].isascii()
            assert unquote(answer.headers["x-eventsieve-model"]) == name
