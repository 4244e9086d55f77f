"""Work that is done ahead: on several threads side by side, with its results in order and a bound to what waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

from eventsieve import machine

__all__ = ["in_order"]

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS: Final = 8
"""More of them only wait for the one that hands out the work."""
LEAST_AHEAD: Final = 8


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results of some work on each item, in the order of the items.

    The work is done on as many threads as there are cores, so it should be of the kind that lets go of the
    interpreter. A single item makes no thread. Items are taken on the caller's thread, no more of them than keep
    the threads busy, so that few items and results are in memory at a time.

    Raises:
        Whatever the work on an item raises, when the results before it have been given; or the items themselves.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2 or machine.cores() == 1:
        yield from map(work, chain(first, items))
        return
    threads = min(machine.cores(), MOST_THREADS)
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    try:
        fault: Exception | None = None
        items = chain(first, items)
        while True:
            while fault is None and len(waiting) < max(2 * threads, LEAST_AHEAD):
                try:
                    waiting.append(pool.submit(work, next(items)))
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised below, in its turn
                    fault = error
            if not waiting:
                break
            yield waiting.popleft().result()
        if fault is not None:
            raise fault
    finally:
        # Nobody waits for what was handed out and is not wanted any more; what has begun is seen to its end.
        pool.shutdown(cancel_futures=True)
