"""Values of hyperparameters as clients send them: typed where they could type, text where they could not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from math import isfinite, isinf
from typing import Any, Final

from eventsieve.domain.estimators.parameters import Parameter

__all__ = ["TWO_CLASSES", "NotAccepted", "read", "shown"]

TWO_CLASSES: Final = ("b", "s")
"""Names of the classes where nothing else is said, in the order of their codes: background, signal."""

_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "none": None, "null": None}
_INFINITY: Final = re.compile(r"[+-]?inf(inity)?")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)(e[+-]?[0-9]+)?")
_LONGEST: Final = 64


class NotAccepted(ValueError):
    """Raised when a parameter does not take a value; the message says what it takes."""


def read(parameter: Parameter, value: Any, classes: Sequence[str] = TWO_CLASSES) -> Any:
    """A value as the parameter's own types read it, as JSON; infinity is the text ``"inf"``.

    An empty text is the default. Where a number may be whole or not, ``2`` counts and ``2.0`` is a fraction, unless
    only the other reading is allowed.

    Args:
        parameter: what it is a value of.
        value: what the client sent.
        classes: names of the classes in the order of their codes; weights go by them or by the codes.

    Raises:
        NotAccepted: the parameter does not take it.
    """
    if isinstance(value, str) and not value.strip():
        return parameter.default
    for reading in _readings(parameter, value, classes):
        if _takes(parameter, reading):
            return ("inf" if reading > 0 else "-inf") if isinstance(reading, float) and isinf(reading) else reading
    raise NotAccepted(f"{parameter.name} does not take {shown(value)}; it takes {parameter.allowed(classes)}.")


def shown(value: object) -> str:
    """A value for a message, short whatever was sent."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number that long"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _readings(parameter: Parameter, value: Any, classes: Sequence[str]) -> Iterator[Any]:
    """What a value could mean, the most literal first."""
    if isinstance(value, str):
        yield from _text(parameter, value.strip(), classes)
    elif isinstance(value, Mapping):
        yield from _weights(value, classes)
    elif value is None or isinstance(value, bool):
        yield value
    elif isinstance(value, int | float):
        yield from _number(parameter, value)


def _text(parameter: Parameter, text: str, classes: Sequence[str]) -> Iterator[Any]:
    word = text.lower()
    yield text
    yield word
    if word in _WORDS:
        yield _WORDS[word]
    elif "weights" in parameter.kinds and text.startswith("{"):
        yield from _weights_of_text(text, classes)
    elif _INFINITY.fullmatch(word):
        yield float(word)
    elif len(word) <= _LONGEST and _NUMBER.fullmatch(word):
        yield from _number_of_text(parameter, word)


def _number_of_text(parameter: Parameter, word: str) -> Iterator[float]:
    if word.lstrip("+-").isdecimal():
        yield from _number(parameter, int(word))
        return
    value = float(word.replace(",", "."))
    if isinf(value):
        return
    if "," in word:
        # 1,000 may be meant as a thousand: it is never read as the whole number 1.
        yield value
    else:
        yield from _number(parameter, value)


def _number(parameter: Parameter, value: float) -> Iterator[float]:
    yield value
    if isinstance(value, int):
        if "integer" in parameter.kinds:
            # min_samples_split=1 is a count that is too small, and never all of the samples.
            return
        with suppress(OverflowError):
            yield float(value)
    elif value.is_integer():
        yield int(value)


def _weights_of_text(text: str, classes: Sequence[str]) -> Iterator[dict[str, float]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        yield from _weights(value, classes)


def _weights(value: Mapping[Any, Any], classes: Sequence[str]) -> Iterator[dict[str, float]]:
    names = _names(classes)
    weights: dict[str, float] = {}
    for key, given in value.items():
        name = names.get(key)
        weight = _weight(given)
        if name is None or name in weights or weight is None:
            return
        weights[name] = weight
    if weights:
        # Of two classes the signal stands first.
        yield dict.fromkeys(classes[::-1] if len(classes) == 2 else classes, 1.0) | weights


def _names(classes: Sequence[str]) -> dict[Any, str]:
    """The class that a key means: its name, or its code as a number or text where no class is named like that."""
    names: dict[Any, str] = {name: name for name in classes}
    for code, name in enumerate(classes):
        names.setdefault(code, names.setdefault(str(code), name))
    return names


def _weight(given: Any) -> float | None:
    number = Parameter("weight", 1.0, ("number",))
    readings = (float(each) for each in _readings(number, given, ()) if type(each) in (int, float) and isfinite(each))
    return next((each for each in readings if each > 0), None)


def _takes(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, str):
        return value in parameter.choices or value in parameter.hidden
    if isinstance(value, dict):
        return "weights" in parameter.kinds
    if value is None:
        return "null" in parameter.kinds
    if isinstance(value, bool):
        return "boolean" in parameter.kinds
    kind = "integer" if isinstance(value, int) else "number"
    return any(value in interval for interval in parameter.intervals if interval.kind == kind)
