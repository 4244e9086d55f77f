"""The guard before the pages: names, sockets, headers."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from eventsieve.web.guard import HEADERS, Guard

LAPTOP, PUBLIC, OPEN = {"host": "127.0.0.1"}, {"host": "0.0.0.0", "public": "https://sieve.test/x"}, {"host": "0.0.0.0"}


def ask(guard: Guard, host: str) -> httpx2.Response:
    async def go() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url="http://page.test") as browser:
            return await browser.get("/", headers={"Host": host, "Accept-Language": "en"})

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("given", "host", "let_in"),
    [
        (LAPTOP, "127.0.0.1:8501", True),
        (LAPTOP, "localhost:8501", True),
        (LAPTOP, "LOCALHOST.", True),
        (LAPTOP, "sieve.localhost", True),
        (LAPTOP, "[::1]:8501", True),
        (LAPTOP, "192.0.2.7", True),  # no name, so nobody's but its own
        (LAPTOP, "evil.test:8501", False),
        (LAPTOP, "127.0.0.1.evil.test", False),
        (LAPTOP, "sieve.test", False),
        (LAPTOP, "[", False),
        (PUBLIC, "sieve.test", True),
        (PUBLIC, "localhost", True),
        (PUBLIC, "evil.test", False),
        (OPEN, "any.test", True),
    ],
)
def test_it_goes_by_its_own_names(given, host, let_in):
    answer = ask(Guard(PlainTextResponse("the pages"), **given), host)
    assert (answer.text == "the pages") is let_in
    assert let_in or (answer.status_code == 403 and "PUBLIC_URL" in answer.text)
    assert HEADERS.items() <= {name.title(): value for name, value in answer.headers.items()}.items() or not let_in


def test_what_an_answer_says_itself_stays():
    own = {"Content-Security-Policy": "sandbox", "Referrer-Policy": "no-referrer"}
    answer = ask(Guard(Response(headers=own), "127.0.0.1"), "localhost")
    assert {name: answer.headers[name] for name in own} == own
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("given", "host", "origin", "let_in"),
    [
        (LAPTOP, "localhost:8501", "http://localhost:8501", True),
        (LAPTOP, "localhost:8501", None, True),
        (LAPTOP, "localhost:8501", "http://localhost:9999", False),
        (LAPTOP, "localhost:8501", "http://evil.test", False),
        (LAPTOP, "localhost:8501", "null", False),
        (LAPTOP, "evil.test:8501", "http://evil.test:8501", False),
        (PUBLIC, "sieve.test", "https://sieve.test", True),
        (PUBLIC, "127.0.0.1:8501", "https://sieve.test", True),  # the proxy has put another name in its place
        (PUBLIC, "sieve.test", "https://evil.test", False),
        (OPEN, "any.test", "http://any.test", True),
        (OPEN, "any.test", "http://evil.test", False),
    ],
)
def test_sockets_are_opened_by_its_own_pages_alone(given, host, origin, let_in):
    seen: list[str] = []
    sent: list[Message] = []

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    scope: Scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers}
    asyncio.run(Guard(pages, **given)(scope, receive, send))
    assert seen == (["websocket"] if let_in else [])
    assert [message["type"] for message in sent] == ([] if let_in else ["websocket.close"])


def test_what_is_neither_is_handed_on():
    seen: list[str] = []

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(Guard(pages, "127.0.0.1")({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
