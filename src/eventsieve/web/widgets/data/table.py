"""Data sets as a table, and what is in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from eventsieve import records
from eventsieve.client import Dataset
from eventsieve.web import places
from eventsieve.web.i18n import N_, _, decimal
from eventsieve.web.places import Place
from eventsieve.web.widgets.owners import owners_column

__all__ = ["classes_table", "columns_table", "datasets_table", "role"]

ROLES: dict[records.Role, str] = {
    "index": N_("event number"),
    "feature": N_("feature"),
    "weight": N_("weight"),
    "label": N_("label"),
    "spectator": N_("left out"),
}
TYPES: dict[records.Dtype, str] = {"int64": N_("whole number"), "float64": N_("number"), "object": N_("text")}
MEGABYTE = 1e6


def role(name: records.Role) -> str:
    """What a role of a column is called."""
    return _(ROLES[name])


def datasets_table(datasets: Sequence[Dataset]) -> None:
    """Draw data sets, a row each; the name opens one."""
    columns = st.column_config

    def opened() -> None:
        places.go(Place.DATA, id=datasets[st.session_state["opened"].row].id)

    st.dataframe(
        {
            "name": [each.name for each in datasets],
            "events": [each.events for each in datasets],
            "classes": [_classes(each) for each in datasets],
            "features": [len(each.event_schema.features) for each in datasets],
            "size": [round(each.size / MEGABYTE, 1) for each in datasets],
            "created": [each.created for each in datasets],
            "warnings": [len(each.warnings) for each in datasets],
            **owners_column(datasets),
        },
        hide_index=True,
        column_config={
            "name": columns.ButtonColumn(
                _("Name"),
                pinned=True,
                type="tertiary",
                alignment="left",
                key="opened",
                on_click=opened,
                help=_("Opens the data set"),
            ),
            "events": columns.NumberColumn(_("Events"), format="localized"),
            "classes": columns.TextColumn(_("Classes")),
            "features": columns.NumberColumn(_("Features")),
            "size": columns.NumberColumn(_("Size, MB"), format="localized"),
            "created": columns.DatetimeColumn(_("Uploaded"), format="localized", timezone=st.context.timezone),
            "warnings": columns.NumberColumn(_("Warnings")),
            "by": columns.TextColumn(_("Of")),
        },
        alt=_("Data sets"),
    )


def _classes(dataset: Dataset) -> str:
    return ", ".join(f"{each.label} {decimal(each.events)}" for each in dataset.classes) or _("no labels")


def classes_table(dataset: records.Dataset) -> None:
    """Draw the classes of a data set, with their events and weights."""
    columns = st.column_config
    rows: dict[str, list[Any]] = {
        "class": [each.label for each in dataset.classes],
        "events": [each.events for each in dataset.classes],
        "share": [each.events / max(dataset.events, 1) for each in dataset.classes],
    }
    if dataset.event_schema.weight is not None:
        rows |= {
            "weight": [each.weight for each in dataset.classes],
            "negative": [each.negative for each in dataset.classes],
        }
    st.dataframe(
        rows,
        hide_index=True,
        width="content",
        column_config={
            "class": columns.TextColumn(_("Class")),
            "events": columns.NumberColumn(_("Events"), format="localized"),
            "share": columns.NumberColumn(_("Share"), format="percent"),
            "weight": columns.NumberColumn(_("Sum of weights"), format="localized"),
            "negative": columns.NumberColumn(_("Negative weights"), format="localized"),
        },
        alt=_("Classes of {name}").format(name=dataset.name),
    )


def columns_table(dataset: records.Dataset) -> None:
    """Draw the columns of a data set: what each is for, its type, its unit, how much of it is missing."""
    columns = st.column_config
    summaries = {each.name: each for each in dataset.columns}
    known = dataset.event_schema.columns
    st.dataframe(
        {
            "name": [each.name for each in known],
            "role": [role(each.role) for each in known],
            "type": [_(TYPES[each.dtype]) for each in known],
            "unit": [each.unit for each in known],
            "missing": [
                summaries[each.name].missing / max(dataset.events, 1) if each.name in summaries else None
                for each in known
            ],
            "description": [each.description and _(each.description) for each in known],
        },
        hide_index=True,
        column_config={
            "name": columns.TextColumn(_("Column"), pinned=True),
            "role": columns.TextColumn(_("Used as")),
            "type": columns.TextColumn(_("Type")),
            "unit": columns.TextColumn(_("Unit")),
            "missing": columns.NumberColumn(
                _("Missing"), format="percent", help=_("Share of the events without a value")
            ),
            "description": columns.TextColumn(_("Description"), width="large"),
        },
        alt=_("Columns of {name}").format(name=dataset.name),
    )
