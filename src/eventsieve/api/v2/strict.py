"""What every endpoint refuses in the same way: unknown parameters, encoded bodies, what is no JSON."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from inspect import isclass
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from eventsieve.api.roles import GuardedRoute

__all__ = ["MOST_JSON", "StrictRoute", "is_json", "parse_json", "read_json", "refuse_crowded"]

MOST_JSON = 16 << 20
"""Bytes of a JSON body that holds events: it is read into memory as a whole."""

MOST_ASKED = 2 << 20
"""Bytes of any other: a thousand models with all that can be said of them."""

MOST_VALUES = 50_000
"""Values in it, told by the commas."""

MOST_NAMED = 100
"""How many unknown parameters are named: each is compared with those that there are."""

_NOT_FINITE = re.compile(rb"[:,\[\s-](?:NaN|Infinity)\b")


class StrictRoute(GuardedRoute):
    """A route that refuses what it does not know, and JSON that is none."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler behind these checks."""
        handle = super().get_route_handler()
        known = sorted(set(_query_names(self.dependant)))
        takes_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            _refuse_unknown(request, known)
            _refuse_encoded(request)
            if takes_json and _has_body(request) and not is_json(request):
                raise HTTPException(415, "The body must be JSON; send it with `Content-Type: application/json`.")
            return await handle(_JsonRequest(request.scope, request.receive))

        return strict


class _JsonRequest(Request):
    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_json(self, MOST_ASKED)
        return self._body

    async def json(self) -> Any:
        body = await self.body()
        refuse_crowded(body)
        return parse_json(body)


def refuse_crowded(body: bytes) -> None:
    """Refuse a document of very many values before it is parsed: a fault of each would take a kilobyte.

    Raises:
        HTTPException: it has too many (413).
    """
    if body.count(b",") > MOST_VALUES:
        raise HTTPException(
            413, f"The JSON has more than {MOST_VALUES:,} values; ask for fewer at once, and send events as a file."
        )


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


async def read_json(request: Request, most: int = MOST_JSON) -> bytes:
    """The bytes of a body of JSON, at most so many.

    Raises:
        HTTPException: they are too many (413).
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(
                413, f"A body of JSON may have {most >> 20} MB; send events as a file, or fewer at once."
            )
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """The document in a body, without NaN and infinity, which are no JSON, and at most some 200 levels deep.

    Raises:
        json.JSONDecodeError: it is no JSON.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        # The parser only says where; these two are what programs write that take their own floats for JSON.
        hint = "; NaN and Infinity are none, send null for what is not defined" if _NOT_FINITE.search(body) else ""
        raise json.JSONDecodeError(f"{error}{hint}", "", 0) from error


def _query_names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isclass(annotation) and issubclass(annotation, BaseModel):
            yield from (field.alias or name for name, field in annotation.model_fields.items())
        else:
            yield parameter.alias
    for below in dependant.dependencies:
        yield from _query_names(below)


def _refuse_unknown(request: Request, known: list[str]) -> None:
    if unknown := sorted(set(request.query_params) - set(known)):
        there_is = f"there is {', '.join(known)}" if known else "this path takes none"
        raise RequestValidationError(
            [
                {
                    "type": "unknown_parameter",
                    "loc": ("query", name),
                    "msg": f"No such parameter{_near(name, known)}; {there_is}",
                }
                for name in unknown[:MOST_NAMED]
            ]
        )


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f" (do you mean {near[0]}?)" if near else ""


def _refuse_encoded(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise HTTPException(
            415,
            f"Bodies with Content-Encoding {encoding!r} are not taken; send the compressed file as it is, without this "
            "header: CSV may be compressed, and Parquet, Arrow and ROOT are.",
            {"Accept-Encoding": "identity"},
        )
