"""Version 1: the thirteen endpoints of the specification, for the clients that exist. It is frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread
from fastapi import APIRouter, Depends, File, Form, Path, Request, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from eventsieve.api import paths  # noqa: F401 - the convertor of {model_id:text}
from eventsieve.api.failures import describe, refusals
from eventsieve.api.roles import GuardedRoute
from eventsieve.api.uploads import stored
from eventsieve.domain import estimators
from eventsieve.errors import BadRequest
from eventsieve.records import Model, ModelSpec, ModelState, State
from eventsieve.service import Service

__all__ = ["MessageResponse", "router"]

T = TypeVar("T")

MOST_MODELS = 1024
"""No request names more models: there are never more training slots."""

MOST_HYPERPARAMETERS = 128
MOST_VALUES = 50_000
"""Values in a document, told by the commas: each may have a fault, and each fault takes a kilobyte."""
PLAIN = 10**15
"""Whole numbers below it are spelled with all of their digits, as floats too."""
LONGEST_NAME = 128


router = APIRouter(
    prefix="/api/model_service",
    tags=["v1"],
    route_class=GuardedRoute,
    responses=refusals(
        _401="Nobody has signed in, or with a key that does not hold.",
        _403="The role of who asks does not allow it, or it is another's.",
        _429="Too much at once; see Retry-After.",
    ),
)


class MessageResponse(BaseModel):
    """A message."""

    message: str = Field(description="The text.")


class ModelConfig(BaseModel):
    """A model: its id, its type and its hyperparameters."""

    id: str = Field(description="The model's id: 1 to 128 characters of any text.")
    type: str = Field(max_length=LONGEST_NAME, description="One of the types of `get_model_types`.")
    hyperparameters: dict[str, Any] | None = Field(
        None,
        max_length=MOST_HYPERPARAMETERS,
        description="scikit-learn's hyperparameters by name; missing ones and empty text mean the default. "
        "Text is read by the hyperparameter's own type.",
    )


class DataColumnsResponse(BaseModel):
    """The columns of a table of events."""

    columns: dict[str, str] = Field(description="All columns with their types, as pandas names them.")
    target: str = Field(description="The column of the labels.")
    non_feature: list[str] = Field(description="Columns that are never trained on.")


class ModelTypesResponse(BaseModel):
    """The types of models that can be trained."""

    models: dict[str, list[str]] = Field(description="The names of the hyperparameters of each type.")


class IdResponse(BaseModel):
    """What has become of a model."""

    id: str = Field(description="The model's id.")
    status: Literal["load", "unload", "trained", "not trained", "removed", "error"] = Field(
        description="`load`: is current now; `unload`: is current no more; `trained`; `not trained`: stopped by the "
        "time limit; `removed`; `error`: bad hyperparameters and the like."
    )
    detail: str | None = Field(None, description="Why, where there is more to say.")


class PredictResponse(BaseModel):
    """Predictions in the order of the table."""

    predictions: list[float] = Field(description="1.0 for signal, 0.0 for background.")
    index: list[float] = Field(description="The event numbers.")
    index_name: str = Field(description="The column of the event numbers.")


class CompareModelsRequest(BaseModel):
    """Which models to compare."""

    ids: list[str] = Field(max_length=MOST_MODELS, description="Ids of trained models.")


class CompareModelsResponse(BaseModel):
    """How good models are on the same events."""

    results: dict[str, dict[str, float]] = Field(description="The value of each figure of merit, by model.")


class ModelsListResponse(BaseModel):
    """The trained models."""

    models: list[ModelConfig] = Field(description="In the order in which they were asked for.")


class _WholeFile(FileResponse):
    """A file that is sent whole: what is wrong with a range would be refused in another shape than ours."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(_service)]
ModelId = Annotated[str, Path(min_length=1, description="The model's id, percent-encoded.")]
Table = Annotated[UploadFile, File(description="A table of events: CSV, CSV.gz, a zip that holds one CSV, or Parquet.")]

_BAD_FILE = "The file is no table of events; every fault of it is named."
_TOO_LARGE = "The upload is larger than MAX_UPLOAD_MB."
_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}, "description": "The PDF."}}
_NO_ROOM = "The server's disk is full."
_NOT_MULTIPART = "The body is no multipart form."


