"""One feature in one panel: the classes, one table against another, or one table alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

from eventsieve.palette import INK, MUTED, TEST, TRAIN
from eventsieve.records import ExploredFeature, FeatureDrift, Sample, Schema, Separation
from eventsieve.report.looks import Look, Shape, class_name, of_classes, plain
from eventsieve.report.style import Box, fixed, number, percent, short

__all__ = ["agreement_panel", "contrast_panel", "plain_panel"]

Floats = npt.NDArray[np.float64]

_STEPS = [1, 2, 2.5, 5, 10]
"""Ticks lie at these multiples of a power of ten."""
_DRAWN = 20
"""Events of a class from which it is drawn among several: fewer are spikes."""
_SCALING = 50
"""Events of a class from which it may set the scale."""
_SPIKE = 4.0
"""A bin this many times higher than the next gets a logarithmic axis: on a linear one the others would vanish."""


def contrast_panel(
    figure: Figure, box: Box, schema: Schema, feature: ExploredFeature, classes: tuple[Look, ...]
) -> None:
    """Draw the unit-normalised shapes of the classes with their error bands into ``box``."""
    axes = box.axes(figure)
    drawn = list(reversed(drawn_classes(feature, classes)))  # the signal on top
    for look, shape in drawn:
        _outline(axes, shape, look.colour, fill=0.15 if len(drawn) <= 2 else 0.0, line=look.line)
        low, high = shape.contents - shape.errors, shape.contents + shape.errors
        band = 0.35 if len(drawn) <= 2 else 0.22
        axes.stairs(high, shape.edges, baseline=low, fill=True, color=look.colour, alpha=band, linewidth=0)
    shapes = [shape for _, shape in drawn]
    _finish(axes, feature, shapes)
    if feature.separation is not None:
        _note(axes, _told(schema, feature.separation), "left")
    outside = max(shape.outside for shape in shapes)
    _note(axes, f"outside {percent(outside)}" if outside > 0 else "", "right")


def drawn_classes(feature: ExploredFeature, classes: tuple[Look, ...]) -> list[tuple[Look, Shape]]:
    """The shapes that are drawn: of several classes, those with enough events, in bins that their numbers can fill."""
    shapes = of_classes(feature, classes)
    if len(shapes) <= 2:
        return shapes
    shapes = [part for part in shapes if part[1].events >= _DRAWN] or shapes
    events = sorted(shape.events for _, shape in shapes)[-2:][0]
    step = 1 if feature.whole else _bins_together(events, len(feature.edges) - 1)
    return [(look, shape.merged(step)) for look, shape in shapes]


def _bins_together(events: int, bins: int) -> int:
    """How many bins are drawn as one, by the events of the second largest class."""
    wanted = next((step for step, enough in ((1, 2000), (2, 500)) if events >= enough), 5)
    return wanted if bins % wanted == 0 else 1


def _told(schema: Schema, found: Separation) -> str:
    if not schema.classes:
        return f"separation {fixed(found.power)}    AUC {fixed(found.auc)}"
    first, second = (short(class_name(schema, label), 12) for label in (found.first, found.second))
    return f"{fixed(found.power)} {first} / {second}"


def agreement_panel(
    figure: Figure, box: Box, feature: ExploredFeature, against: Sample, drift: FeatureDrift | None
) -> None:
    """Draw the unit-normalised shapes of both tables, and below them their ratio, into ``box``."""
    lower = 0.27 * box.height
    axes = Box(box.left, box.bottom + lower, box.width, box.height - lower).axes(figure)
    first, second = plain(feature, feature.all), plain(feature, against)
    _outline(axes, first, TRAIN, fill=0.45)
    _points(axes, second.edges, second.contents, second.errors)
    _finish(axes, feature, [first, second])
    axes.set_xlabel("")
    axes.xaxis.set_major_formatter(NullFormatter())
    if drift is not None:
        _note(axes, f"KS distance {fixed(drift.distance)}    p {number(drift.distance_p, 2)}", "left")
    outside = max(first.outside, second.outside)
    _note(axes, f"outside {percent(outside)}" if outside > 0 else "", "right")
    _ratio(Box(box.left, box.bottom, box.width, lower - 0.04).axes(figure), feature, first, second)


def plain_panel(figure: Figure, box: Box, feature: ExploredFeature) -> None:
    """Draw the unit-normalised shape of all events into ``box``."""
    axes = box.axes(figure)
    shape = plain(feature, feature.all)
    _outline(axes, shape, TRAIN, fill=0.45)
    low, high = shape.contents - shape.errors, shape.contents + shape.errors
    axes.stairs(high, shape.edges, baseline=low, fill=True, color=INK, alpha=0.3, linewidth=0)
    _finish(axes, feature, [shape])
    _note(axes, f"outside {percent(shape.outside)}" if shape.outside > 0 else "", "right")


def _outline(axes: Axes, shape: Shape, colour: str, fill: float, line: str = "-") -> None:
    if fill:
        axes.stairs(shape.contents, shape.edges, fill=True, color=colour, alpha=fill, linewidth=0)
    axes.stairs(shape.contents, shape.edges, color=colour, linewidth=0.9, linestyle=line)


def _points(axes: Axes, edges: Floats, values: Floats, errors: Floats) -> None:
    drawn = np.isfinite(values) & (values > 0)
    centres = (0.5 * (edges[1:] + edges[:-1]))[drawn]
    axes.errorbar(centres, values[drawn], errors[drawn], fmt="o", color=TEST, elinewidth=0.5, markersize=1.4)


def _ratio(axes: Axes, feature: ExploredFeature, first: Shape, second: Shape) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = second.contents / first.contents
        uncertainty, errors = first.errors / first.contents, second.errors / first.contents
    band = np.nan_to_num(uncertainty)
    axes.stairs(1 + band, first.edges, baseline=1 - band, fill=True, color=TRAIN, alpha=0.45, linewidth=0)
    axes.axhline(1, color=MUTED, linewidth=0.5)
    _points(axes, first.edges, ratio, errors)
    _abscissa(axes, feature)
    axes.set_ylim(0.4, 1.6)
    axes.set_yticks([0.5, 1.0, 1.5], ["0.5", "1", "1.5"])
    axes.set_ylabel("ratio", size=5.5, loc="center")


def _finish(axes: Axes, feature: ExploredFeature, shapes: list[Shape]) -> None:
    """Limits, ticks and names of the axes of a panel of unit-normalised shapes."""
    # A class of a handful of events would set the scale by its spikes.
    shapes = [shape for shape in shapes if shape.events >= _SCALING] or shapes
    contents = np.concatenate([shape.contents for shape in shapes])
    top = max((float((shape.contents + shape.errors).max()) for shape in shapes), default=0.0)
    top = top if top > 0 else 1.0
    ranked = np.sort(feature.all.histogram.counts)
    if 0 < _SPIKE * ranked[-2:][0] < ranked[-1] and (contents > 0).any():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0.5 * contents[contents > 0].min(), 2 * top)
    else:
        axes.set_ylim(min(0.0, 1.1 * float(contents.min())), 1.1 * top)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    _abscissa(axes, feature)
    width = shapes[0].edges[1] - shapes[0].edges[0]
    unit = f" {feature.column.unit}" if feature.column.unit else ""
    axes.set_ylabel("Fraction" if feature.whole else f"Fraction / {number(width, 2)}{unit}")


def _abscissa(axes: Axes, feature: ExploredFeature) -> None:
    axes.set_xlim(feature.edges[0], feature.edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, integer=feature.whole))
    # Matplotlib's own would put an offset where the name of the axis is.
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 7)))
    unit = f" [{feature.column.unit}]" if feature.column.unit else ""
    axes.set_xlabel(f"{short(feature.column.name)}{unit}")


def _note(axes: Axes, text: str, side: str) -> None:
    x = 0.0 if side == "left" else 1.0
    colour = INK if side == "left" else MUTED
    axes.text(x, 1.025, text, transform=axes.transAxes, ha=side, va="baseline", size=6, color=colour)
