"""Comparisons: several models on the same events."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from eventsieve.api.v2.calls import ServiceOf, heavy
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Comparison, Record

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["comparisons"])

MOST_COMPARED = 64


class Compared(Record):
    """What is to be compared."""

    dataset: str = Field(max_length=128)
    """Id of a data set with labels."""
    models: tuple[str, ...] = Field(min_length=1, max_length=MOST_COMPARED)
    """Names or aliases."""


@router.post(
    "/comparisons",
    summary="Compare models",
    response_description="The comparison.",
    responses=refusals(404, 409, 413, 415),
)
async def compare(request: Request, service: ServiceOf, asked: Compared) -> Comparison:
    """All figures of merit on events that none of the models was trained on, with the errors of the differences."""
    return await heavy(request, lambda: service.comparisons.compare(asked.models, asked.dataset))
