"""Refusals on the page: what went wrong, with culprit and cure, where it happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from eventsieve import errors
from eventsieve.errors import BadHyperparameters, BadModels, BadTable, EventsieveError
from eventsieve.web.i18n import N_, _
from eventsieve.web.texts import plain

__all__ = ["explained", "show"]

HEADLINES: dict[type[EventsieveError], str] = {
    errors.ServerUnreachable: N_("The server does not answer"),
    errors.ServerFailed: N_("The server failed"),
    errors.NotReady: N_("The server is still busy with it"),
    errors.BadTable: N_("The table has faults"),
    errors.BadHyperparameters: N_("Wrong parameters"),
    errors.BadModels: N_("These models cannot be trained so"),
    errors.BadInput: N_("This cannot be used"),
    errors.TooLarge: N_("Too large"),
    errors.NoCurrentModel: N_("No current model"),
    errors.NotFound: N_("Not found"),
    errors.Conflict: N_("This does not fit what is there"),
}
CURES: dict[type[EventsieveError], str] = {
    errors.ServerUnreachable: N_(
        "Start it with `make up` or `eventsieve serve`, or correct `EVENTSIEVE_FASTAPI_URL`; then try again."
    ),
    errors.ServerFailed: N_("Its log says why. Try again; if it stays so, tell who runs the server."),
    errors.NotReady: N_("Try again in some seconds."),
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
    """Show a refusal: headline, the server's own sentences, and what can be done."""
    headline = _(_of(HEADLINES, error) or N_("Refused"))
    cure = _of(CURES, error)
    body = "\n".join(f"- {plain(each)}" for each in _sentences(error))
    st.error(body + (f"\n\n{_(cure)}" if cure else ""), title=headline, icon=":material/error:")


def _of(table: dict[type[EventsieveError], str], error: EventsieveError) -> str | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _sentences(error: EventsieveError) -> list[str]:
    if isinstance(error, BadTable):
        return list(error.faults)
    if isinstance(error, (BadHyperparameters, BadModels)):
        return [f"{place}: {text}" if place else text for place, text in error.faults.items()]
    return [str(error)]
