"""Curves that compare models: ROC, purity against efficiency, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from eventsieve.palette import TRAIN
from eventsieve.records import ClassCurves, Evaluation, Score
from eventsieve.web.charts.style import (
    DASHES,
    MARKERS,
    class_colours,
    class_titles,
    empty,
    model_styles,
    new_figure,
    short,
    shown,
    weighting,
)
from eventsieve.web.i18n import _, decimal

__all__ = ["calibration", "precision_recall", "roc"]

Scores = Mapping[str, Sequence[Score]]
"""Models' figures of merit by their names, for the intervals in the legend."""
SQUARE = 420


class _Line(NamedTuple):
    model: str
    title: str
    curves: ClassCurves
    colour: str
    dash: str
    whole: bool
    """Whether it is the only line of its model, and the model's figures of merit are its."""


def roc(
    evaluations: Mapping[str, Evaluation],
    *,
    zoom: float | None = None,
    rejection: bool = False,
    scores: Scores | None = None,
) -> go.Figure:
    """Signal efficiency against background efficiency, a line for each model or class; the area is in the legend.

    Args:
        evaluations: by the models' names. Of several classes, each is drawn against all others; of several models,
            only the signal, where one is named.
        zoom: the largest background efficiency that is shown; ``None``: all.
        rejection: whether to draw the background's rejection, one less its efficiency, against the signal's efficiency.
        scores: figures of merit by the models' names; the interval of the area is taken from them.
    """
    lines = list(_lines(evaluations))
    if not lines:
        return empty(_("There are no curves: nothing was evaluated."))
    texts = _("Signal efficiency"), _("Background rejection (1 \N{MINUS SIGN} efficiency)"), _("Background efficiency")
    x, y = (texts[0], texts[1]) if rejection else (texts[2], texts[0])
    figure = new_figure(x, y, height=SQUARE, entries=len(lines), note=_events(evaluations))
    what = (
        _("rejection of the background %{y:.4f}<br>at signal efficiency %{x:.4f}")
        if rejection
        else _("signal efficiency %{y:.4f}<br>at background efficiency %{x:.4f}")
    )
    for line in lines:
        curve = line.curves.roc
        kept = [1.0 - value for value in curve.background]
        figure.add_scatter(
            x=curve.signal if rejection else curve.background,
            y=kept if rejection else curve.signal,
            mode="lines",
            line={"color": line.colour, "dash": line.dash, "width": 2.2},
            name=f"{line.title}  {_area(_('AUC'), curve.auc, 'roc_auc', line, scores)}",
            customdata=["\N{EN DASH}" if cut is None else short(cut, 4) for cut in curve.cut],
            meta=line.title,
            hovertemplate=f"%{{meta}}<br>{what}<br>{_('cut')} %{{customdata}}<extra></extra>",
        )
    _diagonal(figure, falling=rejection)
    _frame(figure)
    if zoom is not None:
        _zoom(figure, lines, zoom, rejection=rejection)
    return figure


def precision_recall(evaluations: Mapping[str, Evaluation], *, scores: Scores | None = None) -> go.Figure:
    """Purity against signal efficiency, a line for each model or class; the average precision is in the legend.

    Args:
        evaluations: as for ``roc``.
        scores: figures of merit by the models' names; the interval of the area is taken from them.
    """
    lines = list(_lines(evaluations))
    if not lines:
        return empty(_("There are no curves: nothing was evaluated."))
    title, other = _("Signal efficiency (recall)"), _("Purity (precision)")
    figure = new_figure(title, other, height=SQUARE, entries=len(lines), note=_events(evaluations))
    what = _("purity %{y:.4f}<br>at signal efficiency %{x:.4f}")
    for line in lines:
        curve = line.curves.precision_recall
        area = _area(_("AP"), curve.average_precision, "average_precision", line, scores)
        figure.add_scatter(
            x=curve.recall,
            y=curve.precision,
            mode="lines",
            line={"color": line.colour, "dash": line.dash, "width": 2.2, "shape": "hv"},
            name=f"{line.title}  {area}",
            meta=line.title,
            hovertemplate=f"%{{meta}}<br>{what}<extra></extra>",
        )
    _frame(figure)
    return figure


