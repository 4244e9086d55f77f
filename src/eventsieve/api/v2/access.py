"""Access: who asks, and sessions that stand for a key or for an ID token."""

from __future__ import annotations

from fastapi import APIRouter, Request

from eventsieve.acting import actor
from eventsieve.api.access import NOBODY, bearer
from eventsieve.api.v2.calls import ServiceOf
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.errors import Conflict
from eventsieve.records import Access, Session

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["access"])


@router.get("/access", summary="Who asks", response_description="How this server lets in, and who asks.")
async def access(request: Request) -> Access:
    """Answers everybody: whether somebody has to sign in, how, and as whom the one who asks is known."""
    who = actor()
    state = request.app.state
    return Access(required=state.auth, oidc=state.oidc, actor=None if who is NOBODY else who)


@router.post(
    "/sessions",
    status_code=201,
    summary="Sign in",
    response_description="The session; its token is told this once.",
    responses=refusals(409),
)
def sign_in(request: Request, service: ServiceOf) -> Session:
    """Open a session for who comes with a key or an ID token; it ends by itself, and no later than the key."""
    _refuse_where_nobody_signs_in(request)
    return service.access.sign_in(actor(), bearer(request.scope))


@router.delete(
    "/sessions/current",
    status_code=204,
    summary="Sign out",
    response_description="The session has ended.",
    responses=refusals(404, 409),
)
def sign_out(request: Request, service: ServiceOf) -> None:
    """End the session whose token came along."""
    _refuse_where_nobody_signs_in(request)
    service.access.sign_out(bearer(request.scope))


def _refuse_where_nobody_signs_in(request: Request) -> None:
    if not request.app.state.auth:
        raise Conflict("Nobody has to sign in on this server (its setting AUTH is off); there are no sessions.")
