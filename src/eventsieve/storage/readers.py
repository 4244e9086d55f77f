"""Files of events: recognised by what is in them, whatever their names, and read into checked events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from eventsieve.domain.events import Events, Labels, check, needed
from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Schema
from eventsieve.storage.containers import PARQUET, peek
from eventsieve.storage.delimited import Streamed, bounded, gather, read_csv, streamed_csv

__all__ = ["MAX_BYTES", "read_events", "streamed_events"]

MAX_BYTES = 2 * 1024**3
"""How large the unpacked content of a file may be, unless the caller says otherwise."""

_ROWS = 1 << 14
"""Rows of a Parquet file that are decoded at once."""

_BUFFER = 1 << 16
"""Bytes of a column that are read at once; without, a whole row group's."""


def read_events(path: Path, schema: Schema, *, labels: Labels, max_bytes: int = MAX_BYTES) -> Events:
    """The events in a CSV (plain, gzip'd or alone in a zip) or Parquet file.

    Text is UTF-8 with or without a byte-order mark, its lines end in LF, CRLF or CR, and its values are parted by
    commas, semicolons or tabs, with or without blanks and quotation marks around them.

    Args:
        path: the file; its name says nothing.
        schema: what the table should be.
        labels: what the labels are wanted for, see `eventsieve.domain.events.check`.
        max_bytes: how large the unpacked text, and the columns that are kept of it, may be.

    Raises:
        BadTable: the file holds no table of events, or one that has faults; all of them are named.
        TooLarge: it unpacks to more than ``max_bytes``.
    """
    if peek(path).startswith(PARQUET):
        return _read_parquet(path, schema, labels=labels, max_bytes=max_bytes)
    return read_csv(path, schema, labels=labels, max_bytes=max_bytes)


@contextmanager
def streamed_events(path: Path, schema: Schema, *, labels: Labels, max_bytes: int = MAX_BYTES) -> Iterator[Streamed]:
    """The same columns in parts that are not checked, for as long as the block lasts.

    Whatever is raised but `TooLarge` says only that `read_events` should be asked what is wrong; a table that is
    merely unusual is read by it, too.

    Args:
        path: the file.
        schema: what the table should be.
        labels: what the labels are wanted for.
        max_bytes: how large the unpacked text, and the columns that are kept of it, may be together.

    Raises:
        BadTable, pyarrow.ArrowException, OSError: the file is not good; also in the block.
        TooLarge: it unpacks to more than ``max_bytes``; also in the block.
    """
    streamed = _streamed_parquet if peek(path).startswith(PARQUET) else streamed_csv
    with streamed(path, schema, labels=labels, max_bytes=max_bytes) as parts:
        yield parts._replace(batches=bounded(parts.batches, max_bytes))


@contextmanager
def _streamed_parquet(path: Path, schema: Schema, *, labels: Labels, max_bytes: int) -> Iterator[Streamed]:
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False, buffer_size=_BUFFER) as file:
        names = file.schema_arrow.names
        wanted = [c.name for c in needed(schema, labels=labels) if names.count(c.name) == 1]
        _refuse_bomb(file.metadata, len(wanted), max_bytes)
        arrow = pa.schema([file.schema_arrow.field(name) for name in wanted])
        yield Streamed(tuple(names), arrow, _validated(file, wanted))


def _validated(file: pq.ParquetFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(_ROWS, columns=columns) if columns else ():
        batch.validate(full=True)
        yield batch


def _read_parquet(path: Path, schema: Schema, *, labels: Labels, max_bytes: int) -> Events:
    try:
        with _streamed_parquet(path, schema, labels=labels, max_bytes=max_bytes) as parts:
            table = gather(parts.batches, parts.schema, max_bytes) if parts.schema.names else pa.table({})
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk, not the file's content
        raise BadTable(f"The Parquet file is damaged or cut short ({_first_line(exc)}); send it again.") from exc
    return check(table, schema, labels=labels, header=parts.header)


def _refuse_bomb(metadata: pq.FileMetaData, columns: int, max_bytes: int) -> None:
    """Refuse by what the file says of itself, before anything is unpacked."""
    pages = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if max(pages, 8 * metadata.num_rows * columns) > max_bytes:
        raise TooLarge(f"The Parquet file unpacks to more than {max_bytes} bytes; send it in parts.")


def _first_line(exc: BaseException) -> str:
    return str(exc).partition("\n")[0][:200].rstrip(".")
