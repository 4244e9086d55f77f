"""The page of exploratory analysis: the report as a PDF, or live plots of two tables and of what passes a cut."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.errors import EventsieveError
from eventsieve.records import Exploration
from eventsieve.web.i18n import N_, _
from eventsieve.web.widgets.addresses import asked, keep
from eventsieve.web.widgets.datasets import pick_dataset
from eventsieve.web.widgets.eda.cuts import cut_editor, passed, refused
from eventsieve.web.widgets.eda.exploration import show_exploration
from eventsieve.web.widgets.eda.exploring import Wanted, first_of
from eventsieve.web.widgets.eda.reports import dataset_report, sample_report
from eventsieve.web.widgets.eda.tablefit import show_fit

__all__ = ["page"]

PDF, LIVE = "pdf", "live"
SAMPLE, DATASET = "sample", "dataset"
REPORTS = {SAMPLE: N_("The sample events"), DATASET: N_("A data set")}


def page(client: Client) -> None:
    """Draw it."""
    view = _view()
    if view in (PDF, LIVE):
        _back()
    st.title(_("Exploratory data analysis"))
    match view:
        case "pdf":
            _report(client)
        case "live":
            _live(client)
        case _:
            _start()


def _view() -> str | None:
    """What the address asks for; one with a data set and no view is a link to its plots."""
    return st.query_params.get("view") or (LIVE if "dataset" in st.query_params else None)


def _start() -> None:
    st.markdown(
        _(
            "Look at the events before a classifier does: what is undefined, what separates signal from background, "
            "what drifts."
        )
    )
    with st.grid(2, min_column_width=280, border=True) as grid:
        with grid.cell():
            st.markdown(_("The report on sample events, or on a data set of yours, to read and to print."))
            st.button(_("Download PDF"), icon=":material/picture_as_pdf:", on_click=_go, args=(PDF,), width="stretch")
        with grid.cell():
            st.markdown(_("All plots of a training and a test table, redrawn for the events that pass a cut."))
            st.button(
                _("Live EDA"), icon=":material/monitoring:", type="primary", on_click=_go, args=(LIVE,), width="stretch"
            )


def _back() -> None:
    st.button(_("Back"), icon=":material/arrow_back:", type="tertiary", on_click=_go, args=(None,))


def _go(view: str | None) -> None:
    for name in ("view", "report", "dataset", "against", "cut"):
        st.query_params.pop(name, None)
    if view is not None:
        st.query_params["view"] = view


def _report(client: Client) -> None:
    asked("report", list(REPORTS), DATASET if "dataset" in st.query_params else SAMPLE)
    chosen = st.segmented_control(
        _("Report on"),
        list(REPORTS),
        format_func=lambda each: _(REPORTS[each]),
        key="report",
        required=True,
        on_change=keep,
        args=("report",),
    )
    if chosen == SAMPLE:
        sample_report(client)
        return
    # Drawing takes a while: it begins when the reader has chosen.
    dataset, against = _tables(client, _("Data set"), _("Compare with (optional)"), optional=True)
    if dataset is None:
        st.info(_("Choose a data set: its report appears here."), icon=":material/description:")
        return
    dataset_report(client, dataset, against)


def _live(client: Client) -> None:
    dataset, against = _tables(client, _("Training table"), _("Test table (optional)"))
    if dataset is None:
        st.info(
            _("Upload a table of events, or use the simulated sample: all plots appear here."), icon=":material/upload:"
        )
        return
    if against is not None:
        show_fit(dataset, against)
    cut = cut_editor(dataset.event_schema.features)
    wanted = Wanted(dataset, against, cut)
    first = _first(client, wanted)
    passed(first)
    if first.table.events:
        show_exploration(client, wanted, first)


def _first(client: Client, wanted: Wanted) -> Exploration:
    try:
        with st.skeleton(height=400):
            return first_of(client, wanted)
    except EventsieveError as error:
        refused(error)


def _tables(
    client: Client, first: str, second: str, *, optional: bool = False
) -> tuple[Dataset | None, Dataset | None]:
    left, right = st.columns(2)
    with left:
        dataset = pick_dataset(client, first, key="dataset", optional=optional)
    with right:
        against = pick_dataset(client, second, key="against", optional=True)
    return dataset, against
