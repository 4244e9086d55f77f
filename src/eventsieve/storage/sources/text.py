"""Delimited text as a source: its types are told from its beginning, and from all of it where that is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pacsv

from eventsieve.errors import BadTable
from eventsieve.records import Reading
from eventsieve.storage.containers import unpacked
from eventsieve.storage.lines import BLOCK, Notes, blocks_of_lines, first_line, rows, without_blanks
from eventsieve.storage.parsing import parsed
from eventsieve.storage.sources.cells import NOTHING, Kind, arrow_type, cast, kind_of, widest
from eventsieve.storage.sources.choice import choose
from eventsieve.storage.sources.dialect import BLANKS, Dialect, collapsed, recognised
from eventsieve.storage.sources.source import ADVICE, Retyped, Source

__all__ = ["open_text"]

_SNIFFED = 50
"""Lines that the dialect is told from."""

_ARROW: dict[Kind, pa.DataType] = {"truth": pa.bool_(), "whole": pa.int64()}


@dataclass(frozen=True)
class _Text:
    """A text file and how it is written."""

    path: Path
    max_bytes: int
    dialect: Dialect
    kinds: Mapping[str, Kind]
    whole: bool = False
    """Whether the kinds are those of all cells, and not only of the first ones."""

    def source(self) -> Source:
        """The source of the columns whose kinds are known."""
        schema = pa.schema([(name, arrow_type(kind)) for name, kind in self.kinds.items()])
        return Source("csv", schema, self.read, named=self.dialect.named)

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns by name, in the order given."""
        if self.whole:
            yield from self._cast(columns)
            return
        try:
            with unpacked(self.path, every_packing=True, advice=ADVICE) as stream:
                _, blocks = _body(stream, self.dialect, self.max_bytes)
                types = {name: _ARROW.get(self.kinds[name], arrow_type(self.kinds[name])) for name in columns}
                yield from _parse(blocks, self.dialect, types)
        except pa.ArrowInvalid as exc:
            raise Retyped(self._scanned().source()) from exc

    def _cast(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        decimal = self.dialect.decimal
        for batch in self._cells(columns, Notes()):
            cells = zip(columns, batch.columns, strict=True)
            yield pa.record_batch([cast(column, self.kinds[name], decimal) for name, column in cells], columns)

    def _scanned(self) -> _Text:
        """The same with the kinds of all cells.

        Raises:
            BadTable: there are lines that are no rows; they are named.
        """
        notes = Notes()
        found: dict[str, set[Kind]] = {name: set() for name in self.kinds}
        for batch in self._cells(list(self.kinds), notes):
            for name, column in zip(self.kinds, batch.columns, strict=True):
                found[name].add(kind_of(column, self.dialect.decimal))
        if faults := notes.faults(len(self.dialect.names)):
            raise BadTable(*faults)
        return replace(self, kinds={name: widest(kinds) for name, kinds in found.items()}, whole=True)

    def _cells(self, columns: Sequence[str], notes: Notes) -> Iterator[pa.RecordBatch]:
        """Columns as text, without the lines that are no rows, which are noted."""
        try:
            with unpacked(self.path, every_packing=True, advice=ADVICE) as stream:
                above, blocks = _body(stream, self.dialect, self.max_bytes)
                notes.skipped += range(1, above + 1)
                lines = rows(blocks, self.dialect.delimiter, notes)
                yield from _parse(lines, self.dialect, dict.fromkeys(columns, pa.string()), notes)
        except pa.ArrowInvalid as exc:
            faults = notes.faults(len(self.dialect.names)) if notes.full else [f"The text cannot be read: {exc}"]
            raise BadTable(*faults) from exc


def open_text(path: Path, reading: Reading, max_bytes: int) -> Source:
    """The source of a text, plain or packed.

    Raises:
        BadTable: it is no table.
        TooLarge: its beginning unpacks to more than ``max_bytes``.
    """
    with unpacked(path, every_packing=True, advice=ADVICE) as stream:
        line = first_line(blocks_of_lines(stream, max_bytes))
        block = next(line.below, b"")
    lines = [line.text, *(below for below in block[: BLOCK // 4].decode(errors="ignore").splitlines() if below.strip())]
    dialect = recognised(lines[:_SNIFFED], reading.header)
    kept, _ = choose(dialect.names, reading.branches, {}, noun="column", cure="")
    body = _tidied(block, dialect)
    if not dialect.named:
        body = _tidied(line.text.encode() + b"\n", dialect) + body
    if not body.strip():
        raise BadTable("The table has a header but no events.")
    first = _first_kinds(body, dialect, kept)
    whole = _Text(path, max_bytes, dialect, first or dict.fromkeys(kept, "nothing"))
    return (whole if first else whole._scanned()).source()  # noqa: SLF001 - its own


def _first_kinds(body: bytes, dialect: Dialect, kept: Sequence[str]) -> dict[str, Kind]:
    """The kinds of the first cells; none where there are lines that are no rows."""
    try:
        batches = list(_parse(iter([body]), dialect, dict.fromkeys(kept, pa.string())))
    except pa.ArrowInvalid:
        return {}
    table = pa.Table.from_batches(batches).combine_chunks()
    return {name: kind_of(table[place].combine_chunks(), dialect.decimal) for place, name in enumerate(kept)}


def _body(stream: IO[bytes], dialect: Dialect, max_bytes: int) -> tuple[int, Iterator[bytes]]:
    """How many lines stand above the events, and the events' own in blocks of whole lines."""
    line = first_line(blocks_of_lines(stream, max_bytes))
    blocks = line.below if dialect.named else chain([line.text.encode() + b"\n"], line.below)
    return line.number - (not dialect.named), (_tidied(block, dialect) for block in blocks)


def _tidied(block: bytes, dialect: Dialect) -> bytes:
    """The block without blanks around its values."""
    if dialect.delimiter == BLANKS:
        return collapsed(block)
    if b" " not in block:
        return block
    mark = dialect.delimiter.encode()
    if b'"' in block:
        return without_blanks(block, dialect.delimiter)
    for padded in (b" " + mark, mark + b" "):
        while padded in block:
            block = block.replace(padded, mark)
    return block


def _parse(
    blocks: Iterable[bytes], dialect: Dialect, types: Mapping[str, pa.DataType], notes: Notes | None = None
) -> Iterator[pa.RecordBatch]:
    """The columns that are named in ``types``; with ``notes``, lines of another length are noted and left out.

    Raises:
        pyarrow.ArrowInvalid: the text does not parse, or a value is not of its column's type.
    """
    places = {name: str(dialect.names.index(name)) for name in types}
    convert = pacsv.ConvertOptions(
        include_columns=list(places.values()),
        column_types={place: types[name] for name, place in places.items()},
        null_values=NOTHING,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
        strings_can_be_null=True,
        decimal_point=dialect.decimal,
    )
    yield from parsed(blocks, width=len(dialect.names), delimiter=dialect.delimiter, convert=convert, notes=notes)
