"""What is in a data set: a feature's distribution, correlations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, class_colours, class_titles, new_chart, note
from eventsieve.errors import BadRequest
from eventsieve.palette import DIVERGING, INK, RULE, TEST, TRAIN
from eventsieve.records.exploration import Exploration, ExploredFeature, Histogram, Sample

__all__ = ["plot_correlations", "plot_feature"]

Floats = npt.NDArray[np.float64]

_ANNOTATED = 20
"""Features up to which the coefficients are written into the matrix."""


def plot_feature(found: Exploration, name: str) -> Chart:
    """A feature's distribution in each class, normalised to one; or in two tables, where two were explored.

    Raises:
        BadRequest: there is no such feature.
    """
    feature = next((each for each in found.features if each.column.name == name), None)
    if feature is None:
        names = ", ".join(each.column.name for each in found.features)
        raise BadRequest(f"There is no feature {name!r}; there are: {names}.")
    with new_chart() as (figure, panels):
        axes: Axes = panels[0, 0]
        if feature.against is not None:
            _tables(axes, feature, feature.against)
        else:
            _classes(axes, feature, found.event_schema.signal)
        edges = feature.edges
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, 1.35 * axes.dataLim.y1)
        unit = feature.column.unit
        axes.set_xlabel(f"{name} [{unit}]" if unit else name)
        width = f" / {edges[1] - edges[0]:.3g} {unit}".rstrip()
        axes.set_ylabel(f"Fraction of the events{width}")
        axes.legend(loc="upper right")
        note(axes, _remark(feature))
    return figure


def _classes(axes: Axes, feature: ExploredFeature, signal: str | None) -> None:
    samples = feature.classes or (feature.all,)
    names = tuple(sample.label for sample in samples)
    colours, titles = class_colours(names, signal), class_titles(names, signal)
    for sample in samples:
        shape, error = _shape(sample.histogram)
        colour = colours[sample.label] if feature.classes else TRAIN
        axes.stairs(shape, feature.edges, color=colour, linewidth=1.6, label=titles[sample.label])
        axes.stairs(shape + error, feature.edges, baseline=shape - error, fill=True, color=colour, alpha=0.25)


def _tables(axes: Axes, feature: ExploredFeature, against: Sample) -> None:
    """Both unweighted, as the tests of drift are: the second table's histogram has no weights."""
    shape, _ = _plain(feature.all)
    axes.stairs(shape, feature.edges, fill=True, color=TRAIN, alpha=0.6, label="this data set")
    edges = np.asarray(feature.edges)
    shape, error = _plain(against)
    centres = (edges[:-1] + edges[1:]) / 2
    axes.errorbar(centres, shape, yerr=error, fmt="o", color=TEST, markersize=3.5, label="the other")


def _plain(sample: Sample) -> tuple[Floats, Floats]:
    """Numbers of events and their errors as parts of all for which the feature is defined."""
    counts, total = np.asarray(sample.histogram.counts), sample.statistics.defined or 1
    return counts / total, np.sqrt(counts) / total


def _shape(histogram: Histogram) -> tuple[Floats, Floats]:
    """Contents and errors as parts of all events, those outside the edges included."""
    total = histogram.total or 1.0
    return np.asarray(histogram.sums) / total, np.asarray(histogram.errors) / abs(total)


def _remark(feature: ExploredFeature) -> str:
    undefined = feature.all.statistics.undefined
    parts = [f"undefined {undefined:.1%}"] if undefined else []
    separation = feature.separation
    if separation is not None and separation.power is not None:
        parts.append(f"separation {separation.power:.3f}")
    if separation is not None and separation.auc is not None:
        parts.append(f"AUC alone {separation.auc:.3f}")
    return ", ".join(parts)


def plot_correlations(found: Exploration) -> Chart:
    """Pearson's coefficients of all pairs of features, in per cent, over all events; grey where there is none.

    Raises:
        BadRequest: only histograms were asked for.
    """
    if found.correlations is None:
        raise BadRequest("The exploration has only histograms; ask for all of it (detail) to draw correlations.")
    names = found.correlations.features
    matrix = np.array([[np.nan if value is None else value for value in row] for row in found.correlations.all])
    side = max(4.5, 1.8 + 0.3 * len(names))
    with new_chart(size=(side + 0.8, side)) as (figure, panels):
        axes: Axes = panels[0, 0]
        axes.set_facecolor(RULE)
        image = axes.imshow(matrix, cmap=DIVERGING, vmin=-1, vmax=1)
        places = range(len(names))
        axes.set_xticks(places, names, rotation=60, ha="right", rotation_mode="anchor", size=8)
        axes.set_yticks(places, names, size=8)
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        if len(names) <= _ANNOTATED:
            for row, column in np.argwhere(np.isfinite(matrix)):
                value = matrix[row, column]
                colour = "white" if abs(value) > 0.6 else INK
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", size=7, color=colour)
        figure.colorbar(image, ax=axes, label="Correlation coefficient", shrink=0.8)
    return figure
