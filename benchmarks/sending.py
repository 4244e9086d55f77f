"""Sending a file to a server and keeping its answer: the same client for all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path

__all__ = ["MEDIA_TYPES", "Answer", "send_file"]

MEDIA_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
BLOCK = 1 << 20
BOUNDARY = "eventsieve-benchmarks"
SECONDS = 900.0


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        seconds: from the first byte that was sent to the last that was received.
        body: all of it.
    """

    seconds: float
    body: bytes


def send_file(port: int, path: str, table: Path, *, form: bool = False, headers: Mapping[str, str] = {}) -> Answer:
    """Post a table, as the body or as the field ``file`` of a form, over a new connection.

    Raises:
        RuntimeError: it was refused; in the server's words.
    """
    kind = MEDIA_TYPES[table.suffix]
    before, after = _around(table.name, kind) if form else (b"", b"")
    told = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}" if form else kind,
        "Content-Length": str(len(before) + table.stat().st_size + len(after)),
    }
    began = time.perf_counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection, _blocks(table) as blocks:
        connection.request("POST", path, chain([before], blocks, [after]), told | dict(headers))
        response = connection.getresponse()
        body = response.read()
    seconds = time.perf_counter() - began
    if response.status >= 300:
        raise RuntimeError(f"{path}: {response.status} {body[:500].decode(errors='replace')}")
    return Answer(seconds, body)


def _around(name: str, kind: str) -> tuple[bytes, bytes]:
    about = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}'
    return f"--{BOUNDARY}\r\n{about}\r\n\r\n".encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


@contextmanager
def _blocks(table: Path) -> Iterator[Iterator[bytes]]:
    with table.open("rb", buffering=0) as file:
        yield iter(lambda: file.read(BLOCK), b"")
