"""A source: named columns of events in a file, read as a stream of Arrow record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.errors import BadTable

__all__ = ["ADVICE", "LONGEST_TEXT", "Retyped", "Source", "plain_type"]

ADVICE = (
    "Send a table of events as text (CSV, TSV; plain, or packed with gzip, bzip2, xz, zstd or zip), Parquet, Arrow "
    "or ROOT; only text may be packed."
)

LONGEST_TEXT = 1 << 14
"""Bytes of a text in a table: it is a label or a remark, and a few of them come back in answers."""

_MOST_AT_ONCE = 1 << 27
"""Bytes of columns that are in memory at once while a file is read."""

Read = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


class Retyped(Exception):
    """Raised in the middle of a stream when a column turns out to be of another type than its beginning said.

    ``source`` has the types that hold to the end; what has come of the stream so far is to be thrown away.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        super().__init__("A column is of another type than its beginning said.")


@dataclass(frozen=True)
class Source:
    """Columns of a file, read anew by each call of `batches`.

    Attributes:
        format: csv, parquet, arrow or root.
        schema: names and types of the columns; the types are int64, float64 and string.
        read: streams columns of these names, in types that can be cast to those of the schema.
        named: whether the names came with the file; otherwise they are c0, c1, ….
        tree: name of the tree in a ROOT file.
        warnings: sentences about what was left out.
    """

    format: str
    schema: pa.Schema
    read: Read
    named: bool = True
    tree: str | None = None
    warnings: tuple[str, ...] = ()

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The events in their order, a batch at a time.

        Args:
            columns: names of the columns that are wanted, in this order; all by default.

        Yields:
            Record batches of int64 (null where empty), float64 (NaN where empty) and string (null where empty).

        Raises:
            BadTable: the file is damaged, or a value cannot be kept.
            TooLarge: it unpacks to more than it may.
            Retyped: begin again with another source; never with that one.
        """
        names = self.schema.names if columns is None else list(columns)
        wanted = pa.schema([self.schema.field(name) for name in names])
        for batch in self.read(names):
            for piece in _pieces(batch):
                yield pa.record_batch(
                    [_plain(field, column) for field, column in zip(wanted, piece.columns, strict=True)], schema=wanted
                )


def plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The type in which a column of that type is kept; ``None`` for what is neither a number nor text."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return pa.int64() if kind.scale == 0 and kind.precision <= 18 else pa.float64()
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_null(kind):
        return pa.float64()
    # Views have no kernels for all that is done with text; they become plain strings in one step.
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return pa.string() if any(check(kind) for check in text) or pa.types.is_large_binary(kind) else None


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts that take at most so much memory when their dictionaries are written out.

    Raises:
        BadTable: a text is longer than a table's may be.
    """
    if not batch.num_rows:
        return
    size = sum(_written_out(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True))
    rows = max(1, batch.num_rows * _MOST_AT_ONCE // max(size, _MOST_AT_ONCE))
    yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def _written_out(name: str, column: pa.Array) -> int:
    """About how many bytes a column takes as plain values: a few kilobytes of a dictionary may stand for gigabytes."""
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    if plain_type(values.type) != pa.string():
        return 8 * len(column)
    longest = pc.max(pc.binary_length(_bytes(values))).as_py() or 0
    if longest > LONGEST_TEXT:
        raise BadTable(
            f"Column {name[:80]} holds a text of {longest:,} bytes; {LONGEST_TEXT:,} are the most. Shorten it, or "
            f"leave the column out by naming the others (branches)."
        )
    return len(column) * (longest + 4) if pa.types.is_dictionary(column.type) else int(column.nbytes)


def _bytes(values: pa.Array) -> pa.Array:
    """Text with a length that there is a kernel for."""
    return values.cast(pa.string()) if pa.types.is_string_view(values.type) else values


def _plain(field: pa.Field, column: pa.Array) -> pa.Array:
    """A column in the type of its field, in one way only: equal values are equal bytes."""
    if column.type == field.type and not column.null_count and not pa.types.is_string(field.type):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        cast = column.cast(field.type, safe=not pa.types.is_floating(field.type))
    except pa.ArrowInvalid as exc:
        raise BadTable(_misfit(field, column)) from exc
    if pa.types.is_floating(field.type):
        return cast.fill_null(float("nan"))
    if pa.types.is_string(field.type):
        text = pc.utf8_trim_whitespace(cast)
        return pc.if_else(pc.equal(text, ""), None, text)
    if cast.null_count:
        return pa.array(cast.fill_null(0).to_numpy(zero_copy_only=False), mask=cast.is_null().to_numpy(False))
    return cast


def _misfit(field: pa.Field, column: pa.Array) -> str:
    if pa.types.is_string(field.type):
        return f"Column {field.name} holds bytes that are not UTF-8 text; leave it out by naming the others (branches)."
    return (
        f"Column {field.name} ({column.type}) holds whole numbers that do not fit 64 bits with a sign; "
        f"write them smaller, or leave the column out by naming the others (branches)."
    )
