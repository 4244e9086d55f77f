"""Pages in Streamlit's AppTest: the whole script but for the server, run in this process.

``app = open_page(Place.TRAIN, client=fake, query={"dataset": id_})`` is the page after its first run. It raises where
the page did, so that a test need not ask for ``app.exception``; after clicks, `run` does the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from eventsieve.client import Client
from eventsieve.web.navigation import navigate
from eventsieve.web.places import Place
from eventsieve.web.settings import WebSettings

__all__ = ["alerts", "open_page", "run", "texts"]

TIMEOUT = 60.0
"""Seconds for one run; the first one loads libraries, and the machine may be busy."""
GITHUB_LINK = "https://example.org/eventsieve"

_clients: dict[int, Client] = {}
"""Clients by numbers, because a script's arguments should be plain."""
_numbers = itertools.count()


def open_page(
    place: Place,
    *,
    client: Client,
    query: Mapping[str, str | list[str]] | None = None,
    language: str = "en",
    state: Mapping[str, Any] | None = None,
) -> AppTest:
    """A page after its first run.

    Args:
        place: which page.
        client: the server, a `FakeClient`.
        query: of the address.
        language: of the reader.
        state: of the session, before the first run.
    """
    number = next(_numbers)
    _clients[number] = client
    app = AppTest.from_string(SCRIPT, default_timeout=TIMEOUT)
    app.args = (number, str(place))
    for name, value in (query or {}).items():
        app.query_params[name] = value
    app.session_state["language"] = language
    for name, value in (state or {}).items():
        app.session_state[name] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    """Run it, and see that the page did not raise."""
    app.run()
    assert not app.exception, [f"{each.message}\n{each.stack_trace}" for each in app.exception]
    return app


def texts(app: AppTest) -> str:
    """All that can be read on the page as text, for a look whether something is there."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.success, app.warning)
    return "\n".join(str(each.value) for kind in (*kinds, app.error) for each in kind)


def alerts(app: AppTest) -> list[str]:
    """What the page refuses or warns of."""
    return [str(each.value) for each in (*app.error, *app.warning)]


def draw(number: int, place: str) -> None:
    """What the script does."""
    navigate(_clients[number], WebSettings(GITHUB_LINK=GITHUB_LINK), start=Place(place))


SCRIPT = "from web.appt import draw\ndraw(*__args)\n"
