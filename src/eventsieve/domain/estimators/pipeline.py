"""Pipelines: from features with gaps in them to a decision about each event."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from eventsieve.domain.estimators.catalogue import find, resolve

__all__ = ["build", "fit", "natural_cut", "score_events"]

Features = npt.NDArray[np.float64]

_BATCH: Final = 65_536
"""Events that are scored at once: 30 features and their indicators are some 30 MB, a copy per step."""


def build(type_name: str, params: Mapping[str, Any] | None, seed: int) -> Pipeline:
    """A pipeline to be fitted: scaling where the type needs it, imputing, classifier.

    Undefined features are NaN. Scaling comes first and ignores them; then each becomes its feature's median, and an
    indicator column says where it was, itself never scaled.

    Args:
        type_name: a name in `CATALOGUE`.
        params: hyperparameters, resolved or as the client sent them.
        seed: 0 to 2**32 - 1; used where ``random_state`` is null, so that a training can be repeated.

    Raises:
        UnknownModelType: there is no such type.
        BadHyperparameters: names or values that it does not take, all of them.
    """
    estimator = find(type_name)
    values = {name: _native(value) for name, value in resolve(type_name, params).items()}
    if values["random_state"] is None:
        values["random_state"] = seed
    scale = [("scale", StandardScaler())] if estimator.scaled else []
    impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True)
    return Pipeline([*scale, ("impute", impute), ("classifier", estimator.classifier(**values))])


def _native(value: Any) -> Any:
    """A value as scikit-learn takes it, from its JSON."""
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, dict):
        return {1: value["s"], 0: value["b"]}
    return value


def fit(pipeline: Pipeline, features: Features, label: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Fit a pipeline in place.

    Args:
        pipeline: what `build` made.
        features: float64, shape (events, features), NaN where undefined.
        label: bool, shape (events,), True for signal; both classes must be there.

    Returns:
        What scikit-learn had to remark (a fit that did not converge), each sentence once.

    Raises:
        ValueError: scikit-learn cannot fit these events with these hyperparameters.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline.fit(features, label.astype(np.int64))
    # A UserWarning is about this fit; the others are about scikit-learn's next version, or arithmetic on columns that
    # are never defined.
    remarks = (str(warning.message) for warning in caught if issubclass(warning.category, UserWarning))
    return tuple(dict.fromkeys(remark.partition("\n")[0].rstrip(":") for remark in remarks))


def score_events(pipeline: Pipeline, features: Features) -> npt.NDArray[np.float64]:
    """How much each event looks like signal: its probability where the classifier has one, else its decision value.

    Args:
        pipeline: fitted.
        features: float64, shape (events, features), NaN where undefined.

    Returns:
        float64, shape (events,), larger for signal; from 0 to 1 if a probability.
    """
    scores = np.empty(len(features))
    probable = hasattr(pipeline, "predict_proba")
    for batch in _batches(len(features)):
        part = features[batch]
        scores[batch] = pipeline.predict_proba(part)[:, 1] if probable else pipeline.decision_function(part)
    return scores


def natural_cut(pipeline: Pipeline) -> float:
    """The score above which the classifier itself takes an event for signal."""
    return 0.5 if hasattr(pipeline, "predict_proba") else 0.0


def _batches(events: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH) for start in range(0, events, _BATCH))
