"""What matters and what is confused: importance of features, table of true and predicted classes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, class_titles, grid, new_chart, note
from eventsieve.errors import BadRequest
from eventsieve.palette import ACCENT, INK
from eventsieve.records import Evaluation

__all__ = ["plot_confusion", "plot_importance"]


def plot_importance(found: Evaluation, name: str = "", features: int = 20) -> Chart:
    """What the ROC AUC loses when a feature's values are shuffled, the ``features`` that matter most on top.

    Raises:
        BadRequest: it was not evaluated.
    """
    shown = found.importance[:features]
    if not shown:
        raise BadRequest(f"The importance of features of {name or 'this model'} is not known: {_why(found)}")
    with new_chart(size=(6.8, 1.3 + 0.28 * len(shown))) as (figure, panels):
        axes: Axes = panels[0, 0]
        places = np.arange(len(shown))
        axes.barh(
            places,
            [each.drop for each in shown],
            xerr=[each.uncertainty for each in shown],
            color=ACCENT,
            ecolor=INK,
            error_kw={"elinewidth": 1.0},
            height=0.7,
        )
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(places, [each.feature for each in shown])
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlabel("Loss of ROC AUC when shuffled")
        grid(axes)
        note(axes, name)
    return figure


def plot_confusion(found: Evaluation, name: str = "") -> Chart:
    """The share of each true class (row) that is taken for each class (column)."""
    sums = np.asarray(found.confusion, dtype=np.float64)
    total = sums.sum(axis=1, keepdims=True)
    share = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    side = 2.6 + 0.8 * len(found.classes)
    with new_chart(size=(side, side)) as (figure, panels):
        axes: Axes = panels[0, 0]
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(share):
            colour = "white" if value > 0.6 else INK
            axes.text(column, row, f"{value:.1%}", ha="center", va="center", color=colour)
        places, titles = range(len(found.classes)), list(class_titles(found.classes, found.signal).values())
        axes.set_xticks(places, titles)
        axes.set_yticks(places, titles)
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        axes.set_xlabel("Predicted")
        axes.set_ylabel("True")
        note(axes, f"{name} {'weighted' if found.weighted else 'unweighted'}".strip())
    return figure


def _why(found: Evaluation) -> str:
    return " ".join(found.left_out) or "train it with a validation."
