"""The form in which a reader says how a data set is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eventsieve.client import Dataset
from eventsieve.client.edits import SchemaChanges
from eventsieve.errors import BadRequest, EventsieveError
from eventsieve.web import faults
from eventsieve.web.i18n import _
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import report

__all__ = ["schema_form"]

NONE = ""
"""No column, no value: what the server takes for that."""

Slots = dict[str, DeltaGenerator]


def schema_form(dataset: Dataset, reason: str | None = None) -> None:
    """Draw the form; a fault stands at its field, and what was changed is told at the next chance.

    Args:
        dataset: the data set.
        reason: why the reader may not change it, where he may not.
    """
    slots: Slots = {}
    one, two = st.columns(2)
    with one:
        changes = _labels(dataset, slots)
    with two:
        changes |= _others(dataset, slots)
    with _field("leave_out", slots):
        changes["leave_out"] = st.multiselect(
            _("Left out"),
            [column.name for column in dataset.event_schema.columns],
            default=[column.name for column in dataset.event_schema.columns if column.role == "spectator"],
            help=_("Columns that are in the table and never trained on. Text is always left out."),
            key="schema leave_out",
        )
        # A column that has a role is not left out whatever stands here.
        roles = {changes[name] for name in ("label", "index", "weight")}
        changes["leave_out"] = [name for name in changes["leave_out"] if name not in roles]
    with _field("units", slots), st.expander(_("Units"), icon=":material/straighten:"):
        changes["units"] = _units(dataset)
    disabled = reason is not None
    if st.button(_("Save"), key="schema save", type="primary", icon=":material/save:", disabled=disabled, help=reason):
        _save(dataset, changes, slots)


def _labels(dataset: Dataset, slots: Slots) -> SchemaChanges:
    schema, names = dataset.event_schema, [column.name for column in dataset.columns]
    with _field("label", slots):
        label = st.selectbox(
            _("Label"),
            [NONE, *names],
            index=_place([NONE, *names], schema.label.name if schema.label else NONE),
            format_func=lambda name: name or _("none"),
            help=_("The column that says what an event is."),
            key="schema label",
        )
    if not label:
        return {"label": NONE}
    values = next((column.values for column in dataset.columns if column.name == label), ())
    several = len(values) > 2
    options = [NONE, *values] if several else list(values)
    with _field("signal", slots):
        signal = st.selectbox(
            _("Signal"),
            options,
            index=_place(options, schema.signal),
            format_func=lambda value: value or _("none: several classes of equal right"),
            help=_("The value of the label that is signal; all others are background."),
            # Another label has other values: it is another field then.
            key=f"schema signal {label}",
            accept_new_options=not values,
            placeholder=_("Enter the value that is signal"),
        )
    changes: SchemaChanges = {"label": label, "signal": signal or NONE}
    if several:
        with _field("classes", slots):
            apart = st.toggle(
                _("Tell all {count} classes apart").format(count=len(values)),
                value=bool(schema.classes) or not signal,
                help=_("Otherwise all but the signal are one background."),
                key=f"schema classes {label}",
            )
        changes["classes"] = values if apart else ()
    return changes


def _others(dataset: Dataset, slots: Slots) -> SchemaChanges:
    schema = dataset.event_schema
    numbers = [NONE, *(column.name for column in dataset.columns if column.dtype != "object")]
    with _field("index", slots):
        index = st.selectbox(
            _("Event number"),
            numbers,
            index=_place(numbers, schema.index.name if schema.index else NONE),
            format_func=lambda name: name or _("none: rows are counted"),
            key="schema index",
        )
    with _field("weight", slots):
        weight = st.selectbox(
            _("Weight"),
            numbers,
            index=_place(numbers, schema.weight.name if schema.weight else NONE),
            format_func=lambda name: name or _("none: every event counts once"),
            key="schema weight",
        )
    with _field("undefined", slots):
        undefined = st.number_input(
            _("Undefined value"),
            value=schema.undefined,
            format="%g",
            help=_('The number that means "not defined for this event", say -999. Empty: there is none.'),
            placeholder=_("none"),
            key="schema undefined",
        )
    return {"index": index or NONE, "weight": weight or NONE, "undefined": undefined}


def _units(dataset: Dataset) -> dict[str, str]:
    edited = st.data_editor(
        {
            "column": [column.name for column in dataset.event_schema.columns],
            "unit": [column.unit for column in dataset.event_schema.columns],
        },
        hide_index=True,
        disabled=["column"],
        column_config={
            "column": st.column_config.TextColumn(_("Column")),
            "unit": st.column_config.TextColumn(_("Unit"), help=_("Say GeV or rad; empty for pure numbers.")),
        },
        key="schema units",
        alt=_("Units of the columns"),
    )
    before = {column.name: column.unit for column in dataset.event_schema.columns}
    after = dict(zip(edited["column"], ((unit or "").strip() for unit in edited["unit"]), strict=True))
    return {name: unit for name, unit in after.items() if unit != before[name]}


def _save(dataset: Dataset, changes: SchemaChanges, slots: Mapping[str, DeltaGenerator]) -> None:
    try:
        with st.spinner(_("Reading the table again")):
            dataset.edit(**changes)
    except BadRequest as error:
        if not error.faults:
            faults.show(error)
        for place, sentence in error.faults.items():
            slot = slots.get(place.strip("/").partition("/")[0])
            (slot or st).error(plain(translated_sentence(sentence)), icon=":material/error:")
    except EventsieveError as error:
        faults.show(error)
    else:
        report(_("Saved: the data set is read so from now on."))
        st.rerun()


def _field(name: str, slots: Slots) -> DeltaGenerator:
    """Room for a field, and for what is wrong with it below."""
    field = st.container()
    slots[name] = st.container()
    return field


def _place(options: list[Any], value: str | None) -> int | None:
    return options.index(value or NONE) if (value or NONE) in options else (0 if options else None)
