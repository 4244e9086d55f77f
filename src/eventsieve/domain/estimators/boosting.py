"""Boosting on histograms: scikit-learn's own and LightGBM, watched stage by stage at no cost."""

from __future__ import annotations

from copy import copy
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from eventsieve.domain.estimators.lightgbm import LightGBM
from eventsieve.domain.estimators.trimming import trim
from eventsieve.domain.estimators.watching import Fitted, Watch, ended

__all__ = ["grow_histograms", "grow_leaves", "unfinished"]

Array = npt.NDArray[Any]

_UNIT: Final = "stages"
_MANY: Final = 10_000
"""With more events scikit-learn's ``early_stopping="auto"`` stops early."""


def _no_score(*_: object, **__: object) -> float:
    return 0.0


def grow_histograms(
    booster: HistGradientBoostingClassifier, features: Array, target: Array, weight: Array | None, watch: Watch
) -> Fitted:
    """Fit scikit-learn's booster; the trees are those of a plain fit.

    It asks nobody while it fits but itself, after each stage, whether to stop early: this is where the watch is
    asked too. Where it would not ask, it is told to, by a score that costs nothing and never stops it.
    """
    asked = {name: getattr(booster, name) for name in ("early_stopping", "scoring", "validation_fraction")}
    early = len(features) > _MANY if asked["early_stopping"] == "auto" else asked["early_stopping"]
    total, stopped = booster.max_iter, False

    def should_stop(scores: list[float]) -> bool:
        nonlocal stopped
        done = len(scores) - 1  # the first is that of no trees
        watch.progress(done, total, _UNIT)
        if early and type(booster)._should_stop(booster, scores):  # noqa: SLF001 - its own question
            return True
        stopped = 0 < done < total and watch.stop()
        return stopped

    features = _with_some_values(features, weight, booster.min_samples_leaf)
    if not early:
        booster.set_params(early_stopping=True, scoring=_no_score, validation_fraction=None)
    booster._should_stop = should_stop  # noqa: SLF001 - likewise
    try:
        booster.fit(features, target, sample_weight=weight)
    finally:
        vars(booster).pop("_should_stop")
        booster.set_params(**asked)
    if not early:
        _never_scored(booster)
    trim(booster)
    return ended(booster.n_iter_, total, _UNIT, stopped=stopped)


def _with_some_values(features: Array, weight: Array | None, least: int) -> Array:
    """The features, with 0 throughout those of which there is too little to cut on.

    scikit-learn's bins need a value of every feature, in each part that it draws of the events. One that is defined in
    fewer events than a leaf must have is never cut on, so that its values do not matter.
    """
    defined = ~np.isnan(features)
    empty = defined.sum(axis=0) < least
    if weight is not None:  # events of no weight have no say in the bins
        empty |= ~defined[weight > 0].any(axis=0)
    return np.where(empty, 0.0, features) if empty.any() else features


def _never_scored(booster: HistGradientBoostingClassifier) -> None:
    """Leave no trace of the score that costs nothing."""
    booster.do_early_stopping_ = False
    booster._use_validation_data = booster.validation_fraction is not None  # noqa: SLF001 - what a fit leaves behind
    booster._scorer = None  # noqa: SLF001
    booster.train_score_, booster.validation_score_ = np.array([]), np.array([])


def grow_leaves(classifier: LightGBM, features: Array, target: Array, weight: Array | None, watch: Watch) -> Fitted:
    """Fit LightGBM stage by stage."""
    total, done, stopped = classifier.n_estimators, 0, False
    watch.progress(0, total, _UNIT)
    for done in classifier.boost(features, target, weight):
        watch.progress(done, total, _UNIT)
        stopped = done < total and watch.stop()
        if stopped:
            break
    classifier.finish()
    return ended(done, total, _UNIT, stopped=stopped)


def unfinished(classifier: HistGradientBoostingClassifier | LightGBM) -> HistGradientBoostingClassifier:
    """A model as it would be kept if its fit were stopped between these stages; the fit goes on untouched."""
    if isinstance(classifier, LightGBM):
        return classifier.unfinished()
    booster = copy(classifier)
    booster._predictors = list(booster._predictors)  # noqa: SLF001 - grows on
    booster.set_params(scoring="loss")
    _never_scored(booster)
    return trim(booster)
