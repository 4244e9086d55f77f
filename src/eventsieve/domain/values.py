"""The values of one column of a table: Arrow in, NumPy out, with a sentence for each fault on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.errors import BadTable

__all__ = ["UNSET", "Where", "canonical", "integers", "numbers", "plural", "texts"]

# What spreadsheets and data-frame libraries write for "nothing here".
_NOTHING = ("", "na", "n/a", "#n/a", "nan", "-nan", "+nan", "null", "none")
# Everything this matches is a number to Arrow's cast too, once a leading plus is gone.
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"
_WHOLE = r"^\+?(-?[0-9]{1,19})(\.0*)?$"
UNSET = "empty, NaN or infinite"
_EXACT = 2.0**53
"""Above this size not every whole number is a float64."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Where:
    """Says where in its file a row of a table stands.

    Attributes:
        line_of: the line number of a 1-based row in a text file; ``None`` where rows are not lines.
        before: how many rows of the file stand before the first of the table.
    """

    line_of: Callable[[int], int] | None = None
    before: int = 0

    def __call__(self, row: int) -> str:
        """``row 5 (line 6)`` for the row at position 4."""
        number = self.before + row + 1
        line = f" (line {self.line_of(number)})" if self.line_of else ""
        return f"row {number}{line}"


def plural(count: int, noun: str) -> str:
    """``1 value is`` or ``3 values are``."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def canonical(label: str) -> str:
    """A label as it is compared: without blanks around it, and ``1`` for ``1.0``."""
    return re.sub(_WHOLE, r"\1", label.strip())


def texts(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of labels as canonical text (see `canonical`), empty where there is no value.

    Raises:
        BadTable: the column holds neither text nor numbers, or bytes that are not UTF-8.
    """
    column = _plain(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not (_is_text(column.type) or _is_number(column.type)):
        raise _wrong_type(name, column, "labels")
    text = _trimmed(name, column)
    text = pc.replace_substring_regex(text, _WHOLE, r"\1").fill_null("")
    return pc.if_else(_is_nothing(text), "", text)


def numbers(
    name: str, column: pa.ChunkedArray, where: Where, *, whole: bool = False, unset: str | None = UNSET
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """A column as float64, NaN where there is no number, and what is wrong with it.

    Args:
        name: the column's name, for the sentences.
        column: numbers, or text that spells numbers.
        where: says where a row stands.
        whole: whether only whole numbers are right.
        unset: what to call a value that is missing or infinite; ``None`` where it may be missing.

    Raises:
        BadTable: the column holds something else than numbers or text.
    """
    column = _plain(column)
    parsed, wrong = _parsed(name, column)
    values: npt.NDArray[np.float64] = np.asarray(parsed.fill_null(np.nan).to_numpy(), dtype=np.float64)
    finite = np.isfinite(values)
    absent = ~finite & ~wrong & ~(np.isnan(values) & (unset is None))
    broken = finite & ~_is_whole(values) & whole
    kinds = ((wrong, "not a number"), (broken, "not whole"), (absent, unset or "infinite"))
    return values, [_fault(name, column, mask, what, where) for mask, what in kinds if mask.any()]


def integers(name: str, column: pa.ChunkedArray, where: Where) -> tuple[npt.NDArray[np.int64], Mask, list[str]]:
    """A column as int64, a mask of the rows that hold a whole number, and what is wrong with it.

    Whole numbers are exact in the full range of int64 where they are spelled or stored as such; floats are taken
    up to 2^53, where they stop being exact.

    Raises:
        BadTable: the column holds something else than numbers or text.
    """
    if pa.types.is_int64(column.type) and not column.null_count:
        return column.to_numpy(), np.ones(len(column), dtype=np.bool_), []
    values, faults = numbers(name, column, where, whole=True)
    column = _plain(column)
    exact = _exact_integers(name, column)
    inexact = exact.is_null().to_numpy()
    good = np.isfinite(values) & _is_whole(values)
    large = good & inexact & (np.abs(values) > _EXACT)
    if large.any():
        faults.append(_fault(name, column, large, "too large to be exact", where))
    good &= ~large
    rounded = np.where(good & inexact, values, 0.0).astype(np.int64)
    return np.where(inexact, rounded, exact.fill_null(0).to_numpy()), good, faults


def _is_whole(values: npt.NDArray[np.float64]) -> Mask:
    with np.errstate(invalid="ignore"):  # a signalling NaN, which a file may hold, is not whole either
        same: Mask = values == np.trunc(values)
    return same


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with its values in place of references into a dictionary."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    )


def _wrong_type(name: str, column: pa.ChunkedArray, wanted: str) -> BadTable:
    return BadTable(f"Column {name} holds values of type {column.type}, not {wanted}.")


def _trimmed(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as text without blanks around it."""
    try:
        return pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowInvalid as exc:
        raise BadTable(f"Column {name} holds bytes that are not UTF-8 text.") from exc


def _is_nothing(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(pc.utf8_lower(text), value_set=pa.array(_NOTHING))


def _parsed(name: str, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Mask]:
    """The column as float64 with nulls, and a mask of what is neither a number nor nothing."""
    none = np.zeros(len(column), dtype=np.bool_)
    if _is_number(column.type):
        return column.cast(pa.float64(), safe=False), none
    if not _is_text(column.type):
        raise _wrong_type(name, column, "numbers")
    text = _trimmed(name, column)
    text = pc.if_else(_is_nothing(text), None, text)
    try:
        return text.cast(pa.float64()), none
    except pa.ArrowInvalid:
        number = pc.match_substring_regex(text, _NUMBER)
        unsigned = pc.replace_substring_regex(pc.if_else(number, text, None), r"^\+", "")
        return unsigned.cast(pa.float64()), ~number.fill_null(True).to_numpy()


def _exact_integers(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as int64 where it can be without passing through a float, else null."""
    nothing = pa.chunked_array([pa.nulls(len(column), pa.int64())])
    try:
        if pa.types.is_integer(column.type):
            return column.cast(pa.int64())
        if _is_text(column.type):
            text = _trimmed(name, column)
            digits = pc.replace_substring_regex(text, _WHOLE, r"\1")
            return pc.if_else(pc.match_substring_regex(text, _WHOLE), digits, None).cast(pa.int64())
    except pa.ArrowInvalid:
        return nothing  # some number is beyond int64, and is named as too large
    return nothing


def _fault(name: str, column: pa.ChunkedArray, mask: Mask, what: str, where: Where) -> str:
    """One sentence on the rows in the mask: how many, and the first of them with its value."""
    first = int(np.flatnonzero(mask)[0])
    value = column[first].as_py()
    shown = repr(value.strip() if isinstance(value, str) else value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    count = int(mask.sum())
    if count == 1:
        return f"Column {name}: the value in {where(first)}, {shown}, is {what}."
    return f"Column {name}: {plural(count, 'value')} {what}; the first is {shown} in {where(first)}."
