"""The pages that show the distribution of every feature: by class, by table, and of what counts something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventsieve.palette import TEST, TRAIN
from eventsieve.records import Exploration, ExploredFeature
from eventsieve.report.looks import Shape, class_legend, looks, of_classes, plain, table_legend
from eventsieve.report.pages import Page
from eventsieve.report.panels import agreement_panel, contrast_panel, plain_panel
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
    short,
    subheading,
)
from eventsieve.report.tables import TableColumn, draw_table, split_rows

__all__ = ["agreements", "contrasts", "shapes", "whole_numbers"]

_ROWS, _COLUMNS = 3, 4
"""Panels on a page."""
_TICKED = 12
"""Values of a whole-number feature up to which each has its tick."""
_COUNTED = 8
"""Whole-number features that get a page of their own; the others are among the distributions like any."""


def contrasts(found: Exploration) -> Iterator[Page]:
    """The classes in every feature."""
    weighted = "weighted" if found.table.all.weights is not None else "unweighted"
    told = (
        "Separation: 0 for equal shapes, 1 without overlap. AUC: below 0.5 where signal has the smaller values."
        if not found.event_schema.classes
        else "The number: separation of the two classes that differ most, 0 for equal shapes, 1 without overlap."
    )
    few = " A class with fewer than 20 events is not drawn." if len(found.table.classes) > 2 else ""
    caption = (
        f"{weighted.capitalize()}, each class normalised to 1, with statistical errors. {told}\n"
        f"Undefined values are left out; “outside” is the largest share of a class beyond the axis.{few}"
    )
    classes = looks(found)

    def draw(figure: Figure, box: Box, feature: ExploredFeature) -> None:
        contrast_panel(figure, box, found.event_schema, feature, classes)

    title = "Class by class" if found.event_schema.classes else "Signal against background"
    yield from _grids(title, caption, found.features, draw, lambda: class_legend(classes))


def agreements(found: Exploration) -> Iterator[Page]:
    """The second table against the first in every feature that both have."""
    caption = (
        "All events, unweighted, each table normalised to 1, with statistical errors; below, the ratio second / first "
        "with the error of the first table as a band.\nKS distance: Kolmogorov-Smirnov, on the values; p: the chance "
        "of at least that distance between samples of one distribution (too large where many values are equal)."
    )
    tested = {} if found.drift is None else {drift.feature: drift for drift in found.drift.features}

    def draw(figure: Figure, box: Box, feature: ExploredFeature) -> None:
        if feature.against is not None:
            agreement_panel(figure, box, feature, feature.against, tested.get(feature.column.name))

    features = [feature for feature in found.features if feature.against is not None]
    yield from _grids("Second table against first", caption, features, draw, lambda: table_legend(found))


def shapes(found: Exploration) -> Iterator[Page]:
    """Every feature of a table that is compared with nothing."""
    caption = "All events, unweighted, normalised to 1, with statistical errors. Undefined values are left out."
    yield from _grids("Distributions", caption, found.features, plain_panel, lambda: table_legend(found))


def _grids(
    title: str,
    caption: str,
    features: Sequence[ExploredFeature],
    panel: Callable[[Figure, Box, ExploredFeature], None],
    marks: Callable[[], Sequence[Artist]],
) -> Iterator[Page]:
    for start in range(0, len(features), _ROWS * _COLUMNS):
        part = features[start : start + _ROWS * _COLUMNS]

        def draw(figure: Figure, part: Sequence[ExploredFeature] = part) -> None:
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


def whole_numbers(found: Exploration) -> Iterator[Page]:
    """Events per value and class of each feature that counts something: one page each, for the first of them."""
    counted = [feature for feature in found.features if feature.whole and feature.all.statistics.defined]
    for feature in counted[:_COUNTED]:

        def draw(figure: Figure, feature: ExploredFeature = feature) -> None:
            _draw_counted(figure, found, feature)

        yield Page("Whole-number features", draw)


def _draw_counted(figure: Figure, found: Exploration, feature: ExploredFeature) -> None:
    caption = "Left: each class normalised to 1, weighted where the table has weights. "
    name = short(feature.column.name, 60)
    heading(figure, f"Events per value: {name}", caption + "Right: events, unweighted. Errors are statistical.")
    axes = Box(LEFT + 0.5, BOTTOM + 0.5, 5.3, TOP - BOTTOM - 0.6).axes(figure)
    bars = [(look.name, look.colour, shape) for look, shape in of_classes(feature, looks(found))]
    _grouped_bars(axes, bars or [("all events", TRAIN, plain(feature, feature.all))])
    axes.set_xlabel(name, size=9)
    axes.set_ylabel("Fraction", size=9)
    axes.tick_params(labelsize=8.5)
    axes.set_xlim(feature.edges[0] - 0.1, feature.edges[-1] + 0.1)
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    if len(feature.edges) <= _TICKED + 1:
        axes.set_xticks(_values(feature), [str(value) for value in _values(feature)])
    axes.legend(fontsize=9)
    bottom = BOTTOM if feature.against is None else BOTTOM + 3.1
    _values_table(figure, found, feature, bottom)
    if feature.against is not None:
        subheading(figure, LEFT + 6.35, BOTTOM + 2.85, "Both tables")
        tested = () if found.drift is None else found.drift.features
        drift = next((test for test in tested if test.feature == feature.column.name), None)
        box = Box(LEFT + 6.85, BOTTOM + 0.5, RIGHT - LEFT - 6.85, 2.05)
        agreement_panel(figure, box, feature, feature.against, drift)
        figure.axes[-2].legend(handles=table_legend(found), fontsize=8)


def _values(feature: ExploredFeature) -> list[int]:
    """The whole numbers in the centres of the bins."""
    return [round(edge + 0.5) for edge in feature.edges[:-1]]


def _grouped_bars(axes: Axes, bars: Sequence[tuple[str, str, Shape]]) -> None:
    width = 0.8 / len(bars)
    for position, (name, colour, shape) in enumerate(bars):
        centres = 0.5 * (shape.edges[1:] + shape.edges[:-1]) - 0.4 + width * (position + 0.5)
        errors = {"elinewidth": 0.8, "ecolor": TEST, "capsize": 2 if len(bars) <= 2 else 0, "capthick": 0.8}
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


def _values_table(figure: Figure, found: Exploration, feature: ExploredFeature, bottom: float) -> None:
    left = LEFT + 6.35
    subheading(figure, left, TOP - 0.1, "Events per value")
    counts = feature.all.histogram.counts
    names = ["events", "share"]
    cells = [[integer(n) for n in counts], [percent(n / feature.all.statistics.defined) for n in counts]]
    for look in looks(found)[:_COLUMNS]:
        names.append(short(look.name, 14))
        cells.append([integer(n) for n in feature.classes[look.position].histogram.counts])
    columns = [TableColumn("value", 0.6)]
    columns += [TableColumn(name, min(1.0, (RIGHT - left - 0.6) / len(names))) for name in names]
    rows = [[str(value), *texts] for value, *texts in zip(_values(feature), *cells, strict=True)]
    if undefined := feature.all.statistics.events - feature.all.statistics.defined:
        rows.append([DASH, integer(undefined), "", *[""] * (len(names) - 2)])
    # As many values as fit: the histogram beside shows them all.
    draw_table(figure, left, TOP - 0.25, columns, next(split_rows(columns, rows, TOP - 0.25 - bottom)))
