"""Small figures of a model card: curves and distributions as the shapes of an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from eventsieve.records import Distribution, Evaluation

__all__ = ["HEIGHT", "WIDTH", "Figure", "Shape", "figures"]

WIDTH: Final = 340
HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 38
_TICKS: Final = 5
COLOURS: Final = 8
"""How many colours the card has for classes; more classes begin again with the first."""


@dataclass(frozen=True)
class Shape:
    """A line, an area, or a point with its error bar.

    Attributes:
        kind: ``line``, ``area`` or ``point``.
        css: class of its colour.
        path: the SVG path.
    """

    kind: str
    css: str
    path: str


@dataclass
class Figure:
    """A figure in a frame of `WIDTH` by `HEIGHT`, its axes from (x0, y0) to (x1, y1)."""

    title: str
    caption: str
    x_label: str
    y_label: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    shapes: list[Shape] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)
    """Class of the colour, and what has it."""

    frame: tuple[int, int, int, int] = (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)

    def __post_init__(self) -> None:
        # All scores may be the same.
        self.x_range, self.y_range = _widened(self.x_range), _widened(self.y_range)

    def x(self, value: float) -> float:
        """The place of a value from left to right."""
        return _LEFT + _share(value, self.x_range) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """The place of a value from top to bottom."""
        return HEIGHT - _BOTTOM - _share(value, self.y_range) * (HEIGHT - _TOP - _BOTTOM)

    def ticks(self, axis: str) -> list[tuple[float, str]]:
        """The places and texts of an axis's ticks, at round numbers."""
        place, (low, high) = (self.x, self.x_range) if axis == "x" else (self.y, self.y_range)
        power = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
        step = next(size * power for size in (1, 2, 5, 10) if size * power * _TICKS >= high - low)
        numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        return [(round(place(number * step), 1), f"{number * step:.4g}") for number in numbers]

    def line(self, css: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Draw a line through points."""
        self.shapes.append(Shape("line", css, self._path(x, y)))

    def histogram(self, css: str, edges: Sequence[float], contents: Sequence[float]) -> None:
        """Draw a filled histogram."""
        x = np.repeat(edges, 2).tolist()
        y = [0.0, *np.repeat(contents, 2).tolist(), 0.0]
        self.shapes.append(Shape("area", css, self._path(x, y) + "Z"))

    def points(self, css: str, x: Sequence[float], y: Sequence[float], error: Sequence[float]) -> None:
        """Draw points with error bars."""
        for place, value, wing in zip(x, y, error, strict=True):
            bar = self._path([place, place], [value - wing, value + wing])
            dot = f"M{self.x(place) - 2:.1f} {self.y(value):.1f}h4"
            self.shapes.append(Shape("point", css, bar + dot))

    def _path(self, x: Sequence[float], y: Sequence[float]) -> str:
        return "M" + "L".join(f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in zip(x, y, strict=True))


def _share(value: float, limits: tuple[float, float]) -> float:
    """Where between the limits a value lies, from 0 to 1; what lies outside is drawn at the frame."""
    low, high = limits
    return (min(max(value, low), high) - low) / (high - low)


def _widened(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return limits if high - low > 1e-9 * max(abs(low), abs(high)) else (low - 0.5, high + 0.5)


def figures(evaluation: Evaluation) -> list[Figure]:
    """The figures of a card: ROC curves, score distributions and, where a class is the signal, the AMS."""
    drawn = [_roc(evaluation), *_distributions(evaluation)]
    return drawn if evaluation.ams is None else [*drawn, _ams(evaluation)]


def _css(evaluation: Evaluation, label: str) -> str:
    return f"c{evaluation.classes.index(label) % COLOURS if label in evaluation.classes else 0}"


def _roc(evaluation: Evaluation) -> Figure:
    areas = ", ".join(f"{curves.label}: {curves.roc.auc:.4f}" for curves in evaluation.curves)
    figure = Figure(
        "ROC curve", f"Area under the curve: {areas}.", "efficiency for background", "efficiency for signal"
    )
    figure.line("faint", [0.0, 1.0], [0.0, 1.0])
    for curves in evaluation.curves:
        figure.line(_css(evaluation, curves.label), curves.roc.background, curves.roc.signal)
        figure.legend.append((_css(evaluation, curves.label), curves.label))
    return figure


def _distributions(evaluation: Evaluation) -> list[Figure]:
    """One figure of signal and background; of several classes one for each, as each has a score of its own."""
    found = evaluation.distributions
    groups = [found] if len(evaluation.classes) == 2 else [(distribution,) for distribution in found]
    return [_distribution(evaluation, group) for group in groups if group]


def _distribution(evaluation: Evaluation, group: Sequence[Distribution]) -> Figure:
    edges = [edge for distribution in group for edge in distribution.edges]
    values = [value for each in group for value in (*each.train, *each.validation)]
    top, bottom = max([*values, 0.0]), min([*values, 0.0])
    figure = Figure(
        "Scores of " + " and ".join(each.label for each in group),
        "Areas: training events. Points: validation events.",
        "score",
        "fraction of events",
        x_range=(min(edges), max(edges)),
        y_range=(1.1 * bottom, 1.1 * top or 1.0),
    )
    for each in group:
        css = _css(evaluation, each.label)
        figure.histogram(css, each.edges, each.train)
        middles = [(a + b) / 2 for a, b in zip(each.edges, each.edges[1:], strict=False)]
        figure.points(css, middles, each.validation, each.validation_error)
        figure.legend.append((css, each.label))
    return figure


def _ams(evaluation: Evaluation) -> Figure:
    ams = evaluation.ams
    if ams is None:
        raise ValueError("there is no AMS to draw")
    figure = Figure(
        "Significance against the cut",
        f"Largest AMS: {ams.best:.4g} at {ams.best_cut:.4g}.",
        "cut on the score",
        "AMS",
        x_range=(min(ams.cut), max(ams.cut)),
        y_range=(min([0.0, *ams.ams]), 1.1 * max([*ams.ams, ams.best]) or 1.0),
    )
    figure.line(_css(evaluation, evaluation.signal or ""), ams.cut, ams.ams)
    return figure
