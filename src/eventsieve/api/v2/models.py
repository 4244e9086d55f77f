"""Models: what was trained, how good it is, and what can be had of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import Field

from eventsieve.api.v2.calls import Limit, Offset, Ref, ServiceOf, heavy
from eventsieve.api.v2.files import file_answers, tagged
from eventsieve.api.v2.jobs import job_accepted
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.errors import NotReproduced
from eventsieve.records import Evaluation, Job, Model, ModelEdit, OnnxCheck, Page, Record

__all__ = ["router"]

# What is of a model comes before the model: its name may hold slashes too.
router = APIRouter(route_class=StrictRoute, tags=["models"])

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already (`If-None-Match`)."}}
CARD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The card.", "content": {"text/markdown": {"schema": {"type": "string"}}}}
}
SKOPS = "application/zip"
ONNX = "application/octet-stream"
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Names and notes are anybody's text: should the card's escaping ever fail, no script runs."""


class Retraining(Record):
    """How a model is trained again."""

    name: str = Field("", max_length=128)
    """Name of the new model; empty: the old one with a number."""


@router.get("/models", summary="The models", response_description="A part of the list, the oldest first.")
def list_models(
    service: ServiceOf,
    *,
    tag: Annotated[str | None, Query(max_length=128, description="Only those with this tag.")] = None,
    type: Annotated[str | None, Query(max_length=128, description="Only those of this type.")] = None,  # noqa: A002
    dataset: Annotated[str | None, Query(max_length=128, description="Only those of this data set's id.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[Model]:
    """All trained models, or those with a tag, of a type, or of a data set, page by page."""
    return service.models.page(offset=offset, limit=limit, tag=tag, type=type, dataset=dataset)


@router.get(
    "/models/{ref:text}/evaluation",
    summary="How good a model is",
    response_description="The evaluation.",
    responses=refusals(404, 409),
)
def get_evaluation(service: ServiceOf, ref: Ref) -> Evaluation:
    """Curves, distributions, the overtraining test and importances, on events that the model was not trained on."""
    return service.models.evaluation(ref)


@router.get(
    "/models/{ref:text}/card.md",
    summary="The model card as Markdown",
    response_class=Response,
    responses=CARD | refusals(404, 409),
)
def get_card(service: ServiceOf, ref: Ref) -> Response:
    """Everything that is needed to trust the model, to be read."""
    return Response(service.models.card(ref, "md"), media_type="text/markdown")


@router.get(
    "/models/{ref:text}/card.html",
    summary="The model card as HTML",
    response_class=HTMLResponse,
    response_description="The card, one file that names no other.",
    responses=refusals(404, 409),
)
def get_card_page(service: ServiceOf, ref: Ref) -> HTMLResponse:
    """The same, to be opened in a browser."""
    return HTMLResponse(service.models.card(ref, "html"), headers={"Content-Security-Policy": CARD_POLICY})


@router.head(
    "/models/{ref:text}/artefact",
    summary="Whether the artefact has changed",
    response_class=Response,
    response_description="Its size and its digest as `ETag`.",
    responses=UNCHANGED | refusals(404, 409, 416),
)
@router.get(
    "/models/{ref:text}/artefact",
    summary="Download a model",
    response_class=FileResponse,
    responses=file_answers(SKOPS, "The model in the skops format.") | UNCHANGED | refusals(404, 409, 416),
)
async def get_artefact(request: Request, service: ServiceOf, ref: Ref) -> Response:
    """The pipeline as skops stores it: no code runs when it is read. `ETag` is its digest; ranges are given."""
    path = await heavy(request, lambda: service.models.artefact(ref))
    return tagged(request, path, path.stem, media_type=SKOPS, filename=f"{_plain(ref)}.skops")


@router.get(
    "/models/{ref:text}/onnx/check",
    summary="Whether ONNX gives the same scores",
    response_description="What the check has found.",
    responses=refusals(404, 409, 503),
)
async def check_onnx(request: Request, service: ServiceOf, ref: Ref) -> OnnxCheck:
    """The model as ONNX against the model here, on the same events."""
    _, check = await heavy(request, lambda: service.models.onnx(ref))
    return check


@router.get(
    "/models/{ref:text}/onnx",
    summary="Download a model as ONNX",
    response_class=FileResponse,
    responses=file_answers(ONNX, "The model as ONNX.") | UNCHANGED | refusals(404, 409, 416, 503),
)
async def get_onnx(request: Request, service: ServiceOf, ref: Ref) -> Response:
    """Only where it gives the same scores; refused with the reason otherwise."""
    path, check = await heavy(request, lambda: service.models.onnx(ref))
    if path is None:
        raise NotReproduced(f"The model {ref!r} cannot be had as ONNX: {check.reason} Download the artefact instead.")
    digest = (await heavy(request, lambda: service.models.get(ref))).digest
    return tagged(request, path, f"{digest}.onnx", media_type=ONNX, filename=f"{_plain(ref)}.onnx")


@router.post(
    "/models/{ref:text}/retrain",
    status_code=202,
    summary="Train a model again",
    response_description="The job.",
    responses=refusals(404, 409, 413, 415),
)
async def retrain(
    request: Request, response: Response, service: ServiceOf, ref: Ref, asked: Retraining | None = None
) -> Job:
    """The same events, hyperparameters, plan and seed under a new name: it gives the same digest."""
    job = await heavy(request, lambda: service.jobs.retrain(ref, asked.name if asked else ""))
    return job_accepted(request, response, job)


@router.get("/models/{ref:text}", summary="A model", response_description="The model.", responses=refusals(404))
def get_model(service: ServiceOf, ref: Ref) -> Model:
    """Where it comes from, what it took, and how good it is."""
    return service.models.get(ref)


@router.patch(
    "/models/{ref:text}",
    summary="Change a model",
    response_description="The model.",
    responses=refusals(404, 409, 413, 415),
)
def edit_model(service: ServiceOf, ref: Ref, edit: ModelEdit) -> Model:
    """Its name, tags, note or threshold; what is not given stays."""
    return service.models.edit(ref, edit)


@router.delete(
    "/models/{ref:text}",
    status_code=204,
    summary="Remove a model",
    response_description="It is gone.",
    responses=refusals(404),
)
def remove_model(service: ServiceOf, ref: Ref) -> None:
    """The model, its aliases and its files are gone after this; where it was current, none is."""
    service.models.remove(ref)


def _plain(name: str) -> str:
    """A name as a file's: no folders, nothing that does not print."""
    plain = "".join(each if each.isprintable() and each not in '\\/:*?"<>|' else "_" for each in name)
    return plain.strip(". ") or "model"
