"""Acceleration: fits by scikit-learn-intelex where it does what scikit-learn does, kept as plain scikit-learn.

scikit-learn-intelex falls back to scikit-learn by itself, and in silence, for some parameters; for others it goes on
and does something else. So what it is given is decided here, and the rest is fitted as ever. It is never patched into
scikit-learn, and nothing of it is in the model that is kept.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from sklearn.tree._tree import Tree

from eventsieve.domain.estimators.binning import binned
from eventsieve.domain.estimators.watching import Fitted, Watch, ended
from eventsieve.records import Means

__all__ = ["LIBRARY", "available", "expected", "faster"]

Array = npt.NDArray[Any]

LIBRARY: Final = "scikit-learn-intelex"
"""The distribution that a model names among its versions where it was used."""

_WORTHWHILE: Final = 5_000
"""Below so many events scikit-learn is fast, and a model is its own to the bit."""

_TREES_AT_ONCE: Final = 25
"""Trees of a forest that are grown in one call. A call costs as much as two or three trees on top; between two calls a
fit can be stopped. The number is part of the model: a call has one seed for all of its trees."""

_SINGLE: Final = {"C": 10.0, "tol": 1e-3}
"""Vectors are found in single precision, half of the work, up to this C and down to this tolerance."""


@cache
def available() -> bool:
    """Whether scikit-learn-intelex can be used; it is loaded on the first call."""
    try:
        for module in ("sklearnex.ensemble", "sklearnex.svm"):
            importlib.import_module(module)
    except (ImportError, OSError):  # not installed, or not for this processor
        return False
    return True


def faster(
    classifier: Any, features: Array, target: Array, weight: Array | None, means: Means
) -> Callable[[Any, Array, Array, Array | None, Watch], Fitted] | None:
    """The accelerated fit of a classifier, or ``None`` where there is none that does the same.

    Args:
        classifier: of scikit-learn, not fitted.
        features: shape (events, features), what it will be fitted to.
        target: shape (events,), codes of classes.
        weight: shape (events,), or ``None``.
        means: what may be used.
    """
    classes = int(target.max()) + 1
    if not means.accelerate or not _same(type(classifier), classifier.get_params(), len(features), classes):
        return None
    fit: Callable[..., Fitted]
    if type(classifier) is SVC:
        fit = _separate
    elif weight is None and np.abs(features).max(initial=0.0) < np.finfo(np.float32).max:
        # scikit-learn draws the events of a tree by their weights, oneDAL draws all alike and weighs them afterwards:
        # with very different weights these are different forests. Values that single precision does not hold are left
        # to scikit-learn, which names them.
        fit = _grow
    else:
        return None
    return partial(fit, threads=means.threads) if available() else None


def expected(
    classifier: type, values: Mapping[str, Any], *, events: int, classes: int, weighted: bool, means: Means
) -> bool:
    """Whether a fit will probably be accelerated; nothing is loaded to answer that.

    Args:
        classifier: scikit-learn's class.
        values: its resolved hyperparameters.
        events: how many it will be fitted to.
        classes: how many there are.
        weighted: whether events have weights.
        means: what may be used.
    """
    possible = means.accelerate and _same(classifier, values, events, classes)
    return possible and not (weighted and classifier is RandomForestClassifier) and find_spec("sklearnex") is not None


def _same(classifier: type, values: Mapping[str, Any], events: int, classes: int) -> bool:
    """Whether there is an accelerated fit that does the same with these hyperparameters."""
    if events < _WORTHWHILE:
        return False
    if classifier is RandomForestClassifier:
        # The shares of more than two classes in a leaf are not to be had.
        return classes == 2 and _same_forest(values, events)
    return classifier is SVC and _same_vectors(values)


def _same_forest(values: Mapping[str, Any], events: int) -> bool:
    return (
        values["class_weight"] is None
        and values["criterion"] == "gini"
        and values["ccp_alpha"] == 0.0
        and values["max_leaf_nodes"] is None
        and _within(values["max_samples"], events)
        and not values["oob_score"]
        and not values["warm_start"]
    )


def _within(samples: float | None, events: int) -> bool:
    return samples is None or samples <= (events if isinstance(samples, int) else 1.0)


def _same_vectors(values: Mapping[str, Any]) -> bool:
    """Whether there is a machine of the same kind.

    oneDAL's iterations are others, so ``max_iter`` means something else; it has no probabilities of its own; and it
    ends elsewhere with the kernel "sigmoid", which has no single best machine.
    """
    return (
        values["kernel"] in ("linear", "poly", "rbf")
        and values["max_iter"] == -1
        and values["probability"] in (False, "deprecated")
    )


def _grow(
    forest: RandomForestClassifier, features: Array, target: Array, weight: Array | None, watch: Watch, *, threads: int
) -> Fitted:
    """Grow some trees at a time, on the numbers of bins, and write the cuts between the bins into them."""
    del weight
    # It is slow to import, and not everywhere.
    from sklearnex.ensemble import RandomForestClassifier as Fast  # type: ignore[import-untyped] # noqa: PLC0415

    codes, cuts, first = binned(features.astype(np.float32))
    parameters = forest.get_params() | {"n_jobs": threads, "max_bins": 4 * int(codes.max() + 1)}  # bins stay apart
    total, unit = forest.n_estimators, "trees"
    random = np.random.RandomState(forest.random_state)
    forest.classes_, forest.n_classes_ = np.unique(target), len(np.unique(target))
    forest.n_features_in_, forest.n_outputs_ = features.shape[1], 1
    forest.estimators_ = []
    forest._validate_estimator()  # noqa: SLF001 - makes the model of a tree
    done, stopped = 0, False
    watch.progress(done, total, unit)
    while done < total and not stopped:
        seed, trees = random.randint(2**31 - 1), min(_TREES_AT_ONCE, total - done)
        fast = Fast(**parameters | {"n_estimators": trees, "random_state": seed}).fit(codes, target)
        for grown in fast.estimators_:
            tree = forest._make_estimator(random_state=random)  # noqa: SLF001 - with the forest's parameters
            tree.n_features_in_, tree.n_outputs_ = features.shape[1], 1
            tree.classes_, tree.n_classes_ = forest.classes_, forest.n_classes_
            tree.max_features_ = grown.max_features
            tree.tree_ = _plain(grown.tree_, cuts, first)
        done += trees
        watch.progress(done, total, unit)
        stopped = done < total and watch.stop()
    return _accelerated(ended(done, total, unit, stopped=stopped))


def _plain(grown: Tree, cuts: npt.NDArray[np.float64], first: npt.NDArray[np.intp]) -> Tree:
    """A tree as scikit-learn grows it: with thresholds of the features, and the shares of the classes in each node.

    Thresholds were numbers of bins, and scikit-learn-intelex gives leaves to the class that has most events in them,
    instead of to each class its share. Of two classes the shares follow from the impurity, to the very event.
    """
    state = grown.__getstate__()
    nodes = state["nodes"] = state["nodes"].copy()
    inner = nodes["left_child"] >= 0
    feature = nodes["feature"][inner]
    at = first[feature] + nodes["threshold"][inner].astype(np.intp)
    nodes["threshold"][inner] = cuts[np.minimum(at, first[feature + 1] - 1)]

    events = nodes["n_node_samples"].astype(np.float64)
    most = np.rint(events * (1 + np.sqrt(np.maximum(0.0, 1 - 2 * nodes["impurity"]))) / 2)
    second = np.where(state["values"][:, 0, 1] > state["values"][:, 0, 0], most, events - most)
    second[inner] = 0.0
    second = _sums_below(nodes, second)
    state["values"] = np.stack([1 - second / events, second / events], axis=1)[:, np.newaxis]

    tree = Tree(grown.n_features, np.array([grown.max_n_classes], dtype=np.intp), grown.n_outputs)
    tree.__setstate__(state)
    return tree


def _sums_below(nodes: Array, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each node the sum of the values of the leaves below it; those stand side by side after it."""
    last = np.arange(len(nodes))
    while (inner := nodes["left_child"][last] >= 0).any():
        last[inner] = nodes["right_child"][last[inner]]
    sums = np.concatenate([[0.0], np.cumsum(values)])
    total: npt.NDArray[np.float64] = sums[last + 1] - sums[:-1]
    return total


