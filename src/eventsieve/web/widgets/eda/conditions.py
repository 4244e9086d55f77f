"""The text of a cut: the conditions that it joins by ``and``, and new ones. What it means, the server says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = ["OPERATORS", "condition", "conditions", "joined", "narrowed", "quoted"]

OPERATORS = (">=", "<=", ">", "<", "==", "!=")
_NAME = re.compile(r"[^\W\d]\w*")
_WORDS = ("and", "or", "not", "abs", "defined")
_PIECE = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|&&|\|\||[&|()]|\b(?:and|or|AND|OR)\b|.", re.DOTALL)
_DIGITS = 4
"""Significant ones of a number that was drawn with a mouse."""


def quoted(name: str) -> str:
    """A column's name as a cut has it: in backticks where it is none of a variable."""
    return name if _NAME.fullmatch(name) and name.lower() not in _WORDS else f"`{name}`"


def condition(name: str, operator: str, value: float) -> str:
    """A comparison of a column with a number."""
    return f"{quoted(name)} {operator} {value:g}"


def conditions(cut: str) -> list[str]:
    """The parts that ``and`` joins, outside of brackets; a cut that ``or`` joins is one part."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(cut):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0 and piece.lower() in ("or", "|", "||"):
            return [cut.strip()]
        if depth == 0 and piece.lower() in ("and", "&", "&&"):
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def joined(parts: Sequence[str]) -> str:
    """The cut that all these conditions are."""
    if len(parts) < 2:
        return "".join(parts)
    return " and ".join(f"({part})" if _loose(part) else part for part in parts)


def narrowed(cut: str, name: str, low: float, high: float, *, whole: bool = False) -> str:
    """The cut with the column between two numbers as well; a range that it had before gives way.

    Args:
        cut: as it is.
        name: of the column.
        low: the least value that passes.
        high: the least that does not pass any more.
        whole: whether the column holds whole numbers, so that the range can be said in them.
    """
    ends = (f"{math.ceil(low)}", f"{math.ceil(high)}") if whole else (_rounded(low, high), _rounded(high, low))
    before = re.compile(rf"[-+.\deE]+ <= {re.escape(quoted(name))} < [-+.\deE]+")
    kept = [part for part in conditions(cut) if not before.fullmatch(part)]
    return joined([*kept, f"{ends[0]} <= {quoted(name)} < {ends[1]}"])


def _loose(part: str) -> bool:
    """Whether ``and`` would bind tighter than what joins the part."""
    return conditions(part) == [part.strip()] and any(
        piece.lower() in ("or", "|", "||") for piece in _PIECE.findall(part)
    )


def _rounded(value: float, other: float) -> str:
    """With as many digits as tell the two ends of a range apart."""
    return f"{value:.{_DIGITS + max(0, _magnitude(value) - _magnitude(value - other))}g}"


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else -_DIGITS
