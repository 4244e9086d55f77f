"""Explorations: what is drawn first comes while the page waits, all of it is computed while the page is read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.records import Detail, Exploration

__all__ = ["Wanted", "first_of", "whole_of"]

PATIENCE = 600.0
"""Seconds for large tables on a busy server."""
AT_ONCE = 0.5
"""Seconds that are waited for what the server has kept."""
THREADS = 8
KEY = "exploration"
"""Of the session's state: what is being computed for this reader."""


@dataclass(frozen=True)
class Wanted:
    """What is to be explored; equal ones have equal explorations, because the ways of reading are in them."""

    dataset: Dataset
    against: Dataset | None
    cut: str


def first_of(client: Client, wanted: Wanted) -> Exploration:
    """Counts, histograms and separations; the call waits for them."""
    return _explore(client, wanted, histograms=True)


def whole_of(client: Client, wanted: Wanted) -> Exploration | None:
    """All of it; ``None`` while it is computed.

    A reader has one of them computed at a time. Who draws cut after cut would otherwise leave the server busy with what
    nobody wants any more.

    Raises:
        EventsieveError: the server refuses; the next call asks again.
    """
    running: tuple[Wanted, Future[Exploration]] | None = st.session_state.get(KEY)
    if running is None or (running[0] != wanted and running[1].done()):
        running = wanted, _threads().submit(_explore, client, wanted, histograms=False)
        st.session_state[KEY] = running
    asked, future = running
    if asked != wanted:
        return None
    try:
        return future.result(AT_ONCE)
    except TimeoutError:
        return None
    finally:
        if future.done() and future.exception() is not None:
            del st.session_state[KEY]


def _explore(client: Client, wanted: Wanted, *, histograms: bool) -> Exploration:
    # The data set again, so that it waits as long as this client does.
    dataset = client.waiting(PATIENCE).dataset(wanted.dataset.id)
    detail: Detail = "histograms" if histograms else "all"
    return dataset.explore(wanted.against, cut=wanted.cut or None, detail=detail)


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="explore")
