"""What a comparison of models found: in a sentence, in tables, in charts."""

from __future__ import annotations

import streamlit as st

from eventsieve.records import Comparison
from eventsieve.web import charts
from eventsieve.web.charts.comparisons import bars, differences
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.texts import metric, plain
from eventsieve.web.widgets.metrics import LESS_IS_BETTER, names, with_uncertainty
from eventsieve.web.widgets.models.significance import LEVEL, Best, best_of, leads

__all__ = ["bars_of", "differences_of", "mcnemar_table", "metrics_by_model", "verdict", "weighting"]

RANKED = "roc_auc"
"""The figure of merit that the server ranks by."""


def verdict(comparison: Comparison) -> str:
    """Which model is best, and over which others that is more than chance, as Markdown."""
    best = comparison.ranking[0]
    weighted = has_weights(comparison)
    score = next(s for s in comparison.scores[best] if s.name == RANKED and s.weighted == weighted)
    head = _("{model} has the largest {figure} ({value}).")
    figure = _("{figure}, weighted").format(figure=metric(RANKED)) if weighted else metric(RANKED)
    value = with_uncertainty(score.value, score.uncertainty)
    text = head.format(model=f"**{plain(best)}**", figure=figure, value=value)
    found = leads(comparison, best, RANKED, weighted=weighted)
    others = [model for model in comparison.ranking if model in found]
    sure = [plain(model) for model in others if found[model] < LEVEL]
    unsure = [plain(model) for model in others if found[model] >= LEVEL]
    if sure:
        text += " " + _("Its lead over {models} is more than chance.").format(models=", ".join(sure))
    if unsure:
        text += " " + _("Its lead over {models} may be chance.").format(models=", ".join(unsure))
    return text


def has_weights(comparison: Comparison) -> bool:
    """Whether the events have weights."""
    return any(score.weighted for scores in comparison.scores.values() for score in scores)


def weighting(comparison: Comparison) -> bool:
    """Let the reader choose whether events count by their weights, where they have some."""
    if not has_weights(comparison):
        return False
    options = {True: _("Weighted"), False: _("Each event once")}
    chosen = st.segmented_control(
        _("Events count"), list(options), format_func=options.__getitem__, default=True, key="weighted", required=True
    )
    return bool(chosen)


def known(comparison: Comparison, *, weighted: bool) -> list[str]:
    """The figures of merit that any model has."""
    return names(s for scores in comparison.scores.values() for s in scores if s.weighted == weighted)


def metrics_by_model(comparison: Comparison, *, weighted: bool) -> None:
    """Draw a table with a row for each figure of merit and a column for each model, the best one marked."""
    figures = known(comparison, weighted=weighted)
    columns: dict[str, list[str]] = {_("Figure of merit"): [_label(name) for name in figures]}
    best = [best_of(comparison, name, weighted=weighted) for name in figures]
    columns[_("Best")] = [each.model if each else "" for each in best]
    columns[_("Better than the next")] = [_told(each) for each in best]
    for model in comparison.ranking:
        # A model may be called as one of the other columns is.
        columns[f"{model}\N{ZERO WIDTH SPACE}"] = [
            _cell(comparison, model, name, each, weighted=weighted) for name, each in zip(figures, best, strict=True)
        ]
    st.dataframe(columns, hide_index=True, height="content", alt=_("Figures of merit of the compared models"))
    st.caption(
        _(
            "★ best; ★★ significantly better than the next. p-values are corrected by Holm's method for the number of "
            "models that the best is compared with; significant is below {level}. Where no bootstrap replica speaks "
            "against a difference, p is that of a normal distribution. ± is one standard deviation."
        ).format(level=decimal(LEVEL, 2))
    )


def bars_of(comparison: Comparison, *, weighted: bool) -> None:
    """Draw all figures of merit as grouped bars."""
    figure = bars(comparison, known(comparison, weighted=weighted), weighted)
    charts.show(figure, key="bars", alt=_("Figures of merit of the compared models, a bar each"))


def differences_of(comparison: Comparison) -> None:
    """Draw the differences of one figure of merit, pair by pair."""
    figures = list(dict.fromkeys(each.name for each in comparison.differences))
    start = figures.index(RANKED) if RANKED in figures else 0
    name = st.selectbox(_("Figure of merit"), figures, index=start, format_func=metric, key="difference", width=320)
    alt = _("Differences of {figure} between each two models").format(figure=metric(name))
    charts.show(differences(comparison, name), key="differences", alt=alt)


def mcnemar_table(comparison: Comparison) -> None:
    """Draw McNemar's test of each pair."""
    found = comparison.mcnemar
    st.caption(
        _(
            "McNemar's test looks at the events that only one of two models decides rightly. "
            "It counts events and knows no weights."
        )
    )
    st.dataframe(
        {
            _("First"): [each.first for each in found],
            _("Second"): [each.second for each in found],
            _("Only the first is right"): [each.only_first for each in found],
            _("Only the second is right"): [each.only_second for each in found],
            "p": [_p(each.p_value) for each in found],
            _("Better"): [each.better or _("may be chance") for each in found],
        },
        hide_index=True,
        height="content",
        alt=_("McNemar's test of each pair of models"),
    )


def events_of(comparison: Comparison) -> str:
    """How many events were compared on, and how many were left out."""
    text = ngettext("Compared on {events} event.", "Compared on {events} events.", comparison.events)
    text = text.format(events=decimal(comparison.events))
    if comparison.seen:
        left = ngettext(
            "{seen} event was left out because a model was trained on it.",
            "{seen} events were left out because a model was trained on them.",
            comparison.seen,
        )
        text += " " + left.format(seen=decimal(comparison.seen))
    return text


def _label(name: str) -> str:
    return _("{figure} (less is better)").format(figure=metric(name)) if name in LESS_IS_BETTER else metric(name)


def _cell(comparison: Comparison, model: str, name: str, best: Best | None, *, weighted: bool) -> str:
    score = next((s for s in comparison.scores[model] if s.name == name and s.weighted == weighted), None)
    if score is None:
        return "\N{EN DASH}"
    mark = "" if best is None or best.model != model else " ★★" if best.significant else " ★"
    return with_uncertainty(score.value, score.uncertainty) + mark


def _told(best: Best | None) -> str:
    """Whether the best is better than the next, and over which one it may be chance."""
    if best is None or best.next is None or best.p_value is None:
        return ""
    text = _("significant (p {p})") if best.significant else _("may be chance (p {p})")
    return text.format(p=_p(best.p_value))


def _p(value: float) -> str:
    return _("< {bound}").format(bound=decimal(0.001, 3)) if value < 0.001 else f"= {decimal(value, 3)}"
