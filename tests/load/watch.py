"""What a server holds while it is under load: memory, files, threads, children."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

__all__ = ["Sample", "sample", "watching"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One look at a server.

    Attributes:
        second: since the load began.
        memory: resident MB (2**20 bytes) of the server's own process.
        all_memory: MB of it and all that descend from it; what they share is counted once (PSS).
        files: that the server's own process has open, sockets too.
        threads: of the server's own process.
        children: processes that descend from it.
        processor: seconds that the server's own process has used since it was started.
        all_processor: with its descendants, also those that have ended.
    """

    second: float
    memory: float
    all_memory: float
    files: int
    threads: int
    children: int
    processor: float
    all_processor: float


def sample(process: psutil.Process, began: float) -> Sample:
    """Look at a server now; ``began`` is on the monotonic clock."""
    times = process.cpu_times()
    children = process.children(recursive=True)
    shared, used = 0.0, times.user + times.system + times.children_user + times.children_system
    for each in (process, *children):
        try:
            shared += each.memory_full_info().pss
            if each is not process:
                spent = each.cpu_times()
                used += spent.user + spent.system + spent.children_user + spent.children_system
        except psutil.NoSuchProcess:  # a training has ended meanwhile
            continue
    return Sample(
        second=round(time.monotonic() - began, 1),
        memory=round(process.memory_info().rss / MEBIBYTE, 1),
        all_memory=round(shared / MEBIBYTE, 1),
        files=process.num_fds(),
        threads=process.num_threads(),
        children=len(children),
        processor=round(times.user + times.system, 1),
        all_processor=round(used, 1),
    )


@contextmanager
def watching(pid: int, every: float = 10.0) -> Iterator[list[Sample]]:
    """Look at a server every so many seconds, from the beginning of the block to its end."""
    over, samples, began = threading.Event(), list[Sample](), time.monotonic()
    process = psutil.Process(pid)

    def watch() -> None:
        number = 0
        while not over.wait(max(0.0, began + number * every - time.monotonic())):
            samples.append(sample(process, began))
            number += 1

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()
        samples.append(sample(process, began))
