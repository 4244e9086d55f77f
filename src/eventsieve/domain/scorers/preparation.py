"""Preparation: the steps of a pipeline before its classifier, in one pass over the events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from eventsieve.domain.scorers.scorer import Floats

__all__ = ["Preparation"]


@dataclass(frozen=True, eq=False)
class Preparation:
    """Scaling, then medians where nothing is defined, then columns that say where.

    Attributes:
        features: how many there are.
        centre: float64, shape (features,), subtracted from them; ``None`` without scaling.
        scale: float64, shape (features,), by which they are divided then.
        fill: float64, shape (features,), in the place of NaN; ``None`` where that stays.
        flagged: int, shape (flags,): the features that have a column of their own behind the others, 1 where they were
            NaN.
    """

    features: int
    centre: Floats | None
    scale: Floats | None
    fill: Floats | None
    flagged: npt.NDArray[np.intp]

    @classmethod
    def of(cls, steps: Sequence[Any], features: int) -> Preparation | None:
        """What these fitted steps do to so many features; ``None`` where they are none that it knows."""
        centre = scale = fill = None
        flagged = np.empty(0, dtype=np.intp)
        left = list(steps)
        if left and type(left[0]) is StandardScaler:
            centre, scale = left[0].mean_, left[0].scale_
            if not _numbers(centre, features) or not _numbers(scale, features):
                return None
            del left[0]
        if left and type(left[0]) is SimpleImputer:
            imputer = left.pop(0)
            fill = imputer.statistics_
            if not _numbers(fill, features) or np.isnan(fill).any() or not np.isnan(imputer.missing_values):
                return None
            if imputer.indicator_ is not None:
                flagged = np.asarray(imputer.indicator_.features_, dtype=np.intp)
        return None if left else cls(features, centre, scale, fill, flagged)

    @cached_property
    def hidden(self) -> npt.NDArray[np.intp]:
        """The features that scaling makes NaN, whatever they are."""
        if self.centre is None or self.scale is None:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(np.isnan(self.centre / self.scale))

    @property
    def columns(self) -> int:
        """How many columns the classifier sees."""
        return self.features + len(self.flagged)

    def __call__(self, features: Floats, dtype: type = np.float64) -> npt.NDArray[Any] | None:
        """The events as the classifier sees them, in the steps' own arithmetic.

        Args:
            features: float64, shape (events, features), NaN where undefined.
            dtype: float64 or float32 of the answer; what is too large for it becomes infinite.

        Returns:
            shape (events, columns), rows one after the other; infinite values stay, and NaN where there is no `fill`.
            ``None`` where one would be lost, because its feature was never defined in the training.
        """
        if len(self.hidden) and np.isinf(features[:, self.hidden]).any():
            return None
        prepared: npt.NDArray[Any] = np.empty((len(features), self.columns), dtype=dtype)
        values = prepared[:, : self.features]
        if self.centre is None or self.scale is None:
            values[...] = features
        else:
            np.divide(features - self.centre, self.scale, out=values, casting="same_kind")
        if self.fill is not None:
            missing = np.isnan(values)
            np.copyto(values, self.fill, where=missing, casting="same_kind")
            prepared[:, self.features :] = missing[:, self.flagged]
        return prepared


def _numbers(given: Any, features: int) -> bool:
    """Whether there is a number for each feature; NaN where it never was defined, which makes all of its values NaN."""
    if not isinstance(given, np.ndarray) or given.dtype != np.float64 or given.shape != (features,):
        return False
    return not np.isinf(given).any()
