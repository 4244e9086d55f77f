"""Trees in ONNX: forests and boosters, as sums of the leaves that an event comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from eventsieve.domain.onnxnodes import Graph, NotExpressible, add_probabilities

__all__ = ["add_boosted", "add_forest", "add_histograms"]

Array = npt.NDArray[Any]

_ML: Final = "ai.onnx.ml"
_MOST_NODES: Final = 5_000_000
"""Of trees: an ONNX file has at most 2 GB, and a node takes some hundred bytes on the way there."""


@dataclass(frozen=True)
class _Tree:
    """Arrays of the nodes of a tree.

    Attributes:
        leaf: whether a node is one.
        left: where an event goes whose feature is at most the threshold.
        right: where it goes otherwise.
        feature: number of the feature.
        threshold: double.
        value: double, shape (nodes, columns), what a leaf adds to each score.
        missing_left: whether an event goes left whose feature is undefined.
    """

    leaf: Array
    left: Array
    right: Array
    feature: Array
    threshold: Array
    value: Array
    missing_left: Array


def add_forest(graph: Graph, forest: RandomForestClassifier, events: str) -> str:
    """The mean of the trees' fractions of the classes."""
    trees = [_single(fitted.tree_, fitted.tree_.value[:, 0, :]) for fitted in forest.estimators_]
    total = _sum_of_trees(graph, trees, _single_precision(graph, events))
    return graph.add("Div", total, graph.constant(float(len(trees))))


def add_boosted(graph: Graph, booster: GradientBoostingClassifier, events: str) -> str:
    """Probabilities of the sum of the trees and what they started from."""
    columns = booster.estimators_.shape[1]
    trees = [
        _single(fitted.tree_, _column(booster.learning_rate * fitted.tree_.value[:, 0, 0], number, columns))
        for number, fitted in enumerate(booster.estimators_.ravel())
    ]
    start = booster._raw_predict_init(np.zeros((1, booster.n_features_in_)))  # noqa: SLF001 - has no other name
    total = _sum_of_trees(graph, trees, _single_precision(graph, events))
    raw = graph.add("Add", total, graph.constant(start))
    if booster.loss == "exponential":
        raw = graph.add("Mul", raw, graph.constant(2.0))
    return add_probabilities(graph, raw, len(booster.classes_))


def add_histograms(graph: Graph, booster: HistGradientBoostingClassifier, events: str) -> str:
    """As `add_boosted`, of trees that know where undefined features go."""
    columns = booster.n_trees_per_iteration_
    trees = [
        _double(fitted.nodes, number, columns)
        for stage in booster._predictors  # noqa: SLF001 - has no other name
        for number, fitted in enumerate(stage)
    ]
    start = booster._baseline_prediction  # noqa: SLF001 - likewise
    raw = graph.add("Add", _sum_of_trees(graph, trees, events), graph.constant(start))
    return add_probabilities(graph, raw, len(booster.classes_))


def _single(tree: Any, value: Array) -> _Tree:
    """A tree as forests have it."""
    left = tree.children_left
    nothing_is_missing = np.zeros(len(left), dtype=np.bool_)  # what comes to them is imputed
    return _Tree(left == -1, left, tree.children_right, tree.feature, tree.threshold, value, nothing_is_missing)


def _double(nodes: Array, number: int, columns: int) -> _Tree:
    """A tree as histograms give it."""
    return _Tree(
        nodes["is_leaf"] != 0,
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["feature_idx"],
        nodes["num_threshold"],
        _column(nodes["value"], number, columns),
        nodes["missing_go_to_left"] != 0,
    )


def _column(values: Array, number: int, columns: int) -> Array:
    """Values of the score that a tree of this number adds to."""
    value = np.zeros((len(values), columns))
    value[:, number % columns] = values
    return value


def _single_precision(graph: Graph, events: str) -> str:
    """Forests compare single-precision features with double-precision thresholds."""
    return graph.add("Cast", graph.add("Cast", events, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)


def _sum_of_trees(graph: Graph, trees: Sequence[_Tree], events: str) -> str:
    """The sum of the values of the leaves that each event comes to, double, shape (events, columns of the values)."""
    counts = [len(tree.leaf) for tree in trees]
    if sum(counts) > _MOST_NODES:
        raise NotExpressible(
            f"The trees have {sum(counts)} nodes, and an ONNX file holds {_MOST_NODES}; train fewer or flatter trees."
        )
    leaf = _joined(trees, "leaf")
    numbers = np.concatenate([np.arange(count) for count in counts])
    owners = np.repeat(np.arange(len(trees)), counts)
    value = _joined(trees, "value")
    value[~leaf] = 0
    rows, columns = np.nonzero(value)
    total = graph.add(
        "TreeEnsembleRegressor",
        events,
        domain=_ML,
        n_targets=value.shape[1],
        nodes_treeids=owners,
        nodes_nodeids=numbers,
        nodes_featureids=np.where(leaf, 0, _joined(trees, "feature")),
        nodes_modes=np.where(leaf, b"LEAF", b"BRANCH_LEQ"),
        nodes_values_as_tensor=np.where(leaf, 0.0, _joined(trees, "threshold")),
        nodes_truenodeids=np.where(leaf, 0, _joined(trees, "left")),
        nodes_falsenodeids=np.where(leaf, 0, _joined(trees, "right")),
        nodes_missing_value_tracks_true=np.where(leaf, 0, _joined(trees, "missing_left")),
        target_treeids=owners[rows],
        target_nodeids=numbers[rows],
        target_ids=columns,
        target_weights_as_tensor=value[rows, columns],
    )
    return graph.add("Cast", total, to=TensorProto.DOUBLE)


def _joined(trees: Sequence[_Tree], name: str) -> Array:
    return np.concatenate([getattr(tree, name) for tree in trees])
