"""How a model is written on the command line."""

from __future__ import annotations

from eventsieve.errors import BadRequest
from eventsieve.records import ModelSpec

__all__ = ["parse_model"]


def parse_model(text: str) -> ModelSpec:
    """The model that is written as ``ID=TYPE`` or ``ID=TYPE:PARAM=VALUE,PARAM=VALUE``.

    Values stay text: the catalogue reads them by the type of their hyperparameter.

    Raises:
        BadRequest: it is written in another way.
    """
    model_id, equals, rest = text.partition("=")
    kind, _, listed = rest.partition(":")
    pairs = [pair.partition("=") for pair in listed.split(",") if pair.strip()]
    if not equals or not kind.strip() or not all(sign for _, sign, _ in pairs):
        raise BadRequest(f"{text!r} is no model; write it as ID=TYPE, or as ID=TYPE:PARAM=VALUE,PARAM=VALUE.")
    hyperparameters = {name.strip(): value.strip() for name, _, value in pairs}
    return ModelSpec(id=model_id.strip(), type=kind.strip(), hyperparameters=hyperparameters)
