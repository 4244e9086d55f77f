"""Linear models: a sum over the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from eventsieve.domain.scorers.preparation import Preparation
from eventsieve.domain.scorers.scorer import Floats, Scorer
from eventsieve.domain.scorers.threads import Shared

__all__ = ["Sums", "linear"]

_BLOCK: Final = 4096
"""Events that are prepared and summed before the next: they stay in the cache in between."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of the prepared features.

    Attributes:
        prepare: the steps before.
        weights: float64, shape (sums, columns).
        constants: float64, shape (sums,), added to them.
    """

    prepare: Preparation
    weights: Floats
    constants: Floats

    def __call__(self, features: Floats) -> Floats | None:
        """Float64, shape (events, sums); ``None`` where one is not finite, as with any feature that is not."""
        sums = np.empty((len(features), len(self.weights)))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(features), _BLOCK):
                prepared = self.prepare(features[start : start + _BLOCK])
                if prepared is None:
                    return None
                for column, weights in enumerate(self.weights):
                    # A matrix product would wake BLAS's threads, which spin for longer than all of this takes.
                    sums[start : start + _BLOCK, column] = np.vecdot(prepared, weights)
            sums += self.constants
        return sums if np.isfinite(sums).all() else None


@dataclass(frozen=True, eq=False)
class _Probabilities:
    sums: Sums

    def __call__(self, features: Floats) -> Floats | None:
        sums = self.sums(features)
        if sums is None:
            return None
        return np.asarray(expit(sums[:, 0]) if sums.shape[1] == 1 else softmax(sums, axis=1))


def linear(classifier: LogisticRegression, prepare: Preparation) -> Scorer | None:
    """The scorer of a logistic regression."""
    sums = Sums(prepare, classifier.coef_, classifier.intercept_)
    binary = len(classifier.classes_) == 2
    shape = (1 if binary else len(classifier.classes_), prepare.columns)
    if sums.weights.shape != shape:
        return None
    return Shared(_Probabilities(sums), cost=60.0 * len(sums.weights))
