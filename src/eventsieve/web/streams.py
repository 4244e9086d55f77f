"""Streams between a browser and the server, which end where one of the two goes away."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import anyio
import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

__all__ = ["Passed", "answered", "body", "drain"]

_log = logging.getLogger(__name__)

KEPT = ("content-type", "content-length", "content-disposition", "retry-after", "location")
"""Headers of the server that the browser gets."""
DRAIN_SECONDS = 600.0


async def answered(
    http: httpx2.AsyncClient, request: Request, asked: httpx2.Request, sent: anyio.Event | None = None
) -> httpx2.Response:
    """The server's answer; what it computes is broken off where the reader goes away.

    Raises:
        ClientDisconnect: the reader has gone.
        httpx2.TransportError
    """
    answer: httpx2.Response | None = None
    fault: Exception = ClientDisconnect()
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            if sent is not None:
                await sent.wait()
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            answer = await http.send(asked, stream=True)
        except (httpx2.TransportError, ClientDisconnect) as error:
            fault = error
        group.cancel_scope.cancel()
    if answer is None:
        raise fault
    return answer


class Passed(StreamingResponse):
    """The server's answer as it comes; its connection is free again whatever becomes of the reader."""

    def __init__(self, answer: httpx2.Response, extra: Mapping[str, str]) -> None:
        kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
        own = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        super().__init__(answer.aiter_raw(), answer.status_code, {**kept, **own, **extra})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        try:
            await super().__call__(scope, receive, send)
        except httpx2.TransportError as error:
            # The browser sees a download that ends too early, which it calls failed.
            _log.warning("the server broke off %s: %s", scope["path"], error)
        finally:
            with anyio.CancelScope(shield=True):
                await self._answer.aclose()


async def body(request: Request, sent: anyio.Event) -> AsyncIterator[bytes]:
    """What the browser sends, piece by piece; says so when it has sent all."""
    async for chunk in request.stream():
        yield chunk
    sent.set()


async def drain(request: Request) -> None:
    """Let the browser send what it still has: it hears no answer before."""
    with anyio.move_on_after(DRAIN_SECONDS), suppress(RuntimeError, ClientDisconnect):  # all had been read
        async for _ in request.stream():
            pass
