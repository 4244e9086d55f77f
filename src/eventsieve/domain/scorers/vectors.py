"""Support vectors: kernels of blocks of events by matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from sklearn.svm import SVC
from sklearn.utils.multiclass import _ovr_decision_function

from eventsieve.domain.scorers.linear import Sums
from eventsieve.domain.scorers.preparation import Preparation
from eventsieve.domain.scorers.scorer import Floats, Scorer
from eventsieve.domain.scorers.threads import Shared

__all__ = ["vectors"]

_ROWS: Final = 128
_PRODUCT: Final = 1 << 18
_CELLS: Final = 9216
"""Events of a block, multiplications of a product and cells of a matrix: up to these OpenBLAS works in the thread that
calls it. Larger ones wake its own threads, which fight with those that share the events, spin on for 0.1 s when they
are done, and have one limit for the whole process. The small ones are as fast as a large one."""

_AT_ONCE: Final = 1 << 18
"""Cells between the product and the sum: two megabytes stay in the cache."""

_FAR: Final = 1e4
"""So large an exponent of a vector by itself would cost the kernel more than the last four of its sixteen digits."""


@dataclass(frozen=True, eq=False)
class _Kernel:
    """Sums over the support vectors of a kernel of each with the event.

    Attributes:
        prepare: the steps before.
        name: of the kernel: "rbf", "poly" or "sigmoid".
        vectors: float64, shape (blocks, columns + 2, width): the support vectors as columns, times a factor of the
            kernel, and two rows that a constant and a number of each event are multiplied with.
        weights: float64, shape (blocks, width, sums), 0 where a block has no more vectors.
        constants: float64, shape (sums,), added to the sums.
        gamma: the kernel's width.
        degree: the power of "poly".
    """

    prepare: Preparation
    name: str
    vectors: Floats
    weights: Floats
    constants: Floats
    gamma: float
    degree: int

    def __call__(self, features: Floats) -> Floats | None:
        """Float64, shape (events, sums); ``None`` where there is an infinite feature or sum."""
        with np.errstate(over="ignore", invalid="ignore"):
            prepared = self.prepare(features)
            if prepared is None or not np.isfinite(prepared).all():
                return None
            sums = self._sums(prepared)
        return sums if np.isfinite(sums).all() else None

    def _sums(self, prepared: Floats) -> Floats:
        sums = np.tile(self.constants, (len(prepared), 1))
        squares = np.vecdot(prepared, prepared) * -self.gamma if self.name == "rbf" else np.zeros(len(prepared))
        rows = np.column_stack((prepared, np.ones(len(prepared)), squares))
        blocks, _, width = self.vectors.shape
        count = max(1, _AT_ONCE // (_ROWS * width))
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            cells = np.empty((min(count, blocks), len(some), width))
            for first in range(0, blocks, count):
                part = slice(first, first + count)
                kernel = np.matmul(some, self.vectors[part], out=cells[: len(self.vectors[part])])
                sums[start : start + _ROWS] += np.matmul(self._bend(kernel), self.weights[part]).sum(axis=0)
        return sums

    def _bend(self, kernel: Floats) -> Floats:
        """The kernel's function of what the product gives, in its place."""
        if self.name == "rbf":
            return np.exp(kernel, out=kernel)
        if self.name == "sigmoid":
            return np.tanh(kernel, out=kernel)
        return _power(kernel, self.degree)


def _power(base: Floats, exponent: int) -> Floats:
    """Powers by squaring: NumPy's own take twenty times as long."""
    result = np.ones_like(base)
    while exponent:
        if exponent % 2:
            result *= base
        exponent //= 2
        base = base * base if exponent else base
    return result


@dataclass(frozen=True, eq=False)
class _Decisions:
    """Decision values from the sums of each pair of classes."""

    sums: Sums | _Kernel
    classes: int

    def __call__(self, features: Floats) -> Floats | None:
        sums = self.sums(features)
        if sums is None:
            return None
        if self.classes == 2:
            return sums[:, 0]
        return np.asarray(_ovr_decision_function(sums < 0, -sums, self.classes))


def vectors(classifier: SVC, prepare: Preparation) -> Scorer | None:
    """The scorer of a support vector machine that gives decision values."""
    if classifier.probability is True:
        return None
    sums = _sums(classifier, prepare)
    if sums is None:
        return None
    cost = 60.0 * len(sums.constants) if isinstance(sums, Sums) else 3.0 * len(classifier.support_vectors_)
    return Shared(_Decisions(sums, len(classifier.classes_)), cost)


def _weights(classifier: SVC) -> Floats:
    """How much each vector counts in each decision between two classes: float64, shape (vectors, pairs).

    libsvm keeps for each vector one coefficient for each other class, see the comments on ``struct svm_model`` in its
    README.
    """
    coefficients, counts = classifier._dual_coef_, classifier._n_support  # noqa: SLF001 - those that it predicts with
    ends = np.cumsum([0, *counts])
    own = [slice(*each) for each in pairwise(ends)]
    pairs = list(combinations(range(len(own)), 2))
    weights = np.zeros((ends[-1], len(pairs)))
    for pair, (one, other) in enumerate(pairs):
        weights[own[one], pair] = coefficients[other - 1, own[one]]
        weights[own[other], pair] = coefficients[one, own[other]]
    return weights


def _sums(classifier: SVC, prepare: Preparation) -> Sums | _Kernel | None:
    # Public attributes are made of these, for two classes with the other sign: that of the answer.
    sign = -1.0 if len(classifier.classes_) == 2 else 1.0
    weights, constants = sign * _weights(classifier), sign * classifier._intercept_
    support, gamma, kernel = classifier.support_vectors_, float(classifier._gamma), classifier.kernel  # noqa: SLF001
    if kernel == "linear":
        return Sums(prepare, np.einsum("vs,vc->sc", weights, support), constants)
    factor, offset, square = gamma, np.full(len(support), classifier.coef0), 0.0
    if kernel == "rbf":
        # -gamma |x - v|² = 2 gamma x·v - gamma |v|² - gamma |x|²
        factor, offset, square = 2.0 * gamma, -gamma * np.vecdot(support, support), 1.0
        if not np.abs(offset).max() < _FAR:
            return None
    elif kernel not in ("poly", "sigmoid"):
        return None
    stacked = np.column_stack((factor * support, offset, np.full(len(support), square)))
    return _Kernel(prepare, kernel, *_blocks(stacked, weights), constants, gamma, classifier.degree)


def _blocks(support: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Both in blocks of as many vectors as a small product takes."""
    (count, columns), sums = support.shape, weights.shape[1]
    width = max(1, min(_CELLS, _PRODUCT // max(columns, sums)) // _ROWS)
    blocks = -(-count // width)
    padded = np.zeros((blocks * width, columns)), np.zeros((blocks * width, sums))
    padded[0][:count], padded[1][:count] = support, weights
    vectors = padded[0].reshape(blocks, width, columns).transpose(0, 2, 1)
    return np.ascontiguousarray(vectors), padded[1].reshape(blocks, width, sums)
