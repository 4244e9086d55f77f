"""Whether a model that was read from bytes keeps compiled code inside its arrays.

scikit-learn's compiled code follows the children of a tree, adds up the stages of a booster and copies the coefficients
of a support vector machine without looking: it relies on what `fit` left behind. A file may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from eventsieve.errors import DamagedArtefact

__all__ = ["check_bounds"]

_KERNELS: Final = ("linear", "poly", "rbf", "sigmoid")
"""Those of a table of features; "precomputed" follows the numbers of the support vectors into the table."""


def check_bounds(pipeline: Any) -> None:
    """Refuse a model whose numbers would lead compiled code outside its arrays.

    Raises:
        DamagedArtefact: it would, or it is not a pipeline as `eventsieve.domain.estimators.build` makes them.
    """
    if type(pipeline) is not Pipeline:
        raise DamagedArtefact(f"The stored model is a {type(pipeline).__name__}, not a pipeline.")
    *steps, classifier = (step for _, step in pipeline.steps)
    check = _CHECKS.get(type(classifier))
    if check is None or any(type(step) not in (StandardScaler, SimpleImputer) for step in steps):
        raise DamagedArtefact("The stored model has steps that no model has.")
    if not np.array_equal(classifier.classes_, np.arange(len(classifier.classes_))) or len(classifier.classes_) < 2:
        raise DamagedArtefact("The stored model's classes are not numbered from 0.")
    check(classifier, len(classifier.classes_))


def _check_forest(forest: RandomForestClassifier, classes: int) -> None:
    for fitted in forest.estimators_:
        if type(fitted) is not DecisionTreeClassifier:
            raise DamagedArtefact(f"The stored forest has a {type(fitted).__name__} among its trees.")
        _check_tree(fitted.tree_, forest.n_features_in_, classes)


def _check_booster(booster: GradientBoostingClassifier, classes: int) -> None:
    """As many trees a stage as there are scores that they are added to; each tree with one value a leaf."""
    trees, columns = booster.estimators_, 1 if classes == 2 else classes
    if not isinstance(trees, np.ndarray) or trees.ndim != 2 or trees.shape[1] != columns or not len(trees):
        raise DamagedArtefact(f"The stored model does not have {columns} trees a stage.")
    for fitted in trees.ravel():
        if type(fitted) is not DecisionTreeRegressor:
            raise DamagedArtefact(f"The stored model has a {type(fitted).__name__} among its trees.")
        _check_tree(fitted.tree_, booster.n_features_in_, 1)
    start = booster._raw_predict_init(np.zeros((1, booster.n_features_in_)))  # noqa: SLF001 - what trees are added to
    if start.shape != (1, columns):
        raise DamagedArtefact(f"The stored model starts from {start.shape[-1]} scores, and has {columns}.")


def _check_tree(tree: Any, features: int, values: int) -> None:
    if not 0 < tree.node_count <= tree.capacity:
        raise DamagedArtefact("The stored model has a tree that does not count its nodes right.")
    left, right = tree.children_left, tree.children_right
    parents = np.flatnonzero(left != -1)
    # Children come after their parent, so a path through the tree ends.
    inside = all(
        (child[parents] > parents).all() and (child[parents] < tree.node_count).all() for child in (left, right)
    )
    known = ((tree.feature[parents] >= 0) & (tree.feature[parents] < features)).all()
    if not (inside and known and tree.n_features == features and tree.n_outputs == 1 and tree.max_n_classes == values):
        raise DamagedArtefact("The stored model has a tree that leads outside of itself.")


def _check_histograms(booster: HistGradientBoostingClassifier, classes: int) -> None:
    """As the booster above; its own trees know numbers only, so nothing follows a set of categories."""
    state, columns = vars(booster), 1 if classes == 2 else classes
    mapper = state["_bin_mapper"]
    # These say that the features come as they are: neither in bins yet nor in another order.
    as_they_are = state["_preprocessor"] is None and state["is_categorical_"] is None and "_in_fit" not in state
    if not as_they_are or type(mapper) is not _BinMapper or np.any(mapper.is_categorical_):
        raise DamagedArtefact("The stored model takes its features for bins or categories, which no model does.")
    stages, start = state["_predictors"], state["_baseline_prediction"]
    if state["n_trees_per_iteration_"] != columns or not stages or any(len(stage) != columns for stage in stages):
        raise DamagedArtefact(f"The stored model does not have {columns} trees a stage.")
    if not isinstance(start, np.ndarray) or start.dtype != np.float64 or start.shape != (1, columns):
        raise DamagedArtefact(f"The stored model does not start from {columns} scores.")
    for tree in (tree for stage in stages for tree in stage):
        if type(tree) is not TreePredictor:
            raise DamagedArtefact(f"The stored model has a {type(tree).__name__} among its trees.")
        _check_nodes(tree.nodes, booster.n_features_in_)


def _check_nodes(nodes: Any, features: int) -> None:
    if type(nodes) is not np.ndarray or nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not len(nodes):
        raise DamagedArtefact("The stored model has a tree that does not count its nodes right.")
    places = np.flatnonzero(nodes["is_leaf"] == 0)
    inner = nodes[places]
    # Children come after their parent, so a path through the tree ends.
    inside = all((inner[side] > places).all() and (inner[side] < len(nodes)).all() for side in ("left", "right"))
    known = ((inner["feature_idx"] >= 0) & (inner["feature_idx"] < features)).all()
    if not (inside and known and not inner["is_categorical"].any()):
        raise DamagedArtefact("The stored model has a tree that leads outside of itself.")


def _check_vectors(svc: SVC, classes: int) -> None:
    """What libsvm counts on: the coefficients of each vector against each other class, and a constant per pair.

    C.-C. Chang and C.-J. Lin, LIBSVM: a library for support vector machines, ACM TIST 2 (2011) 27, and the comments on
    ``struct svm_model`` in its README.
    """
    pairs, vectors = classes * (classes - 1) // 2, len(svc.support_)
    shapes = {
        "support_": (vectors,),
        "support_vectors_": (vectors, svc.n_features_in_),
        "_n_support": (classes,),
        "_dual_coef_": (classes - 1, vectors),
        "_intercept_": (pairs,),
    }
    wrong = [name for name, shape in shapes.items() if np.shape(getattr(svc, name)) != shape]
    # Only a model that was fitted to give probabilities has their constants.
    sigmoids = np.shape(svc._probA), np.shape(svc._probB)  # noqa: SLF001
    counts = svc._n_support  # noqa: SLF001
    sound = not wrong and vectors > 0 and (counts >= 0).all() and counts.sum() == vectors
    if not sound or sigmoids not in (((0,), (0,)), ((pairs,), (pairs,))):
        raise DamagedArtefact("The stored model's support vectors do not fit its coefficients.")
    if svc.kernel not in _KERNELS or svc._sparse is not False or svc._impl != "c_svc":  # noqa: SLF001
        raise DamagedArtefact("The stored model's support vectors are none of a table of features.")


def _check_nothing(classifier: LogisticRegression, classes: int) -> None:
    """A logistic regression predicts with NumPy, which looks for itself."""
    del classifier, classes


_CHECKS: Final[Mapping[type, Callable[[Any, int], None]]] = MappingProxyType(
    {
        LogisticRegression: _check_nothing,
        SVC: _check_vectors,
        RandomForestClassifier: _check_forest,
        GradientBoostingClassifier: _check_booster,
        HistGradientBoostingClassifier: _check_histograms,
    }
)