def calibration(evaluation: Evaluation) -> go.Figure:
    """What part of the events is signal where the model says so, in bins of equal population, with its uncertainty."""
    drawn = [(curves, curves.calibration) for curves in evaluation.curves if curves.calibration is not None]
    if not drawn:
        return empty(_("The model gives no probabilities; there is nothing to calibrate."))
    colours = class_colours(evaluation.classes, evaluation.signal)
    titles = class_titles(evaluation.classes, evaluation.signal)
    x, y = _("Mean predicted probability"), _("Observed fraction")
    note = weighting(evaluation.validation_events, weighted=evaluation.weighted)
    figure = new_figure(x, y, height=SQUARE, entries=len(drawn), note=note)
    what = _("predicted %{x:.3f}, observed %{y:.3f} ± %{error_y.array:.3f}<br>%{customdata} events")
    for place, (curves, bins) in enumerate(drawn):
        figure.add_scatter(
            x=bins.predicted,
            y=bins.observed,
            error_y={"array": bins.uncertainty, "thickness": 1.4, "width": 3},
            mode="lines+markers",
            marker={"symbol": MARKERS[place % len(MARKERS)], "size": 7},
            line={"color": colours[curves.label], "width": 1.2, "dash": DASHES[place % len(DASHES)]},
            name=titles[curves.label],
            customdata=[decimal(events) for events in bins.events],
            meta=titles[curves.label],
            hovertemplate=f"%{{meta}}<br>{what}<extra></extra>",
        )
    _diagonal(figure, falling=False)
    _frame(figure)
    figure.update_layout(showlegend=True)
    return figure


def _lines(evaluations: Mapping[str, Evaluation]) -> Iterator[_Line]:
    """The curves with their titles and styles: of one model in the classes' colours, of several in the models'.

    Of several models with several classes, only the signal is drawn where one is named: more could not be told apart.
    """
    styles = model_styles(evaluations)
    alone = len(evaluations) == 1
    for model, found in evaluations.items():
        several = len(found.curves) > 1
        colours, titles = class_colours(found.classes, found.signal), class_titles(found.classes, found.signal)
        for place, curves in enumerate(found.curves):
            if not alone and several and found.signal not in (None, curves.label):
                continue
            name = " ".join(
                part
                for part in ("" if alone and several else shown(model), titles[curves.label] if several else "")
                if part
            )
            colour = colours[curves.label] if alone else styles[model]["color"]
            dash = DASHES[place % len(DASHES)] if alone else styles[model]["dash"]
            yield _Line(model, name, curves, colour, dash, whole=not several)


def _area(title: str, value: float, name: str, line: _Line, scores: Scores | None) -> str:
    """The area below a curve, with its interval where that is known."""
    text = f"{title} {decimal(value, 3)}"
    known = [score for score in (scores or {}).get(line.model, ()) if score.name == name and line.whole]
    # The curve is weighted where the events have weights, and so is the score that goes with it.
    found = max(known, key=lambda score: score.weighted, default=None)
    if found is None or found.low is None or found.high is None:
        return text
    return f"{text} [{decimal(found.low, 3)}, {decimal(found.high, 3)}]"


def _events(evaluations: Mapping[str, Evaluation]) -> str:
    kinds = {(found.validation_events, found.weighted) for found in evaluations.values()}
    if len(kinds) > 1:
        return _("each on its own validation events")
    events, weighted = kinds.pop()
    return weighting(events, weighted=weighted)


def _diagonal(figure: go.Figure, *, falling: bool) -> None:
    """Where a curve lies that says nothing, or, of a calibration, the truth."""
    figure.add_scatter(
        x=[0, 1],
        y=[1, 0] if falling else [0, 1],
        mode="lines",
        line={"color": TRAIN, "width": 1.2, "dash": "dot"},
        showlegend=False,
        hoverinfo="skip",
    )


def _frame(figure: go.Figure) -> None:
    figure.update_xaxes(range=[-0.005, 1.005], showgrid=True)
    figure.update_yaxes(range=[0, 1.02])
    figure.update_layout(showlegend=True)


def _zoom(figure: go.Figure, lines: Sequence[_Line], zoom: float, *, rejection: bool) -> None:
    """Show where little background is left."""
    kept = [
        signal
        for line in lines
        for signal, background in zip(line.curves.roc.signal, line.curves.roc.background, strict=True)
        if background <= zoom
    ]
    most = min(1.02, 1.08 * max(kept, default=1.0) or 1.02)
    if rejection:
        figure.update_xaxes(range=[0, most])
        figure.update_yaxes(range=[1 - zoom, 1 + 0.02 * zoom])
    else:
        figure.update_xaxes(range=[0, zoom])
        figure.update_yaxes(range=[0, most])
