"""Uploading a table, against writing its bytes to the same disk."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from http.client import HTTPResponse
from itertools import count
from pathlib import Path

from benchmarks.bench import Bench, alternate, timed
from benchmarks.own import Own, own_server
from benchmarks.results import Measurement, SuiteResult

__all__ = ["run"]

BLOCK = 1 << 20
SEND_BUFFER = 1 << 16
"""Bytes that may have left us and not have reached the server."""
SHARE = 0.7
RIVALS = ("writing to disk, with fsync", "writing to disk, without fsync")
INTRO = """\
A CSV of {megabytes:.0f} MB ({events:,} events) as the body of `POST /api/v2/datasets`, over a plain socket from the
memory of the client. *Received* is the rate until the server has taken the last byte but those in the sockets'
buffers; *registered* is the rate until its answer, with the table checked, converted, described and stored. The
data set is removed after every run. The rival writes the same bytes from memory to a file in the same folder, in
blocks of 1 MiB, with `fsync` before it closes and without."""


def run(bench: Bench) -> SuiteResult:
    """Rates of both sides in MB/s (10**6 bytes)."""
    table = bench.table("test")
    content = table.read_bytes()
    megabytes = len(content) / 1e6
    folder = bench.folder("uploading")
    target = folder / "copy"
    numbers = count()
    with own_server(folder) as own:

        def sent() -> tuple[float, float]:
            received, registered = _upload(own, content, f"{next(numbers)}.csv")
            return megabytes / received, megabytes / registered

        def written(sync: bool) -> Callable[[], tuple[float, float]]:  # noqa: FBT001 - one of two rivals
            return lambda: (megabytes / timed(lambda: _write(content, target, sync=sync)),) * 2

        try:
            sent()  # whatever is loaded by the first request
            ours, others = alternate(sent, {RIVALS[0]: written(True), RIVALS[1]: written(False)}, runs=bench.runs)
        finally:
            target.unlink(missing_ok=True)
    rates = {name: tuple(rate for rate, _ in values) for name, values in others.items()}
    return bench.result(
        "Uploading",
        INTRO.format(megabytes=megabytes, events=bench.events_test),
        [
            Measurement(
                "received", "MB/s", "more", tuple(rate for rate, _ in ours), rates, dict.fromkeys(rates, SHARE)
            ),
            Measurement("registered", "MB/s", "more", tuple(rate for _, rate in ours), rates, {RIVALS[0]: SHARE}),
        ],
    )


def _upload(own: Own, content: bytes, name: str) -> tuple[float, float]:
    """Seconds until the last byte was taken, and until the answer."""
    with socket.create_connection(("127.0.0.1", own.server.port)) as connection:
        head = (
            f"POST /api/v2/datasets?filename={name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Content-Type: text/csv\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        began = time.perf_counter()
        connection.sendall(head.encode())
        view = memoryview(content)
        for start in range(0, len(content), BLOCK):
            connection.sendall(view[start : start + BLOCK])
        received = time.perf_counter() - began
        response = HTTPResponse(connection)
        response.begin()
        body = response.read()
        registered = time.perf_counter() - began
    if response.status != 201:
        raise RuntimeError(f"the upload was answered {response.status}: {body[:400]!r}")
    for data in own.client.datasets():
        data.delete()
    return received, registered


def _write(content: bytes, target: Path, *, sync: bool) -> None:
    view = memoryview(content)
    with target.open("wb", buffering=0) as file:
        for start in range(0, len(content), BLOCK):
            file.write(view[start : start + BLOCK])
        if sync:
            os.fsync(file.fileno())
