"""Refusals on the page: what went wrong, with culprit and cure, where it happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from eventsieve import errors
from eventsieve.errors import BadHyperparameters, BadModels, BadTable, EventsieveError, NotSignedIn
from eventsieve.web.i18n import N_, _
from eventsieve.web.sentences import place_in_words, translated_sentence
from eventsieve.web.texts import plain

__all__ = ["cure_of", "explained", "headline_of", "show", "tell"]

KEY = "turned away"
"""Of the session's state: the server has said that nobody is signed in."""
HEADLINES: dict[type[EventsieveError], str] = {
    errors.ServerUnreachable: N_("The server does not answer"),
    errors.ServerFailed: N_("The server failed"),
    errors.NotReady: N_("The server is still busy with it"),
    errors.BadTable: N_("The table has faults"),
    errors.BadHyperparameters: N_("Wrong parameters"),
    errors.BadModels: N_("These models cannot be trained so"),
    errors.BadInput: N_("This cannot be used"),
    errors.QuotaExceeded: N_("Your quota is used up"),
    errors.TooLarge: N_("Too large"),
    errors.TooMany: N_("Too much at once"),
    errors.NotSignedIn: N_("You are not signed in"),
    errors.NotAllowed: N_("You may not do this"),
    errors.NoCurrentModel: N_("No current model"),
    errors.NotFound: N_("Not found"),
    errors.BadConfiguration: N_("The settings do not fit together"),
    errors.Conflict: N_("This does not fit what is there"),
}
CURES: dict[type[EventsieveError], str] = {
    errors.ServerUnreachable: N_(
        "Start it with `make up` or `eventsieve serve`, or correct `EVENTSIEVE_FASTAPI_URL`; then try again."
    ),
    errors.ServerFailed: N_("Its log says why. Try again; if it stays so, tell who runs the server."),
    errors.NotReady: N_("Try again in some seconds."),
    errors.TooMany: N_("Wait a little, then try again."),
    errors.QuotaExceeded: N_("Remove what you no longer need, or ask who runs the server for more."),
    errors.NotSignedIn: N_("Sign in again on the page."),
    errors.NoCurrentModel: N_("Set one in the list of models, or choose a model here."),
}


@contextmanager
def explained() -> Iterator[None]:
    """Show a refusal in its place and end the run there; what stands above it stays."""
    try:
        yield
    except EventsieveError as error:
        show(error)
        st.stop()


def show(error: EventsieveError) -> None:
    """Show a refusal; who is signed in no longer is led to the sign-in instead, by another run of the page."""
    # Once: where that does not help, it is to be read.
    if isinstance(error, NotSignedIn) and KEY not in st.session_state:
        st.session_state[KEY] = True
        st.rerun()
    tell(error)


def tell(error: EventsieveError, title: str | None = None) -> None:
    """Draw a refusal where it is: headline, or another title, the server's own sentences, and what can be done."""
    cure = cure_of(error)
    body = "\n".join(f"- {plain(each)}" for each in _sentences(error))
    st.error(body + (f"\n\n{_(cure)}" if cure else ""), title=title or _(headline_of(error)), icon=":material/error:")


def headline_of(error: EventsieveError) -> str:
    """The kind of a refusal in few words, to be translated."""
    return _of(HEADLINES, error) or N_("Refused")


def cure_of(error: EventsieveError) -> str | None:
    """What can be done about a refusal of its kind, to be translated."""
    return _of(CURES, error)


def _of(table: dict[type[EventsieveError], str], error: EventsieveError) -> str | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _sentences(error: EventsieveError) -> list[str]:
    if isinstance(error, BadTable):
        return [translated_sentence(each) for each in error.faults]
    if isinstance(error, (BadHyperparameters, BadModels)):
        faults = {place_in_words(place): translated_sentence(text) for place, text in error.faults.items()}
        return [f"{place}: {text}" if place else text for place, text in faults.items()]
    return [translated_sentence(str(error))]
