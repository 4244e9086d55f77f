"""Pipelines as ONNX graphs: the arithmetic of scikit-learn, operator by operator and in double precision.

Written out here and not by a general converter, because scores have to come back the same: such converters work in
single precision, in which the votes of a forest no longer add up to exactly one half, and know no indicators of
undefined values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from eventsieve.domain.estimators.scoring import has_probabilities

__all__ = ["Graph", "NotExpressible", "add_decision", "add_scores"]

_ML: Final = "ai.onnx.ml"
_MOST_NODES: Final = 5_000_000
"""Of trees: an ONNX file has at most 2 GB, and a node takes some hundred bytes on the way there."""


class NotExpressible(ValueError):
    """Raised when a model has no form in ONNX; the message says why."""


class Graph:
    """The nodes and constants of a graph, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, values: object, dtype: type = np.float64) -> str:
        """The name of a new constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype, order="C"), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The name of the result of a new node."""
        name = f"v{len(self.nodes)}"
        node = helper.make_node(operator, inputs, [name], domain=domain)
        node.attribute.extend(_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name


def add_scores(graph: Graph, pipeline: Pipeline, events: str) -> str:
    """Add a fitted pipeline to a graph.

    Args:
        graph: what it is added to.
        pipeline: as `eventsieve.domain.estimators.build` made it, and fitted.
        events: name of the features, double, shape (events, features), NaN where undefined.

    Returns:
        The name of what `eventsieve.domain.estimators.class_scores` gives: double, shape (events, classes).

    Raises:
        NotExpressible: ONNX has no operators for it.
    """
    *steps, classifier = (step for _, step in pipeline.steps)
    for step in steps:
        events = _PREPARED[type(step)](graph, step, events)
    return _SCORED[type(classifier)](graph, classifier, events)


def add_decision(graph: Graph, scores: str, cut: float | None) -> str:
    """The name of the class codes, int64, shape (events,): signal above the cut, or the class of the largest score."""
    if cut is None:
        return graph.add("ArgMax", scores, axis=1, keepdims=0)
    signal = graph.add("Gather", scores, graph.constant(1, np.int64), axis=1)
    return graph.add("Cast", graph.add("Greater", signal, graph.constant(cut)), to=TensorProto.INT64)


def _scale(graph: Graph, scaler: StandardScaler, events: str) -> str:
    centred = graph.add("Sub", events, graph.constant(scaler.mean_))
    return graph.add("Div", centred, graph.constant(scaler.scale_))


def _impute(graph: Graph, imputer: SimpleImputer, events: str) -> str:
    missing = graph.add("IsNaN", events)
    filled = graph.add("Where", missing, graph.constant(imputer.statistics_), events)
    marked = imputer.indicator_.features_
    if not len(marked):
        return filled
    marks = graph.add("Gather", missing, graph.constant(marked, np.int64), axis=1)
    return graph.add("Concat", filled, graph.add("Cast", marks, to=TensorProto.DOUBLE), axis=1)


def _logistic(graph: Graph, classifier: LogisticRegression, events: str) -> str:
    products = graph.add("MatMul", events, graph.constant(classifier.coef_.T))
    decision = graph.add("Add", products, graph.constant(classifier.intercept_))
    return _probabilities(graph, decision, len(classifier.classes_))


def _probabilities(graph: Graph, decision: str, classes: int) -> str:
    """From the logarithm of the odds: of one column for two classes, else of one column for each."""
    if classes > 2:
        return graph.add("Softmax", decision, axis=1)
    signal = graph.add("Sigmoid", decision)
    return graph.add("Concat", graph.add("Sub", graph.constant(1.0), signal), signal, axis=1)


def _forest(graph: Graph, forest: RandomForestClassifier, events: str) -> str:
    trees = [fitted.tree_ for fitted in forest.estimators_]
    total = _sum_of_trees(graph, trees, [tree.value[:, 0, :] for tree in trees], events)
    return graph.add("Div", total, graph.constant(float(len(trees))))


def _boosted(graph: Graph, booster: GradientBoostingClassifier, events: str) -> str:
    columns = booster.estimators_.shape[1]
    trees = [fitted.tree_ for fitted in booster.estimators_.ravel()]
    values = []
    for number, tree in enumerate(trees):
        value = np.zeros((tree.node_count, columns))
        value[:, number % columns] = booster.learning_rate * tree.value[:, 0, 0]
        values.append(value)
    start = booster._raw_predict_init(np.zeros((1, booster.n_features_in_)))  # noqa: SLF001 - has no other name
    raw = graph.add("Add", _sum_of_trees(graph, trees, values, events), graph.constant(start))
    if booster.loss == "exponential":
        raw = graph.add("Mul", raw, graph.constant(2.0))
    return _probabilities(graph, raw, len(booster.classes_))


def _sum_of_trees(graph: Graph, trees: list[Any], values: list[npt.NDArray[np.float64]], events: str) -> str:
    """The sum of the values of the leaves that each event comes to, double, shape (events, columns of the values)."""
    counts = [tree.node_count for tree in trees]
    if sum(counts) > _MOST_NODES:
        raise NotExpressible(
            f"The trees have {sum(counts)} nodes, and an ONNX file holds {_MOST_NODES}; train fewer or flatter trees."
        )
    left = np.concatenate([tree.children_left for tree in trees])
    leaf = left == -1
    numbers = np.concatenate([np.arange(count) for count in counts])
    owners = np.repeat(np.arange(len(trees)), counts)
    value = np.concatenate(values)
    value[~leaf] = 0
    rows, columns = np.nonzero(value)
    # scikit-learn compares single-precision features with double-precision thresholds.
    single = graph.add("Cast", graph.add("Cast", events, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)
    total = graph.add(
        "TreeEnsembleRegressor",
        single,
        domain=_ML,
        n_targets=value.shape[1],
        nodes_treeids=owners,
        nodes_nodeids=numbers,
        nodes_featureids=np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])),
        nodes_modes=np.where(leaf, b"LEAF", b"BRANCH_LEQ"),
        nodes_values_as_tensor=np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees])),
        nodes_truenodeids=np.where(leaf, 0, left),
        nodes_falsenodeids=np.where(leaf, 0, np.concatenate([tree.children_right for tree in trees])),
        target_treeids=owners[rows],
        target_nodeids=numbers[rows],
        target_ids=columns,
        target_weights_as_tensor=value[rows, columns],
    )
    return graph.add("Cast", total, to=TensorProto.DOUBLE)


