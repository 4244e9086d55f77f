"""Uploads: not too large, and on disk before anybody reads them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from anyio import move_on_after
from fastapi import UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.api.refusing import refusal
from eventsieve.api.v2.problems import PREFIX
from eventsieve.errors import TooLarge
from eventsieve.service import Service

__all__ = ["LimitUploads", "drain", "stored"]

DRAIN_SECONDS = 10.0
"""How long the rest of a refused upload is read and thrown away: most clients only listen when they have sent all."""

SLOWEST = 10_000
"""Bytes a second that a body must bring on average, once the first patience is used up."""

MOST_JSON = 2 << 20
"""Bytes of a body of version 1 that is no form."""

_LONG = f"A body that is no form may have {MOST_JSON >> 20} MB; ask for less at once."
_SLOW = "The body comes too slowly; send it again on a faster line, compressed, or have BODY_SECONDS raised."


class LimitUploads:
    """Refuses bodies of more than ``limit`` bytes, by what they announce and by what they send, and those that trickle.

    Only the time in which a request waits for its client counts: ``seconds`` of it at first, and one more for each
    10 kB that have come.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self.app = app
        self.limit = limit
        self.seconds = seconds
        self.detail = (
            f"The upload is larger than {limit >> 20} MB; compress the table (CSV.gz, Parquet), "
            f"send fewer events, or raise MAX_UPLOAD_MB."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        limit, detail = self._limit(scope["path"], headers.get("content-type", ""))
        if announced.isdecimal() and _beyond(announced, limit):
            await drain(receive)
            await refusal(scope, 413, detail, kind=TooLarge)(scope, receive, send)
            return
        received = 0
        patience = self.seconds
        more = True

        async def receive_counted() -> Message:
            nonlocal received, patience, more
            if not more:  # what follows is the client's leaving
                return await receive()
            began = monotonic()
            try:
                async with asyncio.timeout(patience):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, _SLOW, {"Connection": "close"}) from None
            size = len(message.get("body", b""))
            patience += size / SLOWEST - (monotonic() - began)
            received += size
            more = message.get("more_body", False)
            if received > limit:
                if more:
                    await drain(receive)
                raise HTTPException(413, detail)
            return message

        await self.app(scope, receive_counted, send)

    def _limit(self, path: str, kind: str) -> tuple[int, str]:
        """How many bytes a body may have, and what is said of one that has more."""
        if path.startswith(f"{PREFIX}/") or kind.lower().startswith("multipart/"):
            return self.limit, self.detail
        # Version 1 takes tables in forms alone; all else it reads into memory as a whole.
        return min(self.limit, MOST_JSON), _LONG


def _beyond(digits: str, limit: int) -> bool:
    return len(digits) > 18 or int(digits) > limit


async def drain(receive: Receive) -> None:
    """Read the rest of a refused body and throw it away, for some seconds at most."""
    with move_on_after(DRAIN_SECONDS):
        more = True
        while more:
            message = await receive()
            more = message["type"] == "http.request" and message.get("more_body", False)


@asynccontextmanager
async def stored(file: UploadFile, service: Service) -> AsyncIterator[Path]:
    """The upload as a file in the store's own folder, for as long as the block lasts."""
    path = service.new_file()
    try:
        await run_in_threadpool(_copy, file, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _copy(file: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target, 1 << 20)
