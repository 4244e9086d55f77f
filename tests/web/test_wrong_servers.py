"""Pages before a server that is none of ours: a wrong address, a login page, a proxy with nothing behind it."""

from __future__ import annotations

import httpx2
import pytest

from eventsieve.client import Client
from eventsieve.web.places import Place
from web.appt import open_page

ANSWERS = {
    "another interface": httpx2.Response(200, json={"hello": "world"}),
    "a page": httpx2.Response(200, html="<h1>It works</h1>"),
    "a login": httpx2.Response(401, json={"detail": "Who are you?"}),
    "nothing there": httpx2.Response(404, html="<h1>Not found</h1>"),
    "nothing behind": httpx2.Response(503, text="no upstream"),
}
ADDRESSES = [(place, {}) for place in Place] + [
    (Place.DATA, {"id": "x"}),
    (Place.JOBS, {"id": "x"}),
    (Place.MODEL, {"name": "x"}),
    (Place.EDA, {"view": "live"}),
    (Place.EDA, {"view": "pdf"}),
]
WITHOUT_SERVER = [(Place.EDA, {}), (Place.MODEL, {})]
"""They ask for nothing."""


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_every_page_says_that_the_server_is_wrong(answer):
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: answer))
    for place, query in ADDRESSES:
        app = open_page(place, client=Client("http://elsewhere", http=http), query=query)
        told = app.error or app.warning or app.info
        assert len(app.title) == 1
        assert told or (place, query) in WITHOUT_SERVER, (place, query)
