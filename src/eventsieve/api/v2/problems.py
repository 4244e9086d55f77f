"""Refusals as problem documents (RFC 9457), made from the one table of statuses."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from eventsieve.api.failures import DISK_FULL, STATUSES, describe, headers_of, is_full, outage_of
from eventsieve.errors import BadRequest, EventsieveError, NotFound, TooLarge

__all__ = ["PREFIX", "PROBLEM_JSON", "REASONS", "Fault", "Problem", "install_handlers", "problem", "refusals"]

PREFIX = "/api/v2"
"""Where version 2 is mounted."""

PROBLEM_JSON = "application/problem+json"
URN = "urn:eventsieve:"
MOST_FAULTS = 100
"""How many faults of a request are listed."""

CLIENT_GONE = 499
"""What the log says of a request whose client hung up; nobody is there to read it."""

REASONS: dict[int, str] = {
    401: "Nobody has signed in, or with a key that does not hold.",
    403: "The role of who asks does not allow it, or it is another's.",
    404: "What is named does not exist, or nothing is there yet.",
    406: "The answer cannot be given in the format that is asked for.",
    409: "It does not fit what is there.",
    413: "The body is larger than the limit.",
    415: "The body's content type or encoding is not taken here.",
    416: "The range lies outside of the file.",
    422: "What was sent cannot be used; `errors` says where.",
    429: "Too much at once; `Retry-After` says in how many seconds to ask again.",
    500: "The server failed; its log says how, under `request_id`.",
    503: "It is being made, or the store does not answer; `Retry-After` says in how many seconds to ask again.",
    507: "The server's disk is full.",
}

_log = logging.getLogger(__name__)


class Fault(BaseModel):
    """One fault of a request, and where it is."""

    pointer: str | None = Field(
        None, description="JSON pointer into the body, as a URI fragment.", examples=["#/models/0/hyperparameters/C"]
    )
    parameter: str | None = Field(None, description="The parameter of the path or the query, where the fault is there.")
    detail: str = Field(description="What is wrong and what to do about it.")


class Problem(BaseModel):
    """Why a request was refused: a problem document (RFC 9457)."""

    type: str = Field(
        description="A URN with the error's class; `about:blank` where the status says all.",
        examples=["urn:eventsieve:ModelNotFound"],
    )
    title: str = Field(description="The kind of problem, the same every time.", examples=["Model not found"])
    status: int = Field(description="The status of the answer.", examples=[404])
    detail: str = Field(description="What is wrong this time, and what to do about it.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[Fault] | None = Field(None, description="Every fault with its place, where several may be.")
    request_id: str | None = Field(None, description="Under what the server's log has a failure of the server.")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint for OpenAPI."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": REASONS[status], "content": content} for status in statuses}


def problem(
    scope: Scope,
    status: int,
    detail: str,
    *,
    kind: type[EventsieveError] | None = None,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as an answer."""
    name = kind.__name__ if kind else ""
    document = Problem(
        type=URN + name if name else "about:blank",
        title=re.sub(r"(?<!^)(?=[A-Z])", " ", name).capitalize() if name else HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=_asked(scope),
        errors=list(faults[:MOST_FAULTS]) or None,
        request_id=scope.get("eventsieve.request_id") if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None,
    )
    return Response(document.model_dump_json(exclude_none=True), status, headers, PROBLEM_JSON)


def _asked(scope: Scope) -> str:
    """The path as the client sent it: ``/`` in a name is still encoded there."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("ascii", "replace")


def install_handlers(app: FastAPI, routes: Iterable[APIRoute]) -> None:
    """Let every error of an application with these routes answer with a problem document."""
    app.add_exception_handler(EventsieveError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, partial(_http, tuple(routes)))
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(OSError, _disk)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(request: Request, error: Exception) -> Response:
    status = next((status for above, status in STATUSES.items() if isinstance(error, above)), None)
    if status is None or not isinstance(error, EventsieveError):
        return _failed(request, error)
    return problem(
        request.scope, status, str(error), kind=type(error), faults=_faults_of(error), headers=headers_of(error)
    )


def _faults_of(error: EventsieveError) -> list[Fault]:
    """The faults that an error lists: sentences, or sentences by their place in the request."""
    faults = getattr(error, "faults", ())
    if isinstance(faults, Mapping):
        return [Fault(pointer=_fragment(place), detail=sentence) for place, sentence in faults.items()]
    return [Fault(detail=sentence) for sentence in faults]


def _fragment(place: str) -> str:
    """A JSON pointer as a URI fragment; a hyperparameter's bare name counts as one."""
    pointer = place if place.startswith("/") or not place else f"/hyperparameters/{_escaped(place)}"
    return "#" + quote(pointer, safe="/~!$&'()*+,;=:@")


