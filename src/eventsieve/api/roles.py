"""Which role each route needs: one table, and the route that looks into it before anything of a body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from eventsieve.acting import actor
from eventsieve.api.uploads import drain
from eventsieve.errors import NotAllowed
from eventsieve.records import AccessRole

__all__ = ["ROLES", "GuardedRoute", "describe_sign_in", "drain_refused", "role_of"]

_ANYBODY: Final = ("GET /", "GET /access", "GET /livez", "GET /readyz")
_READERS: Final = (
    # To look at.
    "GET /aliases",
    "GET /current",
    "GET /current/history",
    "GET /datasets",
    "GET /datasets/{id}",
    "GET /datasets/{id}/exploration",
    "GET /datasets/{id}/exploration.pdf",
    "GET /estimators",
    "GET /estimators/{type}",
    "GET /jobs",
    "GET /jobs/{id}",
    "GET /jobs/{id}/events",
    "GET /metrics",
    "GET /models",
    "GET /models/{ref}",
    "GET /models/{ref}/artefact",
    "HEAD /models/{ref}/artefact",
    "GET /models/{ref}/card.html",
    "GET /models/{ref}/card.md",
    "GET /models/{ref}/evaluation",
    "GET /models/{ref}/onnx",
    "GET /models/{ref}/onnx/check",
    "GET /models/{ref}/predictions",
    "GET /models/{ref}/scores",
    "GET /report.pdf",
    "GET /schemas",
    "GET /schemas/{name}",
    # These change nothing.
    "POST /comparisons",
    "POST /jobs/estimate",
    "POST /models/{ref}/predictions",
    # One's own.
    "GET /access/usage",
    "POST /sessions",
    "DELETE /sessions/current",
    # Version 1.
    "GET /api/model_service/get_columns",
    "GET /api/model_service/get_current_model",
    "GET /api/model_service/get_eda_pdf",
    "GET /api/model_service/get_model_types",
    "GET /api/model_service/models_list",
    "POST /api/model_service/compare_models",
    "POST /api/model_service/predict_with_file",
)
_TRAINERS: Final = (
    "POST /current/rollback",
    "PUT /current",
    "DELETE /current",
    "POST /datasets",
    "POST /jobs",
    "POST /models/{ref}/retrain",
    "POST /simulations",
    # Only what is his own.
    "PUT /aliases/{alias}",
    "DELETE /aliases/{alias}",
    "PATCH /datasets/{id}",
    "PATCH /datasets/{id}/schema",
    "DELETE /datasets/{id}",
    "POST /jobs/{id}/stop",
    "DELETE /jobs/{id}",
    "PATCH /models/{ref}",
    "DELETE /models/{ref}",
    # Version 1.
    "POST /api/model_service/set_model/{model_id}",
    "POST /api/model_service/train_with_file",
    "POST /api/model_service/unset_model",
    "DELETE /api/model_service/remove/{model_id}",
    "DELETE /api/model_service/remove_all",
    "DELETE /api/model_service/remove_model/{model_id}",
)
_ADMINISTRATORS: Final = ("GET /audit",)

ROLES: Final[Mapping[str, AccessRole | None]] = (
    dict.fromkeys(_ANYBODY, None)
    | dict.fromkeys(_READERS, AccessRole.READER)
    | dict.fromkeys(_TRAINERS, AccessRole.TRAINER)
    | dict.fromkeys(_ADMINISTRATORS, AccessRole.ADMIN)
)
"""The role that each route needs, by method and path as the description of its version has it; ``None``: nobody has to
sign in. Whoever adds a route adds it here; one that is missing is the administrators' alone."""


def role_of(method: str, path: str) -> AccessRole | None:
    """The role that a route needs, by its method and the form of its path; ``None`` where nobody has to sign in."""
    return ROLES.get(f"{method} {path}", AccessRole.ADMIN)


def describe_sign_in(document: dict[str, Any]) -> dict[str, Any]:
    """Say in a description of the interface (OpenAPI) what somebody signs in with, and where nobody has to."""
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key, the token of a session, or an ID token."}
    }
    document["security"] = [{"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if role_of(method.upper(), path) is None:
                operation["security"] = []
    return document


class GuardedRoute(APIRoute):
    """A route that answers those alone whose role allows it.

    The check is the route's own, so there is no spelling of a path by which one comes past it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler behind the check."""
        handle = super().get_route_handler()
        path = self.path_format

        async def guarded(request: Request) -> Response:
            try:
                _refuse_below(role_of(request.method, path))
            except NotAllowed:
                await drain_refused(request.scope, request.receive)
                raise
            return await handle(request)

        return guarded


async def drain_refused(scope: Scope, receive: Receive) -> None:
    """Throw away what is being sent along: most clients only listen when they have sent all."""
    if "expect" not in Headers(scope=scope):  # one that waits to be told to send need not begin
        await drain(receive)


def _refuse_below(needed: AccessRole | None) -> None:
    who = actor()
    if needed is None or who.role.includes(needed):
        return
    may = " or ".join(role for role in AccessRole if role.includes(needed))
    raise NotAllowed(
        f"This needs the role {may}, and {who.name!r} has the role {who.role}; ask who runs this server for that role."
    )
