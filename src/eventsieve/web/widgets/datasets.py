"""Choosing a data set: one that is stored, a new upload, or the simulated sample."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext

__all__ = ["pick_dataset"]


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
    with explained():
        found = [each for each in client.datasets() if each.event_schema.label is not None or not labelled]
    by_id = {each.id: each for each in found}

    def title(id_: str) -> str:
        events = ngettext("{events} event", "{events} events", by_id[id_].events)
        return f"{by_id[id_].name} · {events.format(events=decimal(by_id[id_].events))}"

    chosen = st.selectbox(
        label,
        list(by_id),
        index=None if optional or not by_id else 0,
        format_func=title,
        key=key,
        placeholder=_("Choose a data set"),
        bind="query-params",
    )
    return by_id.get(chosen) if chosen else None
