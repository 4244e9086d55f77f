"""Predictions as tables of the library that the user works with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from eventsieve.errors import BadRequest, ServerFailed

__all__ = ["FORMATS", "KINDS", "as_kind", "format_of", "kind_of", "read_arrow", "stream_to_file"]

KINDS = ("arrow", "pandas", "polars", "rows", "columns")
"""What predictions can be given back as: a table of a library, a list of mappings, or a mapping to arrays."""

FORMATS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".json": "json",
    ".root": "root",
}
"""The formats of files by their suffixes."""


def kind_of(source: object) -> str:
    """The kind in which predictions of this source are given back: the one in which it came, or Arrow."""
    if isinstance(source, Mapping):
        return "columns"
    if isinstance(source, (list, tuple)):
        return "rows"
    library = type(source).__module__.partition(".")[0]
    return library if library in KINDS else "arrow"


def format_of(path: Path) -> str:
    """The format of a file of predictions.

    Raises:
        BadRequest: the suffix says none.
    """
    if path.suffix.lower() not in FORMATS:
        raise BadRequest(f"{path.name} is no name for predictions; end it in one of {', '.join(FORMATS)}.")
    return FORMATS[path.suffix.lower()]


def stream_to_file(path: Path) -> None:
    """Rewrite an Arrow stream, which is what the server sends, as the file that the suffix ``.arrow`` promises."""
    whole = path.with_name(f"{path.name}.whole")
    try:
        with (
            pa.OSFile(str(path)) as source,
            pa.ipc.open_stream(source) as reader,
            pa.OSFile(str(whole), "wb") as target,
            pa.ipc.new_file(target, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)


def read_arrow(content: bytes) -> pa.Table:
    """The table in an Arrow stream.

    Raises:
        ServerFailed: it is none.
    """
    try:
        return pa.ipc.open_stream(pa.BufferReader(content)).read_all()
    except pa.ArrowException as error:
        raise ServerFailed(f"The server's answer is no Arrow table ({error}); ask it again.") from error


def as_kind(table: pa.Table, kind: str) -> Any:
    """The table as a frame of pandas or polars, as rows, as columns (NumPy arrays), or as it is.

    Raises:
        BadRequest: the library is not installed.
    """
    if kind == "rows":
        return table.to_pylist()
    if kind == "columns":
        return {name: table.column(name).to_numpy() for name in table.column_names}
    try:
        if kind == "pandas":
            return table.to_pandas()
        if kind == "polars":
            import polars as pl  # noqa: PLC0415 - no requirement of ours; only who uses it has it

            return pl.from_arrow(table)
    except ImportError as error:
        raise BadRequest(f"{kind} is not installed ({sys.executable}); install it, or ask for 'arrow'.") from error
    return table
