"""Files in answers: streamed from disk, known by their digest, removed where they were made for one answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

__all__ = ["PassingFile", "SentFile", "file_answers", "tagged"]


CHUNK = 1 << 20
"""Bytes that are read and sent at a time; each costs a change of threads."""


class SentFile(FileResponse):
    """A file, whole or a range of it."""

    chunk_size = CHUNK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it.

        Raises:
            HTTPException: the range lies outside of the file, or is none (416).
        """

        async def checked(message: Message) -> None:
            # Starlette refuses ranges in a shape of its own.
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                detail = "This range is not in the file; ask for `bytes=FIRST-LAST` within its length, or for all."
                raise HTTPException(416, detail)
            await send(message)

        await super().__call__(scope, receive, checked)


class PassingFile(FileResponse):
    """A file that was made for this answer, sent whole and removed whatever becomes of the answer."""

    chunk_size = CHUNK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            _remove(self.path)


def _remove(path: str | os.PathLike[str]) -> None:
    # Not in a thread: this must happen in a request that has been cancelled, too.
    Path(path).unlink(missing_ok=True)


def file_answers(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The answers of an endpoint that sends a file, for OpenAPI."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": description, "content": content},
        206: {"description": "A range of it.", "content": content},
    }


def tagged(request: Request, path: Path, digest: str, *, media_type: str, filename: str) -> Response:
    """A file that never changes under its digest; nothing where the client has it already."""
    tag = f'"{digest}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return SentFile(path, media_type=media_type, filename=filename, headers=headers)
