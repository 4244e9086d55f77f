"""Scoring: how much each event looks like each class."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eventsieve.domain.scorers import scorer_of

__all__ = ["class_scores", "event_scores", "has_probabilities", "natural_cut", "predict_codes", "score_events"]

Features = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float64]

_BATCH: Final = 65_536
"""Events that are scored at once: 30 features and their indicators are some 20 MB, a copy per step."""


def has_probabilities(pipeline: Pipeline) -> bool:
    """Whether the scores are probabilities; decision values otherwise."""
    return hasattr(pipeline, "predict_proba")


def score_events(pipeline: Pipeline, features: Features) -> Scores:
    """How much each event looks like signal: its probability where the classifier has one, else its decision value.

    Args:
        pipeline: fitted on two classes.
        features: float64, shape (events, features), NaN where undefined.

    Returns:
        float64, shape (events,), larger for signal; from 0 to 1 if a probability.

    Raises:
        ValueError: the pipeline was fitted on several classes; `class_scores` has a score for each.
    """
    if len(pipeline.classes_) != 2:
        raise ValueError(f"A model of {len(pipeline.classes_)} classes has no score of signal against background.")
    scores = np.empty(len(features))
    for batch, found in _scored(pipeline, features):
        scores[batch] = found if found.ndim == 1 else found[:, 1]
    return scores


def class_scores(pipeline: Pipeline, features: Features) -> Scores:
    """How much each event looks like each class.

    Args:
        pipeline: fitted.
        features: float64, shape (events, features), NaN where undefined.

    Returns:
        float64, shape (events, classes), in the order of the class codes. Probabilities where the classifier has
        them, which add up to 1. Else decision values: of two classes that of signal with both signs; of more the
        pairwise votes for each class and their confidence, one against the rest, whatever form the classifier's own
        ``decision_function_shape`` asks for.
    """
    scores = np.empty((len(features), len(pipeline.classes_)))
    whole = 1.0 if has_probabilities(pipeline) else 0.0
    for batch, found in _scored(pipeline, features):
        scores[batch] = found if found.ndim == 2 else np.column_stack((whole - found, found))
    return scores


def predict_codes(scores: Scores) -> npt.NDArray[np.uint8]:
    """The class with the largest score of each event, the first of equals.

    For two classes that is what `natural_cut` decides.

    Args:
        scores: shape (events, classes), from `class_scores`.

    Returns:
        uint8, shape (events,): class codes.
    """
    return np.asarray(scores.argmax(axis=1), dtype=np.uint8)


def event_scores(scores: Scores, signal: int | None) -> Scores:
    """One score of each event: that of the signal class, or the largest where none is the signal.

    Args:
        scores: shape (events, classes), from `class_scores`.
        signal: code of the signal class.

    Returns:
        float64, shape (events,).
    """
    return scores.max(axis=1) if signal is None else scores[:, signal]


def natural_cut(pipeline: Pipeline) -> float:
    """The score above which the classifier itself takes an event for signal, of two classes."""
    return 0.5 if has_probabilities(pipeline) else 0.0


def _scored(pipeline: Pipeline, features: Features) -> Iterator[tuple[slice, Scores]]:
    """Batches with their scores: those of each class, or of two classes those of the second alone."""
    scorer = scorer_of(pipeline) if _as_fitted(pipeline, features) else None
    for batch in _batches(len(features)):
        found = scorer(features[batch]) if scorer else None
        yield batch, _plainly(pipeline, features[batch]) if found is None else found


def _as_fitted(pipeline: Pipeline, features: Features) -> bool:
    return features.dtype == np.float64 and features.ndim == 2 and features.shape[1] == pipeline.n_features_in_


def _plainly(pipeline: Pipeline, features: Features) -> Scores:
    """The scores of scikit-learn's own code, and its refusals."""
    score = pipeline.predict_proba if has_probabilities(pipeline) else _decision(pipeline)
    return np.asarray(score(features))


def _decision(pipeline: Pipeline) -> Any:
    classifier = pipeline[-1]
    if not isinstance(classifier, SVC) or classifier.decision_function_shape == "ovr":
        return pipeline.decision_function
    # The shape is a matter of the answer, not of the fit: a copy of the same model answers in the other one.
    other = copy(classifier).set_params(decision_function_shape="ovr")
    return lambda part: other.decision_function(pipeline[:-1].transform(part))


def _batches(events: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH) for start in range(0, events, _BATCH))
