"""The scores of predicted events: how many are where, and where the cut is."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from eventsieve.palette import SLATE
from eventsieve.records import ScoreSummary
from eventsieve.web.charts.style import (
    DASHES,
    LOGARITHMIC,
    MARK,
    class_colours,
    class_titles,
    faint,
    new_figure,
)
from eventsieve.web.i18n import _, decimal

__all__ = ["predicted"]

SHOWN = 50
"""About so many bins are drawn; the summary has finer ones, for the cut."""


def predicted(
    summary: ScoreSummary, threshold: float | None = None, *, log: bool = False, weighted: bool = False
) -> go.Figure:
    """The distribution of the scores, by class where the data set has labels, with the cut.

    Args:
        summary: the scores, counted.
        threshold: the cut; ``None`` where there is none.
        log: whether the contents are on a logarithmic axis.
        weighted: whether events count by their weights, where they have some.
    """
    weighted = weighted and all(each.weights for each in summary.scores)
    width = max(1, round((len(summary.edges) - 1) / SHOWN))
    edges = _coarse_edges(summary.edges, width)
    figure = new_figure(_score_title(summary), entries=len(summary.scores))
    step = f"{edges[1] - edges[0]:.3g}".replace(".", figure.layout.separators[0])
    content = _("Sum of weights / {step}") if weighted else _("Events / {step}")
    figure.update_yaxes(title_text=content.format(step=step))
    styles = _styles(summary)
    for place, each in enumerate(summary.scores):
        values = _coarse(each.weights if weighted else each.counts, width)
        name, colour = styles[place]
        figure.add_scatter(
            x=edges,
            y=[*values, values[-1]],
            mode="lines",
            line={"color": colour, "width": 1.5, "shape": "hv", "dash": DASHES[place % len(DASHES)]},
            fill="tozeroy",
            fillcolor=faint(colour, 0.25),
            name=name,
            customdata=_hover(edges, values, name, digits=2 if weighted else 0),
            hovertemplate="%{customdata}<extra></extra>",
        )
    if threshold is not None:
        figure.add_vline(
            x=threshold,
            line={"color": MARK, "dash": "dash", "width": 2},
            annotation={"text": _("cut {value}").format(value=decimal(threshold, 4)), "font": {"color": MARK}},
            annotation_position="top left" if threshold > (edges[0] + edges[-1]) / 2 else "top right",
        )
    figure.update_yaxes(**LOGARITHMIC) if log else figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(range=[edges[0], edges[-1]])
    figure.update_layout(showlegend=True)
    return figure


def _score_title(summary: ScoreSummary) -> str:
    title = _("Probability of {label}") if summary.probabilities else _("Score of {label}")
    if summary.signal is None and len(summary.classes) > 2:
        return title.format(label=_("the class itself"))
    of = summary.scores[0].score_of
    return title.format(label=class_titles(summary.classes, summary.signal)[of])


def _styles(summary: ScoreSummary) -> list[tuple[str, str]]:
    """What each of the distributions is called, and its colour."""
    several = len({each.score_of for each in summary.scores}) > 1
    labels = summary.classes if several else tuple(each.label for each in summary.scores if each.label is not None)
    # In the order of the model, so that a class has the same colour here and in the model's evaluation.
    ordered = summary.classes if set(labels) <= set(summary.classes) else labels
    colours, titles = class_colours(ordered, summary.signal), class_titles(ordered, summary.signal)
    rest = _("without a label") if labels else _("all events")
    wanted = [each.score_of if several else each.label for each in summary.scores]
    return [(rest, SLATE) if label is None else (titles[label], colours[label]) for label in wanted]


def _coarse_edges(edges: Sequence[float], width: int) -> list[float]:
    bins = -(-(len(edges) - 1) // width)
    step = edges[1] - edges[0]
    return [
        edges[place] if place < len(edges) else edges[0] + place * step for place in range(0, bins * width + 1, width)
    ]


def _coarse(values: Sequence[float], width: int) -> list[float]:
    return [sum(values[place : place + width]) for place in range(0, len(values), width)]


def _hover(edges: Sequence[float], values: Sequence[float], name: str, digits: int) -> list[str]:
    lines = [
        f"{name}<br>{edges[place]:.3g} \N{EN DASH} {edges[place + 1]:.3g}<br>{decimal(value, digits)}"
        for place, value in enumerate(values)
    ]
    return [*lines, lines[-1]]
