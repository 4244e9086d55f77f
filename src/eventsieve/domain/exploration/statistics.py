"""Statistics of plain arrays that an exploration needs: order, equality, distance, correlation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = [
    "coefficients",
    "fingerprints",
    "kolmogorov_smirnov",
    "ordered",
    "pair_sums",
    "roc_auc",
    "sorted_quantiles",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_CHUNK = 65_536
"""Events whose products are summed at a time: bounds the memory by a few such blocks."""


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


def fingerprints(features: Floats) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row, uint64, shape (rows,): equal rows have equal hashes, NaN being equal to NaN.

    Among a million rows the chance that any two different ones share a hash is about 3e-8. The bits are mixed as in
    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), because float64 of round values differ in their high bits only.
    """
    prints = np.zeros(len(features), dtype=np.uint64)
    for position in range(features.shape[1]):
        # Adding 0 gives -0 the bits of 0; every NaN gets the same bits too.
        column = features[:, position] + 0.0
        column[np.isnan(column)] = np.nan
        prints += column.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        prints = (prints ^ (prints >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        prints = (prints ^ (prints >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        prints ^= prints >> np.uint64(31)
    return prints


def roc_auc(ascending: Floats, signal: Flags, weight: Floats) -> float:
    """Chance that a signal event has the larger value than a background event, ties counting half.

    Args:
        ascending: shape (events,), in ascending order.
        signal: shape (events,), True for signal.
        weight: shape (events,).

    Returns:
        The area under the ROC curve; NaN where a class has no weight.
    """
    below_signal = np.cumsum(np.where(signal, weight, 0.0))
    below_background = np.cumsum(np.where(signal, 0.0, weight))
    if not len(ascending) or not below_signal[-1] or not below_background[-1]:
        return float("nan")
    last_of_equals = np.append(np.flatnonzero(np.diff(ascending)), len(ascending) - 1)
    rejected = np.append(0.0, below_background[last_of_equals]) / below_background[-1]
    lost = np.append(0.0, below_signal[last_of_equals]) / below_signal[-1]
    return float(np.trapezoid(1 - lost, rejected))


def kolmogorov_smirnov(first: Floats, second: Floats) -> tuple[float, float]:
    """Two-sample Kolmogorov-Smirnov distance of values that are in ascending order, and its p-value.

    The p-value is the asymptotic one; it is too large where many values are equal.

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
    return distance, float(special.kolmogorov(np.sqrt(n * m / (n + m)) * distance))


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
