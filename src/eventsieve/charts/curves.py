"""Curves that compare models: ROC, purity against efficiency, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, class_colours, class_titles, grid, new_chart, note, styles
from eventsieve.errors import BadRequest
from eventsieve.palette import MUTED
from eventsieve.records import ClassCurves, Evaluation

__all__ = ["plot_calibration", "plot_precision_recall", "plot_roc"]


def plot_roc(models: Mapping[str, Evaluation]) -> Chart:
    """Signal efficiency against background efficiency, a line for each model or class; the area is in the legend.

    Args:
        models: evaluations by the models' names. Of several classes, each is drawn against all others; of several
            models, only the signal, where one is named.
    """
    with new_chart() as (figure, panels):
        axes: Axes = panels[0, 0]
        for label, curves, style in _lines(models):
            roc = curves.roc
            axes.plot(roc.background, roc.signal, label=f"{label}  AUC {roc.auc:.3f}", **style)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
        _frame(axes, "Background efficiency", "Signal efficiency")
        axes.legend(loc="lower right")
        _say_weighted(axes, models)
    return figure


def plot_precision_recall(models: Mapping[str, Evaluation]) -> Chart:
    """Purity against signal efficiency, a line for each model or class; the average precision is in the legend."""
    with new_chart() as (figure, panels):
        axes: Axes = panels[0, 0]
        for label, curves, style in _lines(models):
            found = curves.precision_recall
            text = f"{label}  AP {found.average_precision:.3f}"
            axes.step(found.recall, found.precision, where="post", label=text, **style)
        _frame(axes, "Signal efficiency (recall)", "Purity (precision)")
        axes.legend(loc="lower left")
        _say_weighted(axes, models)
    return figure


def plot_calibration(found: Evaluation, name: str = "") -> Chart:
    """Observed fraction against predicted probability, in bins of equal population, with its uncertainty.

    Raises:
        BadRequest: the model gives no probabilities.
    """
    drawn = [(curves, curves.calibration) for curves in found.curves if curves.calibration is not None]
    if not drawn:
        raise BadRequest(f"{name or 'The model'} gives no probabilities; there is nothing to calibrate.")
    colours, titles = class_colours(found.classes, found.signal), class_titles(found.classes, found.signal)
    with new_chart() as (figure, panels):
        axes: Axes = panels[0, 0]
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
        for number, (curves, bins) in enumerate(drawn):
            axes.errorbar(
                bins.predicted,
                bins.observed,
                yerr=bins.uncertainty,
                color=colours[curves.label],
                marker="osD^v<>p"[number % 8],
                markersize=5,
                capsize=2,
                linewidth=1.0,
                label=titles[curves.label],
            )
        _frame(axes, "Mean predicted probability", "Observed fraction")
        axes.legend(loc="upper left", title=name or None)
        _say_weighted(axes, {name: found})
    return figure


def _lines(models: Mapping[str, Evaluation]) -> Iterator[tuple[str, ClassCurves, dict[str, Any]]]:
    """The curves with their labels and styles: of one model by class colours, of several one style each.

    Of several models with several classes, only the signal is drawn where one is named: more could not be told apart.
    """
    number = 0
    for name, found in models.items():
        colours = class_colours(found.classes, found.signal)
        for curves in found.curves:
            if len(models) > 1 and len(found.curves) > 1 and found.signal not in (None, curves.label):
                continue
            several = len(found.curves) > 1
            label = " ".join(part for part in (name, curves.label if several else "") if part)
            style = styles(number)
            if several and len(models) == 1:
                style["color"] = colours[curves.label]
            yield label, curves, style
            number += 1


def _frame(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    grid(axes)


def _say_weighted(axes: Axes, models: Mapping[str, Evaluation]) -> None:
    counts = {found.validation_events for found in models.values()}
    events = f"{counts.pop():,} validation events" if len(counts) == 1 else "each on its own validation events"
    weighted = all(found.weighted for found in models.values())
    note(axes, f"{events}, {'weighted' if weighted else 'unweighted'}")
