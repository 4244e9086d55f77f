"""Models side by side, by one figure of merit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, grid, new_chart, note
from eventsieve.errors import BadRequest
from eventsieve.palette import ACCENT
from eventsieve.records import Comparison, Score

__all__ = ["plot_comparison"]


def plot_comparison(found: Comparison, name: str = "roc_auc") -> Chart:
    """One figure of merit of each model with the central 68.3 % of its bootstrap replicas, the best on top.

    Raises:
        BadRequest: there is no such figure of merit.
    """
    scores = {model: _score(found.scores[model], name) for model in found.ranking}
    known = {model: score for model, score in scores.items() if score is not None}
    if not known:
        names = sorted({score.name for row in found.scores.values() for score in row})
        raise BadRequest(f"There is no figure of merit {name!r} in this comparison; there are: {', '.join(names)}.")
    with new_chart(size=(6.8, 1.5 + 0.4 * len(known))) as (figure, panels):
        axes: Axes = panels[0, 0]
        places = np.arange(len(known))
        values = np.array([score.value for score in known.values()])
        low = np.array([score.value if score.low is None else score.low for score in known.values()])
        high = np.array([score.value if score.high is None else score.high for score in known.values()])
        errors = np.clip(np.stack([values - low, high - values]), 0, None)
        axes.errorbar(values, places, xerr=errors, fmt="o", color=ACCENT, markersize=6, capsize=3)
        axes.set_yticks(places, list(known))
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(known) - 0.5, -0.5)
        axes.set_xlabel(name)
        grid(axes)
        weighted = all(score.weighted for score in known.values())
        note(axes, f"{found.events:,} events, {'weighted' if weighted else 'unweighted'}")
    return figure


def _score(scores: tuple[Score, ...], name: str) -> Score | None:
    """The weighted one, where there is one."""
    return max((score for score in scores if score.name == name), key=lambda score: score.weighted, default=None)
