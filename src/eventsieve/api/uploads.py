"""Uploads: not too large, and on disk before anybody reads them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import move_on_after
from fastapi import UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.api.v2.problems import PREFIX, problem
from eventsieve.errors import TooLarge
from eventsieve.service import Service

__all__ = ["LimitUploads", "stored"]

DRAIN_SECONDS = 10.0
"""How long the rest of a refused upload is read and thrown away: most clients only listen when they have sent all."""


class LimitUploads:
    """Refuses requests with a body of more than ``limit`` bytes, by what they announce and by what they send."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.detail = (
            f"The upload is larger than {limit >> 20} MB; compress the table (CSV.gz, Parquet), "
            f"send fewer events, or raise MAX_UPLOAD_MB."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self.limit:
            await _drain(receive)
            await self._refusal(scope)(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                if message.get("more_body", False):
                    await _drain(receive)
                raise HTTPException(413, self.detail)
            return message

        await self.app(scope, receive_counted, send)

    def _refusal(self, scope: Scope) -> Response:
        if scope["path"].startswith(f"{PREFIX}/"):
            return problem(scope, 413, self.detail, kind=TooLarge)
        return JSONResponse({"detail": self.detail}, 413)


async def _drain(receive: Receive) -> None:
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
