"""Figures of merit: as numbers with their uncertainties, and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from eventsieve.records import Score
from eventsieve.web import texts
from eventsieve.web.i18n import _, decimal

__all__ = ["LESS_IS_BETTER", "key_figures", "metrics_table", "names", "with_uncertainty"]

DIGITS = 4
LESS_IS_BETTER = frozenset({"log_loss", "brier"})
MINUS = "\N{MINUS SIGN}"


def with_uncertainty(value: float | None, uncertainty: float | None, digits: int = DIGITS) -> str:
    """A number and its standard deviation, to the same place."""
    text = decimal(value, digits).replace("-", MINUS)
    return text if uncertainty is None else f"{text} ± {decimal(uncertainty, digits)}"


def key_figures(scores: Iterable[Score]) -> dict[str, Score]:
    """Each figure of merit once: weighted where there are weights, since that one counts."""
    return {score.name: score for score in sorted(scores, key=lambda score: score.weighted)}


def names(scores: Iterable[Score]) -> list[str]:
    """The figures of merit that there are, in the server's order."""
    return list(dict.fromkeys(score.name for score in scores))


def metrics_table(scores: Sequence[Score]) -> None:
    """Draw the figures of merit of one model, unweighted and weighted beside each other."""
    found = {(score.name, score.weighted): score for score in scores}
    columns: dict[str, list[str]] = {_("Figure of merit"): [_label(name) for name in names(scores)]}
    for weighted, head in ((False, _("Each event once")), (True, _("Weighted"))):
        column = [found.get((name, weighted)) for name in names(scores)]
        if any(column):
            columns[head] = [_value(score) for score in column]
            columns[_("68 % interval") + ("" if weighted else "\N{NO-BREAK SPACE}")] = [_interval(s) for s in column]
    cuts = [next((s.cut for s in scores if s.name == name and s.cut is not None), None) for name in names(scores)]
    if any(cut is not None for cut in cuts):
        columns[_("Cut")] = ["" if cut is None else decimal(cut, DIGITS) for cut in cuts]
    st.dataframe(columns, hide_index=True, height="content", alt=_("Figures of merit on validation events"))


def _label(name: str) -> str:
    label = texts.metric(name)
    return _("{figure} (less is better)").format(figure=label) if name in LESS_IS_BETTER else label


def _value(score: Score | None) -> str:
    return "" if score is None else with_uncertainty(score.value, score.uncertainty)


def _interval(score: Score | None) -> str:
    if score is None or score.low is None or score.high is None:
        return ""
    return f"{decimal(score.low, DIGITS)} \N{EN DASH} {decimal(score.high, DIGITS)}".replace("-", MINUS)
