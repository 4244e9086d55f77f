"""The pages that show the distribution of every feature: by class, by table, and of what counts something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventsieve.domain.exploration.findings import Exploration, Feature, Multiplicity
from eventsieve.domain.exploration.histograms import Histogram
from eventsieve.palette import BACKGROUND, SIGNAL, TEST, TRAIN
from eventsieve.report.pages import Page
from eventsieve.report.panels import agreement_legend, agreement_panel, contrast_legend, contrast_panel, plain_panel
from eventsieve.report.style import (
    BOTTOM,
    DASH,
    LEFT,
    RIGHT,
    TOP,
    Box,
    heading,
    integer,
    legend,
    percent,
    subheading,
)
from eventsieve.report.tables import TableColumn, draw_table, split_rows

__all__ = ["agreements", "contrasts", "multiplicities", "shapes"]

_ROWS, _COLUMNS = 3, 4
"""Panels on a page."""
_TICKED = 12
"""Values of a multiplicity up to which each has its tick."""


def contrasts(found: Exploration) -> Iterator[Page]:
    """Signal against background in every feature."""
    weighted = found.train.all.weights is not None
    caption = (
        f"Training table, {'weighted' if weighted else 'unweighted'}, each class normalised to 1, with statistical "
        "errors. Separation: 0 for equal shapes, 1 without overlap. AUC: below 0.5 where signal has the smaller "
        "values.\nUndefined values are left out; “outside” is the larger share of a class beyond the axis."
    )

    def draw(figure: Figure, box: Box, feature: Feature) -> None:
        if feature.contrast is not None:
            contrast_panel(figure, box, feature, feature.contrast)

    yield from _grids("Signal against background", caption, found, draw, contrast_legend)


def agreements(found: Exploration) -> Iterator[Page]:
    """Test against training in every feature."""
    caption = (
        "All events, unweighted, each table normalised to 1, with statistical errors; below, the ratio with the error "
        "of the training table as a band.\nKS distance: Kolmogorov-Smirnov, on the values; p: the chance of at least "
        "that distance between samples of one distribution (too large where many values are equal)."
    )

    def draw(figure: Figure, box: Box, feature: Feature) -> None:
        if feature.agreement is not None:
            agreement_panel(figure, box, feature, feature.agreement)

    yield from _grids("Test against training", caption, found, draw, agreement_legend)


def shapes(found: Exploration) -> Iterator[Page]:
    """Every feature of a table that is compared with nothing."""
    caption = "All events, unweighted, normalised to 1, with statistical errors. Undefined values are left out."
    yield from _grids("Distributions", caption, found, plain_panel, lambda: agreement_legend()[:1])


def _grids(
    title: str,
    caption: str,
    found: Exploration,
    panel: Callable[[Figure, Box, Feature], None],
    marks: Callable[[], Sequence[Artist]],
) -> Iterator[Page]:
    for start in range(0, len(found.features), _ROWS * _COLUMNS):
        part = found.features[start : start + _ROWS * _COLUMNS]

        def draw(figure: Figure, part: Sequence[Feature] = part) -> None:
            heading(figure, title, caption)
            legend(figure, marks())
            for box, feature in zip(_boxes(), part, strict=False):
                panel(figure, box, feature)

        yield Page(title, draw)


def _boxes() -> Iterator[Box]:
    """Where the axes of the panels of a page lie, row by row, with room for their labels."""
    width, height = (RIGHT - LEFT) / _COLUMNS, (TOP + 0.05 - BOTTOM) / _ROWS
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            yield Box(LEFT + width * column + 0.42, TOP + 0.05 - height * (row + 1) + 0.36, width - 0.55, height - 0.6)


def multiplicities(found: Exploration) -> Iterator[Page]:
    """Events per value and class of each feature that counts something: one page each."""
    features = {feature.column.name: feature for feature in found.features}
    jets = all("jet" in counted.column.name.lower() for counted in found.multiplicities)
    section = "Jet multiplicity" if jets else "Multiplicities"
    for counted in found.multiplicities:

        def draw(figure: Figure, counted: Multiplicity = counted) -> None:
            _draw_multiplicity(figure, features[counted.column.name], counted)

        yield Page(section, draw)


def _title(counted: Multiplicity) -> str:
    name = counted.column.name
    return f"{'Jet multiplicity' if 'jet' in name.lower() else 'Multiplicity'}: {name}"


def _draw_multiplicity(figure: Figure, feature: Feature, counted: Multiplicity) -> None:
    caption = "Left: each class normalised to 1, weighted where the table has weights. "
    heading(figure, _title(counted), caption + "Right: events, unweighted. Errors are statistical.")
    axes = Box(LEFT + 0.5, BOTTOM + 0.5, 5.3, TOP - BOTTOM - 0.6).axes(figure)
    bars: list[tuple[str, str, Histogram]] = [("training", TRAIN, feature.counts)]
    if feature.contrast is not None:
        bars = [("signal", SIGNAL, feature.contrast.signal), ("background", BACKGROUND, feature.contrast.background)]
    _grouped_bars(axes, bars)
    axes.set_xlabel(feature.column.name, size=9)
    axes.set_ylabel("Fraction", size=9)
    axes.tick_params(labelsize=8.5)
    axes.set_xlim(counted.values[0] - 0.6, counted.values[-1] + 0.6)
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    if len(counted.values) <= _TICKED:
        axes.set_xticks(counted.values)
    axes.legend(fontsize=9)
    bottom = BOTTOM if feature.agreement is None else BOTTOM + 3.1
    _multiplicity_table(figure, feature, counted, bottom)
    if feature.agreement is not None:
        subheading(figure, LEFT + 6.35, BOTTOM + 2.85, "Training and test table")
        agreement_panel(figure, Box(LEFT + 6.85, BOTTOM + 0.5, RIGHT - LEFT - 6.85, 2.05), feature, feature.agreement)
        figure.axes[-2].legend(handles=agreement_legend(), fontsize=8)


def _grouped_bars(axes: Axes, bars: Sequence[tuple[str, str, Histogram]]) -> None:
    width = 0.8 / len(bars)
    for position, (name, colour, histogram) in enumerate(bars):
        shape = histogram.normalised()
        centres = 0.5 * (shape.edges[1:] + shape.edges[:-1]) - 0.4 + width * (position + 0.5)
        errors = {"elinewidth": 0.8, "ecolor": TEST, "capsize": 2, "capthick": 0.8}
        axes.bar(
            centres,
            shape.contents,
            0.94 * width,
            yerr=shape.errors,
            color=colour,
            alpha=0.8,
            label=name,
            error_kw=errors,
        )


def _multiplicity_table(figure: Figure, feature: Feature, counted: Multiplicity, bottom: float) -> None:
    left = LEFT + 6.35
    subheading(figure, left, TOP - 0.1, "Events per value")
    names = ["events", "share"]
    cells = [[integer(n) for n in counted.events], [percent(share) for share in counted.events / counted.events.sum()]]
    if counted.signal is not None:
        with np.errstate(invalid="ignore"):
            purity = counted.signal / counted.events
        names += ["signal", "background", "signal share"]
        cells += [
            [integer(n) for n in counted.signal],
            [integer(n) for n in counted.events - counted.signal],
            [percent(share) for share in purity],
        ]
    columns = [TableColumn("value", 0.6)]
    columns += [TableColumn(name, min(1.0, (RIGHT - left - 0.6) / len(names))) for name in names]
    rows = [[str(value), *texts] for value, *texts in zip(counted.values, *cells, strict=True)]
    if undefined := feature.summary.events - feature.summary.count:
        rows.append([DASH, integer(undefined), "", *[""] * (len(names) - 2)])
    # As many values as fit: the histogram beside shows them all.
    draw_table(figure, left, TOP - 0.25, columns, next(split_rows(columns, rows, TOP - 0.25 - bottom)))
