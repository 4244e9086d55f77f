"""Boosting on histograms: its trees compare in double precision and take gaps as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from eventsieve.domain.scorers.preparation import Preparation
from eventsieve.domain.scorers.scorer import Floats, Scorer
from eventsieve.domain.scorers.threads import Shared

__all__ = ["histograms"]

_TREE: Final = 40.0
"""Nanoseconds for an event in a tree, roughly."""


@dataclass(frozen=True, eq=False)
class _Histograms:
    """Sums of the stages' trees.

    Each tree is walked in the calling thread. scikit-learn itself calls OpenMP's threads together for every tree, and
    they spin in between: with busy cores 17 ms for one event and a hundred trees, instead of half of one.

    Attributes:
        prepare: the steps before.
        start: float64, shape (sums,): what the trees are added to.
        stages: in each a tree for each sum.
        categories: the known ones and the features that have some, as the trees' ``predict`` takes them.
        loss: turns sums into probabilities.
    """

    prepare: Preparation
    start: Floats
    stages: tuple[tuple[Any, ...], ...]
    categories: tuple[Any, Any]
    loss: Any

    def __call__(self, features: Floats) -> Floats | None:
        prepared = self.prepare(features)
        if prepared is None:
            return None
        sums = np.tile(self.start, (len(features), 1))
        for stage in self.stages:
            for column, tree in enumerate(stage):
                sums[:, column] += tree.predict(prepared, *self.categories, n_threads=1)
        return np.asarray(self.loss.link.inverse(sums[:, 0] if sums.shape[1] == 1 else sums))


def histograms(classifier: HistGradientBoostingClassifier, prepare: Preparation) -> Scorer | None:
    """The scorer of scikit-learn's histogram boosting without categories."""
    if classifier.is_categorical_ is not None:
        return None
    # What a fit leaves behind has no public names.
    start, stages = classifier._baseline_prediction[0], classifier._predictors  # noqa: SLF001
    categories = classifier._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    trees = tuple(tuple(stage) for stage in stages)
    score = _Histograms(prepare, start, trees, categories, classifier._loss)  # noqa: SLF001
    return Shared(score, cost=_TREE * len(trees) * len(start))
