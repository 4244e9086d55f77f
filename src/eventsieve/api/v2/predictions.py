"""Predictions: what a model says of events that are sent or stored."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from eventsieve.api.v2.bodies import ReadFields, form_schema, received
from eventsieve.api.v2.calls import FEW_EVENTS, Limit, Offset, Ref, ServiceOf, brief, heavy, heavy_until_gone
from eventsieve.api.v2.files import PassingFile
from eventsieve.api.v2.formats import FORMATS, bare, chosen
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute, is_json, parse_json, read_json
from eventsieve.errors import BadRequest
from eventsieve.records import Model, PredictionFormat, PredictionPage, Predictions, Record, ScoreSummary
from eventsieve.service import Service
from eventsieve.service.predictions import Predicted
from eventsieve.service.scores import BINS, MOST_BINS
from eventsieve.storage.outputs import MEDIA_TYPES

__all__ = ["router", "told"]

router = APIRouter(route_class=StrictRoute, tags=["predictions"])

MOST_HEADER = 4096
"""Bytes of remarks in a header; proxies refuse answers with much larger ones."""

Stored = Annotated[str, Query(max_length=128, description="Id of the data set.")]
CUT = "The score above which an event is predicted to be signal. Default: the model's own."
Cut = Annotated[float | None, Query(allow_inf_nan=False, description=CUT)]


class PredictFields(ReadFields):
    """How a file is to be read, and how the answer is to be written."""

    format: PredictionFormat | None = Field(
        None, description="What the answer is written as. Default: what `Accept` asks for, or JSON."
    )
    threshold: float | None = Field(None, allow_inf_nan=False, description=CUT)


class PredictRequest(Record):
    """Events that are predicted: those of a stored data set, or some that are sent along."""

    dataset: str | None = Field(None, max_length=128)
    """Id of a data set."""
    events: tuple[dict[str, bool | int | float | str | None], ...] | None = None
    """Rows: the values of an event by the names of their columns; null is "not defined"."""

    @model_validator(mode="after")
    def _one_of_both(self) -> PredictRequest:
        if (self.dataset is None) == (self.events is None):
            raise ValueError("Give either `dataset` or `events`")
        return self


def _bodies() -> dict[str, Any]:
    schema = PredictRequest.model_json_schema()
    return {"application/json": {"schema": schema}, **form_schema(PredictFields, several=False)}


def _answers() -> dict[int | str, dict[str, Any]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    others = {bare(MEDIA_TYPES[name]): binary for name in FORMATS if name != "json"}
    headers = {
        "X-Eventsieve-Model": "Name of the model, percent-encoded.",
        "X-Eventsieve-Digest": "SHA-256 of its artefact.",
        "X-Eventsieve-Remarks": "Sentences about the table that are no faults, as a JSON list in ASCII.",
    }
    told = {name: {"schema": {"type": "string"}, "description": text} for name, text in headers.items()}
    return {200: {"description": "The predictions, in the order of the events.", "content": others, "headers": told}}


@router.post(
    "/models/{ref:text}/predictions",
    summary="Predict",
    response_model=Predictions,
    responses=_answers() | refusals(404, 406, 409, 413, 415, 507),
    openapi_extra={"requestBody": {"required": True, "content": _bodies()}},
)
async def predict(request: Request, service: ServiceOf, ref: Ref, query: Annotated[PredictFields, Query()]) -> Response:
    """What a model says of each event: its score, its class and, where the model has them, the probabilities.

    The events are a stored data set, some rows of JSON, or a file: as the body, or as the field `file` of a form.
    Labels and weights in the table are not looked at.
    """
    model = await run_in_threadpool(service.models.get, ref)
    if is_json(request):
        return await _of_json(request, service, ref, model, query)
    async with received(request, query, service.datasets.new_file, hashed=False) as sent:
        if len(sent.uploads) != 1:
            raise BadRequest(faults={"/file": f"{len(sent.uploads)} files; send one, and the others by themselves."})
        fields: PredictFields = sent.fields
        kind = chosen(request, fields.format)
        reading, path, cut = fields.reading(), sent.uploads[0].path, fields.threshold
        return await _sent(
            request,
            model,
            lambda stopped: service.predictions.predict(
                model.name, path, kind=kind, reading=reading, threshold=cut, stopped=stopped
            ),
        )


@router.get(
    "/models/{ref:text}/predictions",
    summary="Some of the predictions",
    response_description="The predictions of some events of the data set, in its order.",
    responses=refusals(404, 409, 507),
)
async def predictions_page(
    request: Request,
    service: ServiceOf,
    ref: Ref,
    *,
    dataset: Stored,
    offset: Offset = 0,
    limit: Limit = 100,
    threshold: Cut = None,
) -> PredictionPage:
    """What a model says of a stored data set, page by page. The scores are computed once and kept."""
    return await heavy(
        request, lambda: service.scores.page(ref, dataset, offset=offset, limit=limit, threshold=threshold)
    )


@router.get(
    "/models/{ref:text}/scores",
    summary="The scores, counted",
    response_description="The scores of all events of the data set, counted.",
    responses=refusals(404, 409, 507),
)
async def scores(
    request: Request,
    service: ServiceOf,
    ref: Ref,
    *,
    dataset: Stored,
    bins: Annotated[
        int,
        Query(ge=1, le=MOST_BINS, description="Of probabilities, bins from 0 to 1; of decision values about so many."),
    ] = BINS,
    threshold: Cut = None,
) -> ScoreSummary:
    """How many events of which class have which score, and how many a cut at any edge of a bin selects.

    The scores are computed once and kept; another threshold costs nothing.
    """
    return await heavy(request, lambda: service.scores.summary(ref, dataset, bins=bins, threshold=threshold))


async def _of_json(request: Request, service: Service, ref: str, model: Model, query: PredictFields) -> Response:
    if given := sorted(query.model_fields_set - {"format", "threshold"}):
        raise BadRequest(f"The query has {', '.join(given)}, which says how a file is read, and the body is JSON.")
    asked = await run_in_threadpool(_parsed, await read_json(request))
    if asked.events is not None:
        return await _of_rows(request, service, ref, asked.events, query)
    kind, dataset, cut = chosen(request, query.format), asked.dataset or "", query.threshold
    return await _sent(
        request,
        model,
        lambda stopped: service.predictions.predict(model.name, dataset, kind=kind, threshold=cut, stopped=stopped),
    )


async def _of_rows(
    request: Request, service: Service, ref: str, rows: tuple[dict[str, Any], ...], query: PredictFields
) -> Response:
    kind, threshold = chosen(request, query.format), query.threshold
    if kind != "json":
        raise HTTPException(406, f"Events in JSON are answered in JSON, not in {kind}; send them as a file instead.")
    in_turn = brief if len(rows) <= FEW_EVENTS else heavy
    return told(await in_turn(request, lambda: service.predictions.rows(ref, rows, threshold=threshold)))


def told(predictions: Predictions) -> Response:
    """Predictions as an answer in JSON."""
    headers = _told(predictions.model, predictions.digest, predictions.remarks)
    return Response(predictions.model_dump_json(), headers=headers, media_type=MEDIA_TYPES["json"])


async def _sent(request: Request, model: Model, work: Callable[[threading.Event], Predicted]) -> Response:
    predicted = await heavy_until_gone(request, work, lambda made: made.path.unlink(missing_ok=True))
    return PassingFile(
        predicted.path,
        media_type=predicted.media_type,
        filename=predicted.filename,
        headers=_told(model.name, model.digest, predicted.remarks),
    )


def _parsed(body: bytes) -> PredictRequest:
    """The request in a body of JSON.

    Raises:
        RequestValidationError: it is none.
    """
    try:
        return PredictRequest.model_validate(parse_json(body))
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body",), "msg": "", "ctx": {"error": error.msg}}
        raise RequestValidationError([fault]) from error
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]) from error


@lru_cache(maxsize=64)
def _told(name: str, digest: str, remarks: tuple[str, ...]) -> Mapping[str, str]:
    """What is said of predictions beside them."""
    kept = list(remarks)
    while len(json.dumps(kept)) > MOST_HEADER:
        kept.pop()
    headers = {"X-Eventsieve-Model": quote(name, safe=""), "X-Eventsieve-Digest": digest}
    return MappingProxyType(headers | ({"X-Eventsieve-Remarks": json.dumps(kept)} if kept else {}))
