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
from onnx import TensorProto
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from eventsieve.domain.estimators.scoring import has_probabilities
from eventsieve.domain.onnxnodes import Graph, NotExpressible, add_probabilities
from eventsieve.domain.onnxtrees import add_boosted, add_forest, add_histograms

__all__ = ["add_decision", "add_scores"]


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
    return add_probabilities(graph, decision, len(classifier.classes_))


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


_PREPARED: Final[Mapping[type, Callable[[Graph, Any, str], str]]] = MappingProxyType(
    {StandardScaler: _scale, SimpleImputer: _impute}
)
_SCORED: Final[Mapping[type, Callable[[Graph, Any, str], str]]] = MappingProxyType(
    {
        LogisticRegression: _logistic,
        SVC: _vectors,
        RandomForestClassifier: add_forest,
        GradientBoostingClassifier: add_boosted,
        HistGradientBoostingClassifier: add_histograms,
    }
)
