"""The values of a cut's tree in some events."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsieve.domain.cuts.tree import COMPARISONS, KEYWORDS, Call, Chain, Name, Node, Number, Text, label_of
from eventsieve.domain.events import Events
from eventsieve.domain.values import canonical
from eventsieve.errors import BadRequest
from eventsieve.records import Schema

__all__ = ["evaluate"]

Values = npt.NDArray[Any]

_SIGNS: Mapping[str, Callable[[Values, Values], Values]] = {
    "and": operator.and_,
    "or": operator.or_,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_FUNCTIONS: Mapping[str, Callable[[Values], Values]] = {
    "not": np.logical_not,
    "-": np.negative,
    "abs": np.abs,
    "defined": lambda values: ~np.isnan(values),
}


@np.errstate(all="ignore")
def evaluate(tree: Node, names: Sequence[str], schema: Schema, events: Events) -> Values:
    """What a cut that fits the schema gives: a flag for each event, or one for all where it names no column.

    Raises:
        BadRequest: the events lack a column that the cut names.
    """
    columns = {name: _column(name, schema, events) for name in names}
    label = None if schema.label is None else Name(schema.label.name)
    return _Evaluation(columns, label, schema.class_names).of(tree)


def _column(name: str, schema: Schema, events: Events) -> Values:
    if name in schema.feature_names:
        return events.features[:, schema.feature_names.index(name)]
    if schema.index is not None and name == schema.index.name:
        return events.index.astype(np.float64)
    found = events.target if schema.label is not None and name == schema.label.name else events.weight
    if found is None:
        raise BadRequest(f"The cut asks for {name}, which the events do not have; cut on another column.")
    return found


class _Evaluation:
    def __init__(self, columns: Mapping[str, Values], label: Name | None, classes: Sequence[str]) -> None:
        self._columns = columns
        self._label = label
        self._codes = {canonical(name): code for code, name in enumerate(classes)}

    def of(self, node: Node) -> Values:
        match node:
            case Number(value):
                return np.asarray(value)
            case Text():
                raise AssertionError(node)  # stands only beside labels
            case Name(name):
                return self._columns[name]
            case Call(function, of):
                return _FUNCTIONS[function](self.of(of))
            case Chain(signs, parts) if signs[0] in COMPARISONS:
                pairs = zip(signs, pairwise(self._comparable(parts)), strict=True)
                return reduce(operator.and_, (_compared(sign, *pair) for sign, pair in pairs))
            case Chain(signs, parts):
                found = self.of(parts[0])
                for sign, part in zip(signs, parts[1:], strict=True):
                    found = _SIGNS[sign](found, self.of(part))
                return found if signs[0] in KEYWORDS else np.where(np.isfinite(found), found, np.nan)

    def _comparable(self, parts: Sequence[Node]) -> list[Values]:
        """The values of parts that are compared; beside labels, which are codes, a class is its code."""
        if self._label not in parts:
            return [self.of(part) for part in parts]
        return [
            np.asarray(self._codes[label_of(part)]) if isinstance(part, (Number, Text)) else self.of(part)
            for part in parts
        ]


def _compared(sign: str, first: Values, second: Values) -> Values:
    found = _SIGNS[sign](first, second)
    # Of the signs only != holds of NaN in floating-point arithmetic.
    return found & ~np.isnan(first) & ~np.isnan(second) if sign == "!=" else found
