"""What the endpoints share: the service, parameters, and how its work is done beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Annotated, Final, TypeVar

import anyio
from anyio import to_thread
from fastapi import Depends, Path, Query, Request
from starlette.requests import ClientDisconnect

from eventsieve.api import paths  # noqa: F401 - the convertor of {ref:text}
from eventsieve.service import Service

__all__ = ["FEW_EVENTS", "DatasetId", "Limit", "Ref", "ServiceOf", "brief", "heavy", "heavy_until_gone"]

FEW_EVENTS: Final = 64
"""So many are predicted in milliseconds."""

T = TypeVar("T")


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(_service)]
DatasetId = Annotated[str, Path(max_length=128, description="The data set's id.")]
Ref = Annotated[
    str, Path(min_length=1, max_length=128, description="The model's name or one of its aliases, percent-encoded.")
]
Offset = Annotated[int, Query(ge=0, lt=2**53, description="How many to leave out before the first.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many to list at most.")]


async def heavy(request: Request, work: Callable[[], T]) -> T:
    """Do what takes a core and some memory in a thread, in turn with others of its kind."""
    return await to_thread.run_sync(work, limiter=request.app.state.heavy)


async def brief(request: Request, work: Callable[[], T]) -> T:
    """Do what takes milliseconds in a thread, in turn with others of its kind; nothing heavy is waited for."""
    return await to_thread.run_sync(work, limiter=request.app.state.brief)


async def heavy_until_gone(request: Request, work: Callable[[threading.Event], T], drop: Callable[[T], object]) -> T:
    """Do what takes long in a thread, and let it know by the event when the client hangs up.

    Args:
        request: one whose body has been read.
        work: what to do; it should look at the event now and then, and raise `concurrent.futures.CancelledError`
            when that is set.
        drop: clears away what it has made for nobody.

    Raises:
        ClientDisconnect: the client has hung up.
    """
    stopped = threading.Event()
    made: list[T] = []
    with anyio.CancelScope() as scope:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            stopped.set()
            scope.cancel()  # for one that still waits for its turn

        watcher = asyncio.create_task(watch())
        try:
            # The thread ends before a cancelled call does, and leaves what it has made.
            await to_thread.run_sync(lambda: made.append(work(stopped)), limiter=request.app.state.heavy)
        except CancelledError:  # that of work that was stopped, not that of a task
            raise ClientDisconnect from None
        finally:
            stopped.set()
            watcher.cancel()
            if made and scope.cancel_called:
                drop(made.pop())
    if not made:
        raise ClientDisconnect
    return made[0]
