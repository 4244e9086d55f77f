"""Arrow IPC files (Feather) and streams as sources."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Reading
from eventsieve.storage.sources.parquet import damage_named, usable
from eventsieve.storage.sources.source import Source

__all__ = ["MAGIC", "open_ipc"]

MAGIC = b"ARROW1"


def open_ipc(path: Path, reading: Reading, max_bytes: int) -> Source:
    """The source of an Arrow IPC file or stream.

    Raises:
        BadTable: it is damaged, or has no column that can be used.
        TooLarge: it says of itself that it unpacks to more than ``max_bytes``.
    """
    with damage_named("Arrow"), pa.memory_map(str(path)) as file:
        arrow, rows = _measured(file, max_bytes)
        schema, warnings = usable(arrow, reading.branches)
        if 8 * rows * len(schema) > max_bytes:
            raise TooLarge(_too_large(max_bytes))
        if not rows:
            raise BadTable("The Arrow file has columns but no events.")

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        places = sorted(arrow.get_field_index(name) for name in columns)
        options = pa.ipc.IpcReadOptions(included_fields=places)
        with damage_named("Arrow"), pa.memory_map(str(path)) as file:
            for batch in _batches(file, options):
                # Offsets in the file are not to be trusted before this.
                batch.validate(full=True)
                yield batch.select(list(columns))

    return Source("arrow", schema, read, warnings=warnings)


def _is_file(file: pa.NativeFile) -> bool:
    return bytes(file.read_at(len(MAGIC), 0)) == MAGIC


def _batches(file: pa.NativeFile, options: pa.ipc.IpcReadOptions) -> Iterator[pa.RecordBatch]:
    if _is_file(file):
        reader = pa.ipc.open_file(file, options=options)
        yield from (reader.get_batch(place) for place in range(reader.num_record_batches))
    else:
        yield from pa.ipc.open_stream(file, options=options)


def _measured(file: pa.NativeFile, max_bytes: int) -> tuple[pa.Schema, int]:
    """The schema and the number of rows, before anything is unpacked.

    Raises:
        TooLarge: the buffers say that they unpack to more than ``max_bytes``.
    """
    if _is_file(file):
        arrow = pa.ipc.open_file(file).schema
        file.seek(8)
    else:
        arrow = pa.ipc.open_stream(file).schema
        file.seek(0)
    size = rows = 0
    for message in pa.ipc.MessageReader.open_stream(file):
        if message.type in ("record batch", "dictionary"):
            count, unpacked = _claims(message)
            size += unpacked
            rows += count if message.type == "record batch" else 0
        if size > max_bytes:
            raise TooLarge(_too_large(max_bytes))
    return arrow, rows


def _too_large(max_bytes: int) -> str:
    return f"The Arrow file unpacks to more than {max_bytes} bytes; send it in parts."


def _claims(message: pa.ipc.Message) -> tuple[int, int]:
    """How many rows a message says it has, and how many bytes its buffers say they unpack to.

    Arrow itself unpacks before it tells, so the metadata are read here: a flat buffer, whose tables are laid out in
    Message.fbs of the Arrow format.
    """
    data = memoryview(message.metadata)
    try:
        header = _child(data, _pointed(data, 0), 2)
        if message.type == "dictionary":
            header = _child(data, header, 1)
        length = _place(data, header, 0)
        rows = struct.unpack_from("<q", data, length)[0] if length else 0
        return rows, _unpacked(data, memoryview(message.body), header)
    except struct.error as exc:
        raise pa.ArrowInvalid("its metadata point outside of it") from exc


def _unpacked(data: memoryview, body: memoryview, batch: int) -> int:
    """How many bytes the buffers of the record batch at that place unpack to."""
    vector = _child(data, batch, 2)
    count = struct.unpack_from("<I", data, vector)[0]
    buffers = list(struct.iter_unpack("<qq", data[vector + 4 : vector + 4 + 16 * count]))
    if any(start < 0 or length < 0 for start, length in buffers):
        raise pa.ArrowInvalid("its buffers begin or end before it")
    if not _place(data, batch, 3):
        return sum(length for _, length in buffers)
    # A packed buffer begins with the length that it unpacks to, or -1 where it is not packed after all.
    claims = [(struct.unpack_from("<q", body, start)[0], length) for start, length in buffers if length]
    if any(claim < -1 for claim, _ in claims):  # it would make room for another that is too large
        raise pa.ArrowInvalid("a buffer unpacks to less than nothing")
    return sum(length if claim == -1 else claim for claim, length in claims)


def _place(data: memoryview, table: int, field: int) -> int:
    """Where a field of a table is; 0 where it is left out."""
    layout = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * field >= struct.unpack_from("<H", data, layout)[0]:
        return 0
    offset: int = struct.unpack_from("<H", data, layout + 4 + 2 * field)[0]
    return offset and table + offset


def _pointed(data: memoryview, place: int) -> int:
    return place + int(struct.unpack_from("<I", data, place)[0])


def _child(data: memoryview, table: int, field: int) -> int:
    """Where the table or vector is that a field points to."""
    place = _place(data, table, field)
    if not place:
        raise pa.ArrowInvalid("its metadata lack what they must have")
    return _pointed(data, place)
