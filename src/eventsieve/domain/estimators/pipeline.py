"""Pipelines: from features with gaps in them to a decision about each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from eventsieve.domain.estimators.catalogue import find, resolve
from eventsieve.domain.estimators.reading import TWO_CLASSES

__all__ = ["build"]


def build(
    type_name: str, params: Mapping[str, Any] | None, seed: int, classes: Sequence[str] = TWO_CLASSES
) -> Pipeline:
    """A pipeline to be fitted: scaling where the type needs it, imputing unless it takes gaps, classifier.

    Undefined features are NaN. Scaling comes first and ignores them; then each becomes its feature's median, and an
    indicator column says where it was, itself never scaled. A type that takes gaps learns itself where they belong.

    Args:
        type_name: a name in `CATALOGUE`.
        params: hyperparameters, resolved or as the client sent them.
        seed: 0 to 2**32 - 1; used where ``random_state`` is null, so that a training can be repeated.
        classes: names of the classes in the order of their codes, background before signal.

    Raises:
        UnknownModelType: there is no such type.
        BadHyperparameters: names or values that it does not take, all of them.
    """
    estimator = find(type_name)
    values = {name: _native(value, classes) for name, value in resolve(type_name, params, classes).items()}
    if values["random_state"] is None:
        values["random_state"] = seed
    steps: list[tuple[str, Any]] = [("scale", StandardScaler())] if estimator.scaled else []
    if not estimator.gaps:
        impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True)
        steps.append(("impute", impute))
    return Pipeline([*steps, ("classifier", estimator.classifier(**values))])


def _native(value: Any, classes: Sequence[str] = TWO_CLASSES) -> Any:
    """A value as scikit-learn takes it, from its JSON."""
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, dict):
        return {classes.index(name): weight for name, weight in value.items()}
    return value
