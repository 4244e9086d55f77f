"""How classes and tables look: the name, colour and line of each, and its shape in a feature's bins."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from eventsieve.palette import TEST, TRAIN, class_colours
from eventsieve.records import Exploration, ExploredFeature, Sample, Schema
from eventsieve.report.style import short

__all__ = ["Look", "Shape", "class_legend", "class_name", "looks", "of_classes", "plain", "table_legend", "table_names"]

Floats = npt.NDArray[np.float64]

_LINES: tuple[Literal["-", "--", ":"], ...] = ("-", "--", ":")


class Look(NamedTuple):
    """How a class is drawn."""

    label: str
    """As the schema names it."""
    name: str
    """As the report names it."""
    colour: str
    line: Literal["-", "--", ":"]
    """Style of the line, for where colours come again."""
    position: int
    """Its place among the classes of the exploration: the code."""


class Shape(NamedTuple):
    """A histogram scaled to a total of 1, with what lies outside."""

    edges: Floats
    contents: Floats
    """Shape (bins,)."""
    errors: Floats
    """Standard deviations of the contents."""
    outside: float
    """Share beyond the edges."""
    events: int

    def merged(self, step: int) -> Shape:
        """The same shape with so many neighbouring bins as one; their number must be a multiple of it."""
        if step == 1:
            return self
        errors = np.sqrt(np.square(self.errors).reshape(-1, step).sum(axis=1))
        return self._replace(
            edges=self.edges[::step], contents=self.contents.reshape(-1, step).sum(axis=1), errors=errors
        )


def class_name(schema: Schema, label: str) -> str:
    """What the report calls a class: signal and background where there are these two, else what the schema says."""
    if label == "all" or schema.classes or len(schema.class_names) != 2 or schema.signal_code is None:
        return label
    return "signal" if label == schema.signal else "background"


def looks(found: Exploration) -> tuple[Look, ...]:
    """The classes of a table as they are drawn: of two, the signal first; of several, in the order of their codes."""
    if not found.table.classes:
        return ()
    schema = found.event_schema
    colours = class_colours(len(schema.class_names), schema.signal_code)
    seen: dict[str, int] = {}
    every = []
    for position, (label, colour) in enumerate(zip(schema.class_names, colours, strict=True)):
        line = _LINES[seen.setdefault(colour, 0) % len(_LINES)]
        seen[colour] += 1
        every.append(Look(label, class_name(schema, label), colour, line, position))
    return tuple(every) if schema.classes else tuple(reversed(every))


def of_classes(feature: ExploredFeature, classes: tuple[Look, ...]) -> list[tuple[Look, Shape]]:
    """The shapes of a feature in each class, weighted where the table has weights."""
    return [(look, _weighted(feature, feature.classes[look.position])) for look in classes]


def _weighted(feature: ExploredFeature, sample: Sample) -> Shape:
    histogram = sample.histogram
    total = histogram.total or 1.0
    sums, errors = np.array(histogram.sums), np.array(histogram.errors)
    outside = (histogram.below + histogram.above) / total
    return Shape(np.array(feature.edges), sums / total, errors / abs(total), outside, sample.statistics.defined)


def plain(feature: ExploredFeature, sample: Sample) -> Shape:
    """The shape of a feature in a table, unweighted."""
    counts, total = np.array(sample.histogram.counts), sample.statistics.defined or 1
    outside = 1 - counts.sum() / total if sample.statistics.defined else 0.0
    return Shape(
        np.array(feature.edges), counts / total, np.sqrt(counts) / total, float(outside), sample.statistics.defined
    )


def class_legend(classes: tuple[Look, ...]) -> list[Artist]:
    """What the colours of classes mean."""
    return [
        Patch(facecolor=f"{look.colour}59", edgecolor=look.colour, linestyle=look.line, label=short(look.name, 20))
        for look in classes
    ]


def table_names(found: Exploration) -> tuple[str, ...]:
    """What the report calls the tables."""
    return ("all events",) if found.against is None else ("first table", "second table")


def table_legend(found: Exploration) -> list[Artist]:
    """What the marks of tables mean."""
    names = table_names(found)
    marks: list[Artist] = [Patch(facecolor=TRAIN, alpha=0.5, edgecolor=TRAIN, label=names[0])]
    if len(names) > 1:
        marks.append(Line2D([], [], color=TEST, marker="o", markersize=3, linewidth=0.8, label=names[1]))
    return marks
