"""Histograms of event features: robust common bin edges, sums of weights with their variances, separation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsieve import records
from eventsieve.domain.exploration.buckets import Buckets
from eventsieve.domain.exploration.ordered import Ordered

__all__ = ["Histogram", "common_edges", "separation"]

Floats = npt.NDArray[np.float64]
Range = tuple[float, float, float, float]
"""The least value, the ends of the range between the tails, the largest value."""

_TAIL = 0.005
"""Share of the events on either side that may lie beyond the drawn range."""
_MARGIN = 0.1
"""How far, in units of the range between the tails, the edges may reach out to cover the extremes all the same."""
_FARTHEST = 1e150
"""No edge lies beyond: squares of what is larger are not finite."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """Sums of weights in bins, nothing lost: the first and the last entry are underflow and overflow.

    Attributes:
        edges: float64, shape (bins + 1,), ascending.
        values: float64, shape (bins + 2,): sum of the weights of the events in each bin.
        variances: float64, shape (bins + 2,): sum of the squared weights, the variance of ``values``.
    """

    edges: Floats
    values: Floats
    variances: Floats

    @classmethod
    def count(cls, edges: Floats, values: Ordered | Buckets) -> Histogram:
        """Count values in bins that hold their lower edge."""
        counts = np.diff(values.below(edges), prepend=0, append=len(values)).astype(np.float64)
        return cls(edges, counts, counts)

    def weighted(self, weight: Floats) -> Histogram:
        """The sums of the weights of the values that this histogram has counted.

        Args:
            weight: float64, shape (values,), in the ascending order of the values.
        """
        counts = self.values.astype(np.intp)
        # Values in ascending order are in the order of their bins too: each bin sums up a run of weights.
        filled = np.flatnonzero(counts)
        starts = (np.cumsum(counts) - counts)[filled]
        values, variances = np.zeros_like(self.values), np.zeros_like(self.values)
        if len(filled):
            values[filled] = np.add.reduceat(weight, starts)
            variances[filled] = np.add.reduceat(np.square(weight), starts)
        return Histogram(self.edges, values, variances)

    @property
    def total(self) -> float:
        """Sum of all weights, underflow and overflow included."""
        return float(self.values.sum())

    @property
    def contents(self) -> Floats:
        """``values`` without underflow and overflow, shape (bins,)."""
        return self.values[1:-1]

    @property
    def errors(self) -> Floats:
        """Standard deviations of ``contents``, shape (bins,)."""
        return np.sqrt(self.variances[1:-1])

    @property
    def outside(self) -> float:
        """Share of the total in underflow and overflow, 0 for an empty histogram."""
        return float((self.values[0] + self.values[-1]) / self.total) if self.total else 0.0

    def as_record(self, counts: Floats) -> records.Histogram:
        """This histogram as it is sent; ``counts``, shape (bins + 2,), holds the numbers of events."""
        values, errors = np.nan_to_num(self.values), np.nan_to_num(np.sqrt(self.variances[1:-1]))
        return records.Histogram(
            counts=tuple(counts[1:-1].astype(np.int64).tolist()),
            sums=tuple(values[1:-1].tolist()),
            errors=tuple(errors.tolist()),
            below=float(values[0]),
            above=float(values[-1]),
        )

    def normalised(self) -> Histogram:
        """This histogram scaled to a total of 1, flow included; an empty one stays empty."""
        scale = 1.0 / self.total if self.total else 1.0
        return Histogram(self.edges, self.values * scale, self.variances * scale**2)


def common_edges(samples: Sequence[Ordered | Buckets], *, bins: int, whole: bool = False) -> Floats:
    """Bin edges that fit all ``samples`` and are not spread out by their tails.

    The edges cover at least 99 % of each sample, and all of it where the extremes are near. A constant feature gets
    a range around its value, no values at all the range 0 to 1. With ``whole`` (numbers that count something) the
    bins are centred on whole numbers: one bin per value as long as ``bins`` of them suffice.

    Returns:
        float64, shape (bins + 1,); fewer with ``whole``.
    """
    extents = [_range(sample) for sample in samples if len(sample)]
    if not extents:
        return np.linspace(0.0, 1.0, bins + 1)
    if whole:
        return _whole_edges(extents, bins)
    ranges = [_robust_range(extent) for extent in extents]
    low = max(min(first for first, _ in ranges), -_FARTHEST)
    high = min(max(last for _, last in ranges), _FARTHEST)
    if low >= high:
        reach = 0.5 * max(1.0, 1e-3 * abs(low))
        low, high = low - reach, low + reach
    # A bin does not hold its upper edge, so the last edge lies just beyond the largest value.
    return np.linspace(low, high + 1e-9 * (high - low), bins + 1)


def separation(signal: Histogram, background: Histogram) -> tuple[float, float]:
    """The separation power of a feature, and what chance alone would give it.

    The separation is that of the TMVA Users Guide (arXiv:physics/0703039, "Ranking of variables"),
    half the integral of (s - b)^2 / (s + b) over the unit-normalised densities s and b: 0 for equal shapes, 1 for
    shapes without overlap. Counted in bins the widths cancel; underflow and overflow are bins like the others.
    Two samples of the same shape do not give 0 but, from the variances of s and b, about half the sum of
    (var s + var b) / (s + b).

    Returns:
        The separation and that expectation; NaN where either histogram is empty.
    """
    if not (signal.total and background.total):
        return float("nan"), float("nan")
    s, b = signal.normalised(), background.normalised()
    both = s.values + b.values
    used = both > 0
    power = 0.5 * np.sum((s.values - b.values)[used] ** 2 / both[used])
    chance = 0.5 * np.sum((s.variances + b.variances)[used] / both[used])
    return float(power), float(chance)


def _range(sample: Ordered | Buckets) -> Range:
    lowest, low, high, highest = sample.quantiles(0, _TAIL, 1 - _TAIL, 1).tolist()
    return lowest, low, high, highest


def _robust_range(extent: Range) -> tuple[float, float]:
    lowest, low, high, highest = extent
    if low == high:
        return lowest, highest
    margin = _MARGIN * (high - low)
    return max(lowest, low - margin), min(highest, high + margin)


def _whole_edges(extents: Sequence[Range], bins: int) -> Floats:
    first, last = min(extent[0] for extent in extents), max(extent[-1] for extent in extents)
    if last - first >= bins:
        ranges = [_robust_range(extent) for extent in extents]
        first, last = min(low for low, _ in ranges), max(high for _, high in ranges)
    first, last = np.floor(first), np.ceil(last)
    width = np.ceil((last - first + 1) / bins)
    return np.asarray(first - 0.5 + width * np.arange(np.ceil((last - first + 1) / width) + 1), dtype=np.float64)
