"""The features' histograms, some at a time, to be searched, ordered, and cut on with the mouse."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import streamlit as st

from eventsieve.records import Exploration, ExploredFeature
from eventsieve.web.charts import features, show
from eventsieve.web.i18n import N_, _, ngettext
from eventsieve.web.widgets.eda.cuts import brush, current

__all__ = ["chosen", "groups", "inputs"]

PAGE = 6
"""Histograms at a time: more would make the page heavy."""
NARROWEST = 340
ALL, DERIVED, PRIMITIVE = "all", "DER_", "PRI_"
GROUPS = {ALL: N_("All"), DERIVED: N_("Derived (DER_)"), PRIMITIVE: N_("Primitive (PRI_)")}
SEPARATION, SCHEMA = "separation", "schema"
ORDERS = {SEPARATION: N_("Best separating first"), SCHEMA: N_("As in the table")}


def groups(found: Sequence[ExploredFeature]) -> list[str]:
    """The groups that can be chosen: those of the challenge, where there are features of both."""
    names = [feature.column.name for feature in found]
    both = all(any(name.startswith(prefix) for name in names) for prefix in (DERIVED, PRIMITIVE))
    return [ALL, DERIVED, PRIMITIVE] if both else [ALL]


def chosen(exploration: Exploration, *, order: str, group: str, search: str) -> list[ExploredFeature]:
    """The features of a group whose name or description has the text, in that order."""
    ranked = exploration.ranked() if order == SEPARATION else ()
    found = list(ranked) + [each for each in exploration.features if each not in ranked]
    wanted = search.strip().lower()
    return [
        each
        for each in found
        if (group == ALL or each.column.name.startswith(group))
        and (wanted in each.column.name.lower() or wanted in each.column.description.lower())
    ]


@st.fragment
def inputs(exploration: Exploration) -> None:
    """Draw them."""
    cut = current()
    if cut != st.session_state.setdefault("inputs_cut", cut):
        st.session_state["inputs_cut"] = cut
        st.rerun()  # a range was drawn: everything is to be of the events that pass
    order, group, search = _choice(exploration)
    normalised, log, against = _switches(exploration)
    found = chosen(exploration, order=order, group=group, search=search)
    if not found:
        st.info(
            _("No feature has this text in its name or description; clear the search."), icon=":material/search_off:"
        )
        return
    pages = -(-len(found) // PAGE)
    page = st.pagination(pages, key=f"inputs_page_{pages}") if pages > 1 else 1
    count = ngettext("{count} feature", "{count} features", len(found)).format(count=len(found))
    st.caption(_("{count}. Drag across a histogram to cut on that range.").format(count=count))
    with st.grid(3, min_column_width=NARROWEST, gap="medium"):
        for feature in found[(page - 1) * PAGE : page * PAGE]:
            _histogram(exploration, feature, cut, normalised=normalised, log=log, against=against)


def _choice(exploration: Exploration) -> tuple[str, str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = SCHEMA
        if exploration.ranked():
            order = st.segmented_control(
                _("Order"),
                list(ORDERS),
                format_func=lambda each: _(ORDERS[each]),
                key="inputs_order",
                required=True,
                default=SEPARATION,
            )
        known = groups(exploration.features)
        group = ALL
        if len(known) > 1:
            group = st.segmented_control(
                _("Group"),
                known,
                format_func=lambda each: _(GROUPS[each]),
                key="inputs_group",
                required=True,
                default=ALL,
            )
        search = st.text_input(_("Search"), key="inputs_search", icon=":material/search:", width=260)
    return order, group, search


def _switches(exploration: Exploration) -> tuple[bool, bool, bool]:
    with st.container(horizontal=True):
        normalised = st.toggle(_("Normalised to one"), value=True, key="inputs_normalised")
        log = st.toggle(_("Logarithmic"), key="inputs_log")
        against = exploration.against is not None and st.toggle(_("Overlay the test table"), key="inputs_against")
    return normalised, log, against


def _histogram(
    exploration: Exploration, feature: ExploredFeature, cut: str, *, normalised: bool, log: bool, against: bool
) -> None:
    name = feature.column.name
    figure = features.feature_histogram(
        feature, schema=exploration.event_schema, normalised=normalised, log=log, against=against
    )
    figure.update_layout(dragmode="select", selectdirection="h")
    # A chart of other events is another chart: what was selected on the one before is gone.
    key = f"histogram_{name}_{hashlib.sha256(cut.encode()).hexdigest()[:8]}"
    show(
        figure,
        key=key,
        alt=_("Histogram of {feature}").format(feature=name),
        on_select=partial(brush, key, name, whole=feature.whole),
        selection_mode="box",
    )
