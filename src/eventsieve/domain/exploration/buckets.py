"""The values of a feature in buckets: counted all, put into order only where it matters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventsieve.domain.exploration.ordered import Ordered
from eventsieve.domain.exploration.statistics import ROUNDING

__all__ = ["Buckets", "ranked"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

COUNT = 32_768
"""Buckets. Their counts stay in the processor's cache."""
WORTHWHILE = 50_000
"""Fewer values are sorted sooner."""
FULL = 0.05
"""Share of all values in one bucket from which they are better sorted: most are equal then, or beyond the others."""
_TAIL = 0.001
"""Share of the other table's values that the first bucket holds, and the last."""


def ranked(column: Floats, other: Ordered) -> Ordered | Buckets:
    """What says at which places in the order the values of a feature are.

    Args:
        column: float64, shape (events,), NaN where the feature is not defined.
        other: its values in a table that these are compared with.
    """
    defined = column[~np.isnan(column)]
    low, high = other.quantiles(_TAIL, 1 - _TAIL).tolist()
    scale = COUNT / (high - low) if high > low else math.inf
    if len(defined) >= WORTHWHILE and 0 < scale < math.inf:
        found = Buckets(defined, len(column), low, scale)
        if found.largest <= FULL:
            return found
    return Ordered(np.sort(defined), len(column))


@dataclass(frozen=True, eq=False)
class Buckets:
    """The defined values of a feature, of which none in a bucket is larger than any in the next.

    All answers are those of the values in ascending order, exactly. To sort half a million values takes several times
    as long as to count them in buckets and to sort those few that an answer depends on.

    Attributes:
        values: float64, shape (defined,), in any order, never NaN.
        events: how many events there are, with those for which the feature is not defined.
        low: where the second bucket would begin if all were of one width; the first holds all below.
        scale: buckets in a unit of the feature; the last holds all above.
    """

    values: Floats
    events: int
    low: float
    scale: float

    def __len__(self) -> int:
        return len(self.values)

    @property
    def undefined(self) -> int:
        """Events for which the feature is not defined."""
        return self.events - len(self.values)

    @cached_property
    def mean(self) -> float:
        """The mean."""
        return float(self.values.mean())

    @cached_property
    def std(self) -> float:
        """The standard deviation (divided by the number of values)."""
        return float(self.values.std())

    @property
    def largest(self) -> float:
        """The share of the values that the fullest bucket holds."""
        return float(self._counts.max()) / len(self)

    def quantiles(self, *shares: float) -> Floats:
        """Quantiles, interpolated linearly."""
        positions = np.asarray(shares) * (len(self) - 1)
        below = positions.astype(np.intp)
        places = np.append(below, np.minimum(below + 1, len(self) - 1))
        buckets = np.searchsorted(self._ends, places, "right")
        some = self._some(buckets)
        lower, upper = np.split(some.values[places - some.before[buckets]], 2)
        fraction = positions - below
        return np.asarray(lower * (1 - fraction) + upper * fraction, dtype=np.float64)

    def below(self, points: Floats) -> Places:
        """How many values are below each of some numbers in ascending order."""
        buckets = self._buckets(points)
        some = self._some(buckets)
        return np.asarray(np.searchsorted(some.values, points) + some.before[buckets], dtype=np.intp)

    def distance(self, others: Floats) -> float:
        """Two-sample Kolmogorov-Smirnov distance from values in ascending order, at least one.

        Both distributions are known at the ends of the buckets. Within a bucket they differ by no more than one
        of them at its end and the other at its beginning, so that few buckets can hold the largest difference.
        """
        n, m = len(self), len(others)
        buckets = self._buckets(others)
        ours, theirs = self._ends / n, np.cumsum(np.bincount(buckets, minlength=COUNT)) / m
        largest = float(np.abs(ours - theirs).max())
        bounds = np.maximum(ours - np.append(0.0, theirs[:-1]), theirs - np.append(0.0, ours[:-1]))
        some = self._some(np.flatnonzero(bounds >= largest - ROUNDING))
        at = np.flatnonzero(some.chosen[buckets])
        above = (at + 1) / m - (np.searchsorted(some.values, others[at], "right") + some.before[buckets[at]]) / n
        places = np.arange(1, len(some.values) + 1) + some.before[self._buckets(some.values)]
        below = places / n - np.searchsorted(others, some.values, "right") / m
        return max(float(above.max(initial=0.0)), float(below.max(initial=0.0)))

    def _buckets(self, values: Floats) -> Places:
        """The bucket of each value; it never falls where the values rise."""
        places = values - self.low
        places *= self.scale
        return np.clip(places, 0, COUNT - 1, out=places).astype(np.intp)

    @cached_property
    def _bucket(self) -> Places:
        return self._buckets(self.values)

    @cached_property
    def _counts(self) -> Places:
        return np.bincount(self._bucket, minlength=COUNT)

    @cached_property
    def _ends(self) -> Places:
        return np.cumsum(self._counts)

    def _some(self, buckets: Places) -> _Some:
        """The values in some buckets."""
        chosen = np.zeros(COUNT, dtype=np.bool_)
        chosen[buckets] = True
        counts = np.where(chosen, self._counts, 0)
        before = (self._ends - self._counts) - (np.cumsum(counts) - counts)
        return _Some(np.sort(self.values[chosen[self._bucket]]), chosen, before)


@dataclass(frozen=True, eq=False)
class _Some:
    """The values in some buckets.

    Attributes:
        values: float64, in ascending order.
        chosen: whether a bucket is one of these, shape (buckets,).
        before: how many values in others come before those of a bucket, shape (buckets,).
    """

    values: Floats
    chosen: Flags
    before: Places
