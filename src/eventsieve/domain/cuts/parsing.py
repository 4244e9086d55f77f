"""The language of cuts: text -> a tree of plain records, which says nothing yet of what the names mean.

Nothing of Python is ever evaluated; what is not in the grammar is a fault with its place.

    condition  = both ("or" both)*                         also | and ||
    both       = denied ("and" denied)*                    also & and &&
    denied     = "not" denied | comparison                 also !
    comparison = sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*     also ≤ ≥ ≠
    sum        = product (("+" | "-") product)*
    product    = sign (("*" | "/") sign)*
    sign       = ("-" | "+") sign | atom
    atom       = number | 'text' | name | `any name` | function "(" condition ")" | "(" condition ")"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventsieve.domain.cuts.tree import COMPARISONS, FUNCTIONS, KEYWORDS, Call, Chain, Name, Node, Number, Text
from eventsieve.errors import BadRequest

__all__ = ["DEEPEST", "LONGEST", "parse"]

LONGEST = 1_000
"""Characters of a cut."""
DEEPEST = 25
"""Levels of a tree: each takes some of Python's own stack."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d]\w*)
      | `(?P<quoted>[^`]+)`
      | "(?P<double>[^"]*)" | '(?P<single>[^']*)'
      | (?P<sign>&&|\|\||[<>=!]=|[≤≥≠<>!~&|()+\-\N{MINUS SIGN}*/])
    )""",
    re.VERBOSE,
)
_SAME = {
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "~": "not",
    "\N{MINUS SIGN}": "-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


def parse(text: str) -> Node:
    """The tree of a cut.

    Raises:
        BadRequest: it is too long or too deep, or it is no condition; the sentence says where and what to do.
    """
    if len(text) > LONGEST:
        raise BadRequest(f"The cut has {len(text):,} characters; {LONGEST:,} are the most. Shorten it.")
    if not text.strip():
        raise BadRequest("The cut is empty; write one, such as PRI_jet_num >= 2, or leave it out.")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        found = self._condition()
        if (rest := self._next()).kind != "end":
            raise _fault(rest, "is not expected there; put and, or, or an operator before it")
        return found

    def _condition(self) -> Node:
        return self._chain(("or",), lambda: self._chain(("and",), self._denied))

    def _denied(self) -> Node:
        if token := self._take("not"):
            return Call("not", self._below(token, self._denied))
        return self._chain(COMPARISONS, self._sum)

    def _sum(self) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._sign))

    def _chain(self, known: tuple[str, ...], part: Callable[[], Node]) -> Node:
        parts, signs = [part()], []
        while token := self._take(*known):
            signs.append(token.text)
            parts.append(part())
        return Chain(tuple(signs), tuple(parts)) if signs else parts[0]

    def _sign(self) -> Node:
        if token := self._take("-", "+"):
            of = self._below(token, self._sign)
            return of if token.text == "+" else Call("-", of)
        return self._atom()

    def _atom(self) -> Node:
        token = self._next()
        match token.kind, token.text:
            case "number", _:
                return Number(_finite(token))
            case "text", text:
                return Text(text)
            case "name", text if text in FUNCTIONS and (opening := self._take("(")):
                return Call(text, self._bracketed(opening))
            case (("name" | "quoted"), text):
                return Name(text)
            case "sign", "(":
                return self._bracketed(token)
        raise _fault(token, "is not expected there; a column, a number or a bracket is")

    def _bracketed(self, opening: _Token) -> Node:
        found = self._below(opening, self._condition)
        if not self._take(")"):
            raise _fault(opening, "is not closed, or what follows it is incomplete; add the bracket ) that is missing")
        return found

    def _below(self, token: _Token, part: Callable[[], Node]) -> Node:
        if self._depth == DEEPEST:
            raise BadRequest(
                f"The cut is more than {DEEPEST} levels deep at character {token.place}; use fewer brackets or signs."
            )
        self._depth += 1
        found = part()
        self._depth -= 1
        return found

    def _take(self, *texts: str) -> _Token | None:
        token = self._tokens[self._at]
        if token.kind == "sign" and token.text in texts:
            self._at += 1
            return token
        return None

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            raise _fault(_Token("", text[start], start + 1), _cure(text, start))
        found.append(_token(match))
        place = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


def _token(match: re.Match[str]) -> _Token:
    kind = str(match.lastgroup)
    text, place = match[kind], match.start(kind) + 1
    if kind in ("double", "single"):
        kind = "text"
    if kind == "name" and _SAME.get(text, text) in KEYWORDS:
        kind = "sign"
    return _Token(kind, _SAME.get(text, text) if kind == "sign" else text, place)


_CURES: Mapping[str, str] = {
    "=": "compares nothing; write == for equal, and >= or <= with = behind",
    "`": "begins a name that is not closed; put ` on both sides of it",
    '"': 'begins text that is not closed; put " on both sides of it',
    "'": "begins text that is not closed; put ' on both sides of it",
    ",": "is not known; decimals have a point",
    "^": "is not known; multiply instead",
    ".": "is not known; put ` on both sides of a name that has a point in it",
}


def _cure(text: str, place: int) -> str:
    return _CURES.get(
        text[place],
        "is not known; a cut has columns, numbers, brackets, + - * /, < <= > >= == !=, and, or, not, abs, defined",
    )


def _finite(token: _Token) -> float:
    if math.isinf(value := float(token.text)):
        raise _fault(token, "is larger than any number can be; write a smaller one")
    return value


def _fault(token: _Token, what: str) -> BadRequest:
    if token.kind == "end":
        return BadRequest("The cut ends too early; write what belongs behind its last word, as a column or a number.")
    return BadRequest(f"In the cut {token.text!r} at character {token.place} {what}.")
