"""Usage: how much whoever asks uses of what he may."""

from __future__ import annotations

from fastapi import APIRouter, Request

from eventsieve.acting import actor
from eventsieve.api.rates import requests_of
from eventsieve.api.v2.calls import ServiceOf
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Usage

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["access"])


@router.get("/access/usage", summary="What is used of the quotas", response_description="What is used, and the quotas.")
def usage(request: Request, service: ServiceOf) -> Usage:
    """Of whoever asks; where nobody has to sign in, of all together."""
    limit = service.quotas.of(actor()).requests
    return service.quotas.usage(requests_of(request.app.state.buckets, request.scope, limit))
