"""Data sets: tables of events that are stored, and the schemas by which they are read."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from eventsieve.api.v2.bodies import AddFields, form_schema, received
from eventsieve.api.v2.calls import DatasetId, Limit, Offset, ServiceOf, heavy
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.domain.schema import load_schema, schema_names
from eventsieve.errors import SchemaNotFound
from eventsieve.records import Dataset, Page, Record, Schema, SchemaEdit

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["data sets"])

KNOWN: dict[int | str, dict[str, Any]] = {200: {"description": "The data set, which was there.", "model": Dataset}}


class Renaming(Record):
    """A new name."""

    name: str = Field(min_length=1, max_length=256)


@router.post(
    "/datasets",
    status_code=201,
    summary="Add a data set",
    response_description="The new data set.",
    responses=KNOWN | refusals(413, 415, 507),
    openapi_extra={"requestBody": {"required": True, "content": form_schema(AddFields, several=True)}},
)
async def add_dataset(
    request: Request, response: Response, service: ServiceOf, query: Annotated[AddFields, Query()]
) -> Dataset:
    """Store a table of events: the bytes of one file as the body, or a form with one file or several.

    The same bytes, read in the same way, are one data set. A form has the parameters of the query as its fields.
    """
    async with received(request, query, service.datasets.new_file) as sent:
        fields: AddFields = sent.fields
        uploads, edit = sent.labelled(), sent.schema_edit()
        dataset, new = await heavy(
            request,
            lambda: service.datasets.add(uploads, name=fields.name, reading=fields.reading(), edit=edit),
        )
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"{request.scope['root_path']}/datasets/{quote(dataset.id, safe='')}"
    return dataset


@router.get("/datasets", summary="The data sets", response_description="A part of the list, the newest first.")
def list_datasets(service: ServiceOf, offset: Offset = 0, limit: Limit = 100) -> Page[Dataset]:
    """All data sets, page by page."""
    return service.datasets.page(offset=offset, limit=limit)


@router.get("/datasets/{id}", summary="A data set", response_description="The data set.", responses=refusals(404))
def get_dataset(service: ServiceOf, id: DatasetId) -> Dataset:  # noqa: A002 - its name in the path
    """What came, how it is read, and what a physicist should know of it before training."""
    return service.datasets.get(id)


@router.patch(
    "/datasets/{id}",
    summary="Rename a data set",
    response_description="The data set under its new name.",
    responses=refusals(404, 413, 415),
)
def rename_dataset(service: ServiceOf, id: DatasetId, change: Renaming) -> Dataset:  # noqa: A002
    """The name is for people; the id stays."""
    return service.datasets.rename(id, change.name)


@router.delete(
    "/datasets/{id}",
    status_code=204,
    summary="Remove a data set",
    response_description="It is gone.",
    responses=refusals(404, 409),
)
def remove_dataset(service: ServiceOf, id: DatasetId) -> None:  # noqa: A002
    """Refused while a job uses it. Models that were trained on it stay."""
    service.datasets.remove(id)


@router.patch(
    "/datasets/{id}/schema",
    summary="Change how a data set is read",
    response_description="The data set as it is read from now on.",
    responses=refusals(404, 409, 413, 415),
)
async def edit_schema(
    request: Request,
    service: ServiceOf,
    id: DatasetId,  # noqa: A002
    edit: SchemaEdit,
) -> Dataset:
    """Which column is the label, which of its values are signal, what is the weight, what is left out."""
    return await heavy(request, lambda: service.datasets.edit(id, edit))


@router.get(
    "/schemas", summary="The schemas that come with Eventsieve", response_description="A part of the list, by name."
)
def list_schemas(offset: Offset = 0, limit: Limit = 100) -> Page[Schema]:
    """The tables of well-known experiments; their names are for `name` of a `SchemaEdit`."""
    names = schema_names()
    items = tuple(load_schema(name) for name in names[offset : offset + limit])
    return Page[Schema](items=items, total=len(names), offset=offset)


@router.get("/schemas/{name}", summary="A schema", response_description="The schema.", responses=refusals(404))
def get_schema(name: Annotated[str, Path(max_length=128, description="The schema's name.")]) -> Schema:
    """Its columns with types, roles, units and descriptions."""
    if name not in schema_names():
        raise SchemaNotFound(f"There is no event schema {name!r}; there are: {', '.join(schema_names())}.")
    return load_schema(name)
