"""What matters and what is confused: importance of features, table of true and predicted classes."""

from __future__ import annotations

import plotly.graph_objects as go

from eventsieve.palette import BACKGROUND, SLATE, TRAIN
from eventsieve.records import Evaluation
from eventsieve.web.charts.style import aliases, class_titles, empty, new_figure, pale, shown, weighting
from eventsieve.web.i18n import _, decimal, percent
from eventsieve.web.sentences import translated_sentence

__all__ = ["confusion", "importance"]

BAR = 22
SCALE = [[0.0, pale(BACKGROUND, 0.12)], [1.0, BACKGROUND]]


def importance(evaluation: Evaluation, features: int | None = None) -> go.Figure:
    """What the ROC AUC loses when a feature's values are shuffled, the one that matters most on top.

    Args:
        evaluation: of the model.
        features: how many are shown; ``None``: all.
    """
    found = evaluation.importance[:features]
    if not found:
        return empty(_("The importance of the features is not known."), *map(translated_sentence, evaluation.left_out))
    names = [each.feature for each in found]
    figure = new_figure(_("Loss of ROC AUC when shuffled"), height=100 + BAR * len(found), entries=0)
    figure.add_bar(
        x=[each.drop for each in found],
        y=names,
        orientation="h",
        marker_color=SLATE,
        error_x={"array": [each.uncertainty for each in found], "color": TRAIN, "thickness": 1.6, "width": 3},
        customdata=[
            f"{shown(each.feature)}<br>{decimal(each.drop, 4)} ± {decimal(each.uncertainty, 4)}" for each in found
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_xaxes(showgrid=True, zeroline=True)
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        tickmode="linear",
        dtick=1,
        labelalias=aliases(names),
        showgrid=False,
    )
    figure.update_layout(showlegend=False, bargap=0.25)
    return figure


def confusion(evaluation: Evaluation) -> go.Figure:
    """The share of each true class (row) that is taken for each class (column)."""
    titles = class_titles(evaluation.classes, evaluation.signal)
    names = evaluation.classes
    shares = [_shares(row) for row in evaluation.confusion]
    note = weighting(evaluation.validation_events, weighted=evaluation.weighted)
    height = 130 + 56 * len(names)
    figure = new_figure(_("Predicted class"), _("True class"), height=height, entries=0, note=note)
    figure.add_heatmap(
        x=names,
        y=names,
        z=shares,
        zmin=0,
        zmax=1,
        colorscale=SCALE,
        showscale=False,
        text=[[percent(share) for share in line] for line in shares],
        texttemplate="%{text}",
        textfont={"size": 14},
        xgap=2,
        ygap=2,
        customdata=[
            [
                _("{true}, taken for {predicted}<br>{share}, sum {total}").format(
                    true=titles[true],
                    predicted=titles[predicted],
                    share=percent(share),
                    total=decimal(total, 0 if abs(total) >= 1000 or not evaluation.weighted else 2),
                )
                for predicted, share, total in zip(names, line, sums, strict=True)
            ]
            for true, line, sums in zip(names, shares, evaluation.confusion, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_xaxes(type="category", labelalias=titles, showline=False)
    figure.update_yaxes(type="category", labelalias=titles, autorange="reversed", showline=False, showgrid=False)
    figure.update_layout(showlegend=False)
    return figure


def _shares(row: tuple[float, ...]) -> list[float]:
    total = sum(row)
    return [value / total if total > 0 else 0.0 for value in row]
