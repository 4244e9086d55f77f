"""Opening a file as a source: its format is recognised by what is in it, whatever its name."""

from __future__ import annotations

from pathlib import Path

from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Reading
from eventsieve.storage.containers import PARQUET, peek
from eventsieve.storage.sources import ipc
from eventsieve.storage.sources.ipc import open_ipc
from eventsieve.storage.sources.parquet import open_parquet
from eventsieve.storage.sources.source import ADVICE, Source
from eventsieve.storage.sources.text import open_text

__all__ = ["MAX_BYTES", "open_source"]

MAX_BYTES = 16 * 1024**3
"""How large the unpacked content of a file may be, unless the caller says otherwise."""

_ROOT = b"root"
"""What a ROOT file begins with."""

_STREAM = b"\xff\xff\xff\xff"
"""What each message of an Arrow IPC stream begins with."""


def open_source(path: Path, reading: Reading = Reading(), *, max_bytes: int = MAX_BYTES) -> Source:  # noqa: B008 - frozen
    """The events in a file: text (plain or packed), Parquet, Arrow IPC, or one tree of a ROOT file.

    Args:
        path: the file; its name says nothing. It is opened anew for each pass over the events.
        reading: what the content alone does not say.
        max_bytes: how large the unpacked content may be.

    Raises:
        BadRequest: several trees are named, or one in a file that has none.
        BadTable: the file holds no table of events, is damaged, or has none of the columns that are wanted.
        TooLarge: it unpacks to more than ``max_bytes``; text may turn out so only while it is read.
    """
    head = peek(path, ADVICE)
    if head.startswith(_ROOT):
        if len(reading.trees) > 1:
            raise BadRequest(f"Only one tree can be read here; name one of {', '.join(reading.trees)}.")
        from eventsieve.storage.sources.root import open_root  # noqa: PLC0415 - slow to load, and few files are ROOT

        return open_root(path, reading, max_bytes)
    if reading.trees:
        raise BadRequest(f"The tree {reading.trees[0]!r} is named, but the file is not a ROOT file; name no tree.")
    if head.startswith(PARQUET):
        return open_parquet(path, reading, max_bytes)
    if head.startswith((ipc.MAGIC, _STREAM)):
        return open_ipc(path, reading, max_bytes)
    if head.startswith(b"FEA1"):
        raise BadTable("The file is of Feather version 1; write it as version 2 (Arrow IPC).")
    return open_text(path, reading, max_bytes)
