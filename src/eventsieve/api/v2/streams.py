"""What changes, as server-sent events."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
from fastapi.sse import ServerSentEvent

from eventsieve.errors import NotFound
from eventsieve.records import Job

__all__ = ["changes", "set_by_signals"]

POLL_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""How often a job is looked at where nothing tells of a change: time goes by, and another process may train it."""


async def changes(
    job: Job,
    look: Callable[[], Awaitable[Job]],
    version: Callable[[], int],
    closing: Callable[[], bool],
    seen: str,
) -> AsyncIterator[ServerSentEvent]:
    """The events of one client that follows a job.

    Args:
        job: as it is now.
        look: reads the job again.
        version: tells cheaply, by another number than before, that something has happened.
        closing: whether the server is about to end; the stream ends then without ``end``.
        seen: id of the last event that the client has seen, if it was here before.
    """
    while not closing():
        before, until = version(), time.monotonic() + LOOK_SECONDS
        text = job.model_dump_json()
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        if name != seen:
            yield ServerSentEvent(raw_data=text, event="job", id=name)
            seen = name
        if job.final:
            yield ServerSentEvent(raw_data=text, event="end", id=name)
            return
        while not closing():
            await anyio.sleep(POLL_SECONDS)
            if version() != before or time.monotonic() > until:
                break
        try:
            job = await look()
        except NotFound:
            return


@contextmanager
def set_by_signals(event: threading.Event) -> Iterator[None]:
    """Have the signals that end this process set an event before they do what they did.

    A server waits for open streams before it ends, and streams for the event.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are none of ours there
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def set_first(number: int, frame: FrameType | None) -> None:
        event.set()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for each, handler in before.items():
        if callable(handler):  # otherwise nobody waits for anything
            signal.signal(each, set_first)
    try:
        yield
    finally:
        for each, handler in before.items():
            if signal.getsignal(each) is set_first:
                signal.signal(each, handler)
