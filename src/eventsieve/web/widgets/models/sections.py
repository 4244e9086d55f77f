"""The sections of a model's page, in the order that physicists know from TMVA; only the one that is open is drawn."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.records import Evaluation
from eventsieve.web import charts, places
from eventsieve.web.charts import curves, rankings, scores
from eventsieve.web.charts.style import SQUARISH
from eventsieve.web.faults import explained
from eventsieve.web.i18n import N_, _
from eventsieve.web.places import Place
from eventsieve.web.widgets.addresses import asked, keep
from eventsieve.web.widgets.models.cuts import cuts
from eventsieve.web.widgets.models.inputs import correlations, inputs

__all__ = ["SECTIONS", "sections"]

KEY = "section"
"""Of the address's query."""
LITTLE = 0.1
"""Background efficiency up to which curves are drawn where little background is wanted."""


def sections(client: Client, model: Model, evaluation: Evaluation | None) -> None:
    """Let the reader choose a section, and draw it; the choice stands in the address.

    Args:
        client: the server.
        model: which model.
        evaluation: of it, where it has one.
    """
    asked(KEY, list(SECTIONS), default=next(iter(SECTIONS)))
    chosen = st.segmented_control(
        _("Section"),
        list(SECTIONS),
        format_func=lambda code: _(SECTIONS[code]),
        key=KEY,
        on_change=keep,
        args=(KEY,),
        required=True,
        label_visibility="collapsed",
    ) or next(iter(SECTIONS))
    st.header(_(SECTIONS[chosen]))
    if chosen in ALWAYS:
        ALWAYS[chosen](client, model, evaluation)
    elif evaluation is None:
        _unknown(model)
    else:
        EVALUATED[chosen](model, evaluation)


def _scores(model: Model, evaluation: Evaluation) -> None:
    verdict, *tests = scores.overtraining_lines(evaluation)
    tell = {"overtrained": st.warning, "no sign of overtraining": st.success}.get(evaluation.verdict, st.info)
    tell(verdict)
    log = st.toggle(_("Logarithmic"), key="log_scores")
    figure = scores.scores(evaluation, log=log)
    alt = _("Score distributions of model {name} by class, in training and in validation events")
    charts.show(figure, key="scores", alt=alt.format(name=model.name))
    for test in tests:
        st.markdown(test)


def _roc(model: Model, evaluation: Evaluation) -> None:
    with st.container(horizontal=True):
        rejection = st.toggle(_("Background rejection"), key="rejection")
        little = st.toggle(_("Little background"), key="little", help=_("Background efficiencies up to 10 %"))
    evaluations, figures = {model.name: evaluation}, {model.name: model.scores}
    figure = curves.roc(evaluations, zoom=LITTLE if little else None, rejection=rejection, scores=figures)
    alt = _("ROC curve of model {name}").format(name=model.name)
    charts.show(figure, key="roc", alt=alt, width=SQUARISH)


def _precision_recall(model: Model, evaluation: Evaluation) -> None:
    figure = curves.precision_recall({model.name: evaluation}, scores={model.name: model.scores})
    alt = _("Purity against efficiency of model {name}").format(name=model.name)
    charts.show(figure, key="precision_recall", alt=alt, width=SQUARISH)


def _calibration(model: Model, evaluation: Evaluation) -> None:
    if not evaluation.probabilities:
        st.info(_("The scores of this model are decision values, not probabilities: there is nothing to calibrate."))
        return
    st.caption(_("On the diagonal, of the events with a probability of 70 % seven in ten are what they are taken for."))
    charts.show(
        curves.calibration(evaluation),
        key="calibration",
        alt=_("Calibration of model {name}: predicted probability against observed fraction").format(name=model.name),
        width=SQUARISH,
    )


def _confusion(model: Model, evaluation: Evaluation) -> None:
    st.caption(_("At the classifier's own threshold; of several classes the likeliest is predicted."))
    charts.show(
        rankings.confusion(evaluation),
        key="confusion",
        alt=_("Confusion matrix of model {name}").format(name=model.name),
        width=SQUARISH,
    )


def _importance(model: Model, evaluation: Evaluation) -> None:
    st.caption(_("Features that say the same can replace each other: each of them then loses little."))
    charts.show(
        rankings.importance(evaluation),
        key="importance",
        alt=_("Importance of the features of model {name}").format(name=model.name),
    )


def _card(_client: Client, model: Model, _evaluation: Evaluation | None) -> None:
    with explained():
        card = model.card()
    with st.container(border=True):
        st.markdown(card)


def _unknown(model: Model) -> None:
    st.info(
        _(
            "It was trained on all events: none was kept to evaluate it on. "
            "Train it again with a hold-out, or compare it with others on another data set."
        ),
        title=_("There is no evaluation"),
    )
    with st.container(horizontal=True):
        if model.dataset is not None:
            places.link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:", dataset=model.dataset)
        places.link(Place.COMPARE, _("Compare models"), icon=":material/compare_arrows:", model=[model.name])


ALWAYS: dict[str, Callable[[Client, Model, Evaluation | None], None]] = {
    "inputs": inputs,
    "correlations": correlations,
    "card": _card,
}
"""Sections that need no evaluation."""
EVALUATED: dict[str, Callable[[Model, Evaluation], None]] = {
    "scores": _scores,
    "cuts": cuts,
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "confusion": _confusion,
    "importance": _importance,
}
SECTIONS = {
    "inputs": N_("Inputs"),
    "correlations": N_("Correlations"),
    "scores": N_("Scores and overtraining"),
    "cuts": N_("Cuts and significance"),
    "roc": N_("ROC"),
    "precision_recall": N_("Precision and recall"),
    "calibration": N_("Calibration"),
    "confusion": N_("Confusion matrix"),
    "importance": N_("Importance"),
    "card": N_("Model card"),
}
"""All sections in their order."""