@router.get(
    "/get_eda_pdf",
    summary="The report of exploratory analysis",
    response_class=FileResponse,
    responses=_PDF | refusals(_404="There is no report.", _503="The report is being made; see Retry-After."),
)
def get_eda_pdf(service: ServiceOf) -> FileResponse:
    """The PDF at PDF_PATH; where there is none, the server makes one of simulated events."""
    path = service.report()
    return _WholeFile(path, media_type="application/pdf", filename=path.name, headers={"Accept-Ranges": "none"})


@router.get(
    "/get_columns", summary="The columns of a table", response_description="The columns, and which of them have a role."
)
def get_columns(service: ServiceOf) -> DataColumnsResponse:
    """What a table to train on has; a table to predict has no label."""
    schema = service.schema
    return DataColumnsResponse(
        columns={column.name: column.dtype for column in schema.columns},
        target=schema.label.name if schema.label else "",
        non_feature=list(schema.non_features),
    )


@router.get(
    "/get_model_types",
    summary="The types of models",
    response_description="The types, each with the names of its hyperparameters.",
)
def get_model_types(service: ServiceOf) -> ModelTypesResponse:
    """Which types can be trained, and which hyperparameters each takes."""
    types = {name: estimators.CATALOGUE[name].parameters for name in service.model_types}
    return ModelTypesResponse(models={name: [p.name for p in parameters] for name, parameters in types.items()})


@router.post(
    "/train_with_file",
    summary="Train models",
    response_description="What became of each model, in the order of the request.",
    response_model_exclude_none=True,
    responses=refusals(
        _400=_NOT_MULTIPART,
        _409="More models than free training slots, an id twice, or an id that is trained already.",
        _413=_TOO_LARGE,
        _507=_NO_ROOM,
        _422="Unknown type, bad JSON, or: " + _BAD_FILE,
    ),
)
async def train_with_file(
    request: Request,
    service: ServiceOf,
    models_str: Annotated[
        str, Form(description='JSON list of models: `[{"id": "m1", "type": "LogReg", "hyperparameters": {"C": 0.5}}]`.')
    ],
    file: Table,
) -> list[IdResponse]:
    """Train each model on the table in a process of its own, and answer when all have ended."""
    configs = _parse(TypeAdapter(Annotated[list[ModelConfig], Field(max_length=MOST_MODELS)]), models_str)
    specs = [ModelSpec(name=c.id, type=c.type, hyperparameters=c.hyperparameters or {}) for c in configs]
    async with stored(file, service) as path:
        started = await _heavy(request, lambda: service.train(path, specs, queue=False))
    if started.futures:
        # Not gather: if this request is cancelled, the trainings are not.
        await asyncio.wait([asyncio.wrap_future(future) for future in started.futures])
    job = await to_thread.run_sync(service.wait, started)
    return [_outcome(model) for model in job.models]


@router.get(
    "/get_current_model",
    summary="The current model",
    response_description="The id of the current model.",
    responses=refusals(_404="No model is current."),
)
def get_current_model(service: ServiceOf) -> MessageResponse:
    """The id of the model that predicts."""
    return MessageResponse(message=service.current().name)


@router.post(
    "/set_model/{model_id:text}",
    summary="Make a model current",
    response_description="The model is current.",
    response_model_exclude_none=True,
    responses=refusals(_404="There is no such model.", _409="It is current already.", _422="The id is empty."),
)
def set_model(service: ServiceOf, model_id: ModelId) -> IdResponse:
    """From now on this model predicts."""
    service.choose(model_id)
    return IdResponse(id=model_id, status="load")


@router.post(
    "/unset_model",
    summary="Make no model current",
    response_description="The model that was current, and is no more.",
    response_model_exclude_none=True,
    responses=refusals(_404="No model is current."),
)
def unset_model(service: ServiceOf) -> IdResponse:
    """From now on no model predicts."""
    return IdResponse(id=service.unset(), status="unload")


@router.post(
    "/predict_with_file",
    summary="Predict",
    response_description="The predictions, event by event.",
    response_model=PredictResponse,
    responses=refusals(
        _400=_NOT_MULTIPART,
        _404="No model is current.",
        _409="The current model's stored file is damaged.",
        _413=_TOO_LARGE,
        _507=_NO_ROOM,
        _422=_BAD_FILE,
    ),
)
async def predict_with_file(request: Request, service: ServiceOf, file: Table) -> Response:
    """What the current model says of each event; weights and labels in the table are ignored."""
    async with stored(file, service) as path:
        content = await _heavy(request, lambda: _predict(service, path))
    return Response(content, media_type="application/json")


