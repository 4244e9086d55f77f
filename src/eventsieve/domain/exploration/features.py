"""Exploring one feature: its values in the table, in each class and in a second table, in common bins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.histograms import Histogram, common_edges, separation
from eventsieve.domain.exploration.statistics import known, roc_auc, sorted_quantiles
from eventsieve.records import Column, ExploredFeature, Sample, Separation, Statistics

__all__ = ["explore_feature"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

ENOUGH = 100
"""Events of a class from which it is among several that are compared: what fewer owe to chance looks like power."""


def explore_feature(
    events: Events, column: Column, ordered: tuple[Floats, Rows], others: Floats | None, bins: int
) -> ExploredFeature:
    """Explore one feature.

    Args:
        events: the table.
        column: the feature's entry in the schema.
        ordered: the feature in ascending order, then a NaN for each event for which it is not defined, shape (events,);
            and the rows that they are in, likewise.
        others: the same of the second table, without the rows; ``None`` where there is none, or no such feature.
        bins: number of bins.
    """
    ascending = _defined(ordered[0])
    order = ordered[1][: len(ascending)]
    weight = None if events.weight is None else events.weight[order]
    codes = None if events.target is None else events.target[order]
    samples = [ascending] if others is None else [ascending, _defined(others)]
    whole = column.dtype == "int64"
    edges = common_edges(samples, bins=bins, whole=whole)
    classes = _classes(events, codes, ascending, weight, edges)
    return ExploredFeature(
        column=column,
        edges=tuple(edges.tolist()),
        whole=whole and bool(edges[1] - edges[0] == 1 and edges[0] % 1 == 0.5),
        all=_sample("all", len(events), ascending, weight, edges)[0],
        classes=tuple(sample for sample, _ in classes),
        against=None if others is None else _sample("all", len(others), _defined(others), None, edges)[0],
        separation=None
        if codes is None
        else _separate(events, codes, ascending, weight, [histogram for _, histogram in classes]),
    )


def _defined(ascending: Floats) -> Floats:
    return ascending[: np.count_nonzero(~np.isnan(ascending))]


def _sample(
    label: str, events: int, ascending: Floats, weight: Floats | None, edges: Floats
) -> tuple[Sample, Histogram]:
    below = np.searchsorted(ascending, edges)
    counts = np.diff(below, prepend=0, append=len(ascending)).astype(np.float64)
    histogram = Histogram(edges, counts, counts) if weight is None else Histogram.fill(edges, ascending, weight)
    statistics = _statistics(ascending, weight, events)
    return Sample(label=label, statistics=statistics, histogram=histogram.as_record(counts)), histogram


def _statistics(ascending: Floats, weight: Floats | None, events: int) -> Statistics:
    count = len(ascending)
    quantiles = [known(value) for value in sorted_quantiles(ascending, 0, 0.25, 0.5, 0.75, 1)]
    minimum, lower, median, upper, maximum = quantiles
    total = 0.0 if weight is None else float(weight.sum())
    return Statistics(
        events=events,
        defined=count,
        undefined=1 - count / events if events else 0.0,
        mean=known(ascending.mean()) if count else None,
        std=known(ascending.std()) if count else None,
        minimum=minimum,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        maximum=maximum,
        # Not by BLAS: its threads wait by spinning, and take the core from the features beside this one.
        weighted_mean=known((ascending * weight).sum() / total) if weight is not None and total else None,
    )


def _classes(
    events: Events, codes: Codes | None, ascending: Floats, weight: Floats | None, edges: Floats
) -> list[tuple[Sample, Histogram]]:
    """Each class's part of the values, which stays in ascending order."""
    if codes is None or events.target is None:
        return []
    totals = np.bincount(events.target, minlength=len(events.schema.class_names))
    found = []
    for code, label in enumerate(events.schema.class_names):
        member = codes == code
        part_weight = None if weight is None else weight[member]
        found.append(_sample(label, int(totals[code]), ascending[member], part_weight, edges))
    return found


def _separate(
    events: Events, codes: Codes, ascending: Floats, weight: Floats | None, histograms: Sequence[Histogram]
) -> Separation:
    """Signal against background; of several classes, the pair that separates best."""
    counts = np.bincount(codes, minlength=len(histograms))
    large = np.flatnonzero(counts >= ENOUGH)
    candidates = large if len(large) >= 2 else np.sort(np.argsort(counts, kind="stable")[-2:])
    powers = {
        (int(a), int(b)): separation(histograms[b], histograms[a]) for a, b in combinations(candidates.tolist(), 2)
    }
    first, second = max(powers, key=lambda pair: np.nan_to_num(powers[pair][0] - powers[pair][1], nan=-2.0))
    power, chance = powers[first, second]
    pair = np.isin(codes, (first, second)) if len(histograms) > 2 else np.ones(len(codes), dtype=np.bool_)
    ones = np.ones(len(codes)) if weight is None else weight
    auc = roc_auc(ascending[pair], codes[pair] == second, ones[pair])
    names = events.schema.class_names
    return Separation(
        first=names[first], second=names[second], power=known(power), chance=known(chance), auc=known(auc)
    )
