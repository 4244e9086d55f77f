"""An existing client, over HTTP: the library it uses, the paths it builds, the form fields it sends."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from calls import ROUTE, listed, model, refused, statuses, train
from conftest import Server, run_server

IDS = ("m1", "модель №1", "a/b", "../x", "a.b", "100%", "%2F", "?x#y", "a b", "line\nfeed", "..x", "+", "я" * 128)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("client"), MAX_UPLOAD_MB=1) as server:
        yield server


@pytest.fixture(scope="module")
def table(events_csv: Path) -> bytes:
    return b"\n".join(events_csv.read_bytes().split(b"\n")[:400])


@pytest.fixture
def url(server: Server) -> str:
    return str(server.http.base_url).rstrip("/") + ROUTE


@pytest.mark.slow
def test_every_screen_of_the_client(server: Server, url: str, table: bytes, unlabelled_csv: Path) -> None:
    fields = requests.get(url + "get_model_types", timeout=60).json()["models"]["LogReg"]
    assert "n_jobs" not in fields
    for start in range(0, len(IDS), 4):
        models = [
            {"id": name, "type": "LogReg", "hyperparameters": dict.fromkeys(fields, "") | {"C": "0,5"}}
            for name in IDS[start : start + 4]
        ]
        answer = requests.post(
            url + "train_with_file",
            data={"models_str": json.dumps(models)},
            files={"file": ("data.csv", table, "text/csv")},
            timeout=60,
        )
        assert set(statuses(answer).values()) == {"trained"}
    assert tuple(listed(server.http)) == IDS
    for name in IDS:
        answer = requests.post(url + "set_model/" + quote(name, safe=""), timeout=60)
        assert answer.json() == {"id": name, "status": "load"}
        with unlabelled_csv.open("rb") as file:
            answer = requests.post(url + "predict_with_file", files={"file": file}, timeout=60)
        assert len(answer.json()["predictions"]) == 500
    answer = requests.post(
        url + "compare_models",
        data={"models_str": json.dumps({"ids": IDS})},
        files={"file": ("data.csv", table, "text/csv")},
        timeout=60,
    )
    assert tuple(answer.json()["results"]) == IDS
    assert requests.post(url + "unset_model", timeout=60).json() == {"id": IDS[-1], "status": "unload"}
    for name in IDS:
        answer = requests.delete(url + "remove/" + quote(name, safe=""), timeout=60)
        assert answer.json() == {"id": name, "status": "removed"}
    refused(requests.delete(url + "remove_all", timeout=60), 404)


@pytest.mark.parametrize("megabytes", [2, 40])
def test_an_upload_that_is_too_large_is_told_so(url: str, megabytes: int) -> None:
    # A server that hung up instead would be a broken pipe to this client.
    large = b"x" * (megabytes << 20)
    answer = requests.post(url + "predict_with_file", files={"file": ("data.csv", large, "text/csv")}, timeout=60)
    refused(answer, 413, "MAX_UPLOAD_MB")

    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="data.csv"\r\n\r\n'
        for _ in range(megabytes):
            yield bytes(1 << 20)
        yield b"\r\n--b--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    refused(requests.post(url + "predict_with_file", data=chunks(), headers=kind, timeout=60), 413, "MAX_UPLOAD_MB")


def test_the_chunk_that_is_too_much_may_be_the_last(server: Server) -> None:
    head = f"POST {ROUTE}predict_with_file HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    kind = "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    body = b"%x\r\n" % (2 << 20) + bytes(2 << 20) + b"\r\n0\r\n\r\n"
    with socket.create_connection((server.http.base_url.host, server.http.base_url.port), timeout=5) as connection:
        connection.sendall((head + kind).encode() + body)
        assert connection.recv(100).split()[1] in (b"413", b"400")


@pytest.mark.parametrize(
    "line",
    ["GET /\xff HTTP/1.1", "G\x01T / HTTP/1.1", "GET / HTTP/9.9", "nonsense", "GET /" + "x" * 100_000 + " HTTP/1.1"],
)
def test_what_is_no_http_is_refused_and_the_server_lives(server: Server, line: str) -> None:
    with socket.create_connection((server.http.base_url.host, server.http.base_url.port), timeout=10) as connection:
        connection.sendall(line.encode("latin-1") + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).split()[1] in (b"400", b"404", b"414", b"431")
    assert server.http.get("/").status_code == 200


def test_a_client_that_hangs_up_in_an_upload_leaves_nothing(server: Server, table: bytes) -> None:
    with socket.create_connection((server.http.base_url.host, server.http.base_url.port)) as connection:
        connection.sendall(
            f"POST {ROUTE}predict_with_file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
            'Content-Disposition: form-data; name="file"; filename="data.csv"\r\n\r\n'.encode()
            + table
        )
    assert server.http.get("/").status_code == 200
    assert [path for path in (server.folder / "models" / "incoming").rglob("*") if path.is_file()] == []
    assert statuses(train(server.http, [model("after", C="zzz")], table)) == {"after": "error"}
    assert "Traceback" not in (server.folder / "server.log").read_text()