def _separate(svc: SVC, features: Array, target: Array, weight: Array | None, watch: Watch, *, threads: int) -> Fitted:
    """Find the support vectors, and write them into a plain SVC as libsvm leaves them."""
    del watch
    # As above.
    from sklearnex.svm import SVC as Fast  # type: ignore[import-untyped] # noqa: N811, PLC0415

    single = _SINGLE["C"] >= svc.C and svc.tol >= _SINGLE["tol"]
    fast = Fast(**svc.get_params(), n_jobs=threads)
    fast.fit(features.astype(np.float32) if single else features, target, weight)
    # libsvm has the vectors of a class side by side.
    order = np.argsort(target[fast.support_], kind="stable")
    classes = len(fast.classes_)
    attributes = {
        "classes_": fast.classes_,
        "class_weight_": np.asarray(fast.class_weight_, dtype=np.float64),
        "n_features_in_": features.shape[1],
        "support_": fast.support_[order].astype(np.int32),
        "_n_support": np.bincount(target[fast.support_], minlength=classes).astype(np.int32),
        "_gamma": np.float64(fast._gamma),  # noqa: SLF001
        "n_iter_": np.asarray(fast.n_iter_, dtype=np.int32).reshape(-1),
        "_num_iter": np.asarray(fast.n_iter_, dtype=np.int32).reshape(-1),
        "_sparse": False,
        "_effective_probability": False,
        "_probA": np.empty(0),
        "_probB": np.empty(0),
        "fit_status_": 0,
        "shape_fit_": features.shape,
    }
    attributes["support_vectors_"] = np.ascontiguousarray(features[attributes["support_"]], dtype=np.float64)
    # In a problem of two classes scikit-learn shows them with the other sign than libsvm takes them.
    sign = -1.0 if classes == 2 else 1.0
    for name, value in (("dual_coef_", fast.dual_coef_[:, order]), ("intercept_", fast.intercept_)):
        attributes[name] = np.ascontiguousarray(value, dtype=np.float64)
        attributes[f"_{name}"] = sign * attributes[name]
    for name, value in attributes.items():
        setattr(svc, name, value)
    return _accelerated(Fitted())


def _accelerated(fitted: Fitted) -> Fitted:
    return Fitted(fitted.remarks, fitted.kept_early, fitted.done, fitted.total, libraries=(LIBRARY,))
