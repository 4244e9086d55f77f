"""Whether two tables fit: columns and types, named where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from eventsieve.records import Dataset
from eventsieve.web.i18n import N_, _, ngettext

__all__ = ["Misfit", "misfits", "show_fit"]

TYPES = {"int64": N_("whole numbers"), "float64": N_("numbers"), "object": N_("text")}


@dataclass(frozen=True)
class Misfit:
    """A column that is not the same in two tables; its type in each, or ``None`` where it is not there."""

    column: str
    first: str | None
    second: str | None


def misfits(first: Dataset, second: Dataset) -> list[Misfit]:
    """The columns that the two do not have alike. Labels and weights may be lacking: a test table often has none."""
    ours = {column.name: column.dtype for column in first.columns}
    theirs = {column.name: column.dtype for column in second.columns}
    needed = [name for each in (first, second) for name in _needed(each)]
    return [
        Misfit(name, ours.get(name), theirs.get(name))
        for name in dict.fromkeys(needed)
        if ours.get(name) != theirs.get(name)
    ]


def show_fit(first: Dataset, second: Dataset) -> None:
    """Say whether the two tables fit, column by column where not."""
    found = misfits(first, second)
    if not found:
        count = len(_needed(first))
        text = ngettext(
            "The tables fit: {count} column of the same name and type.",
            "The tables fit: {count} columns of the same names and types.",
            count,
        )
        st.success(text.format(count=count), icon=":material/check_circle:")
        return
    st.warning(
        _(
            "What both tables have is compared. Upload a table with these columns, or edit how one is read, "
            "to compare all."
        ),
        title=ngettext("{count} column does not fit", "{count} columns do not fit", len(found)).format(
            count=len(found)
        ),
        icon=":material/rule:",
    )
    st.dataframe(
        {
            _("Column"): [each.column for each in found],
            _("Training table"): [_type(each.first) for each in found],
            _("Test table"): [_type(each.second) for each in found],
        },
        hide_index=True,
        alt=_("Columns that are not the same in both tables"),
    )


def _needed(dataset: Dataset) -> list[str]:
    return [column.name for column in dataset.event_schema.columns if column.role in ("index", "feature")]


def _type(dtype: str | None) -> str:
    return _("not there") if dtype is None else _(TYPES[dtype])
