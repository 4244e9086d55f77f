"""The pages that compare features with one another: undefined values, separation power, correlations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from eventsieve.palette import ACCENT, DIVERGING, INK, MUTED, RULE, STRIPE, TEST, TRAIN
from eventsieve.records import Exploration, ExploredFeature, Schema, Separation
from eventsieve.report.looks import class_legend, class_name, looks, table_legend
from eventsieve.report.pages import Page
from eventsieve.report.style import (
    BOTTOM,
    DASH,
    LEFT,
    MINUS,
    RIGHT,
    TOP,
    Box,
    fixed,
    heading,
    legend,
    number,
    parts,
    short,
    subheading,
)
from eventsieve.report.tables import TableColumn, draw_table

__all__ = ["correlations", "separations", "undefined"]

Floats = npt.NDArray[np.float64]
Matrix = tuple[tuple[float | None, ...], ...]

_BARS = 36
"""Features in one bar chart."""
_PAIRS = 30
"""Pairs of features listed beside a correlation matrix."""
_ANNOTATED = 36
"""Features up to which the coefficients are written into a matrix."""
_LABELLED = 72
"""Features up to which each row of a matrix has its name; of more, every second or third has."""
_CORRELATED = 20
"""Events of a class from which it has a matrix: the coefficients of fewer are chance."""
_MATRICES = 6
"""Classes up to which each has its matrix."""
_PRINTED = 0.05
"""Smallest coefficient that is written: text is the slowest thing to draw, and these say nothing."""
_LABELS = 2.1
"""Width of the names beside a bar chart, inches."""
_BETWEEN = 0.45
"""Space between two bar charts, inches."""


def undefined(found: Exploration) -> Iterator[Page]:
    """Share of the events for which each feature is not defined, by table and by class; no page where all are."""
    title = "Undefined values"
    classes = looks(found)
    if not (found.table.undefined or (found.against and found.against.undefined)):
        return
    for part in parts(found.features, _BARS):

        def draw(figure: Figure, part: Sequence[ExploredFeature] = part) -> None:
            heading(figure, title, "Share of the events, unweighted, for which a feature is not defined.")
            left, right = _bar_axes(figure, part)
            y = np.arange(len(part))
            left.barh(y, [f.all.statistics.undefined for f in part], height=0.7, color=TRAIN, alpha=0.7)
            others = [(f.against.statistics.undefined if f.against else math.nan) or math.nan for f in part]
            left.plot(others, y, "o", color=TEST, markersize=3)
            left.set_xlabel("of all events")
            height = 0.7 / max(len(classes), 1)
            for row, look in enumerate(classes):
                shares = [f.classes[look.position].statistics.undefined for f in part]
                right.barh(y - 0.35 + height * (row + 0.5), shares, height=0.95 * height, color=look.colour, alpha=0.85)
            right.set_xlabel("of the events of each class")
            for axes in (left, right):
                axes.set_xlim(0, 1)
                axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            right.set_visible(bool(classes))
            legend(figure, [*table_legend(found), *class_legend(classes)])

        yield Page(title, draw)


def _bar_axes(figure: Figure, part: Sequence[ExploredFeature]) -> tuple[Axes, Axes]:
    """Two charts side by side with a row for each feature, the first on top; names at the left."""
    width = (RIGHT - LEFT - _LABELS - _BETWEEN) / 2
    height = (TOP - BOTTOM - 0.35) * max(len(part), 6) / _BARS if len(part) < _BARS / 2 else TOP - BOTTOM - 0.35
    bottom = TOP - height
    left = Box(LEFT + _LABELS, bottom, width, height).axes(figure)
    right = Box(LEFT + _LABELS + width + _BETWEEN, bottom, width, height).axes(figure)
    for axes in (left, right):
        axes.set_ylim(len(part) - 0.4, -0.6)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_yticks(range(len(part)), [])
        for row in range(1, len(part), 2):
            axes.axhspan(row - 0.5, row + 0.5, color=STRIPE, zorder=0, linewidth=0)
    left.set_yticks(range(len(part)), [short(feature.column.name) for feature in part], size=7.5)
    return left, right


def separations(found: Exploration) -> Iterator[Page]:
    """The features in the order of their separation power, with the AUC of a cut on each."""
    ranked = [(feature, feature.separation) for feature in found.ranked() if feature.separation is not None]
    if not ranked:
        return
    title = "Separation power"
    pair = ""
    if found.event_schema.classes:
        pair = " Of several classes, the two that the feature separates best: first / second."
    caption = (
        "Separation: ½ ∫ (s \N{MINUS SIGN} b)² / (s + b) dx of the unit-normalised shapes s and b (TMVA Users Guide, "
        "arXiv:physics/0703039), between 0 and 1; the black mark is what equal shapes would give by chance.\n"
        "AUC: area under the ROC curve of a cut on the feature alone; left of 0.5, "
        f"{'the second class' if pair else 'signal'} has the smaller values.{pair}"
    )
    longest = max(ranked[0][1].power or 0.0, 0.0) or 1.0
    for part in parts(ranked, _BARS):

        def draw(figure: Figure, part: Sequence[tuple[ExploredFeature, Separation]] = part) -> None:
            heading(figure, title, caption)
            left, right = _bar_axes(figure, [feature for feature, _ in part])
            for row, (_, apart) in enumerate(part):
                _separation_bar(left, row, apart, longest, _pair(found.event_schema, apart))
                _auc_bar(right, row, apart.auc)
            left.set_xlim(0, (1.75 if pair else 1.18) * longest)
            left.set_xlabel("separation")
            right.axvline(0.5, color=MUTED, linewidth=0.8)
            right.set_xlim(0, 1)
            right.set_xlabel("single-feature AUC")

        yield Page(title, draw)


def _pair(schema: Schema, apart: Separation) -> str:
    if not schema.classes:
        return ""
    return "   " + " / ".join(short(class_name(schema, label), 14) for label in (apart.first, apart.second))


def _separation_bar(axes: Axes, row: int, apart: Separation, longest: float, pair: str) -> None:
    if apart.power is None or apart.chance is None:
        axes.text(0.01 * longest, row, DASH, va="center", size=7)
        return
    axes.barh(row, apart.power, height=0.66, color=ACCENT, alpha=0.85)
    axes.plot([apart.chance] * 2, [row - 0.36, row + 0.36], color=TEST, linewidth=1.2)
    end = max(apart.power, apart.chance) + 0.012 * longest
    axes.text(end, row, f"{fixed(apart.power)}{pair}", va="center", size=7)


def _auc_bar(axes: Axes, row: int, auc: float | None) -> None:
    if auc is None:
        return
    axes.barh(row, auc - 0.5, left=0.5, height=0.66, color=ACCENT, alpha=0.85)
    above = auc >= 0.5
    axes.text(auc + (0.012 if above else -0.012), row, fixed(auc), va="center", ha="left" if above else "right", size=7)


def correlations(found: Exploration) -> Iterator[Page]:
    """Correlation matrices of all events, of each class and of the second table, with the strongest pairs of each."""
    whole = found.correlations
    if whole is None:
        return
    matrices = [("all events" if whole.against is None else "first table", whole.all)]
    if len(whole.classes) <= _MATRICES:
        by_class = {part.label: part.matrix for part in whole.classes}
        events = {part.label: part.events for part in found.table.classes}
        matrices += [(look.name, by_class[look.label]) for look in looks(found) if events[look.label] >= _CORRELATED]
    if whole.against is not None:
        matrices.append(("second table", whole.against))
    for name, rows in matrices:

        def draw(figure: Figure, name: str = name, rows: Matrix = rows) -> None:
            caption = (
                "Pearson's coefficients in per cent, unweighted, over the events for which both features are defined.\n"
                "Grey: one of the two does not vary there, or there are no such events. Not printed: below 5 %."
            )
            heading(figure, f"Correlations: {name}", caption)
            matrix = np.array([[math.nan if value is None else value for value in row] for row in rows])
            matrix = matrix.reshape(len(rows), len(rows))
            _draw_matrix(figure, whole.features, matrix)
            _draw_strongest(figure, whole.features, matrix)

        yield Page("Correlations", draw)


def _draw_matrix(figure: Figure, names: Sequence[str], matrix: Floats) -> None:
    side, left = 5.05, LEFT + 1.5
    axes = Box(left, TOP - side - 0.02, side, side).axes(figure)
    axes.set_facecolor(RULE)
    colours = mpl.colormaps[DIVERGING]
    mesh = axes.pcolormesh(np.ma.masked_invalid(matrix), cmap=colours, vmin=-1, vmax=1, edgecolor="none")
    axes.set_aspect("equal")
    axes.set_ylim(len(names), 0)
    step = -(-len(names) // _LABELLED) or 1
    size = min(7.0, 0.78 * 72 * side * step / max(len(names), 1))
    labels = [short(name) for name in names[::step]]
    ticks = np.arange(len(names))[::step] + 0.5
    axes.set_yticks(ticks, labels, size=size)
    axes.set_xticks(ticks, labels, size=size, rotation=55, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, pad=3)
    bar = figure.colorbar(mesh, cax=Box(left + side + 0.1, TOP - side - 0.02, 0.1, side).axes(figure))
    bar.set_ticks([-1, -0.5, 0, 0.5, 1], labels=[f"{MINUS}100", f"{MINUS}50", "0", "50", "100"])
    bar.outline.set_linewidth(0.5)
    if len(names) <= _ANNOTATED:
        _annotate(axes, matrix, 0.36 * 72 * side / max(len(names), 9))


def _annotate(axes: Axes, matrix: Floats, size: float) -> None:
    for row, column in zip(*np.nonzero(np.abs(np.nan_to_num(matrix)) >= _PRINTED), strict=True):
        value = matrix[row, column]
        colour = "white" if abs(value) > 0.6 else INK
        text = f"{100 * value:.0f}".replace("-", MINUS)
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", size=size, color=colour)


def _draw_strongest(figure: Figure, names: Sequence[str], matrix: Floats) -> None:
    pairs = [(matrix[i, j], names[i], names[j]) for i, j in combinations(range(len(names)), 2)]
    strongest = sorted((p for p in pairs if not math.isnan(p[0])), key=lambda p: -abs(p[0]))[:_PAIRS]
    columns = [TableColumn("feature", 1.4, "left"), TableColumn("feature", 1.4, "left"), TableColumn("%", 0.4)]
    left = RIGHT - sum(column.width for column in columns)
    subheading(figure, left, TOP - 0.1, "Strongest correlations")
    rows = [[short(a, 24), short(b, 24), number(100 * r, 3)] for r, a, b in strongest]
    draw_table(figure, left, TOP - 0.22, columns, rows)
