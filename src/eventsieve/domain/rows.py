"""Rows of JSON as a table of events to predict, each fault with its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from eventsieve.errors import BadRequest
from eventsieve.records import Column, Schema

__all__ = ["table_of"]

MOST_FAULTS: Final = 20
"""How many faults are named."""

_LARGEST: Final = 2**63
_LARGEST_FLOAT: Final = int(sys.float_info.max)


def table_of(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pa.Table:
    """The index and the features of the rows; other values are kept by name only, as columns of nothing.

    Args:
        rows: one object for each event; ``None`` where a feature is not defined, where the schema allows that.
        schema: what a model was trained with.

    Raises:
        BadRequest: values are missing or no numbers; ``faults`` maps ``/events/ROW/COLUMN`` to a sentence.
    """
    faults: dict[str, str] = {}
    more = 0
    for pointer, sentence in _faults(rows, schema):
        if len(faults) < MOST_FAULTS:
            faults[pointer] = sentence
        else:
            more += 1
    if faults:
        rest = f" There are {more} more faults like these." if more else ""
        raise BadRequest(" ".join(faults.values()) + rest, faults)
    index = schema.index if schema.index is not None and any(schema.index.name in row for row in rows) else None
    fill = None if schema.gaps else schema.undefined
    columns = {column.name: _features(column.name, rows, fill) for column in schema.features}
    if index is not None:
        columns[index.name] = pa.array([row[index.name] for row in rows], pa.int64())
    others = dict.fromkeys(name for row in rows for name in row if name not in columns)
    return pa.table(columns | {name: pa.nulls(len(rows)) for name in others})


def _features(name: str, rows: Sequence[Mapping[str, Any]], fill: float | None) -> pa.Array:
    values = (row[name] for row in rows)
    return pa.array([fill if value is None else float(value) for value in values], pa.float64())


def _faults(rows: Sequence[Mapping[str, Any]], schema: Schema) -> Iterator[tuple[str, str]]:
    gaps = schema.gaps or schema.undefined is not None
    indexed = schema.index is not None and any(schema.index.name in row for row in rows)
    for place, row in enumerate(rows):
        for column in schema.columns:
            if column.role == "feature" or (column.role == "index" and indexed):
                fault = _fault(row, column, gaps=gaps)
                if fault:
                    pointer = column.name.replace("~", "~0").replace("/", "~1")
                    yield f"/events/{place}/{pointer}", f"Row {place + 1}: {fault}"


def _fault(row: Mapping[str, Any], column: Column, *, gaps: bool) -> str:
    """What is wrong with a value, as a sentence; empty where nothing is."""
    name = column.name
    if name not in row:
        return f"{name} is missing; give it{', or null where it is not defined' if gaps else ''}."
    value = row[name]
    if column.role == "index":
        whole = isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST
        return "" if whole else f"{name} is the event's number and must be a whole number of 64 bits, in every row."
    if value is None:
        return "" if gaps else f"{name} is null, and the model was trained without undefined values; give a number."
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} must be a number, not {str(value)[:40]!r}."
    return f"{name} is too large a number." if isinstance(value, int) and abs(value) > _LARGEST_FLOAT else ""
