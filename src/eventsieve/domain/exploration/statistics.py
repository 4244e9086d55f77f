"""Statistics of plain arrays that an exploration needs: order, equality, distance, correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from eventsieve.domain.metrics.ranking import roc_auc as area

__all__ = [
    "coefficients",
    "combined",
    "known",
    "kolmogorov_smirnov",
    "ordered",
    "pair_sums",
    "proportions_differ",
    "roc_auc",
    "sorted_quantiles",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_CHUNK = 65_536
"""Events whose products are summed at a time: bounds the memory by a few such blocks."""

_EXACT = 1_000
"""Values in each of two samples up to which the distance's chance is counted exactly."""
_FEW = 5.0
"""An expected number of events below it is no normal variable."""


def known(value: float) -> float | None:
    """The number, or ``None`` where it is NaN or infinite."""
    return float(value) if math.isfinite(value) else None


def ordered(values: Floats) -> Floats:
    """The values that are not NaN, in ascending order."""
    ascending = np.sort(values)
    return ascending[: np.count_nonzero(~np.isnan(ascending))]


def sorted_quantiles(ordered: Floats, *shares: float) -> Floats:
    """Quantiles, interpolated linearly, of values that are in ascending order; NaN where there are none."""
    if not len(ordered):
        return np.full(len(shares), np.nan)
    positions = np.asarray(shares) * (len(ordered) - 1)
    below = positions.astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    fraction = positions - below
    return np.asarray(ordered[below] * (1 - fraction) + ordered[above] * fraction, dtype=np.float64)


def roc_auc(ascending: Floats, signal: Flags, weight: Floats) -> float:
    """Chance that a signal event has the larger value than a background event, ties counting half.

    Args:
        ascending: shape (events,), in ascending order.
        signal: shape (events,), True for signal.
        weight: shape (events,).

    Returns:
        The area under the ROC curve; NaN where a class has no weight.
    """
    if not len(ascending):
        return float("nan")
    # The values are sorted already, so that no `Ranking` is needed.
    falling = ascending[::-1]
    ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    above_signal = np.cumsum(np.where(signal, weight, 0.0)[::-1])
    above_background = np.cumsum(np.where(signal, 0.0, weight)[::-1])
    return area(above_signal[ends], above_background[ends])


def kolmogorov_smirnov(first: Floats, second: Floats) -> tuple[float, float]:
    """Two-sample Kolmogorov-Smirnov distance of values that are in ascending order, and its p-value.

    The p-value is that of `scipy.stats.ks_2samp`: exact for small samples, for larger ones that of one sample of
    n m / (n + m) values. It is too large where many values are equal.

    Returns:
        Distance and p-value; NaN where a sample is empty.
    """
    n, m = len(first), len(second)
    if not (n and m):
        return float("nan"), float("nan")
    # Each one-sided supremum is reached where its first distribution jumps.
    above = np.arange(1, n + 1) / n - np.searchsorted(second, first, "right") / m
    below = np.arange(1, m + 1) / m - np.searchsorted(first, second, "right") / n
    distance = max(float(above.max()), float(below.max()), 0.0)
    if max(n, m) <= _EXACT:
        return distance, float(stats.ks_2samp(first, second, method="exact").pvalue)
    return distance, float(np.clip(stats.kstwo.sf(distance, max(round(n * m / (n + m)), 1)), 0.0, 1.0))


def proportions_differ(first: int, of_first: int, second: int, of_second: int) -> float:
    """Two-sided chance of shares that differ so much between two samples of one population.

    The z-test with pooled variance; Fisher's exact test where an expected number is below 5.

    Returns:
        The p-value; NaN where a sample is empty, or where the share is 0 or 1 in both.
    """
    both, total = first + second, of_first + of_second
    if not (of_first and of_second and 0 < both < total):
        return float("nan")
    share = both / total
    if min(share, 1 - share) * min(of_first, of_second) < _FEW:
        table = [[first, of_first - first], [second, of_second - second]]
        return float(stats.fisher_exact(table).pvalue)
    z = (first / of_first - second / of_second) / math.sqrt(share * (1 - share) * (1 / of_first + 1 / of_second))
    return float(special.erfc(abs(z) / math.sqrt(2)))


def combined(p_values: Sequence[float]) -> float:
    """One p-value of independent ones by Fisher's method; those that are NaN do not count, and none gives NaN."""
    tests = [p for p in p_values if not math.isnan(p)]
    if not tests:
        return float("nan")
    if min(tests) <= 0:
        return 0.0
    return float(special.chdtrc(2 * len(tests), -2 * sum(map(math.log, tests))))


def pair_sums(values: Floats, centre: Floats, member: Flags | None = None) -> Floats:
    """Sums over the rows in which columns i and j are both defined: of 1, x_i, x_i^2 and x_i x_j.

    Args:
        values: shape (rows, columns), NaN where undefined.
        centre: shape (columns,), subtracted first: a typical value of the column, so that narrow columns lose no
            digits, and the value itself of a constant one, so that its variance is exactly 0.
        member: the rows to sum over, shape (rows,); all of them if ``None``.

    Returns:
        Shape (4, columns, columns). Sums over disjoint rows around the same centre add up.
    """
    width = values.shape[1]
    sums = np.zeros((4, width, width))
    for start in range(0, len(values), _CHUNK):
        block = values[start : start + _CHUNK]
        if member is not None:
            block = block[member[start : start + _CHUNK]]
        x = block - centre
        missing = np.isnan(x)
        x[missing] = 0.0
        defined = 1.0 - missing
        sums += np.stack([defined.T @ defined, x.T @ defined, np.square(x).T @ defined, x.T @ x])
    return sums


def coefficients(sums: Floats) -> Floats:
    """Pearson's correlation coefficients from ``pair_sums``, shape (columns, columns).

    NaN where fewer than two rows have both columns defined, or where one of the columns is constant in these rows.
    """
    pairs = np.where(sums[0] >= 2, sums[0], np.nan)
    mean, square, product = sums[1] / pairs, sums[2] / pairs, sums[3] / pairs
    variance = square - mean**2
    # What rounding leaves of the variance of a constant is no variance.
    variance[variance <= 1e-12 * square] = np.nan
    found: Floats = np.clip((product - mean * mean.T) / np.sqrt(variance * variance.T), -1.0, 1.0)
    return found
