"""Clients that send heads without end, bodies that trickle, and more connections and streams than can be held."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi.testclient import TestClient

from calls_v2 import PREFIX
from eventsieve.api import protocol
from eventsieve.api.app import create_app
from eventsieve.api.listening import bounds
from eventsieve.api.uploads import LimitUploads
from eventsieve.api.v2.streams import Streams
from eventsieve.errors import TooMany
from eventsieve.settings import Settings, read_settings

ANSWER = b"HTTP/1.1 200 OK"
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def plain(scope, receive, send):
    """An application that reads all of a body and says what its connection is."""
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
    body = json.dumps([scope["scheme"], scope["client"][0]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def listening(app: Callable = plain, **values: object) -> Iterator[Callable[[], socket.socket]]:
    """A server in a thread, bounded by the settings; gives what opens a connection to it."""
    settings = read_settings(**values)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, **bounds(settings))
    server = uvicorn.Server(config)
    ready = threading.Event()
    started = server.startup

    async def startup(sockets=None):
        await started(sockets)
        ready.set()

    server.startup = startup
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield lambda: socket.create_connection(listener.getsockname(), timeout=20)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def told(connection: socket.socket, *pieces: bytes) -> bytes:
    """What comes back until the server ends the connection, or has answered once."""
    answer = b""
    with connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while not answer.endswith(b"]") and (more := connection.recv(1 << 16)):  # the end of what `plain` says
                answer += more
        except ConnectionError:
            pass  # it did not wait for the rest
    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        (b"GET /" + b"a" * (protocol.MOST_HEAD + 10) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",),
        (HEAD + b"A: " + b"b" * 40_000, b"b" * 40_000),
        (HEAD, *[b"A: bbbbbbbbbbbbbbbb\r\n" * 500] * 20),
    ],
    ids=["first line", "one header", "many headers"],
)
def test_a_head_that_is_too_long_is_refused(pieces: tuple[bytes, ...]):
    with listening() as connect:
        assert not told(connect(), *pieces).startswith(ANSWER)
        assert told(connect(), HEAD + b"A: " + b"b" * 30_000 + b"\r\n\r\n").startswith(ANSWER)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", HEAD], ids=["nothing", "half a line", "no end"])
def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with listening() as connect:
        assert told(connect(), sent).startswith(b"HTTP/1.1 408")


def test_a_second_head_on_a_connection_is_bounded_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with listening() as connect, connect() as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"\r\n")
            answer = b""
            while not answer.endswith(b"]"):
                answer += connection.recv(1 << 16)
            assert answer.startswith(ANSWER)
        connection.sendall(b"GET / HT")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 408")
        assert connection.recv(1) == b""


def test_connections_beyond_the_most_are_closed_and_the_others_go_on():
    with listening(MAX_CONNECTIONS=8) as connect:
        held = [connect() for _ in range(8)]
        assert not told(connect(), HEAD + b"\r\n").startswith(ANSWER)
        for each in held[:4]:
            each.close()
        answers = (told(connect(), HEAD + b"\r\n") for _ in range(100))
        assert any(answer.startswith(ANSWER) for answer in answers)
        for each in held:
            each.close()


@pytest.mark.parametrize(("proxies", "seen"), [([], ["http", "127.0.0.1"]), (["127.0.0.1"], ["https", "203.0.113.9"])])
def test_forwarded_headers_are_believed_of_known_proxies_alone(proxies: list[str], seen: list[str]):
    forwarded = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
    with listening(TRUSTED_PROXIES=proxies) as connect:
        answer = told(connect(), HEAD + forwarded)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == seen
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["two lengths", "huge length", "negative length", "control character"],
)
def test_what_is_no_http_is_refused(head: bytes):
    with listening() as connect:
        assert told(connect(), head).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{PREFIX}/jobs", b"application/json"),
        ("/api/model_service/train_with_file", b"multipart/form-data; boundary=X"),
    ],
)
def test_a_body_that_trickles_is_refused(settings: Settings, path: str, kind: bytes):
    app = create_app(settings.model_copy(update={"BODY_SECONDS": 0.3}), embedded=True)
    with TestClient(app), listening(app) as connect:
        head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: %b\r\nContent-Length: 100\r\n\r\n%b"
        answer = told(connect(), head % (path.encode(), kind, b"--X\r\n"))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"BODY_SECONDS" in answer
    assert b"\r\nconnection: close\r\n" in answer


def test_a_long_body_has_the_time_that_it_needs_and_waiting_for_the_end_is_no_body():
    async def receive():
        await asyncio.sleep(0.05)
        left.pop()
        return {"type": "http.request", "body": b"a" * 1000, "more_body": bool(left)}

    async def app(scope, receive, send):
        while (await receive())["more_body"]:
            pass
        left.extend([1])
        await receive()
        done.append(1)

    left, done = [1] * 8, []
    scope = {"type": "http", "path": "/", "headers": []}
    # 8 waits of 0.05 s: more than 0.2 s at first, and a tenth of a second more for each 1 kB that came.
    asyncio.run(LimitUploads(app, 1 << 20, seconds=0.2)(scope, receive, None))
    assert done


def test_streams_are_counted_for_each_client_and_in_all():
    streams = Streams(4)
    with streams.place("a"), streams.place("a"):
        with pytest.raises(TooMany, match="MAX_STREAMS"), streams.place("a"):
            pass
        with streams.place("b"), streams.place("b"), pytest.raises(TooMany), streams.place("c"):
            pass
        with streams.place("c"):
            pass
    with streams.place("a"):
        pass
    assert not streams._open


def test_a_stream_too_many_is_refused_and_its_place_is_given_back(settings: Settings):
    app = create_app(settings)
    with TestClient(app) as client:
        app.state.streams = Streams(2)
        job = SimpleNamespace(id="j1", final=True, model_dump_json=lambda: "{}")
        app.state.service = SimpleNamespace(
            jobs=SimpleNamespace(get=lambda _: job, version=lambda _: 0), **_kept(app.state.service)
        )
        with app.state.streams.place("testclient"):
            answer = client.get(f"{PREFIX}/jobs/j1/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        for _ in range(3):
            assert client.get(f"{PREFIX}/jobs/j1/events").status_code == 200


def _kept(service: object) -> dict[str, object]:
    """What the application's end asks of the service."""
    return {"close": service.close, "service": service}
