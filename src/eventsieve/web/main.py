"""The script that Streamlit runs for every reader: which page, in which language, over which server."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.web.navigation import navigate
from eventsieve.web.settings import WebSettings, read_settings

TIMEOUT = 30.0
"""Seconds that a page waits for an answer which takes no computing."""


@st.cache_resource(show_spinner=False)
def settings() -> WebSettings:
    """The settings, read once."""
    return read_settings()


@st.cache_resource(show_spinner=False)
def connected() -> Client:
    """The one client of this process: it holds connections and nothing of any reader's."""
    return Client(settings().FASTAPI_URL, timeout=TIMEOUT, prefix=settings().ROUTE)


navigate(connected(), settings())
