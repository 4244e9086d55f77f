"""Jobs: models that are trained together on one data set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from eventsieve.acting import actor
from eventsieve.api.v2.calls import Limit, Offset, ServiceOf, heavy
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.streams import changes
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Estimate, Job, JobRequest, Page

__all__ = ["job_accepted", "router"]

router = APIRouter(route_class=StrictRoute, tags=["jobs"])

JobId = Annotated[str, Path(max_length=128, description="The job's id.")]
OneModel = Annotated[
    str | None, Query(max_length=128, description="Name of one model of the job. Default: all of them.")
]


@router.post(
    "/jobs/estimate",
    summary="Estimate a job",
    response_description="What each model is expected to take, in the order of the request.",
    responses=refusals(404, 413, 415),
)
def estimate(service: ServiceOf, job: JobRequest) -> tuple[Estimate, ...]:
    """Time and memory as learned from past jobs, and whether they are within the limits. Nothing is started."""
    return service.jobs.estimate(job)


@router.post(
    "/jobs",
    status_code=202,
    summary="Start a job",
    response_description="The job, queued or running.",
    responses=refusals(404, 409, 413, 415),
)
async def submit(request: Request, response: Response, service: ServiceOf, job: JobRequest) -> Job:
    """Train models, each in a process of its own, when slots are free. Answers when the events have been checked."""
    return job_accepted(request, response, await heavy(request, lambda: service.jobs.submit(job)))


def job_accepted(request: Request, response: Response, job: Job) -> Job:
    """The answer to what has started a job: says where it is."""
    response.headers["Location"] = f"{request.scope['root_path']}/jobs/{quote(job.id, safe='')}"
    return job


@router.get("/jobs", summary="The jobs", response_description="A part of the list, the newest first.")
def list_jobs(service: ServiceOf, offset: Offset = 0, limit: Limit = 100) -> Page[Job]:
    """All jobs, ended or not, page by page."""
    return service.jobs.page(offset=offset, limit=limit)


@router.get("/jobs/{id}", summary="A job", response_description="The job.", responses=refusals(404))
def get_job(service: ServiceOf, id: JobId) -> Job:  # noqa: A002 - its name in the path
    """How far each of its models is, or how it ended and why."""
    return service.jobs.get(id)


async def place(request: Request) -> AsyncIterator[None]:
    """A place among the open streams, until the answer has ended."""
    address = request.client.host if request.client else ""
    with request.app.state.streams.place(actor().name or address):
        yield


@router.get(
    "/jobs/{id}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    response_description="Server-sent events: `job` with the job, whenever it has changed; `end` when it has ended.",
    dependencies=[Depends(place)],
    responses=refusals(404, 429),
)
async def follow(
    request: Request,
    service: ServiceOf,
    job: Annotated[Job, Depends(get_job)],
    last_event_id: Annotated[str, Header(description="The id of the last event that the client has seen.")] = "",
) -> AsyncIterator[ServerSentEvent]:
    """The job at once and after each change, five times a second at most, until all its models have ended.

    A comment comes every 15 s where nothing else does. A stream that breaks off without `end` is to be opened again.
    """
    closing = request.app.state.closing

    async def look() -> Job:
        return await run_in_threadpool(service.jobs.get, job.id)

    async for event in changes(job, look, lambda: service.jobs.version(job.id), closing.is_set, last_event_id):
        yield event


@router.post(
    "/jobs/{id}/stop",
    summary="Stop and keep",
    response_description="The job; models that are stopped end soon after.",
    responses=refusals(404, 409),
)
def stop(service: ServiceOf, id: JobId, model: OneModel = None) -> Job:  # noqa: A002
    """End the training of iterative models now and keep what they have come to; the models say so."""
    return service.jobs.stop(id, model)


@router.delete(
    "/jobs/{id}",
    summary="Cancel",
    response_description="The job, in which what was queued or running is cancelled.",
    responses=refusals(404, 409),
)
def cancel(service: ServiceOf, id: JobId, model: OneModel = None) -> Job:  # noqa: A002
    """End what is queued or running, at once; what has been trained stays. The job itself stays in the list."""
    return service.jobs.cancel(id, model)
