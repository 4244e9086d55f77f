"""The threshold of a model, to be dragged: what a cut on the score selects, read off while the cut moves.

All numbers are in the evaluation, so the browser needs no server while the line is dragged; only where it is let go is
sent, and the page runs once.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import streamlit as st

from eventsieve.palette import BACKGROUND, SIGNAL, SLATE
from eventsieve.records import AmsCurve, CutCurve, Evaluation
from eventsieve.web.charts.style import class_titles
from eventsieve.web.i18n import _, language

__all__ = ["threshold"]


def _asset(name: str) -> str:
    return (files("eventsieve.web.widgets") / name).read_text(encoding="utf-8")


COMPONENT = st.components.v2.component("eventsieve_threshold", css=_asset("threshold.css"), js=_asset("threshold.js"))


def threshold(evaluation: Evaluation, value: float | None, *, key: str) -> float | None:
    """Let the reader drag the cut on the score of the signal.

    Args:
        evaluation: of the model.
        value: the model's own threshold, where it begins; ``None``: that of its classifier, 0.5 or 0.
        key: of the widget; it belongs to one model.

    Returns:
        The cut that the reader has chosen, at first the model's own; ``None`` where there is nothing to cut on.
    """
    curves = next((each for each in evaluation.curves if each.label == evaluation.signal), None)
    if evaluation.signal is None or curves is None:
        st.info(_("No class of these events is the signal, so there is no cut to choose."))
        return None
    own = value if value is not None else 0.5 if evaluation.probabilities else 0.0
    kept = st.session_state.get(key) or {}
    chosen = kept.get("cut")
    title = class_titles(evaluation.classes, evaluation.signal)[evaluation.signal]
    result = COMPONENT(
        key=key,
        data={
            "cut": own if chosen is None else chosen,
            "own": own,
            "curves": _curves(curves.cuts),
            "ams": None if evaluation.ams is None else _ams(evaluation.ams, weighted=evaluation.weighted),
            "colours": {"signal": SIGNAL, "background": BACKGROUND, "ams": SLATE},
            "language": language(),
            "texts": _texts(title, probabilities=evaluation.probabilities),
        },
        on_cut_change=_nothing,
    )
    if evaluation.ams is None:
        st.caption(_("There is no AMS of this model."))
    found = getattr(result, "cut", None)
    return own if found is None else float(found)


def _nothing() -> None:
    """Streamlit knows a component's state only where something is to be called when it changes."""


def _curves(cuts: CutCurve) -> dict[str, Any]:
    return {
        "cut": cuts.cut,
        "signal": cuts.signal_efficiency,
        "background": cuts.background_efficiency,
        "purity": cuts.purity,
        "signalEvents": cuts.signal_events,
        "backgroundEvents": cuts.background_events,
    }


def _ams(ams: AmsCurve, *, weighted: bool) -> dict[str, Any]:
    return {
        "cut": ams.cut,
        "value": ams.ams,
        "error": ams.uncertainty or None,
        "best": ams.best_cut,
        # What is expected in the full sample is known only by weights.
        "signalSum": ams.signal_sum if weighted else None,
        "backgroundSum": ams.background_sum if weighted else None,
        "top": float(
            np.max(np.asarray(ams.ams) + (np.asarray(ams.uncertainty) if ams.uncertainty else 0.0), initial=1e-9)
        ),
    }


def _texts(label: str, *, probabilities: bool) -> dict[str, str]:
    """Every word of the component, in the reader's language; they are drawn as text, never as markup."""
    axis = _("Cut on the probability of {label}") if probabilities else _("Cut on the score of {label}")
    return {
        "axis": axis.format(label=label),
        "slider": _("Threshold; drag the line, or move it with the arrow keys"),
        "cut": _("Cut"),
        "ams": _("AMS"),
        "fraction": _("Fraction"),
        "signalEvents": _("Signal events selected"),
        "backgroundEvents": _("Background events selected"),
        "signalExpected": _("Signal expected in the full sample"),
        "backgroundExpected": _("Background expected in the full sample"),
        "signal": _("Signal efficiency"),
        "background": _("Background efficiency"),
        "purity": _("Purity"),
        "of": _("{part} of {all}"),
        "best": _("Best AMS"),
        "own": _("The model's own"),
        "chart": _("AMS, efficiencies and purity against the cut"),
        "chartWithout": _("Efficiencies and purity against the cut"),
    }
