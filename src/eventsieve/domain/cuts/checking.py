"""Whether a cut fits a schema: which columns it asks for, and whether it compares what can be compared."""

from __future__ import annotations

import difflib
from itertools import pairwise
from typing import Literal, NoReturn

from eventsieve.domain.cuts.tree import COMPARISONS, KEYWORDS, Call, Chain, Name, Node, Number, Text, label_of, written
from eventsieve.domain.values import canonical
from eventsieve.errors import BadRequest
from eventsieve.records import Schema

__all__ = ["names_of"]

Kind = Literal["condition", "number", "text", "label"]

_NEAREST = 3
"""Names that are offered for one that is unknown."""
_LISTED = 10


def names_of(tree: Node, schema: Schema) -> tuple[str, ...]:
    """The columns that a cut asks for.

    Raises:
        BadRequest: one of them cannot be cut on, or the tree is no condition.
    """
    check = _Check(schema)
    if (kind := check.kind(tree)) != "condition":
        raise BadRequest(f"The cut {written(tree)} is a {kind} and no condition; compare it, such as with > 0.")
    return tuple(check.names)


class _Check:
    def __init__(self, schema: Schema) -> None:
        self.names: dict[str, None] = {}
        self._schema = schema

    def kind(self, node: Node) -> Kind:
        """What a part of the tree gives, once all below it is found to fit."""
        match node:
            case Number():
                return "number"
            case Text():
                return "text"
            case Name(name):
                return self._column(name)
            case Call(function, of):
                self._want("condition" if function == "not" else "number", of, f"behind {function}")
                return "condition" if function in ("not", "defined") else "number"
            case Chain(signs, parts):
                return self._chain(signs, parts)

    def _chain(self, signs: tuple[str, ...], parts: tuple[Node, ...]) -> Kind:
        if signs[0] in COMPARISONS:
            kinds = [self.kind(part) for part in parts]
            for sign, both, of in zip(signs, pairwise(parts), pairwise(kinds), strict=True):
                self._check_comparison(sign, both, of)
            return "condition"
        wanted: Kind = "condition" if signs[0] in KEYWORDS else "number"
        for part in parts:
            self._want(wanted, part, f"beside {signs[0]}")
        return wanted

    def _want(self, wanted: Kind, node: Node, where: str) -> None:
        if (kind := self.kind(node)) != wanted:
            cure = "compare it, such as with > 0" if wanted == "condition" else f"put a {wanted} there"
            raise BadRequest(f"In the cut {written(node)} {where} is a {kind} and no {wanted}; {cure}.")

    def _column(self, name: str) -> Kind:
        self.names[name] = None
        if self._schema.label is not None and name == self._schema.label.name:
            return "label"
        others = (self._schema.index, self._schema.weight)
        known = [*self._schema.feature_names, *(column.name for column in others if column is not None)]
        if name not in known:
            self._refuse(name, known)
        return "number"

    def _refuse(self, name: str, known: list[str]) -> NoReturn:
        if name in self._schema.non_features:
            raise BadRequest(
                f"The cut asks for {name}, which is left out and not read; make it a feature to cut on it, or cut on "
                f"another column."
            )
        known += [self._schema.label.name] if self._schema.label else []
        near = difflib.get_close_matches(name, known, _NEAREST, cutoff=0.5)
        some = ", ".join(known[:_LISTED]) + (" and others" if len(known) > _LISTED else "")
        cure = f"do you mean {' or '.join(near)}?" if near else f"there is {some}."
        raise BadRequest(f"The cut asks for {name[:80]}, which is no column of the table; {cure}")

    def _check_comparison(self, sign: str, parts: tuple[Node, Node], kinds: tuple[Kind, Kind]) -> None:
        said = f"{written(parts[0])} {sign} {written(parts[1])}"
        if kinds == ("number", "number"):
            self._refuse_undefined(sign, parts)
            return
        if kinds.count("label") != 1 or "condition" in kinds:
            raise BadRequest(f"The cut compares a {kinds[0]} with a {kinds[1]}: {said}; compare columns with numbers.")
        value = parts[1 - kinds.index("label")]
        classes = ", ".join(f'"{name}"' for name in self._schema.class_names)
        if sign not in ("==", "!=") or not isinstance(value, (Number, Text)):
            raise BadRequest(f"The cut has {said}; labels are compared by == or != with one of {classes}.")
        if label_of(value) not in map(canonical, self._schema.class_names):
            raise BadRequest(f"The cut has {said}; there is no such class, only {classes}.")

    def _refuse_undefined(self, sign: str, parts: tuple[Node, Node]) -> None:
        """Refuse ``x == -999`` where -999 stands for "undefined", which the events do not hold any more."""
        for name, value in (parts, parts[::-1]):
            number = _constant(value)
            if sign == "==" and isinstance(name, Name) and number is not None and number == self._schema.undefined:
                column = written(name)
                raise BadRequest(
                    f"The cut has {column} == {written(value)}, which stands for undefined here and equals nothing; "
                    f"write not defined({column})."
                )


def _constant(node: Node) -> float | None:
    match node:
        case Number(value):
            return value
        case Call("-", Number(value)):
            return -value
    return None
