"""Uploads come to disk whole or not at all, and nothing of them is left when the request has ended."""

from __future__ import annotations

import hashlib
import os
import socket

import pytest

from calls_v2 import PREFIX, V2, eventually, pointers, problem
from eventsieve.errors import BadTable
from eventsieve.records import Reading, SchemaEdit

DATA = os.urandom(300_000)


def test_the_bytes_of_a_body_are_one_file(fake, faked: V2, folder):
    query = {
        "name": "mine",
        "filename": "../up/events.root",
        "label": "ttbar",
        "tree": ["sig=s", "bkg=b"],
        "branch": ["pt*", "eta"],
        "header": "no",
        "schema": '{"label": "y", "undefined": null}',
    }
    answer = faked.post("/datasets", params=query, content=DATA)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PREFIX}/datasets/d1"
    assert answer.json()["id"] == "d1"
    ((sent,), given) = fake.datasets.added[0]
    upload, content = sent
    assert content == DATA
    assert upload.digest == hashlib.sha256(DATA).hexdigest()
    assert (upload.size, upload.name, upload.label) == (len(DATA), "events.root", "ttbar")
    assert given == {
        "name": "mine",
        "reading": Reading(trees=("sig=s", "bkg=b"), branches=("pt*", "eta"), header="no"),
        "edit": SchemaEdit(label="y", undefined=None),
    }
    assert given["edit"].given() == {"label": "y", "undefined": None}
    assert list(folder.iterdir()) == []


def test_a_known_file_is_answered_with_200(fake, faked: V2):
    fake.datasets.known = True
    assert faked.post("/datasets", content=DATA).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/x-www-form-urlencoded", "", "nonsense"])
def test_any_content_type_but_a_form_is_a_file(fake, faked: V2, kind):
    assert faked.post("/datasets", content=b'{"a": 1}', headers={"Content-Type": kind}).status_code == 201
    assert fake.datasets.added[0][0][0][1] == b'{"a": 1}'


def test_a_form_has_several_files_with_a_label_each(fake, faked: V2, folder):
    files = [("file", ("C:\\up\\s.csv", b"pt\n1\n", "text/csv")), ("file", ("b.csv", DATA * 3, "text/csv"))]
    data = {"label": ["s", ""], "name": "both", "tree": ["t"], "schema": '{"weight": "w"}'}
    answer = faked.post("/datasets", files=files, data=data)
    assert answer.status_code == 201, answer.text
    (sent, given) = fake.datasets.added[0]
    assert [(u.name, u.label, content) for u, content in sent] == [
        ("s.csv", "s", b"pt\n1\n"),
        ("b.csv", None, DATA * 3),
    ]
    assert [u.digest for u, content in sent] == [hashlib.sha256(content).hexdigest() for _, content in sent]
    assert given == {"name": "both", "reading": Reading(trees=("t",)), "edit": SchemaEdit(weight="w")}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "places", "says"),
    [
        ({"files": {"table": b"x"}}, ["#/table"], "`file`"),
        ({"files": {"file": b"x"}, "data": {"lable": "s"}}, ["#/lable"], "no such field"),
        ({"files": {"file": b"x"}, "data": {"header": "maybe"}}, ["#/header"], "'auto'"),
        ({"files": {"file": b"x"}, "data": {"label": ["s", "b"]}}, ["#/label"], "2 labels for 1 file"),
        ({"files": {"file": (None, b"x")}}, ["#/file"], "holds text"),
        ({"files": {"other": (None, b"x")}}, ["#/file"], "no file"),
        ({"files": {"file": b"x"}, "data": {"schema": "{"}}, ["#/schema"], "schema"),
        ({"files": {"file": b"x"}, "data": {"schema": '{"lable": "y"}'}}, ["#/schema/lable"], "no such field"),
        ({"content": b"x", "params": {"schema": "[]"}}, ["schema"], "schema"),
        ({"content": b"x", "params": {"label": ["a", "b"]}}, ["label"], "2 labels for 1 file"),
        ({"content": b"x", "params": {"header": "maybe"}}, ["header"], "'auto'"),
        ({"content": b"x", "params": {"nam": "a"}}, ["nam"], "do you mean name?"),
    ],
)
def test_fields_that_cannot_be_used_are_named(fake, faked: V2, request_, places, says):
    document = problem(faked.post("/datasets", **request_), 422, "BadRequest")
    assert pointers(document) == places
    assert says.lower() in document["detail"].lower()
    assert fake.datasets.added == []
    assert list(fake.datasets.folder.iterdir()) == []


def test_a_form_says_nothing_in_the_query(faked: V2):
    answer = faked.post("/datasets?name=a", files={"file": b"x"})
    problem(answer, 422, "BadRequest", "name")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nnonsense"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--"),
    ],
)
def test_a_form_that_is_none_is_refused(faked: V2, folder, kind, body):
    problem(faked.post("/datasets", content=body, headers={"Content-Type": kind}), 422, "BadRequest", "`file`")
    assert list(folder.iterdir()) == []


def test_nothing_is_left_of_a_table_that_is_refused(fake, faked: V2, folder):
    fake.datasets.fails = BadTable("Column x is text.")
    problem(faked.post("/datasets", content=DATA), 422, "BadTable", "Column x")
    problem(faked.post("/datasets", files={"file": DATA}), 422, "BadTable", "Column x")
    assert list(folder.iterdir()) == []


def chunks(size):
    for start in range(0, size, 65_536):
        yield b"x" * min(65_536, size - start)


@pytest.mark.parametrize("path", ["/datasets", "/models/m1/predictions"])
def test_an_upload_beyond_the_limit_is_refused_whether_announced_or_not(fake, faked: V2, folder, path):
    problem(faked.post(path, content=b"x" * (1 << 20) + b"y"), 413, "TooLarge", "MAX_UPLOAD_MB")
    problem(faked.post(path, content=chunks((1 << 20) + 1)), 413, "TooLarge", "MAX_UPLOAD_MB")
    problem(faked.post(path, files={"file": b"x" * (1 << 20)}), 413, "TooLarge", "MAX_UPLOAD_MB")
    assert (fake.datasets.added, list(folder.iterdir())) == ([], [])
    assert faked.post("/datasets", content=b"x" * (1 << 20)).status_code == 201


@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=a"])
def test_nothing_is_left_of_a_client_that_hangs_up_in_the_middle(fake, serve, folder, kind):
    server = serve()
    head = b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' if "a" in kind[-1:] else b""
    with socket.create_connection(server.address) as client:
        client.sendall(
            f"POST {PREFIX}/datasets HTTP/1.1\r\nHost: localhost\r\n".encode()
            + f"Content-Type: {kind}\r\nContent-Length: 900000\r\n\r\n".encode()
            + head
            + b"x" * 400_000
        )
        eventually(lambda: server.tasks() == 1)
    eventually(lambda: server.tasks() == 0)
    assert (fake.datasets.added, list(folder.iterdir())) == ([], [])
