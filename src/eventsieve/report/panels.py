"""One feature in one panel: signal against background, test against training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

from eventsieve.domain.exploration.findings import Agreement, Contrast, Feature
from eventsieve.domain.exploration.histograms import Histogram
from eventsieve.palette import BACKGROUND, INK, MUTED, SIGNAL, TEST, TRAIN
from eventsieve.report.style import Box, fixed, number, percent, short

__all__ = ["agreement_legend", "agreement_panel", "contrast_legend", "contrast_panel", "plain_panel"]

Floats = npt.NDArray[np.float64]

_STEPS = [1, 2, 2.5, 5, 10]
"""Ticks lie at these multiples of a power of ten."""
_SPIKE = 4.0
"""A bin this many times higher than the next gets a logarithmic axis: on a linear one the others would vanish."""


def contrast_legend() -> list[Artist]:
    """What the colours of a contrast panel mean."""
    return [
        Patch(facecolor=SIGNAL, alpha=0.35, edgecolor=SIGNAL, label="signal"),
        Patch(facecolor=BACKGROUND, alpha=0.35, edgecolor=BACKGROUND, label="background"),
    ]


def agreement_legend() -> list[Artist]:
    """What the marks of an agreement panel mean."""
    points = Line2D([], [], color=TEST, marker="o", markersize=3, linewidth=0.8, label="test")
    return [Patch(facecolor=TRAIN, alpha=0.5, edgecolor=TRAIN, label="training"), points]


def contrast_panel(figure: Figure, box: Box, feature: Feature, contrast: Contrast) -> None:
    """Draw the unit-normalised shapes of signal and background with their error bands into ``box``."""
    axes = box.axes(figure)
    shapes = [contrast.background.normalised(), contrast.signal.normalised()]
    for shape, colour in zip(shapes, (BACKGROUND, SIGNAL), strict=True):
        _outline(axes, shape, colour, fill=0.15)
        low, high = shape.contents - shape.errors, shape.contents + shape.errors
        axes.stairs(high, shape.edges, baseline=low, fill=True, color=colour, alpha=0.35, linewidth=0)
    _finish(axes, feature, shapes)
    _note(axes, f"separation {fixed(contrast.separation)}    AUC {fixed(contrast.auc)}", "left")
    outside = max(shape.outside for shape in shapes)
    _note(axes, f"outside {percent(outside)}" if outside else "", "right")


def agreement_panel(figure: Figure, box: Box, feature: Feature, agreement: Agreement) -> None:
    """Draw the unit-normalised shapes of training and test events, and below them their ratio, into ``box``."""
    lower = 0.27 * box.height
    axes = Box(box.left, box.bottom + lower, box.width, box.height - lower).axes(figure)
    train, test = feature.counts.normalised(), agreement.counts.normalised()
    _outline(axes, train, TRAIN, fill=0.45)
    _points(axes, test.edges, test.contents, test.errors)
    _finish(axes, feature, [train, test])
    axes.set_xlabel("")
    axes.xaxis.set_major_formatter(NullFormatter())
    _note(axes, f"KS distance {fixed(agreement.distance)}    p {number(agreement.p_value, 2)}", "left")
    outside = max(train.outside, test.outside)
    _note(axes, f"outside {percent(outside)}" if outside else "", "right")
    _ratio(Box(box.left, box.bottom, box.width, lower - 0.04).axes(figure), feature, train, test)


def plain_panel(figure: Figure, box: Box, feature: Feature) -> None:
    """Draw the unit-normalised shape of the training events into ``box``."""
    axes = box.axes(figure)
    shape = feature.counts.normalised()
    _outline(axes, shape, TRAIN, fill=0.45)
    low, high = shape.contents - shape.errors, shape.contents + shape.errors
    axes.stairs(high, shape.edges, baseline=low, fill=True, color=INK, alpha=0.3, linewidth=0)
    _finish(axes, feature, [shape])
    _note(axes, f"outside {percent(shape.outside)}" if shape.outside else "", "right")


def _whole(histogram: Histogram) -> bool:
    """Whether the bins are centred on neighbouring whole numbers."""
    edges = histogram.edges
    return bool(edges[1] - edges[0] == 1 and edges[0] % 1 == 0.5)


def _outline(axes: Axes, shape: Histogram, colour: str, fill: float) -> None:
    axes.stairs(shape.contents, shape.edges, fill=True, color=colour, alpha=fill, linewidth=0)
    axes.stairs(shape.contents, shape.edges, color=colour, linewidth=0.9)


def _points(axes: Axes, edges: Floats, values: Floats, errors: Floats) -> None:
    drawn = np.isfinite(values) & (values > 0)
    centres = (0.5 * (edges[1:] + edges[:-1]))[drawn]
    axes.errorbar(centres, values[drawn], errors[drawn], fmt="o", color=TEST, elinewidth=0.5, markersize=1.4)


def _ratio(axes: Axes, feature: Feature, train: Histogram, test: Histogram) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = test.contents / train.contents
        uncertainty, errors = train.errors / train.contents, test.errors / train.contents
    band = np.nan_to_num(uncertainty)
    axes.stairs(1 + band, train.edges, baseline=1 - band, fill=True, color=TRAIN, alpha=0.45, linewidth=0)
    axes.axhline(1, color=MUTED, linewidth=0.5)
    _points(axes, train.edges, ratio, errors)
    _abscissa(axes, feature, train)
    axes.set_ylim(0.4, 1.6)
    axes.set_yticks([0.5, 1.0, 1.5], ["0.5", "1", "1.5"])
    axes.set_ylabel("test / train", size=5.5, loc="center")


def _finish(axes: Axes, feature: Feature, shapes: list[Histogram]) -> None:
    """Limits, ticks and names of the axes of a panel of unit-normalised shapes."""
    contents = np.concatenate([shape.contents for shape in shapes])
    top = max((float((shape.contents + shape.errors).max()) for shape in shapes), default=0.0) or 1.0
    ranked = np.sort(feature.counts.contents)
    if 0 < _SPIKE * ranked[-2:][0] < ranked[-1]:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0.5 * contents[contents > 0].min(), 2 * top)
    else:
        axes.set_ylim(0, 1.1 * top)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    _abscissa(axes, feature, shapes[0])
    width = shapes[0].edges[1] - shapes[0].edges[0]
    unit = f" {feature.column.unit}" if feature.column.unit else ""
    axes.set_ylabel("Fraction" if _whole(shapes[0]) else f"Fraction / {number(width, 2)}{unit}")


def _abscissa(axes: Axes, feature: Feature, shape: Histogram) -> None:
    axes.set_xlim(shape.edges[0], shape.edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, integer=_whole(shape)))
    unit = f" [{feature.column.unit}]" if feature.column.unit else ""
    axes.set_xlabel(f"{short(feature.column.name)}{unit}")


def _note(axes: Axes, text: str, side: str) -> None:
    x = 0.0 if side == "left" else 1.0
    colour = INK if side == "left" else MUTED
    axes.text(x, 1.025, text, transform=axes.transAxes, ha=side, va="baseline", size=6, color=colour)
