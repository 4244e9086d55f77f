"""How the features hang together: the matrix of correlation coefficients."""

from __future__ import annotations

import plotly.graph_objects as go

from eventsieve.palette import BACKGROUND, SIGNAL, TRAIN
from eventsieve.records import Correlations, Exploration
from eventsieve.records.exploration import Matrix
from eventsieve.web.charts.style import aliases, empty, faint, new_figure, shown
from eventsieve.web.i18n import _, decimal

__all__ = ["correlations"]

CELL = 17
"""Pixels of a cell's height, at least."""
SCALE = [[0.0, BACKGROUND], [0.5, faint(BACKGROUND, 0)], [0.5, faint(SIGNAL, 0)], [1.0, SIGNAL]]
"""From -1 to 1. What does not correlate shows the page, be it light or dark."""


def correlations(exploration: Exploration, label: str | None = None) -> go.Figure:
    """Pearson's coefficients of all pairs of features, in the events of a class, or in all.

    Args:
        exploration: of the table.
        label: the class; ``None``: all events.
    """
    found = exploration.correlations
    if found is None:
        return empty(_("Correlations were not computed."))
    names, matrix = found.features, _matrix(found, label)
    if matrix is None or not names:
        return empty(_("There are no correlations of these events."))
    side = max(360, CELL * len(names) + 240)
    figure = new_figure(height=side, entries=1)
    figure.add_heatmap(
        z=matrix,
        x=names,
        y=names,
        zmin=-1,
        zmax=1,
        colorscale=SCALE,
        xgap=1,
        ygap=1,
        customdata=[
            [
                f"{shown(row)}<br>{shown(column)}<br><b>{decimal(value, 3)}</b>"
                for column, value in zip(names, line, strict=True)
            ]
            for row, line in zip(names, matrix, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=True,
        colorbar={
            "title": {"text": _("Correlation coefficient"), "side": "top"},
            "orientation": "h",
            "thickness": 10,
            "len": 0.9,
            "x": 0.5,
            "y": 1.0,
            "yanchor": "bottom",
            "tickvals": [-1, -0.5, 0, 0.5, 1],
        },
    )
    _cross(figure, names, matrix)
    figure.update_xaxes(type="category", labelalias=aliases(names), tickangle=-90, showline=False, showgrid=False)
    figure.update_yaxes(
        type="category",
        labelalias=aliases(names),
        autorange="reversed",
        tickmode="linear",
        dtick=1,
        showline=False,
        showgrid=False,
    )
    figure.update_layout(showlegend=False)
    return figure


def _cross(figure: go.Figure, names: tuple[str, ...], matrix: Matrix) -> None:
    """A cross where there is no coefficient: a cell without colour would say that it is zero."""
    cells = [
        (column, row)
        for row, line in zip(names, matrix, strict=True)
        for column, value in zip(names, line, strict=True)
        if value is None
    ]
    figure.add_scatter(
        x=[column for column, _row in cells],
        y=[row for _column, row in cells],
        mode="markers",
        marker={"symbol": "x-thin-open", "size": 6, "color": TRAIN},
        hovertemplate=_("no coefficient") + "<extra></extra>",
    )


def _matrix(found: Correlations, label: str | None) -> Matrix | None:
    if label is None:
        return found.all
    return next((each.matrix for each in found.classes if each.label == label), None)
