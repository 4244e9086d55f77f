"""The page that stands in place of every other one until the reader has signed in."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from eventsieve.client import Client
from eventsieve.errors import EventsieveError
from eventsieve.web import faults
from eventsieve.web.i18n import _
from eventsieve.web.session import is_token
from eventsieve.web.settings import WebSettings
from eventsieve.web.texts import plain
from eventsieve.web.tickets import TICKETS
from eventsieve.web.widgets.signing import sign_in

__all__ = ["page"]

REFUSED = "ticket refused"
"""Of the session's state: why nobody was signed in with a ticket, until it is told."""
KEY = "ticket"
"""Of the session's state: for the token of the provider; ``None`` once it was refused."""


def page(
    client: Client, settings: WebSettings, *, oidc: bool, ended: bool = False, fault: EventsieveError | None = None
) -> None:
    """Draw the page.

    Args:
        client: the server.
        settings: of the web client.
        oidc: whether the server takes the tokens of a provider of identities.
        ended: whether the reader had been signed in.
        fault: why nobody can sign in here.
    """
    st.title(_("Sign in"), anchor=False)
    if fault is not None:
        faults.tell(fault)
        return
    with st.container(width=480):
        above, form, below = st.container(), st.container(), st.container()
        with form:
            ticket = _ticket()
            refusal = sign_in(client.http.url, ticket) or st.session_state.pop(REFUSED, None)
        if refusal is not None and ticket is not None:
            # The browser has been told to forget it; he may try another way, in another run.
            st.session_state[KEY], st.session_state[REFUSED] = None, refusal
            st.rerun()
        with above:
            if refusal is not None:
                faults.tell(refusal, _("You could not be signed in"))
            elif ticket is not None:
                st.info(_("Signing you in …"), icon=":material/hourglass:")
                return
            else:
                _explain(settings, oidc=oidc, ended=ended)
        with below:
            _provider(settings, oidc=oidc)


def _explain(settings: WebSettings, *, oidc: bool, ended: bool) -> None:
    if ended:
        st.warning(
            _("Your session has ended: its time is over, or its key was revoked. Sign in again to go on here."),
            icon=":material/lock_clock:",
        )
    else:
        st.markdown(_("This server asks who you are. Afterwards you will see the page that you came for."))
    if settings.oidc and not oidc:
        st.warning(_("The server takes keys alone: its `OIDC_ISSUER` is not set."), icon=":material/warning:")


def _provider(settings: WebSettings, *, oidc: bool) -> None:
    if oidc and settings.oidc:
        st.button(
            _("Sign in with {provider}").format(provider=plain(urlsplit(settings.OIDC_ISSUER or "").hostname)),
            key="oidc",
            icon=":material/passkey:",
            width="stretch",
            on_click=st.login,
        )


def _ticket() -> str | None:
    """What the browser exchanges for a session, where the reader comes from his provider of identities."""
    token = st.user.tokens.get("id", "") if st.user.get("is_logged_in") else ""
    # One for each time that he has come: with a second one, who was refused would try again and again.
    if token and is_token(token) and KEY not in st.session_state:
        st.session_state[KEY] = TICKETS.issue(token)
    ticket = st.session_state.get(KEY)
    return None if ticket is None else str(ticket)
