"""LightGBM: boosting that grows leaf by leaf, with what it has grown kept as scikit-learn's own trees."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from numbers import Integral, Real
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state, validate_data

from eventsieve.domain.estimators.leaves import scikit_learns

__all__ = ["LightGBM"]

Array = npt.NDArray[Any]

_ALWAYS: Final = {
    "verbosity": -1,
    # The same threads give the same trees: no trial runs that find out which layout is faster this time. By rows is, of
    # tables as ours are.
    "deterministic": True,
    "force_row_wise": True,
}
_DRAWN: Final = 2**31 - 1
"""LightGBM keeps seeds in 31 bits."""


class LightGBM(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A classifier that is fitted by LightGBM and predicts by scikit-learn: by ``plain_``, the same model as its own.

    The parameters have the names, defaults and meanings of ``lightgbm.LGBMClassifier``, but for ``subsample_freq``:
    there a fraction of the events has no effect unless that is set too.

    Parameters
    ----------
    n_estimators : int, default=100
        The number of boosting stages; for more than two classes each has a tree per class.

    learning_rate : float, default=0.1
        The learning rate, by which every new tree's values are multiplied.

    num_leaves : int, default=31
        The maximum number of leaves of a tree.

    max_depth : int, default=-1
        The maximum depth of a tree; 0 or less is no limit.

    min_child_samples : int, default=20
        The minimum number of events in a leaf.

    min_child_weight : float, default=1e-3
        The minimum sum of the loss's second derivatives in a leaf.

    min_split_gain : float, default=0.0
        The minimum gain of a split.

    reg_alpha : float, default=0.0
        The L1 regularization of the leaves' values.

    reg_lambda : float, default=0.0
        The L2 regularization of the leaves' values.

    subsample : float, default=1.0
        The fraction of the events that a tree is grown on.

    subsample_freq : int, default=1
        After how many stages other events are drawn; with 0 every tree is grown on all of them.

    colsample_bytree : float, default=1.0
        The fraction of the features that a tree is grown on.

    max_bin : int, default=255
        The maximum number of bins that the values of a feature are put into.

    extra_trees : bool, default=False
        Whether each feature is tried at one random threshold only.

    class_weight : dict or 'balanced', default=None
        Weights of the classes; "balanced" gives all classes the same weight.

    random_state : int, RandomState instance or None, default=None
        The seed of the choice of events and features.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "num_leaves": [Interval(Integral, 2, 131_072, closed="both")],
        "max_depth": [Interval(Integral, -1, None, closed="left")],
        "min_child_samples": [Interval(Integral, 1, None, closed="left")],
        "min_child_weight": [Interval(Real, 0, None, closed="left")],
        "min_split_gain": [Interval(Real, 0, None, closed="left")],
        "reg_alpha": [Interval(Real, 0, None, closed="left")],
        "reg_lambda": [Interval(Real, 0, None, closed="left")],
        "subsample": [Interval(Real, 0, 1, closed="right")],
        "subsample_freq": [Interval(Integral, 0, None, closed="left")],
        "colsample_bytree": [Interval(Real, 0, 1, closed="right")],
        "max_bin": [Interval(Integral, 2, 65_535, closed="both")],
        "extra_trees": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        num_leaves: int = 31,
        max_depth: int = -1,
        min_child_samples: int = 20,
        min_child_weight: float = 1e-3,
        min_split_gain: float = 0.0,
        reg_alpha: float = 0.0,
        reg_lambda: float = 0.0,
        subsample: float = 1.0,
        subsample_freq: int = 1,
        colsample_bytree: float = 1.0,
        max_bin: int = 255,
        extra_trees: bool = False,
        class_weight: dict[int, float] | str | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.min_child_samples = min_child_samples
        self.min_child_weight = min_child_weight
        self.min_split_gain = min_split_gain
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.subsample = subsample
        self.subsample_freq = subsample_freq
        self.colsample_bytree = colsample_bytree
        self.max_bin = max_bin
        self.extra_trees = extra_trees
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit all stages."""
        for _ in self.boost(X, y, sample_weight):
            pass
        return self.finish()

    def boost(self, X: Any, y: Any, sample_weight: Any = None) -> Iterator[int]:  # noqa: N803 - likewise
        """Fit stage by stage; gives the number of those that are done. `finish` ends it, at any stage.

        Args:
            X: float64, shape (events, features), NaN where undefined.
            y: shape (events,), classes.
            sample_weight: float64, shape (events,), none below 0.

        Raises:
            ValueError: LightGBM cannot fit these events, or is not installed.
        """
        self._validate_params()
        lightgbm = _library()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite=False)  # noqa: N806 - likewise
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("LightGBM needs samples of at least 2 classes in the data, but the data has only 1 class.")
        given = self._given()
        weight = self._weight(codes, sample_weight, X)
        data = lightgbm.Dataset(X, label=codes, weight=weight, params=given)
        try:
            self._booster = lightgbm.Booster(given, data)
            for stage in range(self.n_estimators):
                self._booster.update()
                yield stage + 1
        except lightgbm.basic.LightGBMError as exc:
            raise ValueError(f"LightGBM cannot fit these events: {exc}") from exc

    def unfinished(self) -> HistGradientBoostingClassifier:
        """The model as it stands between stages."""
        depth = self.max_depth if self.max_depth > 0 else None
        return scikit_learns(
            self._booster.model_to_string(num_iteration=-1),
            classes=len(self.classes_),
            features=self.n_features_in_,
            # What scikit-learn has a name for; nothing of it counts once there are trees.
            learning_rate=self.learning_rate,
            max_iter=self.n_estimators,
            max_leaf_nodes=self.num_leaves,
            max_depth=depth,
            min_samples_leaf=self.min_child_samples,
            l2_regularization=self.reg_lambda,
            random_state=self.random_state,
        )

    def finish(self) -> Self:
        """Keep the stages that are done as scikit-learn's."""
        self.plain_ = self.unfinished()
        del self._booster
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803 - likewise
        """The class of each event."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.plain_.predict(self._checked(X))])

    def predict_proba(self, X: Any) -> Array:  # noqa: N803 - likewise
        """The probability of each class, shape (events, classes)."""
        check_is_fitted(self)
        return np.asarray(self.plain_.predict_proba(self._checked(X)))

    def decision_function(self, X: Any) -> Array:  # noqa: N803 - likewise
        """The logarithm of the odds of signal, shape (events,); of several classes, one column each."""
        check_is_fitted(self)
        return np.asarray(self.plain_.decision_function(self._checked(X)))

    def __sklearn_tags__(self) -> Any:
        """Undefined values are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _checked(self, X: Any) -> Array:  # noqa: N803 - likewise
        return np.asarray(validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=False))

    def _given(self) -> dict[str, Any]:
        """The parameters as LightGBM takes them."""
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(_DRAWN)
        several = len(self.classes_) > 2
        objective = {"objective": "multiclass", "num_class": len(self.classes_)} if several else {"objective": "binary"}
        own = {name: value for name, value in self.get_params().items() if name not in ("class_weight", "random_state")}
        return own | objective | _ALWAYS | {"seed": int(seed) & _DRAWN}

    def _weight(self, codes: Array, sample_weight: Any, features: Array) -> Array | None:
        """What each event counts: its weight times that of its class; ``None`` if all count the same."""
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, features, dtype=np.float64)
        if self.class_weight is None:
            return weight
        # Weights go by classes, and the codes are their places.
        of_classes = compute_sample_weight(self.class_weight, self.classes_[codes])
        return np.asarray(of_classes if weight is None else weight * of_classes)


def _library() -> Any:
    """LightGBM, loaded when something is fitted: predicting needs none."""
    try:
        return import_module("lightgbm")
    except (ImportError, OSError) as exc:  # OSError: the library for threads that it is linked to is not there
        raise ValueError(f"LightGBM cannot be loaded ({exc}): install eventsieve[fast].") from exc
