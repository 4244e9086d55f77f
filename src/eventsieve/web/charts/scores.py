"""The scores of training and validation events by class: the picture of overtraining."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from eventsieve.records import Distribution, Evaluation
from eventsieve.web.charts.style import (
    DASHES,
    LOGARITHMIC,
    MARKERS,
    class_colours,
    class_titles,
    empty,
    faint,
    new_figure,
    panels,
    short,
)
from eventsieve.web.i18n import N_, _, decimal
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain

__all__ = ["overtraining_lines", "scores"]

PANEL = 230
VERDICTS = {
    "no sign of overtraining": N_("No sign of overtraining"),
    "overtrained": N_("Overtrained"),
    "not tested": N_("Not tested for overtraining"),
}


def scores(evaluation: Evaluation, log: bool = False) -> go.Figure:  # noqa: FBT001, FBT002 - the pages' interface
    """Score distributions by class: training events filled, validation events as points with errors.

    Signal and background share the axes; of several classes each has its own, of its own probability.

    Args:
        evaluation: of the model.
        log: whether the contents are on a logarithmic axis.
    """
    found = evaluation.distributions
    if not found:
        return empty(_("There are no score distributions."), *map(translated_sentence, evaluation.left_out))
    together = len(evaluation.classes) == 2
    groups = [list(found)] if together else [[each] for each in found]
    height = 380 if together else PANEL * len(groups)
    base = new_figure(height=height, entries=2 * len(found))
    figure = panels(base, rows=len(groups), cols=1, vertical_spacing=0.36 / len(groups))
    colours = class_colours(evaluation.classes, evaluation.signal)
    titles = class_titles(evaluation.classes, evaluation.signal)
    for row, group in enumerate(groups, start=1):
        for each in group:
            # On axes of its own an outline needs no dashes.
            place = evaluation.classes.index(each.label) if together else 0
            _draw(figure, each, titles[each.label], row=row, colour=colours[each.label], place=place)
        of = evaluation.signal if together and evaluation.signal else group[0].label
        title = _("Probability of {label}") if evaluation.probabilities else _("Score of {label}")
        edges = group[0].edges
        figure.update_xaxes(title_text=title.format(label=titles[of]), range=[edges[0], edges[-1]], row=row)
    figure.update_yaxes(title={"text": _("Fraction of the class / bin") if together else _("Fraction"), "standoff": 12})
    figure.update_xaxes(title_standoff=8)
    figure.update_yaxes(**LOGARITHMIC) if log else figure.update_yaxes(rangemode="tozero")
    figure.update_layout(showlegend=True)
    return figure


def overtraining_lines(evaluation: Evaluation) -> list[str]:
    """What the test of overtraining found, as sentences of Markdown: the verdict, its reason, and each class's test."""
    titles = class_titles(evaluation.classes, evaluation.signal)
    lines = [f"**{_(VERDICTS[evaluation.verdict])}.** {plain(translated_sentence(evaluation.verdict_reason))}"]
    for test in evaluation.overtraining:
        text = _("{label}: Kolmogorov-Smirnov distance {distance}, p = {p} ({permutations} permutations)")
        values = {
            "label": plain(titles.get(test.label, test.label)),
            "distance": decimal(test.statistic, 4),
            "p": decimal(test.p_value, 3),
            "permutations": decimal(test.permutations),
        }
        lines.append(text.format(**values))
    return lines


def _draw(figure: go.Figure, found: Distribution, title: str, *, row: int, colour: str, place: int) -> None:
    edges = found.edges
    centres = [(low + high) / 2 for low, high in pairwise(edges)]
    if found.train:
        name = _("{label}, training").format(label=title)
        figure.add_scatter(
            x=edges,
            y=[*found.train, found.train[-1]],
            mode="lines",
            line={"color": colour, "width": 1.5, "shape": "hv", "dash": DASHES[place % len(DASHES)]},
            fill="tozeroy",
            fillcolor=faint(colour, 0.25),
            name=name,
            hoverinfo="skip",
            row=row,
            col=1,
        )
    name = _("{label}, validation").format(label=title)
    figure.add_scatter(
        x=centres,
        y=found.validation,
        error_y={"array": found.validation_error, "thickness": 1.4, "width": 0},
        mode="markers",
        marker={"color": colour, "size": 6, "symbol": MARKERS[place % len(MARKERS)]},
        name=name,
        customdata=_hover(found, title),
        hovertemplate="%{customdata}<extra></extra>",
        row=row,
        col=1,
    )


def _hover(found: Distribution, title: str) -> Sequence[str]:
    lines = []
    for place, (value, error) in enumerate(zip(found.validation, found.validation_error, strict=True)):
        low, high = found.edges[place], found.edges[place + 1]
        text = f"{title}<br>{short(low)} \N{EN DASH} {short(high)}<br>"
        text += _("validation {value} ± {error}").format(value=decimal(value, 4), error=decimal(error, 4))
        if found.train:
            train = decimal(found.train[place], 4), decimal(found.train_error[place], 4)
            text += "<br>" + _("training {value} ± {error}").format(value=train[0], error=train[1])
        lines.append(text)
    return lines
