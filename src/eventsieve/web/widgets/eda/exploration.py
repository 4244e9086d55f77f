"""What is seen of an exploration, in the order that physicists know from TMVA: inputs, correlations, drift, ranking."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.errors import EventsieveError
from eventsieve.records import Exploration, FeatureDrift
from eventsieve.web import faults
from eventsieve.web.charts import correlations, features, show
from eventsieve.web.charts.style import ROOMY, short
from eventsieve.web.i18n import N_, _
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.eda.exploring import Wanted, whole_of
from eventsieve.web.widgets.eda.features import inputs

__all__ = ["show_exploration"]

POLL = 1.0
ALL = "\0all"
"""No class is called so."""
OVERLAID = 2
"""Features whose distributions in both tables are drawn at first."""
VERDICTS = {
    "no drift": N_("No drift"),
    "slight drift": N_("Slight drift"),
    "drift": N_("Drift"),
    "not tested": N_("Not tested"),
}


def show_exploration(client: Client, wanted: Wanted, first: Exploration) -> None:
    """Draw what is known, and the rest as soon as it is.

    Args:
        client: the server.
        wanted: what is explored.
        first: its counts and histograms.
    """
    whole, fault = None, None
    try:
        whole = first if first.detail == "all" else whole_of(client, wanted)
    except EventsieveError as error:
        fault = error
    _findings(whole or first)
    st.header(_("Classes and weights"))
    show(features.classes(first), key="classes", alt=_("Events and sums of weights of each class"))
    st.header(_("Features"))
    inputs(first)
    st.header(_("Missing values"))
    show(features.missing(first), key="missing", alt=_("Share of events for which each feature is undefined"))
    if fault is not None:
        faults.show(fault)
    elif whole is None:
        st.fragment(_awaited, run_every=POLL)(client, wanted)
    else:
        _correlations(whole)
        _drift(whole)
    if first.ranked():
        st.header(_("Separation"))
        st.caption(_("How well each feature alone tells the classes apart."))
        show(features.separation(first), key="separation", alt=_("Separation power of each feature"))


def _awaited(client: Client, wanted: Wanted) -> None:
    """Hold the place of what is still computed, until it is there."""
    try:
        ready = whole_of(client, wanted) is not None
    except EventsieveError:
        ready = True  # the page says what
    if ready:
        st.rerun()
    st.header(_("Correlations"))
    st.caption(_("Correlations, duplicates and drift are being computed; they appear here by themselves."))
    st.skeleton(height=300)


def _findings(found: Exploration) -> None:
    st.header(_("Findings"))
    lines = [f"- {plain(translated_sentence(finding))}" for finding in found.findings]
    if lines:
        st.markdown("\n".join(lines))
    elif found.detail == "all":
        st.markdown(_("Nothing remarkable was found."))
    if found.detail != "all":
        st.caption(_("More may follow when all is computed."))


@st.fragment
def _correlations(found: Exploration) -> None:
    st.header(_("Correlations"))
    labels = [each.label for each in found.correlations.classes] if found.correlations else []
    label = ALL
    if labels:
        label = st.segmented_control(
            _("Events"),
            [ALL, *labels],
            format_func=lambda each: _("All events") if each == ALL else plain(each),
            key="correlations_of",
            required=True,
            default=ALL,
        )
    figure = correlations.correlations(found, None if label == ALL else label)
    show(figure, key="correlations", alt=_("Correlation coefficients of all pairs of features"), width=ROOMY)


@st.fragment
def _drift(found: Exploration) -> None:
    drift = found.drift
    if drift is None:
        return
    st.header(_("Drift between the tables"))
    st.markdown(f"**{_(VERDICTS[drift.verdict])}.** {plain(translated_sentence(drift.reason))}")
    show(features.drift(found), key="drift", alt=_("Distance of each feature's distributions in the two tables"))
    ranked = drift.ranked()
    _ranking(ranked)
    names = [each.feature for each in ranked]
    chosen = st.multiselect(_("Compare the distributions of"), names, default=names[:OVERLAID], key="drift_of")
    with st.grid(2, min_column_width=340, gap="medium"):
        for feature in found.features:
            if feature.column.name in chosen:
                figure = features.feature_histogram(feature, schema=found.event_schema, against=True)
                name = feature.column.name
                show(figure, key=f"drift_{name}", alt=_("{feature} in both tables").format(feature=name))


def _ranking(ranked: tuple[FeatureDrift, ...]) -> None:
    st.dataframe(
        {
            _("Feature"): [each.feature for each in ranked],
            _("KS distance"): [each.distance for each in ranked],
            _("p-value"): [_small(each.p_value) for each in ranked],
            _("Corrected p-value"): [_small(each.corrected) for each in ranked],
            _("Shift of the mean (standard deviations)"): [each.mean_shift for each in ranked],
            _("Shift of the undefined share"): [each.undefined_shift for each in ranked],
            _("Drifted"): [each.drifted for each in ranked],
        },
        column_config={
            _("KS distance"): st.column_config.NumberColumn(format="localized"),
            _("Shift of the mean (standard deviations)"): st.column_config.NumberColumn(format="localized"),
            _("Shift of the undefined share"): st.column_config.NumberColumn(format="percent"),
        },
        hide_index=True,
        alt=_("Drift of each feature, the strongest sign first"),
    )


def _small(p: float | None) -> str:
    """A p-value as a text: no format of Streamlit's columns is both short and in the reader's language."""
    return "\N{EN DASH}" if p is None else short(p)
