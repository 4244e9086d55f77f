"""What a hyperparameter takes, read from an estimator's JSON Schema, as a form needs it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eventsieve.web.i18n import _

__all__ = ["Field", "Option", "fields_of", "in_words"]


@dataclass(frozen=True)
class Option:
    """One of the things that a hyperparameter takes.

    Attributes:
        kind: a certain value, a number within bounds, or a weight for each class.
        value: the certain value.
        low, high: the smallest and the largest number; bounds that are excluded are excluded here.
        classes: the names that weights go by.
        hidden: whether it is for older programs and not to be offered.
    """

    kind: Literal["value", "integer", "number", "weights"]
    value: Any = None
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def id(self) -> str:
        """Tells it from the other options of its field, in every session and language."""
        return f"={json.dumps(self.value)}" if self.kind == "value" else self.kind

    def takes(self, value: Any) -> bool:
        """Whether a value is one of this option."""
        match self.kind:
            case "value":
                return type(value) is type(self.value) and bool(value == self.value)
            case "weights":
                return isinstance(value, Mapping)
            case "integer":
                return type(value) is int and self._within(value)
            case _:
                return type(value) is float and self._within(value)

    def clipped(self, value: float) -> float:
        """The number within the bounds that is nearest to this one, of the option's type."""
        value = value if self.low is None else max(self.low, value)
        value = value if self.high is None else min(self.high, value)
        return int(value) if self.kind == "integer" else float(value)

    def _within(self, value: float) -> bool:
        return self.clipped(value) == value


@dataclass(frozen=True)
class Field:
    """A hyperparameter in a form.

    Attributes:
        name: its name in scikit-learn.
        help: what it is, in English; a message of the catalogues.
        default: what is used where nothing is sent.
        options: what it takes, the default's first.
    """

    name: str
    help: str
    default: Any
    options: tuple[Option, ...]

    @property
    def widget(self) -> Literal["toggle", "number", "choice", "kinds"]:
        """What it is entered with: a switch, a number, a choice, or a choice and then what belongs to it."""
        kinds = {option.kind for option in self.options}
        if [option.value for option in self.options if kinds == {"value"}] in ([True, False], [False, True]):
            return "toggle"
        if kinds == {"value"}:
            return "choice"
        return "number" if len(self.options) == 1 and kinds <= {"integer", "number"} else "kinds"

    def takes(self, value: Any) -> bool:
        """Whether a value is one of its options."""
        return any(option.takes(each) for each in _readings(value) for option in self.options)

    def option_of(self, value: Any) -> Option:
        """The option that a value is of; the default's where it is none."""
        found = (option for each in _readings(value) for option in self.options if option.takes(each))
        return next(found, self.options[0])

    def option(self, id_: object) -> Option:
        """The option of an id; the default's where there is none such."""
        return next((option for option in self.options if option.id == id_), self.options[0])


def fields_of(schema: Mapping[str, Any]) -> tuple[list[Field], list[Field]]:
    """The hyperparameters of an estimator's JSON Schema: the important ones in their order, and the others."""
    fields = {name: _field(name, entry) for name, entry in schema["properties"].items()}
    important = [fields.pop(name) for name in schema.get("x-important", ()) if name in fields]
    return important, list(fields.values())


def in_words(value: Any) -> str:
    """A value of a hyperparameter for people, short."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(each)}" for name, each in value.items())
    words = {None: _("none"), "inf": "\N{INFINITY}", "deprecated": _("automatic")}
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:.10g}" if isinstance(value, float) else str(words.get(value, value))


def _readings(value: Any) -> tuple[Any, ...]:
    """What a value may mean: where whole numbers are not counts, they are numbers like others."""
    return (value, float(value)) if type(value) is int else (value,)


def _field(name: str, entry: Mapping[str, Any]) -> Field:
    default = entry["default"]
    options = list(_options(entry, hidden=False))
    numbers = sum(option.kind in ("integer", "number") for option in options)
    if numbers == 1 and isinstance(default, int) and not isinstance(default, bool):
        # JSON does not tell 1 from 1.0.
        default = float(default) if any(option.kind == "number" for option in options) else default
    first = next((option for option in options if option.takes(default)), options[0])
    return Field(name, entry.get("description", ""), default, (first, *(each for each in options if each is not first)))


def _options(entry: Mapping[str, Any], *, hidden: bool) -> Iterator[Option]:
    hidden = hidden or entry.get("deprecated", False)
    for each in entry.get("anyOf", ()):
        yield from _options(each, hidden=hidden)
    for value in entry.get("enum", ()):
        yield Option("value", value, hidden=hidden)
    if "const" in entry:
        yield Option("value", entry["const"], hidden=hidden)
    match entry.get("type"):
        case "null":
            yield Option("value", None, hidden=hidden)
        case "boolean":
            yield from (Option("value", value, hidden=hidden) for value in (True, False))
        case "object":
            yield Option("weights", classes=tuple(entry["properties"]))
        case "integer" | "number" as kind:
            yield Option(
                kind, low=_bound(entry, kind, "inimum", math.inf), high=_bound(entry, kind, "aximum", -math.inf)
            )


def _bound(entry: Mapping[str, Any], kind: str, name: str, inwards: float) -> float | None:
    """The last number that is allowed on one side; the one next to a bound that is excluded."""
    if (bound := entry.get(f"m{name}")) is not None:
        return int(bound) if kind == "integer" else float(bound)
    if (bound := entry.get(f"exclusiveM{name}")) is None:
        return None
    return bound + (1 if inwards > 0 else -1) if kind == "integer" else math.nextafter(bound, inwards)
