"""Errors to HTTP: one table of statuses, one shape of document."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from eventsieve.errors import (
    BadInput,
    Conflict,
    EventsieveError,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    TooLarge,
    TooMany,
)

__all__ = ["STATUSES", "RequestError", "describe", "headers_of", "install_handlers", "refusals"]

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
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _log.error("the disk is full: %s", error)
        return JSONResponse({"detail": "The server's disk is full; make room and send it again."}, 507)
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    name = request.scope.get("eventsieve.request_id", "-")
    _log.error("request %s failed", name, exc_info=error)
    # Starlette answers this outside of all middleware, which would add the header.
    headers = {"X-Request-ID": name}
    return JSONResponse({"detail": f"The server failed; its log says how, under request {name}."}, 500, headers)
