"""Delimited text (CSV): whole lines in, Arrow columns out, and every line that is no row of the table named.

A good table is read once, its columns converted while they are parsed. Where that fails, it is read again as text,
with all that it takes to say where each fault stands.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv

from eventsieve.domain.events import Events, Labels, check, needed
from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Column, Schema
from eventsieve.storage.containers import unpacked
from eventsieve.storage.lines import Notes, blocks_of_lines, first_line, rows, without_blanks
from eventsieve.storage.parsing import parsed

__all__ = ["Streamed", "bounded", "gather", "read_csv", "streamed_csv"]

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class _Header:
    """The first line with text in it."""

    names: tuple[str, ...]
    delimiter: str
    line: int


class Streamed(NamedTuple):
    """A table that comes in parts.

    Attributes:
        header: the names of all of its columns.
        schema: names and types of those that come.
        batches: the rows.
    """

    header: tuple[str, ...]
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def streamed_csv(path: Path, schema: Schema, *, labels: Labels, max_bytes: int) -> Iterator[Streamed]:
    """The columns that `needed` names of a good table, for as long as the block lasts.

    Raises:
        BadTable: the file holds no such text.
        pyarrow.ArrowInvalid: the text does not parse, or a value is not of the column's type; in the block.
        TooLarge: the text takes more than ``max_bytes``.
    """
    with unpacked(path) as stream:
        header, body = _open(stream, schema, max_bytes)
        types = {column.name: _arrow_type(column) for column in needed(schema, labels=labels)}
        yield _streamed(body, header, types)


def read_csv(path: Path, schema: Schema, *, labels: Labels, max_bytes: int) -> Events:
    """The events in a plain, gzip'd or zipped text whose first line names the columns.

    Raises:
        BadTable: it is no such text, or the table has faults, all of them named.
        TooLarge: the text or its columns take more than ``max_bytes``.
    """
    try:
        with streamed_csv(path, schema, labels=labels, max_bytes=max_bytes) as parts:
            table = gather(parts.batches, parts.schema, max_bytes)
        return check(table, schema, labels=labels, header=parts.header)
    except (BadTable, pa.ArrowInvalid):
        return _diagnose(path, schema, labels, max_bytes)


def gather(batches: Iterable[pa.RecordBatch], arrow: pa.Schema, max_bytes: int) -> pa.Table:
    """One table of all batches, each of the Arrow schema given.

    Raises:
        TooLarge: together they take more than ``max_bytes`` of memory.
    """
    return pa.Table.from_batches(list(bounded(batches, max_bytes)), arrow)


def bounded(batches: Iterable[pa.RecordBatch], max_bytes: int) -> Iterator[pa.RecordBatch]:
    """The same batches.

    Raises:
        TooLarge: together they take more than ``max_bytes`` of memory.
    """
    size = 0
    for batch in batches:
        size += batch.nbytes
        if size > max_bytes:
            raise TooLarge(f"The table takes more than {max_bytes} bytes of memory; send it in parts.")
        yield batch


def _diagnose(path: Path, schema: Schema, labels: Labels, max_bytes: int) -> Events:
    """Read everything as text and name all faults; a table that was only unusual passes."""
    notes = Notes()
    with unpacked(path) as stream:
        header, body = _open(stream, schema, max_bytes)
        notes.skipped += range(1, header.line + 1)
        types = {column.name: pa.string() for column in needed(schema, labels=labels)}
        try:
            parts = _streamed(rows(body, header.delimiter, notes), header, types, notes)
            table = gather(parts.batches, parts.schema, max_bytes)
        except pa.ArrowInvalid as exc:
            faults = notes.faults(len(header.names)) if notes.full else [f"The file cannot be read as CSV: {exc}"]
            raise BadTable(*faults) from exc
    faults = notes.faults(len(header.names))
    try:
        events = check(table, schema, labels=labels, header=header.names, line_of=notes.line_of())
    except BadTable as exc:
        raise BadTable(*faults, *exc.faults) from exc
    if faults:
        raise BadTable(*faults)
    return events


def _open(stream: IO[bytes], schema: Schema, max_bytes: int) -> tuple[_Header, Iterator[bytes]]:
    """The header of a text and, in blocks of whole lines, what stands below it."""
    line = first_line(blocks_of_lines(stream, max_bytes))
    header = _header(line.text, line.number, schema)
    return header, (without_blanks(part, header.delimiter) for part in line.below)


def _header(text: str, line: int, schema: Schema) -> _Header:
    """The names in the first line, split where that gives the most columns of the schema."""
    known = {column.name for column in schema.columns}
    found: list[_Header] = []
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True))
        except csv.Error as exc:
            raise BadTable(f"The names of the columns cannot be read: {exc}.") from exc
        found.append(_Header(tuple(name.strip() for name in names), delimiter, line))
    return max(found, key=lambda header: (len(known.intersection(header.names)), len(header.names)))


def _arrow_type(column: Column) -> pa.DataType:
    """What a column is read as at once; whole numbers among the features may be spelled as floats."""
    return {"index": pa.int64(), "label": pa.string()}.get(column.role, pa.float64())


def _streamed(
    blocks: Iterator[bytes], header: _Header, types: Mapping[str, pa.DataType], notes: Notes | None = None
) -> Streamed:
    """The columns named in ``types``, as far as the header has them.

    With ``notes``, lines that have another number of values than the header are noted there and left out, until the
    notes are full; without, they are an error.

    Raises:
        pyarrow.ArrowInvalid: while the rows come, the text does not parse, or a value is not of the column's type.
    """
    places = {name: str(header.names.index(name)) for name in types if name in header.names}
    arrow = pa.schema([(name, types[name]) for name in places])
    if not places:
        next(blocks, None)  # what is wrong with the text comes up
        return Streamed(header.names, arrow, iter(()))
    convert = pacsv.ConvertOptions(
        include_columns=list(places.values()),
        column_types={place: types[name] for name, place in places.items()},
    )
    batches = parsed(blocks, width=len(header.names), delimiter=header.delimiter, convert=convert, notes=notes)
    return Streamed(header.names, arrow, (batch.rename_columns(arrow.names) for batch in batches))
