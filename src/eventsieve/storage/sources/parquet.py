"""Parquet files as sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Reading
from eventsieve.storage.sources.choice import choose
from eventsieve.storage.sources.source import Source, plain_type

__all__ = ["ARROW_CURE", "damage_named", "open_parquet", "usable"]

ARROW_CURE = "Write what is needed of it as columns of plain numbers, one value an event."

_ROWS = 1 << 14
"""Rows that are decoded at once."""

_CELLS = 1 << 22
"""Values that are decoded at once."""

_BUFFER = 1 << 16
"""Bytes of a column that are read at once; without, a whole row group's."""


def open_parquet(path: Path, reading: Reading, max_bytes: int) -> Source:
    """The source of a Parquet file.

    Raises:
        BadTable: it is damaged, or has no column that can be used.
        TooLarge: it says of itself that it unpacks to more than ``max_bytes``.
    """
    with damage_named("Parquet"), _opened(path) as file:
        schema, warnings = usable(file.schema_arrow, reading.branches)
        groups = [file.metadata.row_group(place).total_byte_size for place in range(file.metadata.num_row_groups)]
        if max(sum(groups), 8 * file.metadata.num_rows * len(schema)) > max_bytes:
            raise TooLarge(f"The Parquet file unpacks to more than {max_bytes} bytes; send it in parts.")
        if not file.metadata.num_rows:
            raise BadTable("The Parquet file has columns but no events.")

    # A text that repeats is in the file once, and stays so until it is known how long it is.
    text = [field.name for field in schema if pa.types.is_string(field.type)]

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with damage_named("Parquet"), _opened(path, text) as file:
            for batch in file.iter_batches(_rows(len(columns)), columns=columns, use_threads=True):
                batch.validate(full=True)
                yield batch.select(columns)

    return Source("parquet", schema, read, warnings=warnings)


def _opened(path: Path, text: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        path, memory_map=False, pre_buffer=False, buffer_size=_BUFFER, read_dictionary=list(text) or None
    )


def _rows(width: int) -> int:
    """Rows that are decoded at once: fewer of wide tables."""
    return max(64, min(_ROWS, _CELLS // max(1, width)))


@contextmanager
def damage_named(format_name: str) -> Iterator[None]:
    """Turns what Arrow says to a file that is not what it should be into a `BadTable` that names the format."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk, not the file's content
        what = str(exc).partition("\n")[0][:200].rstrip(".")
        raise BadTable(f"The {format_name} file is damaged or cut short ({what}); send it again.") from exc


def usable(arrow: pa.Schema, patterns: Sequence[str]) -> tuple[pa.Schema, tuple[str, ...]]:
    """The columns of an Arrow schema that are kept, in plain types, and warnings about the others.

    Raises:
        BadTable: see `choose`.
    """
    types = {field.name: plain_type(field.type) for field in arrow}
    odd = {field.name: f"of type {field.type}" for field in arrow if types[field.name] is None}
    kept, warnings = choose(arrow.names, patterns, odd, noun="column", cure=ARROW_CURE)
    return pa.schema([(name, types[name]) for name in kept]), warnings
