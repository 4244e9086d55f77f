"""Errors to HTTP: one table of statuses, one shape of document."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from eventsieve.api.headers import ALWAYS
from eventsieve.api.loglines import CALL, context
from eventsieve.errors import (
    BadInput,
    Conflict,
    EventsieveError,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    StoreUnavailable,
    TooLarge,
    TooMany,
)

__all__ = [
    "DISK_FULL",
    "STATUSES",
    "RequestError",
    "describe",
    "headers_of",
    "install_handlers",
    "is_full",
    "outage_of",
    "refusals",
]

STATUSES: dict[type[EventsieveError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    BadInput: 422,
    TooMany: 429,
    NotReady: 503,
}
"""The status of each class of errors and of its subclasses."""

DISK_FULL = "The server's disk is full; make room and send it again."

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AWAY = (
    *(errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
)

MOST_FAULTS = 10
"""How many faults of a request are described; a long list of nonsense has as many as it has items."""

_log = logging.getLogger(__name__)


class RequestError(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="What is wrong and what to do about it.", examples=["No model is current."])


def refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint for OpenAPI: ``refusals(_404="no report")``."""
    return {int(code[1:]): {"model": RequestError, "description": reason} for code, reason in reasons.items()}


def describe(faults: Iterable[Mapping[str, Any]]) -> str:
    """The first faults that pydantic found, as sentences."""
    sentences = []
    every = list(faults)
    for fault in every[:MOST_FAULTS]:
        place = ".".join(str(part) for part in fault["loc"] if part != "body")
        sentences.append(f"{place}: {fault['msg']}." if place else f"{fault['msg']}.")
    if len(every) > MOST_FAULTS:
        sentences.append(f"And {len(every) - MOST_FAULTS} more faults.")
    return " ".join(sentences)


def install_handlers(app: FastAPI) -> None:
    """Give every error its status and the one shape."""
    for kind, status in STATUSES.items():
        app.add_exception_handler(kind, _refuse(status))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _disk)
    app.add_exception_handler(Exception, _unexpected)


def headers_of(error: EventsieveError) -> dict[str, str] | None:
    """What an answer says of an error in its headers."""
    if isinstance(error, NotReady | TooMany):
        return {"Retry-After": str(error.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, NotSignedIn) else None


def _refuse(status: int) -> Any:
    async def handler(_: Request, error: EventsieveError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status, headers_of(error))

    return handler


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    return JSONResponse({"detail": describe(faults)}, 422)


async def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": str(error.detail)}, error.status_code, error.headers)


async def _disk(request: Request, error: Exception) -> JSONResponse:
    if is_full(error):
        return JSONResponse({"detail": DISK_FULL}, 507)
    if (outage := outage_of(error)) is not None:
        return JSONResponse({"detail": str(outage)}, STATUSES[NotReady], headers_of(outage))
    return await _unexpected(request, error)


def is_full(error: Exception) -> bool:
    """Whether the disk, or what may be used of it, is full; the log has it then."""
    full = isinstance(error, OSError) and error.errno in _FULL
    if full:
        _log.error("the disk is full: %s", error)
    return full


def outage_of(error: Exception) -> StoreUnavailable | None:
    """What to say where the folder of the store cannot be read or written just now; the log has how it came."""
    if not isinstance(error, OSError) or error.errno not in _AWAY:
        return None
    _log.error("the folder of the store cannot be used", exc_info=error)
    return StoreUnavailable(
        f"The server's files cannot be read or written just now ({os.strerror(error.errno)}). Ask again soon; who runs "
        f"the server sees to it that the folder MODEL_DIR is there, can be written, and is not short of open files. "
        f"The server goes on by itself then."
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    name = request.scope.get("eventsieve.request_id", "-")
    _log.error("request %s failed", name, exc_info=error, extra=context(request.scope.get(CALL)))
    # Starlette answers this outside of all middleware, which would add the headers.
    headers = {"X-Request-ID": name, **ALWAYS}
    return JSONResponse({"detail": f"The server failed; its log says how, under request {name}."}, 500, headers)
