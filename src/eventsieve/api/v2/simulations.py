"""Simulations: events to begin with, and the report of a sample of them."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from eventsieve.api.v2.calls import ServiceOf, heavy
from eventsieve.api.v2.datasets import KNOWN
from eventsieve.api.v2.files import SentFile, file_answers
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Dataset, Record
from eventsieve.service.simulations import FIRST_ID, MOST_EVENTS, MOST_NUMBER

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["simulations"])


class SimulationRequest(Record):
    """Events that are to be simulated."""

    events: int = Field(20_000, ge=1, le=MOST_EVENTS)
    """How many."""
    seed: int = Field(0, ge=0, le=MOST_NUMBER)
    """Of the pseudo-random numbers."""
    first_id: int = Field(FIRST_ID, ge=0, le=MOST_NUMBER)
    """Number of the first event."""
    unlabelled: bool = False
    """Whether labels and weights are left out, as in events that are to be predicted."""


@router.post(
    "/simulations",
    status_code=201,
    summary="Simulate events",
    response_description="The new data set.",
    responses=KNOWN | refusals(413, 415, 507),
)
async def simulate(request: Request, response: Response, service: ServiceOf, wish: SimulationRequest) -> Dataset:
    """Store simulated events as a data set; the same request gives the same one.

    They are like the published events of `atlas-higgs-2014`, and no result of physics.
    """
    dataset, new = await heavy(
        request,
        lambda: service.simulations.add(
            wish.events, seed=wish.seed, first_id=wish.first_id, unlabelled=wish.unlabelled
        ),
    )
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"{request.scope['root_path']}/datasets/{quote(dataset.id, safe='')}"
    return dataset


@router.get(
    "/report.pdf",
    summary="The report of a sample",
    response_class=FileResponse,
    responses=file_answers("application/pdf", "The report.") | refusals(404, 416, 503),
)
def report(service: ServiceOf) -> FileResponse:
    """The report of exploratory analysis at PDF_PATH; where there is none, the server makes one of simulated events."""
    path = service.report()
    return SentFile(path, media_type="application/pdf", filename=path.name)
