"""The door: keys and tickets become cookies, and no other site opens or closes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from eventsieve.web.door import Door
from eventsieve.web.relay import Relay
from eventsieve.web.session import COOKIE, is_token, token_of
from eventsieve.web.tickets import MOST, SECONDS, Tickets
from eventsieve.web.upstream import no_cookies

API = "http://server.test"
OURS = {"X-Eventsieve-Sign-In": "1"}
TOKEN = "ess_token"


class Nothing(httpx2.AsyncByteStream):
    """An answer without a byte, which has not been read."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in ():
            yield piece


def session(hours: float = 12.0) -> dict[str, str]:
    expires = datetime.now(UTC) + timedelta(hours=hours)
    return {"token": TOKEN, "name": "ann", "role": "trainer", "expires": expires.isoformat()}


class Server:
    """What the door asked, and what it was answered."""

    def __init__(self, answer: Callable[[httpx2.Request], httpx2.Response] | Exception) -> None:
        self.answer, self.asked = answer, []
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._handle), cookies=no_cookies())

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(request)


@pytest.fixture
def server() -> Server:
    return Server(
        lambda request: httpx2.Response(201, json=session()) if request.method == "POST" else httpx2.Response(204)
    )


def knock(
    server: Server,
    path: str = "/sign-in",
    method: str = "POST",
    *,
    base_url: str = "http://page.test",
    tickets: Tickets | None = None,
    base: str = "",
    public: str = "",
    **content: Any,
) -> httpx2.Response:
    """What a browser hears."""

    async def go() -> httpx2.Response:
        door = Door(
            PlainTextResponse("the pages"),
            API,
            "/api/v2",
            base=base,
            public=public,
            http=server.http,
            tickets=tickets or Tickets(),
        )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=base_url) as browser:
            return await browser.request(method, path, **{"headers": OURS, **content})

    return asyncio.run(go())


def cookies(answer: httpx2.Response) -> SimpleCookie:
    found = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return found


def test_a_key_becomes_a_cookie_that_no_script_reads(server):
    answer = knock(server, json={"key": " es_1_secret\n"})
    assert (answer.status_code, answer.content) == (204, b"")
    (asked,) = server.asked
    assert (asked.method, str(asked.url)) == ("POST", f"{API}/api/v2/sessions")
    assert asked.headers["authorization"] == "Bearer es_1_secret"
    kept = cookies(answer)[COOKIE]
    assert kept.value == TOKEN
    assert kept["httponly"]
    assert kept["samesite"] == "lax"
    assert kept["path"] == "/"
    assert 11.9 * 3600 < int(kept["max-age"]) <= 12 * 3600
    assert not kept["secure"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "secure", "path"),
    [
        ({"base_url": "https://page.test"}, True, "/"),
        ({"public": "https://sieve.test"}, True, "/"),
        ({"public": "http://sieve.test/sieve", "base": "sieve", "path": "/sieve/sign-in"}, False, "/sieve"),
    ],
)
def test_the_cookie_goes_no_further_than_it_must(server, given, secure, path):
    kept = cookies(knock(server, json={"key": "es_1_a"}, **given))[COOKIE]
    assert (bool(kept["secure"]), kept["path"]) == (secure, path)


