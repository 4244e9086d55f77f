"""What changes, as server-sent events."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
from fastapi.sse import ServerSentEvent

from eventsieve.errors import NotFound, StoreUnavailable, TooMany
from eventsieve.records import Job

__all__ = ["Streams", "changes"]

POLL_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""How often a job is looked at where nothing tells of a change: time goes by, and another process may train it."""


class Streams:
    """Who follows jobs: each stream looks at the registry every second for as long as it is open.

    Args:
        most: streams that may be open at the same time; half of them by one client.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_one = -(-most // 2)
        self._open: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A stream of a client, for as long as the block lasts.

        Raises:
            TooMany: there are as many as there may be.
        """
        if self._open.total() >= self._most or self._open[client] >= self._of_one:
            raise TooMany(
                f"{self._open[client]} streams are open to this client and {self._open.total()} in all; at most "
                f"{self._of_one} and {self._most} may be (MAX_STREAMS). Close some, or ask for the job now and then.",
                retry_after=5,
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            self._open += Counter()  # forgets who has none


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
        except StoreUnavailable:  # told when it is back; who follows has nothing better to do than to wait
            continue
