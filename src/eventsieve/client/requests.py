"""What a user says of a training, as the record that the server takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eventsieve.client.datasets import Dataset
from eventsieve.client.edits import made
from eventsieve.errors import BadRequest
from eventsieve.records import ModelSpec, Validation

__all__ = ["specs", "validation_of"]

Models = str | Mapping[str, Any] | ModelSpec | Sequence[str | Mapping[str, Any] | ModelSpec]


def specs(models: Models) -> tuple[ModelSpec, ...]:
    """The models that are meant by types, by ``{"type": …, "name": …, "hyperparameters": {…}}``, or by specs.

    Raises:
        BadRequest: one of them is none of these.
    """
    listed = [models] if isinstance(models, (str, Mapping, ModelSpec)) else list(models)
    return tuple(_spec(model) for model in listed)


def _spec(model: object) -> ModelSpec:
    if isinstance(model, ModelSpec):
        return model
    if isinstance(model, str):
        return ModelSpec(type=model)
    if isinstance(model, Mapping):
        spec: ModelSpec = made(ModelSpec, model)
        return spec
    raise BadRequest(
        f'A {type(model).__name__} is no model; write "RandomForest", or {{"type": "RandomForest", "name": "forest", '
        f'"hyperparameters": {{"n_estimators": 300}}}}.'
    )


def validation_of(given: object) -> Validation:
    """Which events are kept for validation.

    Args:
        given: a fraction; ``None`` or 0 for none; another data set; ``{"folds": 5}`` or other fields of a
            `Validation`; or a `Validation`.

    Raises:
        BadRequest: it is none of these.
    """
    if isinstance(given, Validation):
        return given
    if isinstance(given, Dataset):
        return Validation(kind="dataset", dataset=given.id)
    if given is None or given == 0:
        return Validation(kind="none")
    if isinstance(given, Mapping):
        kinds = {"folds": "folds", "dataset": "dataset", "fraction": "holdout"}
        kind = next((kind for field, kind in kinds.items() if field in given), "holdout")
        made_of: Validation = made(Validation, {"kind": kind, **given})
        return made_of
    if isinstance(given, float):
        held_out: Validation = made(Validation, {"kind": "holdout", "fraction": given})
        return held_out
    raise BadRequest(
        f"{given!r} is no validation; give the fraction to hold out (0.25), {{'folds': 5}}, another data set, or None."
    )
