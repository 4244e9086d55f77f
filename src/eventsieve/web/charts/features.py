"""What is in a data set: each feature's distribution, how many events, what is undefined, what separates and drifts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from eventsieve.palette import TRAIN
from eventsieve.records import ExploredFeature, Sample, Schema
from eventsieve.web.charts.style import (
    DASHES,
    LOGARITHMIC,
    MARK,
    class_colours,
    class_titles,
    faint,
    labelled,
    new_figure,
    notes,
    short,
    shown,
)
from eventsieve.web.charts.tables import classes, drift, missing, separation
from eventsieve.web.i18n import _, decimal, percent

__all__ = ["classes", "drift", "feature_histogram", "missing", "separation"]

Floats = npt.NDArray[np.float64]
FILL = 0.22


def feature_histogram(
    feature: ExploredFeature,
    *,
    schema: Schema,
    normalised: bool = True,
    log: bool = False,
    against: bool = True,
    height: int = 300,
) -> go.Figure:
    """A feature's distribution: in each class, or, where there is a second table, in both tables.

    Args:
        feature: what to draw.
        schema: names the signal.
        normalised: whether each distribution is divided by its total, so that shapes are compared.
        log: whether the contents are on a logarithmic axis.
        against: whether the second table is drawn, where there is one.
        height: of the axes, in pixels.
    """
    second = feature.against if against else None
    samples = [feature.all] if second is not None or not feature.classes else list(feature.classes)
    # Tests of drift count every event once, and so does the second table.
    plain = second is not None
    figure = new_figure(
        labelled(feature.column.name, feature.column.unit),
        _content(feature, normalised=normalised, weighted=not plain and _weighted(feature)),
        height=height,
        entries=len(samples) + plain,
        note=_remark(feature, second),
    )
    names = tuple(sample.label for sample in samples)
    colours, titles = class_colours(names, schema.signal), class_titles(names, schema.signal)
    for place, sample in enumerate(samples):
        lonely = plain or not feature.classes
        title = _("this data set") if lonely else titles[sample.label]
        colour = TRAIN if lonely else colours[sample.label]
        shape, error = _shape(sample, normalised=normalised, plain=plain)
        _area(figure, feature, sample, shape, error, title=title, colour=colour, dash=DASHES[place % len(DASHES)])
    if second is not None:
        shape, error = _shape(second, normalised=normalised, plain=True)
        _points(figure, feature, second, shape, error, title=_("the second table"), colour=MARK, size=6)
    figure.update_xaxes(range=[feature.edges[0], feature.edges[-1]])
    figure.update_yaxes(**LOGARITHMIC) if log else figure.update_yaxes(rangemode="tozero")
    return figure


def _area(
    figure: go.Figure,
    feature: ExploredFeature,
    sample: Sample,
    shape: Floats,
    error: Floats,
    *,
    title: str,
    colour: str,
    dash: str,
) -> None:
    """A filled outline in steps, with its errors at the bins' centres, where the numbers are on hover."""
    figure.add_scatter(
        x=feature.edges,
        y=[*shape.tolist(), float(shape[-1])],
        mode="lines",
        line={"color": colour, "width": 1.8, "shape": "hv", "dash": dash},
        fill="tozeroy",
        fillcolor=faint(colour, FILL),
        name=title,
        legendgroup=title,
        hoverinfo="skip",
    )
    _points(figure, feature, sample, shape, error, title=title, colour=colour, size=0)


def _points(
    figure: go.Figure,
    feature: ExploredFeature,
    sample: Sample,
    shape: Floats,
    error: Floats,
    *,
    title: str,
    colour: str,
    size: int,
) -> None:
    """Contents with error bars; points of no size stand for the errors of an outline."""
    edges = np.asarray(feature.edges)
    figure.add_scatter(
        x=(edges[:-1] + edges[1:]) / 2,
        y=shape,
        mode="markers",
        marker={"color": colour, "size": size or 1, "opacity": 1 if size else 0},
        error_y={"array": error, "color": colour, "thickness": 1.2, "width": 0},
        name=title,
        legendgroup=title,
        showlegend=bool(size),
        customdata=_hover(feature, sample, shape, error, title),
        hovertemplate="%{customdata}<extra></extra>",
    )


def _hover(feature: ExploredFeature, sample: Sample, shape: Floats, error: Floats, title: str) -> list[str]:
    name, unit = shown(feature.column.name), f" {shown(feature.column.unit)}".rstrip()
    ranges = (
        short((low + high) / 2, 6) if feature.whole else f"{short(low, 4)} \N{EN DASH} {short(high, 4)}"
        for low, high in pairwise(feature.edges)
    )
    counts = (_("{events} events").format(events=decimal(count)) for count in sample.histogram.counts)
    return [
        f"{title}<br>{name}: {where}{unit}<br>{short(value, 4)} ± {short(spread, 2)} ({events})"
        for where, value, spread, events in zip(ranges, shape, error, counts, strict=True)
    ]


def _shape(sample: Sample, *, normalised: bool, plain: bool) -> tuple[Floats, Floats]:
    """Contents and errors; ``plain``: every event counts once, and all for which the feature is defined are one."""
    found = sample.histogram
    if plain:
        contents = np.asarray(found.counts, dtype=np.float64)
        error, total = np.sqrt(contents), float(sample.statistics.defined)
    else:
        contents, error, total = np.asarray(found.sums), np.asarray(found.errors), found.total
    scale = total if normalised and total else 1.0
    return contents / scale, error / abs(scale)


def _weighted(feature: ExploredFeature) -> bool:
    return feature.all.statistics.weighted_mean is not None


def _content(feature: ExploredFeature, *, normalised: bool, weighted: bool) -> str:
    edges, unit = feature.edges, shown(feature.column.unit)
    what = _("Fraction") if normalised else _("Sum of weights") if weighted else _("Events")
    if feature.whole:
        return what
    return f"{what} / {short(edges[1] - edges[0])} {unit}".rstrip()


def _remark(feature: ExploredFeature, second: Sample | None) -> str:
    undefined = feature.all.statistics.undefined
    whole, parts = [], []
    if second is not None and (undefined or second.statistics.undefined):
        text = _("undefined: {first}, in the second table {second}")
        whole.append(text.format(first=percent(undefined), second=percent(second.statistics.undefined)))
    elif undefined:
        whole.append(_("undefined: {share}").format(share=percent(undefined)))
    separation = feature.separation if second is None else None
    if separation is not None and separation.power is not None:
        parts.append(_("separation {power}").format(power=decimal(separation.power, 3)))
    if separation is not None and separation.auc is not None:
        parts.append(_("AUC alone {auc}").format(auc=decimal(separation.auc, 3)))
    return notes(", ".join(whole), ", ".join(parts))
