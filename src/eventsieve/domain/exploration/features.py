"""Exploring one feature: its values in the table, in each class and in a second table, in common bins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.buckets import Buckets
from eventsieve.domain.exploration.histograms import Histogram, common_edges, separation
from eventsieve.domain.exploration.ordered import Ordered
from eventsieve.domain.exploration.statistics import known, roc_auc
from eventsieve.records import Column, ExploredFeature, Sample, Separation, Statistics

__all__ = ["explore_feature"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.intp]

ENOUGH = 100
"""Events of a class from which it is among several that are compared: what fewer owe to chance looks like power."""


def explore_feature(
    events: Events, column: Column, ours: tuple[Ordered, Rows], theirs: Ordered | Buckets | None, bins: int
) -> ExploredFeature:
    """Explore one feature.

    Args:
        events: the table.
        column: the feature's entry in the schema.
        ours: the feature's values in the table, and the rows that they are in.
        theirs: its values in the second table; ``None`` where there is none, or no such feature.
        bins: number of bins.
    """
    ordered, rows = ours
    weight = None if events.weight is None else events.weight[rows]
    codes = None if events.target is None else events.target[rows]
    samples = [ordered] if theirs is None else [ordered, theirs]
    whole = column.dtype == "int64"
    edges = common_edges(samples, bins=bins, whole=whole)
    classes = _classes(events, codes, ordered.values, weight, edges)
    return ExploredFeature(
        column=column,
        edges=tuple(edges.tolist()),
        whole=whole and bool(edges[1] - edges[0] == 1 and edges[0] % 1 == 0.5),
        all=_sample("all", ordered, weight, edges)[0],
        classes=tuple(sample for sample, _ in classes),
        against=None if theirs is None else _sample("all", theirs, None, edges)[0],
        separation=None
        if codes is None
        else _separate(events, codes, ordered.values, weight, [histogram for _, histogram in classes]),
    )


def _sample(label: str, values: Ordered | Buckets, weight: Floats | None, edges: Floats) -> tuple[Sample, Histogram]:
    """The record and the histogram of some values; their weights, if any, are in ascending order of the values."""
    counted = Histogram.count(edges, values)
    histogram = counted if weight is None else counted.weighted(weight)
    record = histogram.as_record(counted.values)
    return Sample(label=label, statistics=_statistics(values, weight), histogram=record), histogram


def _statistics(ordered: Ordered | Buckets, weight: Floats | None) -> Statistics:
    minimum, lower, median, upper, maximum = (known(value) for value in ordered.quantiles(0, 0.25, 0.5, 0.75, 1))
    total = 0.0 if weight is None else float(weight.sum())
    return Statistics(
        events=ordered.events,
        defined=len(ordered),
        undefined=ordered.undefined / ordered.events if ordered.events else 0.0,
        mean=known(ordered.mean),
        std=known(ordered.std),
        minimum=minimum,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        maximum=maximum,
        # Not by BLAS: its threads wait by spinning, and take the core from the features beside this one.
        weighted_mean=known((ordered.values * weight).sum() / total) if weight is not None and total else None,
    )


def _classes(
    events: Events, codes: Codes | None, ascending: Floats, weight: Floats | None, edges: Floats
) -> list[tuple[Sample, Histogram]]:
    """Each class's part of the values, which stays in ascending order."""
    if codes is None or events.target is None:
        return []
    found = []
    for code, label in enumerate(events.schema.class_names):
        member = np.flatnonzero(codes == code)
        total = int(np.count_nonzero(events.target == code))
        part_weight = None if weight is None else weight[member]
        found.append(_sample(label, Ordered(ascending[member], total), part_weight, edges))
    return found


def _separate(
    events: Events, codes: Codes, ascending: Floats, weight: Floats | None, histograms: Sequence[Histogram]
) -> Separation:
    """Signal against background; of several classes, the pair that separates best."""
    counts = np.array([np.count_nonzero(codes == code) for code in range(len(histograms))])
    large = np.flatnonzero(counts >= ENOUGH)
    candidates = large if len(large) >= 2 else np.sort(np.argsort(counts, kind="stable")[-2:])
    powers = {
        (int(a), int(b)): separation(histograms[b], histograms[a]) for a, b in combinations(candidates.tolist(), 2)
    }
    first, second = max(powers, key=lambda pair: np.nan_to_num(powers[pair][0] - powers[pair][1], nan=-2.0))
    power, chance = powers[first, second]
    weight = np.ones(len(codes)) if weight is None else weight
    if len(histograms) > 2:
        pair = np.isin(codes, (first, second))
        ascending, codes, weight = ascending[pair], codes[pair], weight[pair]
    auc = roc_auc(ascending, codes == second, weight)
    names = events.schema.class_names
    return Separation(
        first=names[first], second=names[second], power=known(power), chance=known(chance), auc=known(auc)
    )
