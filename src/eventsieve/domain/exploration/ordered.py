"""The values of a feature in ascending order, which nearly all that is said of it is read from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from eventsieve.domain.exploration.statistics import sorted_quantiles

__all__ = ["Ordered"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Ordered:
    """The defined values of a feature.

    Attributes:
        values: float64, shape (defined,), in ascending order, never NaN.
        events: how many events there are, with those for which the feature is not defined.
    """

    values: Floats
    events: int

    @classmethod
    def of(cls, column: Floats) -> Self:
        """The values of a feature, shape (events,), NaN where it is not defined."""
        # Sorting is nearly all of the work, so that it pays to drop NaN before.
        return cls(np.sort(_defined(column)[0]), len(column))

    @classmethod
    def with_rows(cls, column: Floats) -> tuple[Self, Rows]:
        """The same, and the row that each value is in, intp, shape (defined,)."""
        defined, rows = _defined(column)
        order = np.argsort(defined)
        return cls(defined[order], len(column)), order if rows is None else rows[order]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def undefined(self) -> int:
        """Events for which the feature is not defined."""
        return self.events - len(self.values)

    @cached_property
    def mean(self) -> float:
        """The mean; NaN where there are no values."""
        return float(self.values.mean()) if len(self.values) else float("nan")

    @cached_property
    def std(self) -> float:
        """The standard deviation (divided by the number of values); NaN where there are none."""
        return float(self.values.std()) if len(self.values) else float("nan")

    def below(self, points: Floats) -> Rows:
        """How many values are below each of some numbers."""
        return np.searchsorted(self.values, points)

    def quantiles(self, *shares: float) -> Floats:
        """Quantiles, interpolated linearly; NaN where there are no values."""
        return sorted_quantiles(self.values, *shares)


def _defined(column: Floats) -> tuple[Floats, Rows | None]:
    """The values that are not NaN, and their rows; ``None`` where these are all rows."""
    undefined = np.isnan(column)
    if not undefined.any():
        return column, None
    rows = np.flatnonzero(~undefined)
    return column[rows], rows
