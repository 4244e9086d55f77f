"""What a model sees: the distributions and correlations of its features in the data set that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.errors import DatasetNotFound
from eventsieve.records import Detail, Evaluation, Exploration
from eventsieve.web import charts
from eventsieve.web.charts.correlations import correlations as correlations_figure
from eventsieve.web.charts.features import feature_histogram
from eventsieve.web.charts.style import ROOMY
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _
from eventsieve.web.texts import plain
from eventsieve.web.widgets.addresses import asked_several, keep

__all__ = ["correlations", "inputs", "ordered"]

PATIENCE = 600.0
"""Seconds that an exploration may take that the server has not made yet; those that it has made it keeps."""
FIRST = 6
"""Features that are drawn at first."""


def inputs(client: Client, model: Model, evaluation: Evaluation | None) -> None:
    """Draw the distributions of the features that a model sees, at first those that matter most to it."""
    exploration = _explored(client, model, "histograms")
    if exploration is None:
        return
    names = ordered(model, evaluation, exploration)
    asked_several("input", names, default=names[:FIRST])
    chosen = st.multiselect(
        _("Features"),
        names,
        key="input",
        on_change=keep,
        args=("input",),
        help=_("The features that matter most to the model come first, where that is known."),
    )
    with st.container(horizontal=True):
        normalised = st.toggle(_("Shapes"), value=True, key="normalised", help=_("Each class is divided by its total"))
        log = st.toggle(_("Logarithmic"), key="log_inputs")
    features = {feature.column.name: feature for feature in exploration.features}
    with st.grid("auto", min_column_width=380):
        for name in chosen:
            figure = feature_histogram(
                features[name], schema=exploration.event_schema, normalised=normalised, log=log, against=False
            )
            charts.show(figure, key=f"input_{name}", alt=_("Distribution of {feature} by class").format(feature=name))


def correlations(client: Client, model: Model, _evaluation: Evaluation | None) -> None:
    """Draw how the features hang together in the events that a model comes from."""
    exploration = _explored(client, model, "all")
    if exploration is None:
        return
    found = exploration.correlations
    if found is None:
        st.info(_("The correlations of these features are not known."))
        return
    everything = "\0all"  # no class is called so
    labels = [each.label for each in found.classes]
    chosen = st.segmented_control(
        _("Events"),
        [everything, *labels],
        format_func=lambda label: _("all") if label == everything else plain(label),
        default=everything,
        key="correlated",
        required=True,
    )
    label = None if chosen == everything else chosen
    alt = _("Correlation coefficients of the features")
    charts.show(correlations_figure(exploration, label), key="correlations", alt=alt, width=ROOMY)


def ordered(model: Model, evaluation: Evaluation | None, exploration: Exploration) -> list[str]:
    """The features of a model that were explored: by importance, else by how well they separate, else as they come."""
    important = [each.feature for each in evaluation.importance] if evaluation else []
    separating = [feature.column.name for feature in exploration.ranked()]
    known = {feature.column.name for feature in exploration.features}
    seen: Sequence[str] = [*important, *separating, *model.features]
    return [name for name in dict.fromkeys(seen) if name in known and name in model.features]


def _explored(client: Client, model: Model, detail: Detail) -> Exploration | None:
    """The exploration of a model's data set; ``None``, with a word why, where there is none."""
    if model.dataset is None:
        st.info(_("Its events were sent along with the training and are no data set: they cannot be shown."))
        return None
    with explained(), st.spinner(_("Exploring the data set …")):
        try:
            dataset = client.waiting(PATIENCE).dataset(model.dataset)
        except DatasetNotFound:
            st.info(_("The data set that it was trained on has been removed: its events cannot be shown."))
            return None
        exploration = dataset.explore(detail=detail)
    if dataset.event_schema != model.event_schema:
        st.caption(_("How the data set is read was changed after the training; this is how it is read now."))
    return exploration
