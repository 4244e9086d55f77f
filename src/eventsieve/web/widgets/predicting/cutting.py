"""The cut on the score: a slider, a number, and the cuts that are known to be good. It stands in the address."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from eventsieve.client import Model
from eventsieve.records import ScoreSummary
from eventsieve.web.i18n import _, decimal

__all__ = ["OWN", "THRESHOLD", "best_ams", "cut_of", "draw_cut"]

THRESHOLD = "threshold"
"""Of the address's query."""
OWN = "own"
"""Its value where the model's own cut holds."""
SLIDER, NUMBER = "predict:slider", "predict:number"


def cut_of(summary: ScoreSummary) -> float | None:
    """The cut that the address asks for: the model's own where it asks for no other, or for none that there can be."""
    if summary.threshold is None:
        return None
    try:
        asked = float(st.query_params.get(THRESHOLD, OWN))
    except ValueError:
        return summary.threshold
    low, high = (0.0, 1.0) if summary.probabilities else (-math.inf, math.inf)
    return asked if math.isfinite(asked) and low <= asked <= high else summary.threshold


def best_ams(model: Model) -> float | None:
    """The cut of the best AMS on validation events, that with weights where there is one; ``None`` without any."""
    cuts = {score.weighted: score.cut for score in model.scores if score.name == "ams" and score.cut is not None}
    return cuts[max(cuts)] if cuts else None


def draw_cut(summary: ScoreSummary, model: Model, cut: float) -> None:
    """Draw what the cut is moved with.

    Args:
        summary: the scores; its threshold is the model's own.
        model: the model.
        cut: as it stands.
    """
    edges, best = summary.edges, best_ams(model)
    digits = max(2, -math.floor(math.log10(edges[1] - edges[0])) + 1)
    # What the widgets hold follows the address, so that all of them say the same. What says so already is left alone:
    # a hand may be on it, and be further by now.
    for key, value in ((SLIDER, edges[_nearest(edges, cut)]), (NUMBER, cut)):
        if st.session_state.get(key) != value:
            st.session_state[key] = value
    st.select_slider(
        _("Cut on the score: events above it are selected"),
        edges,
        format_func=lambda edge: decimal(edge, digits),
        key=SLIDER,
        on_change=lambda: _put(st.session_state[SLIDER]),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            _("Cut"),
            min_value=0.0 if summary.probabilities else None,
            max_value=1.0 if summary.probabilities else None,
            step=edges[1] - edges[0],
            format=f"%.{max(digits, 4)}f",
            key=NUMBER,
            on_change=lambda: _put(st.session_state[NUMBER]),
            width=180,
        )
        st.button(
            _("The model's own"),
            key="predict:own",
            on_click=lambda: _put(None),
            disabled=cut == summary.threshold,
            help=decimal(summary.threshold, 4),
        )
        st.button(
            _("Best AMS"),
            key="predict:ams",
            on_click=lambda: _put(best),
            disabled=best is None or cut == best,
            help=decimal(best, 4)
            if best is not None
            else _("The model has none: train it with a validation on signal and background."),
        )


def _put(cut: float | None) -> None:
    st.query_params[THRESHOLD] = OWN if cut is None else repr(cut)


def _nearest(edges: Sequence[float], cut: float) -> int:
    return min(range(len(edges)), key=lambda place: abs(edges[place] - cut))
