"""Explorations: what a data set looks like, as values and as a report."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse

from eventsieve.api.v2.calls import DatasetId, ServiceOf, heavy
from eventsieve.api.v2.files import SentFile, file_answers
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Detail, Exploration

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["explorations"])

Against = Annotated[str | None, Query(max_length=128, description="Id of a second data set, to be compared with.")]

Cut = Annotated[
    str | None,
    Query(
        max_length=1000,
        description="A condition on the events of both data sets; the others are not looked at.",
        examples=["PRI_jet_num >= 2 and DER_mass_MMC > 0"],
    ),
]
Wanted = Annotated[
    Detail, Query(description="`histograms` leaves out what takes longer: correlations, duplicates, drift.")
]


@router.get(
    "/datasets/{id}/exploration",
    summary="Explore a data set",
    response_description="The exploration.",
    responses=refusals(404, 409),
)
async def explore(
    request: Request,
    service: ServiceOf,
    id: DatasetId,  # noqa: A002 - its name in the path
    *,
    against: Against = None,
    bins: Annotated[int, Query(ge=1, le=1000, description="Bins of each histogram.")] = 50,
    cut: Cut = None,
    detail: Wanted = "all",
) -> Exploration:
    """Per feature: statistics, histograms, separation; correlations; duplicates; drift against a second data set."""
    return await heavy(
        request, lambda: service.explorations.explore(id, against=against, bins=bins, cut=cut, detail=detail)
    )


@router.get(
    "/datasets/{id}/exploration.pdf",
    summary="The report of an exploration",
    response_class=FileResponse,
    responses=file_answers("application/pdf", "The report.") | refusals(404, 409, 416, 503),
)
async def explore_pdf(
    request: Request,
    service: ServiceOf,
    id: DatasetId,  # noqa: A002
    against: Against = None,
    cut: Cut = None,
) -> FileResponse:
    """The same as a document to print."""
    path = await heavy(request, lambda: service.explorations.pdf(id, against=against, cut=cut))
    return SentFile(path, media_type="application/pdf", filename=f"{id}.pdf")
