"""Calls of version 2, and what its refusals look like."""

from __future__ import annotations

import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI

PREFIX = "/api/v2"
ANY = "*"


class V2:
    """A client whose paths are below /api/v2."""

    def __init__(self, http: Any) -> None:
        self.http = http

    def __getattr__(self, verb: str) -> Any:
        def call(path: str, **options: Any) -> Any:
            if verb == "stream":
                raise AttributeError(verb)
            return self.http.request(verb.upper(), PREFIX + path, **options)

        return call


def problem(answer: Any, status: int, kind: str | None = ANY, *says: str) -> dict[str, Any]:
    """The document of a refusal, checked to be one of that status and type that says all of this.

    ``kind`` is the name of the error's class, or ``None`` for a refusal that is only HTTP's.
    """
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) <= {"type", "title", "status", "detail", "instance", "errors", "request_id"}
    assert document["status"] == status
    if kind != ANY:
        assert document["type"] == (f"urn:eventsieve:{kind}" if kind else "about:blank")
    assert document["title"]
    assert document["instance"] == answer.request.url.raw_path.decode().partition("?")[0]
    assert "Traceback" not in document["detail"]
    for text in says:
        assert text in document["detail"], document["detail"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    """Where the faults of a refusal are."""
    return [each.get("pointer") or each.get("parameter") for each in document["errors"]]


class Running:
    """A server in a thread of this process, on a free port."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        config = uvicorn.Config(app, port=0, log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"

    def connections(self) -> int:
        """How many are open."""
        return len(self.server.server_state.connections)

    def tasks(self) -> int:
        """How many requests are being answered."""
        return len(self.server.server_state.tasks)

    def stop(self) -> None:
        """As the local client does it."""
        self.app.state.closing.set()
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


def eventually(happens: Any, seconds: float = 10.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
