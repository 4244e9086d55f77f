"""The relay: what it hands on, what it refuses, and that it keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from eventsieve.errors import BadTable, NotReady
from eventsieve.web import relay_paths
from eventsieve.web.refusals import refusal
from eventsieve.web.relay import Relay

API = "http://server.test"
UPLOAD = {"X-Eventsieve-Upload": "1"}


class Stream(httpx2.AsyncByteStream):
    """An answer that comes in pieces, and knows whether it was closed."""

    def __init__(self, *pieces: bytes, endless: bool = False, breaks: bool = False) -> None:
        self.pieces, self.endless, self.breaks = pieces, endless, breaks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.breaks:
            raise httpx2.RemoteProtocolError("the server hung up")
        if self.endless:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


class Server:
    """What the relay asked, and what it was answered."""

    def __init__(self, answer: Callable[[httpx2.Request], httpx2.Response] | Exception) -> None:
        self.answer, self.asked, self.bodies = answer, [], []
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._handle))

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.bodies.append(await request.aread())
        return self.answer(request)


def relayed(server: Server, base: str = "") -> Relay:
    async def rest(scope: Scope, receive: Any, send: Any) -> None:
        await PlainTextResponse("the pages")(scope, receive, send)

    return Relay(rest, API, "/api/v2", base, server.http)


def ask(server: Server, method: str, path: str, base: str = "", **content: Any) -> httpx2.Response:
    """What a browser hears."""

    async def go() -> httpx2.Response:
        transport = httpx2.ASGITransport(relayed(server, base))
        async with httpx2.AsyncClient(transport=transport, base_url="http://page.test") as browser:
            return await browser.request(method, path, **content)

    return asyncio.run(go())


def answering(status: int = 200, content: bytes = b"", **headers: str) -> Server:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Server(lambda _: httpx2.Response(status, headers=named, stream=Stream(content)))


# addresses


def test_addresses_are_relative_and_encode_every_name():
    name = "a/ж ?#%.csv"
    assert relay_paths.predictions(name, "d1", "csv") == ("files/predictions/a%2F%D0%B6%20%3F%23%25.csv.csv?dataset=d1")
    assert relay_paths.predictions("m", "d1", "root", 0.0) == "files/predictions/m.root?dataset=d1&threshold=0.0"
    assert relay_paths.report() == "files/report.pdf"
    assert relay_paths.report("d1") == "files/datasets/d1/report.pdf"
    assert relay_paths.report("d1", "d2") == "files/datasets/d1/report.pdf?against=d2"
    assert relay_paths.model_file("m", "onnx") == "files/models/m/onnx"


@pytest.mark.parametrize("name", ["m", "a/b", "лес 1", "a.csv", "x/card.html", "per%cent", "line\nfeed", "a/../b"])
@pytest.mark.parametrize("format_", relay_paths.FORMATS)
def test_every_name_arrives_as_it_is(name, format_):
    server = answering(content=b"rows", content_type="text/csv")
    assert ask(server, "GET", "/" + relay_paths.predictions(name, "d1", format_, 0.25)).content == b"rows"
    (asked,) = server.asked
    assert asked.method == "POST"
    assert dict(asked.url.params) == {"format": format_, "threshold": "0.25"}
    assert asked.url.path == f"/api/v2/models/{name}/predictions"
    assert server.bodies == [b'{"dataset":"d1"}']


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (relay_paths.report(), "/report.pdf"),
        (relay_paths.report("d1"), "/datasets/d1/exploration.pdf"),
        (relay_paths.report("d1", "d2"), "/datasets/d1/exploration.pdf?against=d2"),
        (relay_paths.model_file("a/b", "artefact"), "/models/a%2Fb/artefact"),
        (relay_paths.model_file("card.md", "card.md"), "/models/card.md/card.md"),
        (relay_paths.model_file("x/card.html", "onnx"), "/models/x%2Fcard.html/onnx"),
    ],
)
def test_each_address_is_one_of_the_server(address, path):
    server = answering(content=b"%PDF")
    assert ask(server, "GET", f"/{address}").status_code == 200
    assert server.asked[0].method == "GET"
    assert server.asked[0].url.raw_path.decode() == f"/api/v2{path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/files/"),
        ("GET", "/files/jobs"),
        ("GET", "/files/models/m"),
        ("GET", "/files/models/m/evaluation"),
        ("GET", "/files/predictions/m.exe?dataset=d"),
        ("DELETE", "/files/datasets"),
        ("GET", "/files/datasets"),
        ("HEAD", "/files/report.pdf"),
        ("POST", "/files/models/m/artefact"),
        ("PUT", "/files/datasets/d1/report.pdf"),
    ],
)
def test_nothing_else_is_handed_on(method, path):
    server = answering()
    assert ask(server, method, path, headers=UPLOAD).status_code in (404, 405)
    assert server.asked == []


@pytest.mark.parametrize("path", ["/", "/train", "/filesystem", "/_stcore/health"])
def test_the_rest_is_the_pages(path):
    assert ask(answering(), "GET", path).text == "the pages"


@pytest.mark.parametrize("url", [API, f"{API}/", f"{API}/api/v2", f"{API}/api/v2/"])
def test_the_server_is_named_as_for_the_client(url):
    server = answering()

    async def go() -> None:
        relay = Relay(PlainTextResponse("the pages"), url, "api/v2/", "", server.http)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(relay), base_url="http://page.test") as browser:
            await browser.get("/files/report.pdf")

    asyncio.run(go())
    assert str(server.asked[0].url) == f"{API}/api/v2/report.pdf"


def test_the_pages_may_be_served_below_a_path():
    server = answering(content=b"%PDF")
    assert ask(server, "GET", "/sieve/files/report.pdf", base="/sieve/").content == b"%PDF"
    assert ask(server, "GET", "/files/report.pdf", base="/sieve/").text == "the pages"


# downloads


def test_a_file_keeps_its_name_its_length_and_its_bytes():
    server = answering(
        content=b"12345",
        content_type="application/zip",
        content_length="5",
        content_disposition='attachment; filename="m.skops"',
        set_cookie="a=b",
    )
    answer = ask(server, "GET", "/files/models/m/artefact", headers={"Accept-Encoding": "gzip"})
    assert answer.content == b"12345"
    assert answer.headers["content-length"] == "5"
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="m.skops"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


def test_a_card_runs_nothing_as_our_own_page():
    server = answering(content=b"<script>", content_type="text/html")
    policy = ask(server, "GET", "/files/models/m/card.html").headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    assert "allow-" not in policy


def test_what_the_browser_says_of_itself_does_not_reach_the_server():
    server = answering()
    ask(server, "GET", "/files/report.pdf", headers={"Cookie": "secret=1", "Authorization": "Basic x"})
    assert {"cookie", "authorization"} & {name.lower() for name in server.asked[0].headers} == set()


@pytest.mark.parametrize(
    ("language", "word"), [("ru-RU,ru;q=0.9", 'lang="ru"'), ("en", "Not found"), ("", "Not found")]
)
def test_a_refusal_is_a_page_in_the_language_of_the_reader(language, word):
    document = b'{"type": "urn:eventsieve:ModelNotFound", "detail": "There is no model \'<b>m\'."}'
    server = answering(404, document, content_type="application/problem+json")
    answer = ask(server, "GET", "/files/models/m/artefact", headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert word in answer.text
    assert "There is no model &#x27;&lt;b&gt;m&#x27;." in answer.text


def test_the_cookie_comes_before_the_browser():
    headers = {"Accept-Language": "ru", "Cookie": "eventsieve_language=en"}
    assert 'lang="en"' in ask(answering(404), "GET", "/files/report.pdf", headers=headers).text


@pytest.mark.parametrize(("status", "told"), [(404, 404), (409, 409), (413, 413), (422, 422), (500, 502), (503, 503)])
def test_a_refusal_keeps_its_meaning_even_where_it_is_no_document(status, told):
    assert ask(answering(status, b"<h1>from a proxy</h1>"), "GET", "/files/report.pdf").status_code == told


def test_a_server_that_is_down_is_told_with_the_cure():
    answer = ask(Server(httpx2.ConnectError("refused")), "GET", "/files/report.pdf")
    assert answer.status_code == 502
    assert "eventsieve serve" in answer.text
    assert API in answer.text


def test_all_faults_of_a_table_are_told_and_when_to_come_back():
    request = Request({"type": "http", "headers": []})
    assert refusal(request, BadTable("Column a is missing.", "Row 3 is short.")).body.count(b"<p>") == 3
    assert refusal(request, NotReady("The report is being made.", 7)).headers["retry-after"] == "7"


# uploads


def test_an_upload_goes_on_as_it_comes_with_what_is_said_of_it():
    server = answering(201, b'{"id": "d1"}', content_type="application/json", location="/api/v2/datasets/d1")

    async def body() -> AsyncIterator[bytes]:
        yield b"a,b\n"
        yield b"1,2\n"

    query = [("filename", "é.csv"), ("tree", "s=1"), ("tree", "b"), ("header", "no"), ("name", "n"), ("schema", "{}")]
    answer = ask(server, "PUT", "/files/datasets", params=query, content=body(), headers=UPLOAD)
    assert (answer.status_code, answer.json()) == (201, {"id": "d1"})
    (asked,) = server.asked
    assert (asked.method, asked.url.path) == ("POST", "/api/v2/datasets")
    assert asked.url.params.multi_items() == [each for each in query if each[0] != "schema"]
    assert server.bodies == [b"a,b\n1,2\n"]


def test_the_length_of_an_upload_is_told_to_the_server():
    server = answering(201)
    ask(server, "PUT", "/files/datasets", content=b"12345", headers=UPLOAD)
    assert server.asked[0].headers["content-length"] == "5"
    assert "transfer-encoding" not in server.asked[0].headers


@pytest.mark.parametrize("headers", [{}, {"X-Eventsieve-Upload": "0"}])
def test_other_sites_cannot_upload(headers):
    server = answering(201)
    answer = ask(server, "PUT", "/files/datasets", content=b"1", headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert server.asked == []


def test_no_other_site_is_allowed_to_ask():
    asked = {"Origin": "http://evil.test", "Access-Control-Request-Method": "PUT"}
    answer = ask(answering(), "OPTIONS", "/files/datasets", headers=asked)
    assert not answer.is_success
    assert "access-control-allow-origin" not in answer.headers


def test_the_servers_refusal_of_an_upload_comes_back_as_it_is():
    document = b'{"type": "urn:eventsieve:BadTable", "errors": [{"detail": "Row 3 is short."}]}'
    server = answering(422, document, content_type="application/problem+json")
    answer = ask(server, "PUT", "/files/datasets", content=b"1", headers=UPLOAD)
    assert (answer.status_code, answer.content) == (422, document)


def test_an_upload_to_a_server_that_is_down_is_refused():
    answer = ask(Server(httpx2.ConnectError("refused")), "PUT", "/files/datasets", content=b"1", headers=UPLOAD)
    assert answer.status_code == 502
    assert "refused" in answer.json()["detail"]


# readers who go away


def scope_of(method: str, path: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in UPLOAD.items()],
    }


def test_a_reader_who_leaves_a_download_ends_it():
    stream = Stream(b"1", endless=True)
    server = Server(lambda _: httpx2.Response(200, stream=stream))

    async def go() -> list[Message]:
        gone, sent = asyncio.Event(), []

        async def receive() -> Message:
            if not sent:
                sent.append({})
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message.get("body"):
                gone.set()

        await relayed(server)(scope_of("GET", "/files/models/m/artefact"), receive, send)
        return sent

    sent = asyncio.run(go())
    assert sent[-1]["body"] == b"1"
    assert stream.closed


def test_a_reader_who_leaves_before_the_answer_cancels_the_question():
    cancelled = []

    async def never(_: httpx2.Request) -> httpx2.Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        raise AssertionError

    async def go() -> list[Message]:
        server, sent = answering(), []
        server.http = httpx2.AsyncClient(transport=httpx2.MockTransport(never))

        async def receive() -> Message:
            await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await relayed(server)(scope_of("GET", "/files/models/m/artefact"), receive, send)
        return sent

    assert asyncio.run(go()) == []
    assert cancelled


def test_a_reader_who_leaves_an_upload_cancels_it():
    server = answering(201)

    async def go() -> list[Message]:
        messages = [
            {"type": "http.request", "body": b"half", "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await relayed(server)(scope_of("PUT", "/files/datasets"), receive, send)
        return sent

    assert asyncio.run(go()) == []
    assert server.bodies == []


def test_a_server_that_breaks_off_leaves_the_download_short_of_its_end():
    stream = Stream(b"1", breaks=True)
    server = Server(lambda _: httpx2.Response(200, stream=stream))

    async def go() -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        await relayed(server)(scope_of("GET", "/files/models/m/artefact"), receive, send)
        return sent

    sent = asyncio.run(go())
    assert all(message.get("more_body", True) for message in sent)
    assert stream.closed


def test_what_is_under_way_can_be_broken_off():
    stream = Stream(b"1", endless=True)
    server = Server(lambda _: httpx2.Response(200, stream=stream))

    async def go() -> None:
        relay, flowing = relayed(server), asyncio.Event()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message.get("body"):
                flowing.set()

        running = asyncio.ensure_future(relay(scope_of("GET", "/files/models/m/artefact"), receive, send))
        await flowing.wait()
        relay.stop()
        await running
        await relay.close()

    asyncio.run(go())
    assert stream.closed
