"""Errors over HTTP: the problem document that a server answers becomes the class of `errors` that it names."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httpx2

from eventsieve import errors
from eventsieve.errors import (
    BadHyperparameters,
    BadModels,
    BadRequest,
    BadTable,
    Conflict,
    EventsieveError,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    ServerFailed,
    TooLarge,
    TooMany,
)

__all__ = ["failure"]

URN = "urn:eventsieve:"
STATUSES: dict[int, type[EventsieveError]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: TooMany,
    503: NotReady,
}
"""What a refusal is whose type this version does not know."""


def failure(response: httpx2.Response) -> EventsieveError:
    """The error that an answer with a status of 400 or more tells of; its body must have been read."""
    problem = _document(response)
    detail = (
        str(problem.get("detail") or "") or f"{response.reason_phrase or 'Refused'} (status {response.status_code})."
    )
    kind = _kind(str(problem.get("type", "")), response.status_code)
    # Of a failure of the server's own, its administrators need no more than this to find it in the log.
    request = str(problem.get("request_id") or response.headers.get("x-request-id", ""))
    if issubclass(kind, ServerFailed) and request and request not in detail:
        detail += f" It is request {request} in the server's log."
    return _made(kind, detail, _faults(problem), response)


def _document(response: httpx2.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _kind(type_: str, status: int) -> type[EventsieveError]:
    named = getattr(errors, type_.removeprefix(URN), None) if type_.startswith(URN) else None
    if isinstance(named, type) and issubclass(named, EventsieveError):
        return named
    return STATUSES.get(status, BadRequest if 400 <= status < 500 else ServerFailed)


def _faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    """Where each fault is, as the server's own errors say it, and what it is."""
    listed = [fault for fault in problem.get("errors") or () if isinstance(fault, dict)]
    return [(_place(fault), str(fault.get("detail", ""))) for fault in listed]


def _place(fault: dict[str, Any]) -> str:
    """A JSON pointer, the bare name of a hyperparameter, or the parameter of the query."""
    pointer = unquote(str(fault.get("pointer") or "")).removeprefix("#")
    return pointer.removeprefix("/hyperparameters/") or str(fault.get("parameter") or "")


def _made(
    kind: type[EventsieveError], detail: str, faults: list[tuple[str, str]], response: httpx2.Response
) -> EventsieveError:
    if issubclass(kind, (BadHyperparameters, BadModels)):
        return kind(dict(faults) or {"": detail})
    if issubclass(kind, BadTable):
        return kind(*([text for _, text in faults] or [detail]))
    if issubclass(kind, (NotReady, TooMany)):
        after = response.headers.get("retry-after", "")
        return kind(detail, int(after) if after.isdecimal() else 1)
    return kind(detail, dict(faults)) if issubclass(kind, BadRequest) else kind(detail)
