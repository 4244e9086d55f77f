"""The cut on the events that are looked at, which stands in the address: its text, its conditions, and new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import streamlit as st

from eventsieve.errors import BadRequest, EventsieveError
from eventsieve.records import ClassEvents, Column, Exploration, TableCounts
from eventsieve.web import faults
from eventsieve.web.i18n import _, decimal, percent
from eventsieve.web.texts import plain
from eventsieve.web.widgets.eda.conditions import OPERATORS, condition, conditions, joined, narrowed

__all__ = ["brush", "current", "cut_editor", "passed", "refused"]

PARAMETER = "cut"
"""Of the address."""
FIELD = "cut_text"
LONGEST = 1000
EXAMPLE = "PRI_jet_num >= 2 and DER_mass_MMC > 0"


def current() -> str:
    """The cut that the address holds; empty without one."""
    return st.query_params.get(PARAMETER, "").strip()


def cut_editor(columns: Sequence[Column]) -> str:
    """Let the reader say which events are looked at.

    Args:
        columns: the features.

    Returns:
        The cut; empty where there is none.
    """
    cut = current()
    st.session_state[FIELD] = cut
    st.text_input(
        _("Only events with"),
        key=FIELD,
        placeholder=EXAMPLE,
        max_chars=LONGEST,
        icon=":material/content_cut:",
        on_change=lambda: _set(st.session_state[FIELD]),
        help=_(
            "Comparisons of columns and numbers (< <= > >= == !=, + - * /, abs), joined by `and`, `or`, `not` and "
            'brackets; ranges like `100 < x < 150`; classes like `Label == "s"`. '
            "A comparison with an undefined value is false; `defined(x)` asks for it. "
            "Names with blanks or points stand in backticks."
        ),
    )
    parts = conditions(cut)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover(_("Add a condition"), icon=":material/add:"):
            _row(columns)
        for place, part in enumerate(parts if len(parts) > 1 else ()):
            st.button(
                plain(part),
                key=f"cut_part_{place}",
                icon=":material/close:",
                help=_("Remove this condition"),
                on_click=_set,
                args=(joined(parts[:place] + parts[place + 1 :]),),
            )
        if cut:
            st.button(_("Clear the cut"), key="cut_clear", icon=":material/filter_alt_off:", on_click=_set, args=("",))
    return cut


def brush(key: str, name: str, *, whole: bool) -> None:
    """Add the range that was drawn on a histogram to the cut, as the callback of its chart.

    Args:
        key: of the chart.
        name: of the feature.
        whole: whether it holds whole numbers.
    """
    chosen: Any = st.session_state.get(key)
    boxes = chosen.selection.box if chosen else []
    if boxes:
        low, high = sorted(float(end) for end in boxes[0]["x"])
        _set(narrowed(current(), name, low, high, whole=whole))


def refused(error: EventsieveError) -> NoReturn:
    """Say at the field what is wrong with the cut, and end the run there; other faults say so themselves."""
    faults.show(error)
    if isinstance(error, BadRequest) and current():
        st.caption(_("Nothing is drawn until the cut is mended or cleared."))
    st.stop()


def passed(exploration: Exploration) -> None:
    """Say how many events pass the cut, in each table and class."""
    selection = exploration.selection
    if selection is None:
        return
    lines = [_line(exploration.table, selection.table)]
    if exploration.against is not None and selection.against is not None:
        lines.append(_("Test table: {counts}").format(counts=_line(exploration.against, selection.against)))
    st.markdown("  \n".join(lines))
    if not exploration.table.events:
        st.info(_("No event passes. Clear the cut, or loosen it."), icon=":material/filter_alt_off:")


def _line(now: TableCounts, before: Sequence[ClassEvents]) -> str:
    everyone, *classes = before
    text = _("**{passed} of {all} events** pass the cut").format(
        passed=decimal(now.events), all=decimal(everyone.events)
    )
    if not classes:
        return text
    each = [
        _("{label}: {passed} ({share})").format(
            label=plain(after.label),
            passed=decimal(after.events),
            share=percent(after.events / was.events if was.events else None),
        )
        for after, was in zip(now.classes, classes, strict=True)
    ]
    return f"{text} ({', '.join(each)})"


def _row(columns: Sequence[Column]) -> None:
    """A form for one comparison."""
    with st.form("cut_row", border=False):
        names = [column.name for column in columns]
        st.selectbox(_("Feature"), names, key="cut_feature")
        st.selectbox(_("Operator"), OPERATORS, key="cut_operator")
        st.number_input(_("Value"), value=0.0, format="%g", key="cut_value")
        st.form_submit_button(_("Add"), icon=":material/add:", on_click=_add)


def _add() -> None:
    state = st.session_state
    _set(joined([*conditions(current()), condition(state.cut_feature, state.cut_operator, state.cut_value)]))


def _set(cut: str) -> None:
    if cut.strip():
        st.query_params[PARAMETER] = cut.strip()
    else:
        st.query_params.pop(PARAMETER, None)
