"""The tree of a cut: plain records, which say nothing yet of what the names mean, and the one way of writing them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eventsieve.domain.values import canonical

__all__ = [
    "COMPARISONS",
    "FUNCTIONS",
    "KEYWORDS",
    "Call",
    "Chain",
    "Name",
    "Node",
    "Number",
    "Text",
    "label_of",
    "written",
]

FUNCTIONS = ("abs", "defined")
KEYWORDS = ("and", "or", "not")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
TIGHTNESS = {"or": 0, "and": 1, "not": 2} | dict.fromkeys(COMPARISONS, 3) | {"+": 4, "-": 4, "*": 5, "/": 5}
LOOSEST = -1
_PLAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Number:
    """A number, finite and not negative."""

    value: float


@dataclass(frozen=True)
class Text:
    """Text in quotation marks."""

    value: str


@dataclass(frozen=True)
class Name:
    """The name of a column."""

    value: str


@dataclass(frozen=True)
class Call:
    """A function of one thing: one of `FUNCTIONS`, or ``not``, or the sign ``-``."""

    function: str
    of: Node


@dataclass(frozen=True)
class Chain:
    """Two things or more with signs of one kind between them.

    All are ``and``; all are ``or``; all compare, and each comparison must hold; all are ``+`` or ``-``; all are ``*``
    or ``/``, from left to right.
    """

    signs: tuple[str, ...]
    parts: tuple[Node, ...]


Node = Number | Text | Name | Call | Chain


def written(node: Node, around: int = LOOSEST) -> str:
    """A part of a tree, in brackets where it binds no tighter than what is ``around`` it."""
    match node:
        case Number(value):
            return repr(value).removesuffix(".0")
        case Text(value):
            return f"'{value}'" if '"' in value else f'"{value}"'
        case Name(value):
            plain = _PLAIN.fullmatch(value) and value.lower() not in KEYWORDS and value not in FUNCTIONS
            return value if plain else f"`{value}`"
        case Call(function, of):
            return _called(function, of, around)
        case Chain(signs, parts):
            own = TIGHTNESS[signs[0]]
            first, *others = (written(part, own) for part in parts)
            text = first + "".join(f" {sign} {part}" for sign, part in zip(signs, others, strict=True))
            return f"({text})" if own <= around else text


def _called(function: str, of: Node, around: int) -> str:
    if function == "not":
        text = f"not {written(of, TIGHTNESS['and'])}"
        return f"({text})" if TIGHTNESS["not"] <= around else text
    return f"-{written(of, TIGHTNESS['*'])}" if function == "-" else f"{function}({written(of)})"


def label_of(node: Number | Text) -> str:
    """The label that a number or text beside labels stands for."""
    return canonical(node.value if isinstance(node, Text) else written(node))
