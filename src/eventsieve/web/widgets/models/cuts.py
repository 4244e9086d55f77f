"""The threshold of a model: dragged over the curves, and set for its predictions."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Model
from eventsieve.records import Evaluation
from eventsieve.web import charts
from eventsieve.web.access import barred_from
from eventsieve.web.charts.cuts import efficiencies, significance
from eventsieve.web.i18n import _, decimal
from eventsieve.web.widgets.acting import act
from eventsieve.web.widgets.threshold import threshold

__all__ = ["cuts"]


@st.fragment
def cuts(model: Model, evaluation: Evaluation) -> None:
    """Draw what each cut selects, with a threshold to be dragged where there is one."""
    if len(evaluation.classes) != 2 or evaluation.signal is None:
        st.info(_("A model of several classes has no threshold: it predicts the likeliest class."))
        _figures(model, evaluation, None)
        return
    # Another threshold in the model is another place to begin at.
    cut = threshold(evaluation, model.threshold.value, key=f"threshold_{model.digest}_{model.threshold.value}")
    _setting(model, evaluation, cut)
    with st.expander(_("Figures to zoom into and to save"), icon=":material/show_chart:"):
        _figures(model, evaluation, cut)


def _figures(model: Model, evaluation: Evaluation, cut: float | None) -> None:
    if evaluation.ams is not None:
        alt = _("Significance of model {name} against the cut").format(name=model.name)
        charts.show(significance(evaluation, cut), key="significance", alt=alt)
    alt = _("Efficiencies and purity of model {name} against the cut").format(name=model.name)
    charts.show(efficiencies(evaluation, cut), key="efficiencies", alt=alt)


def _setting(model: Model, evaluation: Evaluation, cut: float | None) -> None:
    now, reason = model.threshold, barred_from(model.by)
    no = reason is not None
    with st.container(horizontal=True):
        st.button(
            _("Use this threshold for predictions"),
            key="use_threshold",
            type="primary",
            disabled=no or cut is None or cut == now.value,
            help=reason,
            on_click=_set,
            args=(model, cut),
        )
        st.button(
            _("Use the cut of the best AMS"),
            key="best_threshold",
            disabled=no or evaluation.ams is None or now.kind == "best_ams",
            help=reason,
            on_click=_set,
            args=(model, "best_ams"),
        )
        st.button(
            _("Back to the classifier's own"),
            key="own_threshold",
            disabled=no or now.kind == "natural",
            help=reason,
            on_click=_set,
            args=(model, "natural"),
        )
    st.caption(_("Predictions use the threshold {value} now.").format(value=decimal(now.value, 4)))


def _set(model: Model, value: float | str) -> None:
    act(lambda: model.set_threshold(value), _("Predictions use it from now on."))  # type: ignore[arg-type]
    st.rerun()  # the whole page: the model is another one now
