"""What a hyperparameter takes, as scikit-learn declares it, in plain data."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral
from typing import Any, Final, Literal, NamedTuple

from sklearn.utils import _param_validation as declared

__all__ = ["Interval", "Kind", "Parameter", "parameters_of"]

Kind = Literal["boolean", "integer", "number", "text", "null", "weights"]
"""A type of value; ``weights`` is one weight per class, ``{"s": 1.0, "b": 2.0}``."""

_MOST: Final = 2**31 - 1
"""The largest whole number where scikit-learn sets no bound: compiled code keeps many of them in 32 bits."""

_SENSIBLE: Final[Mapping[str, int]] = {
    "cache_size": 4096,
    "degree": 100,
    "max_depth": 1000,
    "max_iter": 1_000_000,
    "max_leaf_nodes": 1_000_000,
    "n_estimators": 100_000,
}
"""Bounds of ours where more is a slip of the pen or an attack, and costs time or memory before a fit can be watched."""


@dataclass(frozen=True)
class Interval:
    """An interval of numbers; a bound of ``None`` is infinity."""

    kind: Literal["integer", "number"]
    low: float | None
    high: float | None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high
        above = value > low if self.low_open else value >= low
        below = value < high if self.high_open else value <= high
        return above and below

    def __str__(self) -> str:
        noun = "a whole number" if self.kind == "integer" else "a number"
        words = []
        if self.low is not None:
            words.append(f"{'above' if self.low_open else 'from'} {self.low:.10g}")
        if self.high is not None:
            words.append(f"{'below' if self.high_open else 'up to'} {self.high:.10g}")
        elif not self.high_open:
            words.append("up to and with inf")
        return " ".join((noun, *words))


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter of a classifier.

    Attributes:
        name: scikit-learn's name.
        default: scikit-learn's default, as JSON.
        kinds: the types of value it takes, the default's first.
        choices: the texts it takes, sorted, those that are deprecated or internal left out.
        hidden: further texts it takes, for clients of older versions.
        intervals: the numbers it takes.
        help: one sentence from scikit-learn's own documentation; empty where that is stripped.
    """

    name: str
    default: Any
    kinds: tuple[Kind, ...]
    choices: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    help: str = ""

    def allowed(self, classes: Sequence[str] = ("b", "s")) -> str:
        """What it takes, in words; weights by the names of these classes, in the order of their codes."""
        example = ", ".join(f'"{name[:40]}": 1.0' for name in (classes[::-1] if len(classes) == 2 else classes[:8]))
        words = {
            "boolean": ["true", "false"],
            "integer": [str(interval) for interval in self.intervals if interval.kind == "integer"],
            "number": [str(interval) for interval in self.intervals if interval.kind == "number"],
            "text": [repr(choice) for choice in self.choices],
            "null": ["null"],
            "weights": [f"an object with a weight above 0 for each class, {{{example}}}"],
        }
        *most, last = [word for kind in self.kinds for word in words[kind]]
        return f"{', '.join(most)} or {last}" if most else last


def parameters_of(
    classifier: type, *, without: Collection[str] = (), not_choices: Collection[str] = ()
) -> tuple[Parameter, ...]:
    """The hyperparameters of a scikit-learn classifier, sorted by name.

    Args:
        classifier: the class.
        without: names that are left out.
        not_choices: texts that no parameter takes, whatever scikit-learn says.
    """
    constraints = classifier._parameter_constraints  # type: ignore[attr-defined]  # noqa: SLF001 - nowhere else declared
    helps = _helps(inspect.getdoc(classifier) or "")
    return tuple(
        _parameter(name, default, constraints[name], frozenset(not_choices), helps.get(name, ""))
        for name, default in sorted(classifier().get_params().items())
        if name not in without
    )


def _parameter(
    name: str, default: Any, constraints: Iterable[Any], not_choices: frozenset[str], text: str
) -> Parameter:
    parts = [part for constraint in constraints for part in _parts(name, constraint)]
    kinds = dict.fromkeys(kind for kind, _ in parts)
    texts = [part for _, part in parts if isinstance(part, _Texts)]
    if isinstance(default, int) and "number" in kinds and "integer" not in kinds:
        default = float(default)
    first = _kind_of(default)
    return Parameter(
        name,
        default,
        kinds=(first, *(kind for kind in kinds if kind != first)),
        choices=tuple(sorted(frozenset().union(*(each.shown for each in texts)) - not_choices)),
        hidden=tuple(sorted(frozenset().union(*(each.hidden for each in texts)) - not_choices)),
        intervals=tuple(part for _, part in parts if isinstance(part, Interval)),
        help=text,
    )


class _Texts(NamedTuple):
    shown: frozenset[str]
    hidden: frozenset[str]


def _parts(name: str, constraint: object) -> Iterator[tuple[Kind, Interval | _Texts | None]]:
    """What one of scikit-learn's constraints lets in; callables, objects and lists are nothing a client can send."""
    match constraint:
        case None:
            yield "null", None
        case "boolean":
            yield "boolean", None
        case "random_state":
            yield "null", None
            yield "integer", Interval("integer", 0, 2**32 - 1)
        case declared.Interval():
            interval = _interval(name, constraint)
            yield interval.kind, interval
        case declared.StrOptions():
            deprecated = frozenset(constraint.deprecated)
            yield "text", _Texts(frozenset(constraint.options) - deprecated, deprecated)
        case declared.Hidden(constraint=declared.StrOptions(options=options)):
            yield "text", _Texts(frozenset(), frozenset(options))
        case type() if constraint is dict:
            yield "weights", None


def _interval(name: str, constraint: declared.Interval) -> Interval:
    low_open, high_open = constraint.closed in ("right", "neither"), constraint.closed in ("left", "neither")
    kind: Literal["integer", "number"] = "integer" if constraint.type is Integral else "number"
    most = _SENSIBLE.get(name, _MOST if kind == "integer" else None)
    if constraint.right is None and most is not None:
        return Interval(kind, constraint.left, most, low_open=low_open)
    return Interval(kind, constraint.left, constraint.right, low_open=low_open, high_open=high_open)


def _kind_of(default: Any) -> Kind:
    kinds: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null"}
    return kinds[type(default)]


_FIELD: Final = re.compile(r"^(\w+) :.*\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
_ROLE: Final = re.compile(r":\w+:`~?(?:([^`<]+?) <[^`>]*>|(?:[\w.]*\.)?([^`]+))`")
_SENTENCE: Final = re.compile(r"\.(?=\s+[A-Z]|$)")


def _helps(doc: str) -> dict[str, str]:
    """The first sentence about each parameter of a class documented in NumPy's style, without its markup."""
    section = doc.partition("Parameters\n----------\n")[2].partition("\n\nAttributes\n")[0]
    return {name: _sentence(body) for name, body in _FIELD.findall(section + "\n")}


def _sentence(body: str) -> str:
    paragraph = inspect.cleandoc(body).partition("\n\n")[0]
    sentence = _SENTENCE.split(" ".join(paragraph.split()), maxsplit=1)[0]
    plain = _ROLE.sub(lambda role: role[1] or role[2], sentence).replace("`", "")
    return f"{plain.rstrip(':')}." if plain else ""
