"""The script that Streamlit runs for every reader: which page, in which language, over which server."""

from __future__ import annotations

import httpx2
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from eventsieve.client import Client
from eventsieve.web.navigation import navigate
from eventsieve.web.session import token_of
from eventsieve.web.settings import WebSettings, read_settings
from eventsieve.web.upstream import CONNECT_SECONDS, OWN_NAMES, no_cookies

TIMEOUT = 30.0
"""Seconds that a page waits for an answer which takes no computing."""


@st.cache_resource(show_spinner=False)
def settings() -> WebSettings:
    """The settings, read once."""
    return read_settings()


@st.cache_resource(show_spinner=False)
def connections() -> httpx2.Client:
    """The connections of this process; they hold nothing of any reader's."""
    return httpx2.Client(
        timeout=httpx2.Timeout(TIMEOUT, connect=CONNECT_SECONDS),
        trust_env=httpx2.URL(settings().FASTAPI_URL).host not in OWN_NAMES,
        cookies=no_cookies(),
        event_hooks={"request": [_say_from_where]},
    )


def connected() -> Client:
    """The server, asked in the name of the reader whose run this is."""
    key = token_of(st.context.cookies)
    return Client(settings().FASTAPI_URL, key=key, http=connections(), prefix=settings().ROUTE)


def _say_from_where(request: httpx2.Request) -> None:
    """Tell the server the reader's address: all come from here, and it counts attempts by it and writes it down."""
    if get_script_run_ctx(suppress_warning=True) is not None and (address := st.context.ip_address):
        request.headers["X-Forwarded-For"] = address


navigate(connected(), settings())
