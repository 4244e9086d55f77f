"""Statistics of plain arrays that an exploration needs: order, equality, distance, correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special, stats

__all__ = [
    "ROUNDING",
    "chance_of_distance",
    "coefficients",
    "combined",
    "known",
    "kolmogorov_smirnov",
    "pair_sums",
    "proportions_differ",
    "roc_auc",
    "sorted_quantiles",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_PRODUCTS = 900_000
"""Products that are summed at a time. So few values stay in the processor's cache, and the linear algebra library does
not share so few products among threads, which wait by spinning."""
_FEWEST = 256
"""Rows of which products are summed at a time, if there are many columns."""

_STEP = 64
"""Values between those at which two distributions are compared first."""
ROUNDING = 1e-12
"""How far sums of shares may be from exact."""

_EXACT = 1_000
"""Values in each of two samples up to which the distance's chance is counted exactly."""
_MANY = 10_000
"""From so many values on an expansion gives chances of distances that are ..."""
_FAR = 2.2
"""... as large as this, squared and times the number of values."""
_FEW = 5.0
"""An expected number of events below it is no normal variable."""


def known(value: float) -> float | None:
    """The number, or ``None`` where it is NaN or infinite."""
    return float(value) if math.isfinite(value) else None


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
    of_signal = np.where(signal, weight, 0.0)
    of_background = weight - of_signal
    below = np.cumsum(of_background)
    whole = float(of_signal.sum() * below[-1])
    other = ascending[1:] != ascending[:-1]
    if other.all():
        below -= 0.5 * of_background
    else:  # of those that are equal, half are below each
        starts = np.append(0, np.flatnonzero(other) + 1)
        of_signal = np.add.reduceat(of_signal, starts)
        below = below[np.append(starts[1:], len(ascending)) - 1]
        below = 0.5 * (below + np.append(0.0, below[:-1]))
    # Not by BLAS: its threads wait by spinning, and take the core from the features beside this one.
    return float((of_signal * below).sum()) / whole if whole else float("nan")


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
    distance = max(_farthest_above(first, second), _farthest_above(second, first), 0.0)
    if max(n, m) <= _EXACT:
        return distance, float(stats.ks_2samp(first, second, method="exact").pvalue)
    return distance, chance_of_distance(distance, n, m)


def chance_of_distance(distance: float, n: int, m: int) -> float:
    """Chance of at least this Kolmogorov-Smirnov distance between large samples of one distribution.

    Of very large samples, chances below 0.025 are the expansion of U. R. Maag and G. Dicaire, Biometrika 58 (1971) 653.
    It is within 0.3 % of the exact sum where the chance is above 1e-8. That sum has a term for each value: with half a
    million of them, thirty features took seconds.

    Args:
        distance: between two samples.
        n: values in the first.
        m: values in the second.
    """
    size = max(round(n * m / (n + m)), 1)
    if size >= _MANY and size * distance**2 >= _FAR:
        return 2 * math.exp(-((6 * size * distance + 1) ** 2) / (18 * size))
    return float(np.clip(stats.kstwo.sf(distance, size), 0.0, 1.0))


def _farthest_above(first: Floats, second: Floats) -> float:
    """How far the distribution of the first values rises above that of the second, both in ascending order.

    The supremum is reached where the first jumps. Between two values of the first neither distribution falls, so most
    runs of values cannot hold it, and only the others are looked at.
    """
    n, m = len(first), len(second)
    ends = np.append(np.arange(_STEP - 1, n - 1, _STEP), n - 1)
    reached, passed = (ends + 1) / n, np.searchsorted(second, first[ends], "right") / m
    best = float((reached - passed).max())
    runs = np.flatnonzero(reached - np.append(0.0, passed[:-1]) >= best - ROUNDING)
    at = (runs[:, None] * _STEP + np.arange(_STEP)).ravel()
    at = at[at < n]
    return float(((at + 1) / n - np.searchsorted(second, first[at], "right") / m).max())


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
    rows = max(_PRODUCTS // max(width, 1) ** 2, _FEWEST)
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        if member is not None:
            block = block[member[start : start + rows]]
        x = block - centre
        missing = np.isnan(x)
        np.copyto(x, 0.0, where=missing)
        defined = 1.0 - missing
        sums[0] += defined.T @ defined
        sums[1] += x.T @ defined
        sums[2] += np.square(x).T @ defined
        sums[3] += x.T @ x
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
