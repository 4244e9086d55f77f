"""Choosing a data set: one that is stored, a new upload, or the simulated sample."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.errors import EventsieveError
from eventsieve.web import faults
from eventsieve.web.access import barred
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.texts import plain
from eventsieve.web.widgets.upload import upload

__all__ = ["add_dataset", "pick_dataset", "title_of"]

SAMPLE_EVENTS = 20_000
PATIENCE = 600.0


def pick_dataset(
    client: Client, label: str, *, key: str, labelled: bool = False, optional: bool = False
) -> Dataset | None:
    """Let the reader choose a data set; what is chosen stands in the address as ``?KEY=``.

    Args:
        client: the server.
        label: what the data set is for.
        key: of the widget, and of the address's query.
        labelled: whether only data sets with labels can be chosen.
        optional: whether there may be none; otherwise the newest is chosen at first.

    Returns:
        The data set, or ``None`` where there is none yet, or none is wanted.
    """
    choice = st.container()
    if added := add_dataset(client, key=key):
        st.query_params[key] = added.id
    with explained():
        listed = {each.id: each for each in client.datasets()}
    fit = {id_: each for id_, each in listed.items() if each.event_schema.label is not None or not labelled}
    with choice:
        _follow_address(key, listed, fit, optional=optional)
        chosen = st.selectbox(
            label,
            list(fit),
            # With a first choice it cannot be emptied; Streamlit's `required` would say so, in English only.
            index=None if optional or not fit else 0,
            format_func=lambda id_: title_of(fit[id_]),
            key=key,
            placeholder=_("Choose a data set") if fit else _("There is none yet: upload one, or use the sample"),
            # Streamlit's own binding would write titles into the address, which are of one language.
            on_change=_keep,
            args=(key,),
            disabled=not fit,
        )
    return fit.get(chosen) if chosen else None


def add_dataset(client: Client, *, key: str) -> Dataset | None:
    """Ways to get a data set: an upload, or the simulated sample; returns the one that has just come."""
    reason = barred()
    with st.container(horizontal=True):
        if reason:
            st.button(_("Upload"), key=f"{key} upload", icon=":material/upload:", disabled=True, help=reason)
            uploaded = None
        else:
            with st.popover(_("Upload"), icon=":material/upload:"):
                uploaded = upload(client, key=key)
        sample = st.button(
            _("Use the simulated sample"),
            key=f"{key} sample",
            icon=":material/science:",
            disabled=reason is not None,
            help=reason
            or _("{events} simulated collision events with labels, to try everything without a file.").format(
                events=decimal(SAMPLE_EVENTS)
            ),
        )
    added = uploaded or (_sample(client) if sample else None)
    if added is not None:
        st.toast(_("{name} is stored").format(name=plain(added.name)), icon=":material/check:")
    return added


def title_of(dataset: Dataset) -> str:
    """What a data set is called in a list."""
    events = ngettext("{events} event", "{events} events", dataset.events)
    return f"{dataset.name} · {events.format(events=decimal(dataset.events))}"


def _sample(client: Client) -> Dataset | None:
    try:
        with st.spinner(_("Simulating collisions")):
            found: Dataset = client.waiting(PATIENCE).simulate(SAMPLE_EVENTS)
    except EventsieveError as error:
        faults.show(error)
        return None
    return found


def _follow_address(key: str, listed: Mapping[str, Dataset], fit: Mapping[str, Dataset], *, optional: bool) -> None:
    """Let the address say what is chosen; what it names and there is not is told."""
    asked = st.query_params.get(key)
    if asked is None and not optional and fit:
        asked = next(iter(fit))
        st.query_params[key] = asked
    st.session_state[key] = asked if asked in fit else None
    if asked in fit or asked is None:
        return
    if asked in listed:
        told = _("{name} has no labels, which are needed here; choose another data set, or edit how it is read.")
        st.warning(told.format(name=plain(listed[asked].name)), icon=":material/label_off:")
    else:
        told = _("There is no data set {id}; it was removed, or the link is wrong. Choose another one.")
        st.warning(told.format(id=plain(asked)), icon=":material/link_off:")


def _keep(key: str) -> None:
    if st.session_state[key] is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = st.session_state[key]
