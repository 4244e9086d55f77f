from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conftest import Server, run_server

MEBIBYTE = 1 << 20
CHUNK = 1 << 16


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // CHUNK):
        yield b"\n" * CHUNK


def used(server: Server) -> int:
    return int(server.http.get("/api/v2/access/usage").json()["upload"]["used"])


def cut_off(answer: Any) -> None:
    assert answer.status_code == 413
    assert "are sent within 24 hours" in answer.json()["detail"]


def test_a_quota_cuts_off_what_comes_and_outlives_a_kill(tmp_path: Path) -> None:
    with run_server(tmp_path, QUOTA_UPLOAD_MB=1) as server:
        incoming = tmp_path / "models" / "incoming"
        assert server.http.post("/api/v2/datasets", content=b"\n" * CHUNK).status_code == 422
        cut_off(server.http.post("/api/v2/datasets", content=chunks(3 * MEBIBYTE)))
        assert MEBIBYTE // 2 <= used(server) <= MEBIBYTE
        assert [path for path in incoming.rglob("*") if path.is_file()] == []
        assert server.http.get("/api/v2/datasets").json()["total"] == 0
        form = {"file": ("events.csv", b"\n" * MEBIBYTE, "text/csv")}
        cut_off(server.http.post("/api/model_service/predict_with_file", files=form))
        # A wish that sends little is still answered.
        assert server.http.get("/api/v2/models").status_code == 200
        before = used(server)
        server.kill()
    with run_server(tmp_path, QUOTA_UPLOAD_MB=1) as server:
        assert used(server) == before
        cut_off(server.http.post("/api/v2/datasets", content=b"\n" * MEBIBYTE))
        assert waits_to_be_told(server) == b"HTTP/1.1 413"


def waits_to_be_told(server: Server) -> bytes:
    """What a client that would send 2 MB is told, before it has sent any of it."""
    address = (server.http.base_url.host, server.http.base_url.port)
    head = f"POST /api/v2/datasets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {2 * MEBIBYTE}\r\n"
    with socket.create_connection(address, 10) as line:
        line.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        return line.recv(12)
