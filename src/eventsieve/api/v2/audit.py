"""The audit trail, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from eventsieve.api.v2.calls import Limit, Offset, ServiceOf
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Deed, Page

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["access"])


@router.get("/audit", summary="The audit trail", response_description="A part of the trail, the newest first.")
def list_deeds(
    service: ServiceOf,
    *,
    actor: Annotated[str | None, Query(max_length=128, description="Only what this person did.")] = None,
    action: Annotated[str | None, Query(max_length=128, description="Only this operation or command.")] = None,
    object: Annotated[  # noqa: A002 - as the record names it
        str | None, Query(max_length=256, description="Only what was done to this, as `model:NAME` or `job:ID`.")
    ] = None,
    since: Annotated[datetime | None, Query(description="Only from then on. Without a time zone: UTC.")] = None,
    until: Annotated[datetime | None, Query(description="Only before then. Without a time zone: UTC.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[Deed]:
    """Who changed what, and who tried to; administrators may read it."""
    return service.trail.page(
        actor=actor, action=action, object=object, since=since, until=until, offset=offset, limit=limit
    )
