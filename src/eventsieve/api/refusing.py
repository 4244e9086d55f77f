"""Refusals from outside of the applications: in the shape of the interface that was asked."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from eventsieve.api.v2.problems import PREFIX, problem
from eventsieve.errors import EventsieveError

__all__ = ["refusal"]


def refusal(
    scope: Scope,
    status: int,
    detail: str,
    *,
    kind: type[EventsieveError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document below version 2, and version 1's own document elsewhere."""
    if scope["path"].startswith(f"{PREFIX}/"):
        return problem(scope, status, detail, kind=kind, headers=headers)
    return JSONResponse({"detail": detail}, status, dict(headers or {}))