def test_a_refusal_comes_back_as_it_is_and_sets_nothing():
    document = {"type": "urn:eventsieve:NotSignedIn", "detail": "This key does not hold."}
    server = Server(lambda _: httpx2.Response(429, json=document, headers={"Retry-After": "60", "Set-Cookie": "a=b"}))
    answer = knock(server, json={"key": "es_1_a"})
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, document, "60")
    assert not cookies(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"key": 1}', b'{"key": ""}', b'{"key": "a b"}', b'{"key": "a\\r\\nX: 1"}', b"\xff",
        '{"key": "\N{CYRILLIC SMALL LETTER A}"}'.encode(), b'{"ticket": "guessed"}', b'{"ticket": ["a"]}',
        json.dumps({"key": "a" * 40_000}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_key_does_not_reach_the_server(server, body):
    answer = knock(server, content=body)
    assert answer.status_code == 401
    assert server.asked == []
    assert not cookies(answer)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Eventsieve-Sign-In": "0"},
        OURS | {"Sec-Fetch-Site": "cross-site"},
        OURS | {"Sec-Fetch-Site": "same-site"},
        OURS | {"Sec-Fetch-Site": "none"},
        OURS | {"Origin": "http://evil.test"},
        OURS | {"Origin": "http://page.test.evil.test"},
        OURS | {"Origin": "null"},
    ],
)
def test_another_site_signs_nobody_in_or_out(server, path, headers):
    answer = knock(server, path, json={"key": "es_1_a"}, headers=headers | {"Cookie": f"{COOKIE}={TOKEN}"})
    assert answer.status_code == 403
    assert server.asked == []
    assert not cookies(answer)


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://page.test"}, {"Origin": "https://sieve.test"}, {}],
)
def test_the_page_itself_may_whichever_name_its_proxy_gives_it(server, headers):
    answer = knock(server, json={"key": "es_1_a"}, headers=OURS | headers, public="https://sieve.test")
    assert answer.status_code == 204


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_nothing_but_a_post_opens_it(server, method, path):
    answer = knock(server, f"{path}?key=es_1_a", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert server.asked == []


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/sign-inn", "/train", "/sieve/sign-in"])
def test_the_rest_is_the_pages(server, path):
    assert knock(server, path, "GET").text == "the pages"


@pytest.mark.parametrize("status", [204, 401, 404])
def test_who_signs_out_is_out_even_where_his_session_had_ended(status):
    server = Server(lambda _: httpx2.Response(status))
    headers = OURS | {"Cookie": f"{COOKIE}={TOKEN}; _streamlit_user=x; _streamlit_user_tokens_1=y; other=z"}
    answer = knock(server, "/sign-out", headers=headers)
    assert answer.status_code == 204
    (asked,) = server.asked
    assert (asked.method, asked.url.path) == ("DELETE", "/api/v2/sessions/current")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    gone = cookies(answer)
    assert set(gone) == {COOKIE, "_streamlit_user", "_streamlit_user_tokens_1"}
    assert {each["max-age"] for each in gone.values()} == {"0"}


def test_a_session_that_could_not_be_ended_is_not_forgotten():
    server = Server(lambda _: httpx2.Response(503))
    answer = knock(server, "/sign-out", headers=OURS | {"Cookie": f"{COOKIE}={TOKEN}"})
    assert answer.status_code == 503
    assert not cookies(answer)


def test_who_is_not_signed_in_signs_out_without_asking(server):
    assert knock(server, "/sign-out").status_code == 204
    assert server.asked == []


def test_a_server_that_is_down_or_another_is_told():
    answer = knock(Server(httpx2.ConnectError("refused")), json={"key": "es_1_a"})
    assert answer.status_code == 502
    assert "refused" in answer.json()["detail"]
    for document in (
        {"hello": 1},
        [],
        {"token": "a\nb", "expires": "2030-01-01T00:00:00Z"},
        {"token": "a", "expires": "?"},
    ):
        strange = Server(lambda _, document=document: httpx2.Response(200, json=document))
        answer = knock(strange, json={"key": "es_1_a"})
        assert answer.status_code == 502
        assert not cookies(answer)


# tickets


def test_a_ticket_is_redeemed_once(server):
    tickets = Tickets()
    ticket = tickets.issue("an.id.token")
    assert knock(server, json={"ticket": ticket}, tickets=tickets).status_code == 204
    assert knock(server, json={"ticket": ticket}, tickets=tickets).status_code == 401
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer an.id.token"


def test_who_was_refused_with_a_ticket_may_try_another_way():
    tickets = Tickets()
    server = Server(lambda _: httpx2.Response(403, json={"type": "urn:eventsieve:NotAllowed", "detail": "No role."}))
    headers = OURS | {"Cookie": "_streamlit_user=x"}
    answer = knock(server, json={"ticket": tickets.issue("a.b.c")}, tickets=tickets, headers=headers)
    assert (answer.status_code, list(cookies(answer))) == (403, ["_streamlit_user"])


def test_a_ticket_is_over_after_a_minute_and_there_are_not_ever_more():
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    first = tickets.issue("a")
    now[0] = SECONDS - 1
    second = tickets.issue("b")
    now[0] = SECONDS
    assert tickets.redeem(first) is None
    assert tickets.redeem(second) == "b"
    many = [tickets.issue(str(number)) for number in range(MOST + 1)]
    assert len(set(many)) == MOST + 1
    assert tickets.redeem(many[0]) is None
    assert tickets.redeem(many[-1]) == str(MOST)


# what else is asked in a reader's name


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: 1", "ж", "a" * 17_000, "a;b"])
def test_what_is_no_token_is_none(value):
    assert not is_token(value)
    assert token_of({COOKIE: value}) is None


def test_files_are_asked_for_in_the_readers_name_and_from_his_address():
    server = Server(lambda _: httpx2.Response(200, stream=Nothing(), headers={"Set-Cookie": "of=another"}))

    async def go() -> None:
        relay = Relay(PlainTextResponse("the pages"), API, "/api/v2", "", server.http)
        transport = httpx2.ASGITransport(relay, client=("192.0.2.7", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://page.test") as browser:
            await browser.get("/files/report.pdf", headers={"Cookie": f"{COOKIE}=ess_one; a=b"})
            await browser.get("/files/models/m/onnx")
            await browser.put("/files/datasets", headers={"Cookie": f"{COOKIE}=ess_two", "X-Eventsieve-Upload": "1"})

    asyncio.run(go())
    told = [(each.headers.get("authorization"), each.headers["x-forwarded-for"]) for each in server.asked]
    assert told == [("Bearer ess_one", "192.0.2.7"), (None, "192.0.2.7"), ("Bearer ess_two", "192.0.2.7")]
    # A proxy before the server may set cookies; they would go along with the next reader's request.
    assert not any("cookie" in each.headers for each in server.asked)
