"""Cells of text: what kind of value a column of them holds, and the values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["NOTHING", "Kind", "arrow_type", "cast", "is_number", "kind_of", "widest"]

Kind = Literal["nothing", "truth", "whole", "large", "float", "text"]
"""What the cells of a column are: all empty; true and false; whole numbers, of 64 bits or larger; numbers; text."""

# What spreadsheets and data-frame libraries write for "nothing here", as they spell it.
_SPELLED = ("na", "n/a", "#n/a", "nan", "-nan", "+nan", "null", "none")
NOTHING = ["", *sorted({case(word) for word in (*_SPELLED, "NaN", "-NaN") for case in (str, str.upper, str.title)})]
"""Cells that are empty."""

_TRUTH = pa.array(["true", "false"])
_WHOLE = r"^-?[0-9]+$"
_FEW = 16


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell of a text is a number."""
    try:
        float(cell.replace(decimal, "."))
    except ValueError:
        return False
    return "_" not in cell


def kind_of(cells: pa.Array, decimal: str = ".") -> Kind:
    """The narrowest kind that holds all of the cells."""
    text = _present(cells, decimal)
    if text.null_count == len(text):
        return "nothing"
    if _casts(text, pa.int64()):
        return "whole"
    if pc.all(pc.match_substring_regex(text, _WHOLE)).as_py():
        return "large"
    if _casts(text, pa.float64()):
        return "float"
    return "truth" if pc.all(pc.is_in(pc.utf8_lower(text), value_set=_TRUTH, skip_nulls=True)).as_py() else "text"


def _casts(text: pa.Array, kind: pa.DataType) -> bool:
    try:
        # Each cell that does not cast costs much: mostly there is one among the first.
        text[:_FEW].cast(kind)
        text.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def widest(kinds: Collection[Kind]) -> Kind:
    """The kind of a column whose parts are of these kinds."""
    found = set(kinds) - {"nothing"}
    if len(found) <= 1:
        return next(iter(found), "nothing")
    if found & {"text", "truth"}:
        return "text"
    return "float" if "float" in found else "large"


def arrow_type(kind: Kind) -> pa.DataType:
    """The type in which cells of a kind are kept; whole numbers beyond 64 bits stay text: no float is exact there."""
    if kind in ("whole", "truth"):
        return pa.int64()
    return pa.string() if kind in ("text", "large") else pa.float64()


def cast(cells: pa.Array, kind: Kind, decimal: str = ".") -> pa.Array:
    """The values of cells of that kind, null where they are empty."""
    text = _present(cells, decimal if kind not in ("text", "large") else ".")
    if kind == "truth":
        return pc.equal(pc.utf8_lower(text), "true").cast(pa.int64())
    return text.cast(arrow_type(kind))


def _present(cells: pa.Array, decimal: str) -> pa.Array:
    """The cells without blanks around them and without a leading plus, null where they are empty."""
    text = pc.utf8_trim_whitespace(cells)
    text = pc.if_else(pc.is_in(text, value_set=pa.array(NOTHING)), None, text)
    if pc.any(pc.starts_with(text, "+")).as_py():
        text = pc.replace_substring_regex(text, r"^\+([0-9.])", r"\1")
    return text if decimal == "." else pc.replace_substring(text, decimal, ".")
