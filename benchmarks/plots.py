"""The curves of ``growing`` as pictures: ``python -m benchmarks.plots`` draws them anew from its results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import RESULTS, Measurement, SuiteResult, load
from eventsieve.palette import CLASSES

__all__ = ["FOLDER", "curves", "draw", "images", "point"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
POINT = re.compile(r"(?P<figure>\w+), (?P<curve>.+), (?P<x>[\d,]+) (?P<of>\w+)")
FIGURES: Mapping[str, tuple[str, str, str]] = {
    "training": ("events", "training / s", "Training time of each type against the number of events"),
    "predicting": ("events", "request / s", "Seconds of a prediction against the number of events, by type"),
    "models": ("models", "job / s", "Seconds of a job against the number of models in it, beside the ideal packing"),
    "latency": ("clients", "latency / ms", "Median and 99th percentile of the latency against the number of clients"),
    "throughput": ("clients", "answers per second", "Answers per second against the number of clients"),
}
"""By name: what is counted along the abscissa, the label of the ordinate, and what the picture shows."""
SIZE_INCHES = (5.2, 3.4)
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "eventsieve",
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
"""Text stays text, and the same numbers give the same file."""

Curves = dict[str, dict[str, list[tuple[int, float]]]]


def point(figure: str, curve: str, x: int, value: float, unit: str) -> Measurement:
    """One value of a curve, as the results keep it."""
    of = FIGURES[figure][0]
    return Measurement(f"{figure}, {curve}, {x:,} {of}", unit, "more" if unit == "1/s" else "less", (value,))


def curves(result: SuiteResult) -> Curves:
    """The curves of each figure, from the names of the measurements.

    Raises:
        ValueError: one of them is no point of a curve.
    """
    found: Curves = {name: {} for name in FIGURES}
    for each in result.measurements:
        named = POINT.fullmatch(each.what)
        if named is None:
            raise ValueError(f"{each.what!r} is no point of a curve")
        curve = found[named["figure"]].setdefault(named["curve"], [])
        curve.append((int(named["x"].replace(",", "")), each.ours[0]))
    return found


def images(names: tuple[str, ...] = tuple(FIGURES)) -> str:
    """Markdown of the pictures, for the page of results."""
    return "\n".join(f"![{FIGURES[name][2]}](images/performance-{name}.svg)" for name in names)


def draw(result: SuiteResult, folder: Path = FOLDER) -> list[Path]:
    """Write a picture for each figure that has curves; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, drawn in curves(result).items():
        if drawn:
            paths.append(folder / f"performance-{name}.svg")
            with mpl.rc_context(STYLE):
                _figure(name, drawn).savefig(paths[-1], metadata={"Date": None})
    return paths


def _figure(name: str, drawn: Mapping[str, list[tuple[int, float]]]) -> Figure:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    for (label, points), colour in zip(drawn.items(), CLASSES, strict=False):
        dashed = "--" if label.startswith("ideal") else "-"
        axes.plot(*zip(*points, strict=True), dashed, marker="o", markersize=4, color=colour, label=label)
    _scales(axes, name)
    if len(drawn) > 1:
        axes.legend(frameon=False)
    return figure


def _scales(axes: Axes, name: str) -> None:
    axes.set_xlabel(FIGURES[name][0])
    axes.set_ylabel(FIGURES[name][1])
    if FIGURES[name][0] == "events":
        axes.set_xscale("log")
        axes.set_yscale("log")
        return
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=0)


if __name__ == "__main__":
    draw(load(RESULTS / "growing.json"))
