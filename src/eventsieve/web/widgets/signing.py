"""Signing in and out: the browser speaks to the web server beside the pages, and the page hears how it ended."""

from __future__ import annotations

import secrets
from importlib.resources import files

import streamlit as st

from eventsieve.errors import EventsieveError
from eventsieve.web import faults
from eventsieve.web.access import role_name, who
from eventsieve.web.door import SIGN_IN, SIGN_IN_HEADER, SIGN_OUT
from eventsieve.web.i18n import _
from eventsieve.web.outcomes import refusal_of
from eventsieve.web.texts import plain

__all__ = ["account", "sign_in"]

HERE = files("eventsieve.web.widgets")
LEAVING = "leaving"
"""Of the session's state: the reader wants to sign out."""

# Streamlit wants it declared once; it only keeps the texts.
_sign = st.components.v2.component(
    "eventsieve_signing",
    html=(HERE / "signing.html").read_text("utf-8"),
    css=(HERE / "signing.css").read_text("utf-8"),
    js=(HERE / "signing.js").read_text("utf-8"),
)
_leave = st.components.v2.component("eventsieve_leaving", js=(HERE / "signing.js").read_text("utf-8"))


def sign_in(server: str, ticket: str | None) -> EventsieveError | None:
    """Ask for a key, and sign in with it; with a ticket, sign in at once.

    Args:
        server: where the server is.
        ticket: for the token of one who comes from a provider of identities.

    Returns:
        Why he could not sign in, in the run after he has tried; who can is before another page.
    """
    result = _sign(
        key="sign in",
        data={
            "path": SIGN_IN,
            "header": SIGN_IN_HEADER,
            "ticket": ticket,
            "texts": {"key": _("Your key"), "submit": _("Sign in"), "waiting": _("Signing you in …")},
        },
        on_outcome_change=lambda: None,
    )
    return refusal_of(result.outcome, server) if result.outcome else None


def account(server: str) -> None:
    """Draw who is signed in, and the way out; nothing where nobody has to sign in."""
    reader = who()
    if not reader.name:
        return
    st.markdown(f":material/person: **{plain(reader.name)}** · {role_name(reader.role)}")
    st.button(_("Sign out"), key="sign out", icon=":material/logout:", width="stretch", on_click=_want_to_leave)
    if LEAVING in st.session_state:
        data = {"path": SIGN_OUT, "header": SIGN_IN_HEADER, "leave": st.session_state[LEAVING]}
        result = _leave(key="leave", data=data, on_outcome_change=lambda: None)
        if result.outcome and (refusal := refusal_of(result.outcome, server)):
            del st.session_state[LEAVING]
            faults.show(refusal)


def _want_to_leave() -> None:
    # Another text each time: the browser obeys each once.
    st.session_state[LEAVING] = secrets.token_hex(4)
