"""Trees that LightGBM has grown, as scikit-learn's own: the same comparisons, the same values, the same sums."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from eventsieve.domain.estimators.trimming import trim

__all__ = ["scikit_learns"]

Array = npt.NDArray[Any]

# Bits of a node's `decision_type` (LightGBM, include/LightGBM/tree.h).
_CATEGORICAL: Final = 1
_DEFAULT_LEFT: Final = 2
_MISSING: Final = 12
_MISSING_IS_ZERO: Final = 4
_MISSING_IS_NAN: Final = 8

_ZERO: Final = float(np.float32(1e-35))
"""LightGBM takes all up to here, of either sign, for 0 (`kZeroThreshold` in include/LightGBM/meta.h)."""


def scikit_learns(text: str, *, classes: int, features: int, **parameters: Any) -> HistGradientBoostingClassifier:
    """A model of LightGBM as scikit-learn's, with the same scores to the last bit.

    Args:
        text: the model in LightGBM's own format, of the objective "binary" or "multiclass".
        classes: how many there are; they are numbered from 0.
        features: how many there are.
        parameters: hyperparameters that the model is to be stored with.

    Raises:
        ValueError: it has splits that scikit-learn's trees have no form for.
    """
    columns = 1 if classes == 2 else classes
    trees = [_tree(block) for block in text.partition("\nend of trees")[0].split("\nTree=")[1:]]
    # A fit of one event a class brings all that scikit-learn wants to find in a fitted model; then come the trees.
    model = HistGradientBoostingClassifier(**parameters | {"max_iter": 1, "early_stopping": False})
    model.fit(np.zeros((classes, features)), np.arange(classes))
    model.set_params(max_iter=parameters.get("max_iter", max(1, len(trees) // columns)))
    # LightGBM starts from 0: what it begins with is in the first trees.
    model._baseline_prediction = np.zeros((1, columns))  # noqa: SLF001 - a fitted model has no other names for them
    model._predictors = [trees[place : place + columns] for place in range(0, len(trees), columns)]  # noqa: SLF001
    return trim(model)


def _tree(block: str) -> TreePredictor:
    """One tree: its inner nodes come first, in the order in which they were split, then its leaves."""
    fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    if fields["num_cat"] != "0" or fields["is_linear"] != "0":
        raise ValueError("The model of LightGBM has categories or linear leaves, which have no form in scikit-learn.")
    inner = int(fields["num_leaves"]) - 1
    nodes = np.zeros(2 * inner + 1, dtype=PREDICTOR_RECORD_DTYPE)
    split, leaf = nodes[:inner], nodes[inner:]
    leaf["value"] = _numbers(fields["leaf_value"], np.float64)
    leaf["is_leaf"] = 1
    leaf["count"] = _numbers(fields["leaf_count"], np.int64)
    split["count"] = _numbers(fields["internal_count"], np.int64)
    split["gain"] = _numbers(fields["split_gain"], np.float64)
    split["feature_idx"] = _numbers(fields["split_feature"], np.int64)
    for side in ("left", "right"):
        child = _numbers(fields[f"{side}_child"], np.int64)
        split[side] = np.where(child < 0, inner + ~child, child)
    threshold = _numbers(fields["threshold"], np.float64)
    split["num_threshold"] = _beyond_zero(threshold)
    split["missing_go_to_left"] = _missing_left(_numbers(fields["decision_type"], np.int64), threshold)
    nodes["depth"] = _depths(nodes, inner)
    none = np.zeros((0, 8), dtype=np.uint32)
    return TreePredictor(nodes, none, none)


def _numbers(field: str, dtype: type) -> Array:
    return np.array(field.split(), dtype=np.str_).astype(dtype)


def _missing_left(decision: Array, threshold: Array) -> npt.NDArray[np.bool_]:
    """Where an undefined value goes: as was learnt, or as 0 where all of a feature was defined in training."""
    missing = decision & _MISSING
    if (decision & _CATEGORICAL).any() or (missing == _MISSING_IS_ZERO).any():
        raise ValueError("The model of LightGBM takes 0 for undefined, which has no form in scikit-learn.")
    learnt = (decision & _DEFAULT_LEFT) != 0
    return np.asarray(np.where(missing == _MISSING_IS_NAN, learnt, threshold >= 0))


def _beyond_zero(threshold: Array) -> Array:
    """Thresholds with which a number that LightGBM takes for 0 goes where 0 goes."""
    zero = np.abs(threshold) <= _ZERO
    return np.where(zero, np.where(threshold < 0, np.nextafter(-_ZERO, -np.inf), _ZERO), threshold)


def _depths(nodes: Array, inner: int) -> npt.NDArray[np.uint32]:
    depths = np.zeros(len(nodes), dtype=np.uint32)
    level = np.zeros(min(inner, 1), dtype=np.int64)
    depth = 0
    while len(level):
        depth += 1
        below = np.concatenate([nodes["left"][level], nodes["right"][level]]).astype(np.int64)
        depths[below] = depth
        level = below[below < inner]
    return depths
