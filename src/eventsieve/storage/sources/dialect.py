"""The dialect of a text: what parts its values, and what its columns are called."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from eventsieve.errors import BadTable
from eventsieve.storage.sources.cells import NOTHING, is_number

__all__ = ["BLANKS", "Dialect", "collapsed", "recognised"]

BLANKS = " "
"""The delimiter of texts whose values are parted by any number of blanks and tabs."""

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Dialect:
    """How a text is written.

    Attributes:
        names: of the columns.
        delimiter: what parts the values; `BLANKS` for runs of blanks and tabs.
        named: whether the first line holds the names.
        decimal: what parts the digits of a number.
    """

    names: tuple[str, ...]
    delimiter: str
    named: bool
    decimal: str = "."


def recognised(lines: Sequence[str], header: str) -> Dialect:
    """The dialect of a text that begins with these lines, none of them blank.

    Args:
        lines: the first lines.
        header: ``yes`` or ``no``, or ``auto`` to tell by the first line.

    Raises:
        BadTable: the first line cannot be split.
    """
    delimiter = _delimiter(lines)
    cells = [_split(line, delimiter) for line in lines]
    decimal = "," if delimiter != "," and _has_decimal_commas(cells) else "."
    first = [cell.strip() for cell in cells[0]]
    if lines[0].startswith("#") and len(lines) > 1 and all(len(row) != len(first) for row in cells[1:]):
        raise BadTable(
            f"The first line, {lines[0][:60]!r}, does not name the columns of the lines below; remove what is above "
            f"their names."
        )
    named = _is_header(first, decimal) if header == "auto" else header == "yes"
    names = _names(first) if named else tuple(f"c{place}" for place in range(len(first)))
    return Dialect(names, delimiter, named, decimal)


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == BLANKS:
        line = collapsed(line.encode()).decode().removeprefix("# ").strip()
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error as exc:
        raise BadTable(f"The first lines cannot be split into columns: {exc}.") from exc


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that splits the lines most evenly, then into most numbers, then into most values."""
    found = []
    for delimiter in (*_DELIMITERS, BLANKS):
        cells = [_split(line, delimiter) for line in lines]
        width = len(cells[0])
        even = sum(len(row) == width for row in cells) / len(cells)
        below = [cell for row in cells[1:] or cells for cell in row]
        numbers = sum(is_number(cell, "." if delimiter == "," else ",") for cell in below) / max(1, len(below))
        # Blanks part the values only where nothing else does: there may be some around every comma.
        found.append((width > 1, delimiter != BLANKS, even > 0.8, round(numbers, 1), width, delimiter))
    best = max(found, key=lambda candidate: candidate[:-1])
    return best[-1] if best[0] else ","


def _has_decimal_commas(cells: Sequence[Sequence[str]]) -> bool:
    below = [cell for row in cells[1:] or cells for cell in row]
    commas = sum("," in cell and is_number(cell, ",") for cell in below)
    return commas > 0 and not any("." in cell and is_number(cell) for cell in below)


def _is_header(cells: Sequence[str], decimal: str) -> bool:
    """Whether a first line holds names; numbers are none, unless they count the columns as data frames do."""
    numbers = [cell for cell in cells if is_number(cell, decimal)]
    if numbers == [str(place) for place in range(len(numbers))] and (len(numbers) > 3 or not cells[0]):
        return True
    # Values that are not defined may stand in the first line of a text without names.
    values = len(numbers) + sum(cell in NOTHING[1:] for cell in cells)
    return not numbers or 2 * values <= len(cells)


def _names(cells: Sequence[str]) -> tuple[str, ...]:
    """The names in a header; the row labels of a data frame, which have none, are called index."""
    cells = [cells[0].removeprefix("#").strip(), *cells[1:]]
    spare = ["index" if not place and "index" not in cells else f"c{place}" for place in range(len(cells))]
    return tuple(name or spare[place] for place, name in enumerate(cells))


def collapsed(block: bytes) -> bytes:
    """A block of lines with single blanks between the values and none around them."""
    block = block.replace(b"\t", b" ")
    while b"  " in block:
        block = block.replace(b"  ", b" ")
    for end in (b"\n", b"\r"):
        block = block.replace(end + b" ", end).replace(b" " + end, end)
    return block.strip(b" ")
