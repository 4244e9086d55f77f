"""Files of events: recognised by what is in them, whatever their names, and read into checked events."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from eventsieve.domain.events import Events, Labels, check, needed
from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Schema
from eventsieve.storage.containers import PARQUET, peek
from eventsieve.storage.delimited import gather, read_csv

__all__ = ["MAX_BYTES", "read_events"]

MAX_BYTES = 2 * 1024**3
"""How large the unpacked content of a file may be, unless the caller says otherwise."""

_ROWS = 1 << 16
"""Rows of a Parquet file that are decoded at once."""


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


def _read_parquet(path: Path, schema: Schema, *, labels: Labels, max_bytes: int) -> Events:
    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            names = file.schema_arrow.names
            wanted = [c.name for c in needed(schema, labels=labels) if names.count(c.name) == 1]
            _refuse_bomb(file.metadata, len(wanted), max_bytes)
            arrow = pa.schema([file.schema_arrow.field(name) for name in wanted])
            table = gather(file.iter_batches(_ROWS, columns=wanted), arrow, max_bytes) if wanted else pa.table({})
            table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk, not the file's content
        raise BadTable(f"The Parquet file is damaged or cut short ({_first_line(exc)}); send it again.") from exc
    return check(table, schema, labels=labels, header=names)


def _refuse_bomb(metadata: pq.FileMetaData, columns: int, max_bytes: int) -> None:
    """Refuse by what the file says of itself, before anything is unpacked."""
    pages = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if max(pages, 8 * metadata.num_rows * columns) > max_bytes:
        raise TooLarge(f"The Parquet file unpacks to more than {max_bytes} bytes; send it in parts.")


def _first_line(exc: BaseException) -> str:
    return str(exc).partition("\n")[0][:200].rstrip(".")
