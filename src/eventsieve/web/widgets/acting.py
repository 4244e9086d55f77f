"""Doing something on the server, and saying on the page as it is afterwards how it went."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eventsieve.errors import EventsieveError
from eventsieve.web import faults
from eventsieve.web.i18n import _

__all__ = ["act", "attempt", "report", "tell"]

KEY = "acted"
"""Of the session's state: what is still to be told, sentences and refusals."""


def act(do: Callable[[], object], done: str) -> None:
    """Do something, as the callback of a widget; `tell` says how it went.

    Args:
        do: asks the server.
        done: what is said where it was done.
    """
    report(attempt(do) or done)


def attempt(do: Callable[[], object]) -> EventsieveError | None:
    """Do something; returns the refusal where it was refused."""
    try:
        do()
    except EventsieveError as error:
        return error
    return None


def report(*told: str | EventsieveError) -> None:
    """Have it told at the next chance."""
    st.session_state.setdefault(KEY, []).extend(told)


def tell() -> None:
    """Say, once, how everything went that was done since it was said last."""
    for each in st.session_state.pop(KEY, []):
        if isinstance(each, EventsieveError):
            faults.show(each)
            st.toast(_("It was refused: see the top of the page."), icon=":material/error:")
        else:
            # Where the reader looks may be far below: a toast is seen from everywhere.
            st.toast(each, icon=":material/check:", duration="long")