def _vectors(graph: Graph, svc: SVC, events: str) -> str:
    if has_probabilities(svc):
        raise NotExpressible(
            "The probabilities of a support vector machine come from an iteration that ONNX has no operator for; "
            "train it with probability=false."
        )
    pairs = list(combinations(range(len(svc.classes_)), 2))
    owner = np.repeat(np.arange(len(svc.classes_)), svc.n_support_)
    # Row j - 1 of a vector of class i < j, and row i of one of class j, is its part in telling i from j.
    parts = np.zeros((len(owner), len(pairs)))
    for column, (first, second) in enumerate(pairs):
        parts[owner == first, column] = svc.dual_coef_[second - 1, owner == first]
        parts[owner == second, column] = svc.dual_coef_[first, owner == second]
    products = graph.add("MatMul", _kernel(graph, svc, events), graph.constant(parts))
    decision = graph.add("Add", products, graph.constant(svc.intercept_))
    if len(pairs) > 1:
        return _one_against_rest(graph, svc, decision, pairs)
    return graph.add("Concat", graph.add("Neg", decision), decision, axis=1)


def _kernel(graph: Graph, svc: SVC, events: str) -> str:
    """The kernel of events and support vectors, shape (events, vectors)."""
    vectors = svc.support_vectors_
    products = graph.add("MatMul", events, graph.constant(vectors.T))
    if svc.kernel == "linear":
        return products
    gamma = graph.constant(svc._gamma)  # noqa: SLF001 - what "scale" came to
    if svc.kernel == "rbf":
        # The square of a distance is |x|² + |v|² - 2 x·v.
        squares = graph.add("ReduceSum", graph.add("Mul", events, events), graph.constant([1], np.int64), keepdims=1)
        sums = graph.add("Add", squares, graph.constant((vectors**2).sum(axis=1)))
        distances = graph.add("Sub", sums, graph.add("Mul", products, graph.constant(2.0)))
        return graph.add("Exp", graph.add("Neg", graph.add("Mul", distances, gamma)))
    line = graph.add("Add", graph.add("Mul", products, gamma), graph.constant(svc.coef0))
    if svc.kernel == "poly":
        return graph.add("Pow", line, graph.constant(svc.degree))
    return graph.add("Tanh", line)


def _one_against_rest(graph: Graph, svc: SVC, decision: str, pairs: list[tuple[int, int]]) -> str:
    """Votes of the pairs for each class, and as a fraction the sum of their decision values (scikit-learn's form)."""
    first, second = (np.eye(len(svc.classes_))[[pair[side] for pair in pairs]] for side in (0, 1))
    lost = graph.add("Cast", graph.add("Less", decision, graph.constant(0.0)), to=TensorProto.DOUBLE)
    won = graph.add("Sub", graph.constant(1.0), lost)
    votes = graph.add(
        "Add",
        graph.add("MatMul", won, graph.constant(first)),
        graph.add("MatMul", lost, graph.constant(second)),
    )
    sums = graph.add("MatMul", decision, graph.constant(first - second))
    scale = graph.add("Mul", graph.add("Add", graph.add("Abs", sums), graph.constant(1.0)), graph.constant(3.0))
    return graph.add("Add", votes, graph.add("Div", sums, scale))


def _attribute(name: str, value: Any) -> AttributeProto:
    """As `onnx.helper.make_attribute` does, which looks at every number of a million by itself."""
    if not isinstance(value, np.ndarray):
        return helper.make_attribute(name, value)
    if value.dtype == np.float64:
        return helper.make_attribute(name, numpy_helper.from_array(value, name))
    attribute = AttributeProto(name=name)
    if value.dtype.kind == "S":
        attribute.type = AttributeProto.STRINGS
        attribute.strings.extend(value.tolist())
    else:
        attribute.type = AttributeProto.INTS
        attribute.ints.extend(value.tolist())
    return attribute


_PREPARED: Final[Mapping[type, Callable[[Graph, Any, str], str]]] = MappingProxyType(
    {StandardScaler: _scale, SimpleImputer: _impute}
)
_SCORED: Final[Mapping[type, Callable[[Graph, Any, str], str]]] = MappingProxyType(
    {
        LogisticRegression: _logistic,
        SVC: _vectors,
        RandomForestClassifier: _forest,
        GradientBoostingClassifier: _boosted,
    }
)
