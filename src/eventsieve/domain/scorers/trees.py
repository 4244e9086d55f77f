"""Trees: forests and boosters as sums of what the leaves say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from eventsieve.domain.scorers.preparation import Preparation
from eventsieve.domain.scorers.scorer import Floats, Scorer
from eventsieve.domain.scorers.threads import Shared

__all__ = ["Leaves", "boosted", "forest"]

_MANY: Final = 512
"""So many events are worth an order."""

_LARGE: Final = 1000
"""Nodes that no longer fit the first cache."""

_STEP: Final = 4.0
"""Nanoseconds for a step down a tree, roughly."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """Sums, tree by tree, of the values of the leaves that an event falls into.

    scikit-learn's own walk down a tree, which gives the interpreter lock back; what it does around it for each tree
    and each event (checks, copies, joblib) takes longer than the walk.

    Attributes:
        prepare: the steps before.
        start: float64, shape (sums,): what the values are added to.
        trees: each with the sum that it belongs to, or ``None`` where it has values for all of them, and its values:
            float64, shape (nodes,) or (nodes, sums).
        deep: whether the trees are so large that the way down them is not always in the cache.
    """

    prepare: Preparation
    start: Floats
    trees: tuple[tuple[Any, int | None, Floats], ...]
    deep: bool

    def __call__(self, features: Floats) -> Floats | None:
        """Float64, shape (events, sums); ``None`` where single precision, in which trees compare, is exceeded."""
        with np.errstate(over="ignore"):
            prepared = self.prepare(features, np.float32)
        if prepared is None or not np.isfinite(prepared).all():
            return None
        if not self.deep or len(features) < _MANY:
            return self._sums(prepared)
        # Events that end in the same corner of one tree take similar ways down the others: what a way needs is still
        # in the cache, and the processor guesses the turns right. A third of the time, for the same sums.
        order = self.trees[0][0].apply(prepared).argsort()
        sums = np.empty((len(features), len(self.start)))
        sums[order] = self._sums(prepared[order])
        return sums

    def _sums(self, prepared: npt.NDArray[np.float32]) -> Floats:
        sums = np.tile(self.start, (len(prepared), 1))
        for tree, column, values in self.trees:
            leaves = tree.apply(prepared)
            if column is None:
                sums += values.take(leaves, axis=0)
            else:
                sums[:, column] += values.take(leaves)
        return sums


@dataclass(frozen=True, eq=False)
class _Shares:
    """The mean of what the trees of a forest say."""

    leaves: Leaves

    def __call__(self, features: Floats) -> Floats | None:
        sums = self.leaves(features)
        if sums is None:
            return None
        sums /= len(self.leaves.trees)
        return sums


@dataclass(frozen=True, eq=False)
class _Linked:
    """The sums of a booster as probabilities."""

    leaves: Leaves
    loss: Any

    def __call__(self, features: Floats) -> Floats | None:
        sums = self.leaves(features)
        if sums is None:
            return None
        return np.asarray(self.loss.link.inverse(sums[:, 0] if sums.shape[1] == 1 else sums))


def forest(classifier: RandomForestClassifier, prepare: Preparation) -> Scorer:
    """The scorer of a random forest."""
    classes, trees = len(classifier.classes_), [each.tree_ for each in classifier.estimators_]
    # Both of two classes: their sums are rounded apart, and events of equal votes are decided by that.
    each = tuple((tree, None, np.ascontiguousarray(tree.value[:, 0])) for tree in trees)
    return _shared(_Shares(Leaves(prepare, np.zeros(classes), each, deep=_deep(trees))), trees)


def boosted(classifier: GradientBoostingClassifier, prepare: Preparation) -> Scorer | None:
    """The scorer of gradient boosting that starts from the same score for all events, as it does by default."""
    if not _constant(classifier.init_):
        return None
    start = classifier._raw_predict_init(np.zeros((1, prepare.columns)))[0]  # noqa: SLF001 - it has no public name
    each = tuple(
        (fitted.tree_, column, classifier.learning_rate * fitted.tree_.value[:, 0, 0])
        for stage in classifier.estimators_
        for column, fitted in enumerate(stage)
    )
    trees = [tree for tree, _, _ in each]
    loss = classifier._loss  # noqa: SLF001 - likewise
    return _shared(_Linked(Leaves(prepare, start, each, deep=_deep(trees)), loss), trees)


def _constant(start: Any) -> bool:
    return isinstance(start, str) or (type(start) is DummyClassifier and start.strategy == "prior")


def _deep(trees: Sequence[Any]) -> bool:
    return any(tree.node_count > _LARGE for tree in trees)


def _shared(score: Scorer, trees: Sequence[Any]) -> Scorer:
    return Shared(score, cost=_STEP * sum(tree.max_depth for tree in trees))
