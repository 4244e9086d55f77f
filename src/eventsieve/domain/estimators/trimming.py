"""Fitted models without what only their fit needed."""

from __future__ import annotations

from copy import copy
from typing import Final

from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["trim"]

_OF_THE_FIT: Final = ("_feature_subsample_rng", "_in_fit", "_should_stop")


def trim(booster: HistGradientBoostingClassifier) -> HistGradientBoostingClassifier:
    """Take from a booster its source of random numbers and the number of threads that it was fitted with.

    Neither counts when it predicts, and the same model is to be the same bytes, whatever machine fitted it.

    Returns:
        The same booster.
    """
    for name in _OF_THE_FIT:
        vars(booster).pop(name, None)
    booster._bin_mapper = copy(booster._bin_mapper)  # noqa: SLF001 - a fit that goes on has it too
    booster._bin_mapper.n_threads = None  # noqa: SLF001
    return booster
