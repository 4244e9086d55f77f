"""The page on which a model says which events are signal."""

from __future__ import annotations

from typing import Any

import streamlit as st

from eventsieve.client import Client, Dataset, Model
from eventsieve.records import ScoreSummary
from eventsieve.web.charts.predicted import predicted
from eventsieve.web.charts.style import show
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.places import Place, link
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.datasets import pick_dataset
from eventsieve.web.widgets.modelchoice import pick_model
from eventsieve.web.widgets.predicting.cutting import OWN, THRESHOLD, cut_of, draw_cut
from eventsieve.web.widgets.predicting.results import Selected, draw_counts, draw_downloads, draw_rows, selected

__all__ = ["page"]

PATIENCE = 600.0
"""Seconds for the server to score the events; it does so once."""
NAMED = 30
"""Missing columns that are named; the number of the others is told."""
SHOWN = "predict:shown"
"""Of the session's state: the model and the data set whose predictions are shown."""
BETWEEN = "predict:between"
"""Of the session's state: what was counted for a cut that is on no edge, and for which one."""


def page(client: Client) -> None:
    """Draw it."""
    link(Place.ML, _("Back"), icon=":material/arrow_back:")
    st.title(_("Make a prediction"))
    model = pick_model(client, _("Model"), key="model")
    dataset = pick_dataset(client, _("Events to predict"), key="dataset")
    if model is None:
        return
    if dataset is None:
        st.info(_("Choose the events that are to be predicted, or upload a table of them."))
        return
    fits = _fits(model, dataset)
    if st.button(
        _("Predict"), type="primary", icon=":material/online_prediction:", key="predict:start", disabled=not fits
    ):
        # In the address, so that the predictions are there again after a reload, and can be shared.
        st.query_params.update({"model": model.name, "dataset": dataset.id, THRESHOLD: OWN})
        st.session_state[SHOWN] = _pair(model, dataset)
    if fits and _wanted(model, dataset):
        _results(client, model, dataset)


def _pair(model: Model, dataset: Dataset) -> tuple[str, ...]:
    return model.digest, dataset.id, dataset.event_schema.model_dump_json()


def _wanted(model: Model, dataset: Dataset) -> bool:
    """Whether predictions of these are to be shown: they were asked for, here or by the address."""
    if THRESHOLD not in st.query_params:
        return False
    if st.session_state.setdefault(SHOWN, _pair(model, dataset)) == _pair(model, dataset):
        return True
    # Another model or data set has been chosen since: what was shown is not of these.
    st.query_params.pop(THRESHOLD, None)
    del st.session_state[SHOWN]
    return False


def _fits(model: Model, dataset: Dataset) -> bool:
    """Whether the table has the columns that the model was trained with; those that are missing are named."""
    there = {column.name for column in dataset.columns}
    missing = [name for name in model.features if name not in there]
    if missing:
        text = ngettext(
            "The table lacks the column {columns}, which {model} was trained with.",
            "The table lacks the columns {columns}, which {model} was trained with.",
            len(missing),
        )
        cure = _("Choose another data set, or a model that was trained on such tables.")
        names = ", ".join(map(plain, missing[:NAMED])) + (
            f" (+ {len(missing) - NAMED})" if len(missing) > NAMED else ""
        )
        told = text.format(columns=names, model=plain(model.name))
        st.error(f"{told}\n\n{cure}", title=_("The table does not fit the model"), icon=":material/error:")
    return not missing


def _results(client: Client, model: Model, dataset: Dataset) -> None:
    events = ngettext("{events} event", "{events} events", dataset.events).format(events=decimal(dataset.events))
    patient = client.waiting(PATIENCE)
    with explained(), st.spinner(_("The model looks at {events}").format(events=events), show_time=True):
        summary = patient.score_summary(dataset.id, model=model.name)
    st.divider()
    st.markdown("**" + _("The model's predictions are below.") + "**")
    text = _("Model {model} ({model_digest}), data set {dataset} ({dataset_digest}), {events}")
    st.caption(
        text.format(
            model=plain(model.name),
            model_digest=summary.digest[:12],
            dataset=plain(dataset.name),
            dataset_digest=summary.dataset_digest[:12],
            events=events,
        )
    )
    if model.dataset == dataset.id:
        st.caption(_("The model was trained on events of this data set: that it tells them apart proves little."))
    for remark in summary.remarks:
        st.info(plain(translated_sentence(remark)))
    _looks(patient, model, dataset, summary)


@st.fragment
def _looks(client: Client, model: Model, dataset: Dataset, summary: ScoreSummary) -> None:
    """All that depends on the cut; moving it asks the server for the rows that are shown, and for no scores."""
    cut = cut_of(summary)
    if cut is not None:
        draw_cut(summary, model, cut)
        draw_counts(summary, selected(summary, cut) or _between(client, model, dataset, cut))
    else:
        with st.container(horizontal=True):
            for name, count in summary.predicted.items():
                st.metric(plain(name), decimal(count), width="content")
    _figure(summary, cut)
    draw_rows(client, model, dataset, cut)
    draw_downloads(model, dataset, cut)


def _between(client: Client, model: Model, dataset: Dataset, cut: float) -> list[Selected]:
    """How many events a cut between two edges selects, where only the server can count; remembered until it moves."""
    key = (*_pair(model, dataset), cut)
    known, found = st.session_state.get(BETWEEN, (None, []))
    if known != key:
        with explained():
            found = selected(client.score_summary(dataset.id, model=model.name, threshold=cut), cut) or []
        st.session_state[BETWEEN] = (key, found)
    counts: list[Selected] = found
    return counts


def _figure(summary: ScoreSummary, cut: float | None) -> None:
    options: dict[str, Any] = {}
    with st.container(horizontal=True):
        options["log"] = st.toggle(_("Logarithmic axis"), key="predict:log")
        if all(each.weights for each in summary.scores):
            options["weighted"] = st.toggle(_("Count events by their weights"), key="predict:weighted")
    alt = _("Histogram of the scores of {events} events").format(events=decimal(summary.events))
    show(predicted(summary, cut, **options), key="predict-scores", alt=alt)
