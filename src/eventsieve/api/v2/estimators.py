"""Estimators: the types of models that can be trained, and their hyperparameters."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from eventsieve.api.v2.calls import Limit, Offset, ServiceOf
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.domain.estimators import CATALOGUE, json_schema, unknown
from eventsieve.errors import TypeNotFound
from eventsieve.records import Limits, Page, Record
from eventsieve.service import Service

__all__ = ["EstimatorType", "router"]

router = APIRouter(route_class=StrictRoute, tags=["estimators"])


class EstimatorType(Record):
    """A type of models that can be trained."""

    name: str
    """What a model's `type` is."""
    title: str
    unit: str
    """What its training counts (trees, iterations); empty where it cannot tell how far it is."""
    keepable: bool
    """Whether it can be stopped and kept as it is, with the default hyperparameters at least."""
    limits: Limits
    """What the training of one may use where a job says nothing else."""
    hyperparameters: dict[str, Any]
    """JSON Schema of the hyperparameters: types, defaults, bounds, choices, help."""


Classes = Annotated[
    str | None,
    Query(max_length=128, description="Id of a data set, whose classes are named in the schemas then."),
]


@router.get(
    "/estimators",
    summary="The types of models",
    response_description="A part of the list, in the order of the settings.",
    responses=refusals(404),
)
def list_estimators(
    service: ServiceOf, dataset: Classes = None, offset: Offset = 0, limit: Limit = 100
) -> Page[EstimatorType]:
    """What can be trained, each type with a JSON Schema of its hyperparameters."""
    names = service.model_types
    items = tuple(_estimator(service, name, dataset) for name in names[offset : offset + limit])
    return Page[EstimatorType](items=items, total=len(names), offset=offset)


@router.get("/estimators/{type}", summary="A type of models", response_description="The type.", responses=refusals(404))
def get_estimator(
    service: ServiceOf,
    type: Annotated[str, Path(max_length=128, description="The type's name.")],  # noqa: A002 - its name in the path
    dataset: Classes = None,
) -> EstimatorType:
    """One of them."""
    if type not in service.model_types:
        raise TypeNotFound(unknown(type, service.model_types))
    return _estimator(service, type, dataset)


def _estimator(service: Service, name: str, dataset: str | None) -> EstimatorType:
    estimator = CATALOGUE[name]
    classes = service.datasets.get(dataset).event_schema.class_names if dataset is not None else ()
    return EstimatorType(
        name=name,
        title=estimator.title,
        unit=estimator.unit,
        keepable=estimator.keepable,
        limits=service.jobs.limits,
        hyperparameters=json_schema(estimator, classes) if classes else json_schema(estimator),
    )