def _escaped(token: object) -> str:
    return str(token).replace("~", "~0").replace("/", "~1")


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    # A list is only too short because its items are wrong.
    above = {tuple(fault["loc"][:depth]) for fault in found for depth in range(len(fault["loc"]))}
    shown = [fault for fault in found if not (fault["type"] == "too_short" and tuple(fault["loc"]) in above)]
    told = [fault | {"msg": _message(fault), "loc": _place(fault)} for fault in shown]
    return problem(request.scope, 422, describe(told), kind=BadRequest, faults=_located(told[:MOST_FAULTS]))


def _place(fault: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where a fault is; of a body that is no JSON FastAPI says at which character, which is no place in a document."""
    place = tuple(fault["loc"])
    return place[:-1] if fault["type"] == "json_invalid" and isinstance(place[-1], int) else place


def _message(fault: Mapping[str, Any]) -> str:
    """What is wrong with a field, without pydantic's full stop."""
    if fault["type"] == "extra_forbidden":
        return "There is no such field; leave it out or correct its name"
    if fault["type"] == "missing":
        return "This is required"
    if fault["type"] == "json_invalid":
        return f"This is no JSON ({fault.get('ctx', {}).get('error', '')}); correct it and send it again"
    return str(fault["msg"])


def _located(faults: Iterable[Mapping[str, Any]]) -> list[Fault]:
    located = []
    for fault in faults:
        source, *place = fault["loc"] or ("body",)
        detail = f"{fault['msg']}."
        if source == "body":
            pointer = "".join(f"/{_escaped(part)}" for part in place)
            located.append(Fault(pointer=_fragment(pointer), detail=detail))
        else:
            located.append(Fault(parameter=".".join(map(str, place)), detail=detail))
    return located


async def _http(routes: Sequence[APIRoute], request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path, status, detail = _asked(request.scope), error.status_code, str(error.detail)
    headers = dict(error.headers or {})
    kind: type[EventsieveError] | None = None
    if status == HTTPStatus.NOT_FOUND:
        kind, detail = NotFound, f"There is nothing at {path}; {_root(request)}/docs lists what there is."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route that fits the path.
        headers["Allow"] = ", ".join(sorted(_methods(routes, request.scope["path"].removeprefix(_root(request)))))
        detail = f"{request.method} does not work at {path}; use {headers['Allow']}."
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        kind = TooLarge
    return problem(request.scope, status, detail, kind=kind, headers=headers)


def _methods(routes: Sequence[APIRoute], path: str) -> set[str]:
    return {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _disk(request: Request, error: Exception) -> Response:
    if is_full(error):
        return problem(request.scope, 507, DISK_FULL)
    return _failed(request, error) if (outage := outage_of(error)) is None else await _refused(request, outage)


def _failed(request: Request, error: Exception) -> Response:
    _log.error("request %s failed", _name(request), exc_info=error)
    return _failure(request)


async def _unexpected(request: Request, _: Exception) -> Response:
    # Starlette raises it again when this is sent, and the application around this one logs it.
    return _failure(request)


def _name(request: Request) -> str:
    return str(request.scope.get("eventsieve.request_id", "-"))


def _failure(request: Request) -> Response:
    name = _name(request)
    detail = f"The server failed; its log says how, under request {name}. Tell those who run it if it happens again."
    return problem(request.scope, 500, detail, headers={"X-Request-ID": name})
