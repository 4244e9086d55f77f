"""What a cut on the score does: efficiencies, purity, significance."""

from __future__ import annotations

import plotly.graph_objects as go

from eventsieve.palette import BACKGROUND, SIGNAL, SLATE, TRAIN
from eventsieve.records import AmsCurve, ClassCurves, Evaluation
from eventsieve.web.charts.style import (
    MARK,
    class_titles,
    empty,
    faint,
    new_figure,
    notes,
    panels,
    short,
    weighting,
    with_note,
)
from eventsieve.web.i18n import _, decimal

__all__ = ["efficiencies", "significance"]


def significance(evaluation: Evaluation, cut: float | None = None) -> go.Figure:
    """The approximate median significance against the cut, with its standard deviation and the best cut.

    Args:
        evaluation: of the model.
        cut: the one that was chosen, to be marked.
    """
    ams = evaluation.ams
    if ams is None:
        return empty(_("There is no significance: no class of these events is the signal."))
    note = notes(
        _("weights scaled to s = {signal}, b = {background}").format(
            signal=decimal(ams.signal_sum), background=decimal(ams.background_sum)
        ),
        _("regularisation of the background: {value}").format(value=short(ams.regularisation)),
    )
    figure = new_figure(_("Cut on the score"), _("AMS [standard deviations]"), entries=4, note=note, hover="x unified")
    if ams.uncertainty:
        _band(figure, ams)
    figure.add_scatter(
        x=ams.cut,
        y=ams.ams,
        mode="lines",
        line={"color": SLATE, "width": 2.2},
        name=_("AMS"),
        customdata=ams.uncertainty or None,
        hovertemplate="%{y:.3f}" + (" ± %{customdata:.3f}" if ams.uncertainty else "") + "<extra></extra>",
    )
    spread = "" if ams.best_uncertainty is None else f" ± {decimal(ams.best_uncertainty, 2)}"
    best = _("best cut {cut}: {ams}").format(cut=short(ams.best_cut), ams=decimal(ams.best, 2) + spread)
    top = 1.08 * max(
        ams.best, *(a + u for a, u in zip(ams.ams, ams.uncertainty or (0.0,) * len(ams.ams), strict=True)), 0
    )
    _vertical(figure, ams.best_cut, top, best, colour=MARK, dash="dash")
    figure.add_scatter(
        x=[ams.best_cut],
        y=[ams.best],
        mode="markers",
        marker={"color": MARK, "size": 11, "symbol": "star"},
        showlegend=False,
        hoverinfo="skip",
    )
    if cut is not None:
        _vertical(figure, cut, top, _("chosen cut {cut}").format(cut=short(cut)), colour=TRAIN, dash="solid")
    figure.update_xaxes(range=_reach(ams.cut, cut), hoverformat=".4g")
    figure.update_yaxes(range=[0, top or 1])
    figure.update_layout(showlegend=True)
    return figure


def efficiencies(evaluation: Evaluation, cut: float | None = None) -> go.Figure:
    """Efficiency of signal and background and purity against the cut; several classes have axes each.

    Args:
        evaluation: of the model.
        cut: the one that was chosen, to be marked.
    """
    curves = evaluation.curves
    if not curves:
        return empty(_("There are no curves: nothing was evaluated."))
    rows = len(curves)
    note = weighting(evaluation.validation_events, weighted=evaluation.weighted)
    base = new_figure(height=380 if rows == 1 else 250 * rows, entries=4, note=note, hover="x unified")
    figure = panels(base, rows=rows, cols=1, vertical_spacing=0.36 / rows)
    titles = class_titles(evaluation.classes, evaluation.signal)
    for row, each in enumerate(curves, start=1):
        _efficiencies(figure, row, each, several=rows > 1)
        axis = _("Cut on the probability of {label}") if evaluation.probabilities else _("Cut on the score of {label}")
        title = axis.format(label=titles[each.label])
        reach = _reach(each.cuts.cut, cut)
        figure.update_xaxes(
            title={"text": with_note(title, note if row == rows else ""), "standoff": 8},
            range=reach,
            hoverformat=".4g",
            row=row,
        )
    if cut is not None and rows == 1:
        _vertical(figure, cut, 1.02, _("chosen cut {cut}").format(cut=short(cut)), colour=TRAIN, dash="solid")
    figure.update_yaxes(title={"text": _("Fraction"), "standoff": 12}, range=[0, 1.02])
    figure.update_layout(showlegend=True)
    return figure


def _efficiencies(figure: go.Figure, row: int, curves: ClassCurves, *, several: bool) -> None:
    cuts = curves.cuts
    lines = (
        (_("efficiency of this class") if several else _("signal efficiency"), cuts.signal_efficiency, SIGNAL, "solid"),
        (
            _("efficiency of the others") if several else _("background efficiency"),
            cuts.background_efficiency,
            BACKGROUND,
            "dash",
        ),
        (_("purity"), cuts.purity, SLATE, "dot"),
    )
    for title, values, colour, dash in lines:
        figure.add_scatter(
            x=cuts.cut,
            y=values,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2.2},
            name=title,
            legendgroup=title,
            showlegend=row == 1,
            hovertemplate="%{y:.4f}",
            row=row,
            col=1,
        )


def _band(figure: go.Figure, ams: AmsCurve) -> None:
    pairs = list(zip(ams.ams, ams.uncertainty, strict=True))
    outline = {"mode": "lines", "line": {"width": 0, "color": SLATE}, "hoverinfo": "skip"}
    figure.add_scatter(x=ams.cut, y=[max(value - error, 0.0) for value, error in pairs], showlegend=False, **outline)
    figure.add_scatter(
        x=ams.cut,
        y=[value + error for value, error in pairs],
        fill="tonexty",
        fillcolor=faint(SLATE, 0.28),
        name=_("± 1 standard deviation"),
        **outline,
    )


def _vertical(figure: go.Figure, cut: float, top: float, title: str, *, colour: str, dash: str) -> None:
    figure.add_scatter(
        x=[cut, cut],
        y=[0, top],
        mode="lines",
        line={"color": colour, "dash": dash, "width": 1.8},
        name=title,
        hoverinfo="skip",
    )


def _reach(cuts: tuple[float, ...], chosen: float | None) -> list[float]:
    """From the lowest to the highest cut, and to the chosen one."""
    known = [*cuts, *([] if chosen is None else [chosen])] or [0.0, 1.0]
    return [min(known), max(known)]
