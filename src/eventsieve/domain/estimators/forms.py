"""Hyperparameters as JSON Schema: what a client may send, for forms and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventsieve.domain.estimators.catalogue import Estimator
from eventsieve.domain.estimators.parameters import Interval, Parameter
from eventsieve.domain.estimators.reading import TWO_CLASSES

__all__ = ["json_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_POSITIVE: Final = {"type": "number", "exclusiveMinimum": 0}


def json_schema(estimator: Estimator, classes: Sequence[str] = TWO_CLASSES) -> dict[str, Any]:
    """The hyperparameters of a type as a JSON Schema (2020-12).

    It describes typed values, in the form in which `resolve` gives them back. `resolve` takes what the schema takes,
    and beyond it text that a form sends (``"0,5"``, ``""`` for the default) and weights by class codes. Where a number
    may be a count or a fraction, a whole one is a count: JSON does not tell 1 from 1.0, and `resolve` takes the latter
    for all of something. Combinations that do not go together are no matter of a schema; ``x-rules`` says them in
    sentences, each with the parameters that it looks at. ``x-important`` names the parameters to show first.

    Args:
        estimator: an entry of the catalogue.
        classes: names of the classes in the order of their codes.
    """
    rules = [rule for rule in estimator.rules if len(classes) > 2 or not rule.several]
    return {
        "$schema": _DIALECT,
        "title": estimator.title,
        "description": f"Hyperparameters of {estimator.name}, scikit-learn's {estimator.classifier.__name__}.",
        "type": "object",
        "properties": {each.name: _property(each, classes) for each in estimator.parameters},
        "additionalProperties": False,
        "x-important": list(estimator.important),
        "x-rules": [{"parameters": list(rule.names), "rule": rule.cure} for rule in rules],
    }


def _property(parameter: Parameter, classes: Sequence[str]) -> dict[str, Any]:
    forms = [form for kind in parameter.kinds for form in _forms(parameter, kind, classes)]
    about = {"title": parameter.name, "description": parameter.help, "default": parameter.default}
    if not parameter.help:
        del about["description"]
    return about | (forms[0] if len(forms) == 1 else {"anyOf": forms})


def _forms(parameter: Parameter, kind: str, classes: Sequence[str]) -> list[dict[str, Any]]:
    """What a parameter takes of one kind of value."""
    match kind:
        case "text":
            return [_texts(parameter)]
        case "weights":
            names = dict.fromkeys(classes, _POSITIVE)
            return [{"type": "object", "properties": names, "additionalProperties": False, "minProperties": 1}]
        case "integer" | "number":
            fraction = kind == "number" and "integer" in parameter.kinds
            intervals = [interval for interval in parameter.intervals if interval.kind == kind]
            return [form for interval in intervals for form in _numbers(interval, fraction=fraction)]
        case _:
            return [{"type": kind}]


def _texts(parameter: Parameter) -> dict[str, Any]:
    """The texts to choose from; those for clients of older versions apart, so that a form need not show them."""
    shown = {"type": "string", "enum": list(parameter.choices)}
    hidden = {"type": "string", "enum": list(parameter.hidden), "deprecated": True}
    if parameter.choices and parameter.hidden:
        return {"anyOf": [shown, hidden]}
    return shown if parameter.choices else hidden


def _numbers(interval: Interval, *, fraction: bool) -> list[dict[str, Any]]:
    form: dict[str, Any] = {"type": interval.kind}
    if fraction:
        form["not"] = {"type": "integer"}
    if interval.low is not None:
        form["exclusiveMinimum" if interval.low_open else "minimum"] = interval.low
    if interval.high is not None:
        form["exclusiveMaximum" if interval.high_open else "maximum"] = interval.high
    # JSON has no infinity: it is a text.
    infinite = interval.high is None and not interval.high_open
    return [form, {"const": "inf"}] if infinite else [form]