@router.post(
    "/compare_models",
    summary="Compare models",
    response_description="The figures of merit, model by model.",
    responses=refusals(
        _400=_NOT_MULTIPART,
        _404="Some of the models do not exist; all of those are named.",
        _409="The stored file of a model is damaged.",
        _413=_TOO_LARGE,
        _507=_NO_ROOM,
        _422="Bad JSON, or: " + _BAD_FILE,
    ),
)
async def compare_models(
    request: Request,
    service: ServiceOf,
    models_str: Annotated[str, Form(description='JSON object: `{"ids": ["m1", "m2"]}`.')],
    file: Table,
) -> CompareModelsResponse:
    """Score models on the events of one table, which must have labels."""
    ids = _parse(TypeAdapter(CompareModelsRequest), models_str).ids
    async with stored(file, service) as path:
        results = await _heavy(request, lambda: service.compare(path, ids))
    return CompareModelsResponse(
        results={name: {score.name: score.value for score in scores} for name, scores in results.items()}
    )


@router.get(
    "/models_list",
    summary="The trained models",
    response_description="The models, in the order in which they were asked for.",
    responses=refusals(_404="No model has been trained yet."),
)
def models_list(service: ServiceOf) -> ModelsListResponse:
    """All trained models with every hyperparameter's value, defaults included."""
    return ModelsListResponse(models=[_config(model) for model in service.all_models()])


@router.delete(
    "/remove_model/{model_id:text}",
    summary="Remove a model",
    response_description="The model is removed.",
    response_model_exclude_none=True,
    responses=refusals(_404="There is no such model.", _422="The id is empty."),
)
@router.delete(
    "/remove/{model_id:text}",
    summary="Remove a model (the path that existing clients call)",
    response_description="The model is removed.",
    response_model_exclude_none=True,
    responses=refusals(_404="There is no such model.", _422="The id is empty."),
)
def remove_model(service: ServiceOf, model_id: ModelId) -> IdResponse:
    """The model and its file are gone after this."""
    service.remove(model_id)
    return IdResponse(id=model_id, status="removed")


@router.delete(
    "/remove_all",
    summary="Remove all models",
    response_description="The models that were removed.",
    response_model_exclude_none=True,
    responses=refusals(_404="There are no models."),
)
def remove_all(service: ServiceOf) -> list[IdResponse]:
    """All models and their files are gone after this."""
    return [IdResponse(id=name, status="removed") for name in service.remove_all()]


async def _heavy(request: Request, work: Callable[[], T]) -> T:
    return await to_thread.run_sync(work, limiter=request.app.state.heavy)


def _parse(form: TypeAdapter[T], text: str) -> T:
    if text.count(",") > MOST_VALUES:
        raise BadRequest(f"models_str has more than {MOST_VALUES:,} values; name fewer models at once.")
    try:
        return form.validate_json(text)
    except ValidationError as error:
        raise BadRequest(f"models_str cannot be used. {describe(error.errors())}") from error


def _predict(service: Service, path: FilePath) -> bytes:
    predictions = service.predict(path)
    return b'{"predictions":[%b],"index":[%b],"index_name":%b}' % (
        np.where(predictions.signal, b"1.0,", b"0.0,").tobytes()[:-1],
        _as_floats(predictions.index),
        to_json(predictions.index_name),
    )


def _as_floats(numbers: npt.NDArray[np.int64]) -> bytes:
    """Whole numbers as JSON spells them as floats, parted by commas."""
    if not len(numbers) or numbers.max() >= PLAIN or numbers.min() <= -PLAIN:
        return to_json(numbers.astype(float).tolist())[1:-1]
    texts = pa.array(numbers).cast(pa.string())
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, ".0,")[0].as_buffer().to_pybytes()
    return joined + b".0"


def _outcome(model: ModelState) -> IdResponse:
    status: Literal["trained", "not trained", "error"] = "error"
    if model.state is State.TRAINED:
        status = "trained"
    elif model.state is State.TIMED_OUT:
        status = "not trained"
    return IdResponse(id=model.spec.name, status=status, detail=model.reason or None)


def _config(model: Model) -> ModelConfig:
    return ModelConfig(id=model.name, type=model.type, hyperparameters=model.hyperparameters)
