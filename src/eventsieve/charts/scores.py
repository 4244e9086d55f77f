"""The scores of training and validation events by class: the picture of overtraining."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, class_colours, class_titles, new_chart, note
from eventsieve.errors import BadRequest
from eventsieve.records import Distribution, Evaluation, Overtraining

__all__ = ["plot_scores"]


def plot_scores(found: Evaluation, name: str = "") -> Chart:
    """Score distributions by class: training events filled, validation events as points, with the KS test.

    Signal against background share a panel; several classes have one each, of their own probability.

    Raises:
        BadRequest: there are no distributions.
    """
    if not found.distributions:
        raise BadRequest(f"There are no score distributions of {name or 'this model'}; train it with a validation.")
    tests = {test.label: test for test in found.overtraining}
    colours = class_colours(found.classes, found.signal)
    titles = class_titles(found.classes, found.signal)
    together = len(found.classes) == 2
    groups = [list(found.distributions)] if together else [[each] for each in found.distributions]
    with new_chart(len(groups), size=(6.8 if together else 4.4, 4.8)) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            for each in group:
                _draw(axes, each, titles[each.label], colours[each.label], tests.get(each.label))
            axes.set_xlim(group[0].edges[0], group[0].edges[-1])
            axes.set_ylim(0, _room(group))
            axes.set_xlabel(_score(found, group[0].label, together=together))
            axes.set_ylabel("Fraction of the class / bin")
            axes.legend(loc="upper center", ncols=2 if together else 1, title=_title(name, found), fontsize=9)
            note(axes, f"{found.train_events:,} training, {found.validation_events:,} validation events")
    return figure


def _draw(axes: Axes, found: Distribution, title: str, colour: str, test: Overtraining | None) -> None:
    edges = np.asarray(found.edges)
    axes.stairs(found.train, edges, fill=True, color=colour, alpha=0.3, label=f"{title}, training")
    axes.stairs(found.train, edges, color=colour, linewidth=1.2)
    tested = f"\nKS {test.statistic:.3f}, p {test.p_value:.3f}" if test is not None else ""
    axes.errorbar(
        (edges[:-1] + edges[1:]) / 2,
        found.validation,
        yerr=found.validation_error,
        fmt="o",
        color=colour,
        markersize=3.5,
        elinewidth=1.0,
        label=f"{title}, validation{tested}",
    )


def _room(group: Sequence[Distribution]) -> float:
    """The upper end of an axis that has the legend above all points and their error bars."""
    highest = max(max((*each.train, *each.validation)) for each in group)
    bars = max(v + e for each in group for v, e in zip(each.validation, each.validation_error, strict=True))
    return max(1.7 * highest, 1.4 * bars)


def _score(found: Evaluation, label: str, *, together: bool) -> str:
    of = class_titles(found.classes, found.signal)[found.signal if together and found.signal else label]
    return f"{'Probability' if found.probabilities else 'Score'} of {of}"


def _title(name: str, found: Evaluation) -> str:
    return f"{name}: {found.verdict}" if name else found.verdict
