"""What the client makes of answers that are none of an Eventsieve server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from eventsieve.client import Client
from eventsieve.client.transport import segment
from eventsieve.errors import ServerFailed

CALLS: dict[str, Callable[[Client], Any]] = {
    "version": Client.version,
    "models": lambda client: list(client.models()),
    "number": lambda client: len(client.jobs()),
    "model": lambda client: client.model("m"),
    "data set": lambda client: client.dataset("d"),
    "job": lambda client: client.job("j"),
    "types": Client.estimators,
    "current": Client.current,
    "compare": lambda client: client.compare(["m"], "d"),
    "scores": lambda client: client.score_summary("d", model="m"),
    "prediction_page": lambda client: client.prediction_page("d", model="m"),
    "aliases": Client.aliases,
}


def answering(answer: httpx2.Response) -> Client:
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: answer))
    return Client("http://elsewhere", http=http)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("body", [b"", b"null", b"[1, 2]", b'"text"', b'{"hello": "world"}', b'{"items": ', b"<html>"])
def test_what_is_no_answer_of_a_server_is_the_servers_fault(call, body):
    with pytest.raises(ServerFailed, match="see that it is an Eventsieve server"):
        call(answering(httpx2.Response(200, content=body)))


def test_records_of_another_version_are_told():
    page = {"items": [{"name": 1}], "total": 1}
    with pytest.raises(ServerFailed, match="no Model; see that it is an Eventsieve server of this version"):
        list(answering(httpx2.Response(200, json=page)).models())


def test_another_site_that_sends_on_is_named():
    with pytest.raises(ServerFailed, match="sends on to /login"):
        answering(httpx2.Response(302, headers={"Location": "/login"})).version()


def test_what_cannot_be_unpacked_is_told():
    def packed(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"no gzip"))

    client = Client("http://elsewhere", http=httpx2.Client(transport=httpx2.MockTransport(packed)))
    with pytest.raises(ServerFailed, match="cannot be unpacked"):
        client.version()


@pytest.mark.parametrize("name", [".", "..", "...", "a/../b", "%2e%2e", "a b", "\N{SNOWMAN}"])
def test_every_name_arrives_as_one_segment(name):
    sent = httpx2.Request("GET", f"http://elsewhere/api/v2/models/{segment(name)}")
    path = sent.url.raw_path.decode()
    assert path.count("/") == 4
    assert httpx2.URL(f"http://elsewhere/?{path.rpartition('/')[2]}").params.keys() == {name}
