"""Aliases, and the current model: which model is meant by a word."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from eventsieve.api.v2.calls import Limit, Offset, ServiceOf
from eventsieve.api.v2.problems import refusals
from eventsieve.api.v2.strict import StrictRoute
from eventsieve.records import Alias, Choice, Model, Page, Record

__all__ = ["router"]

router = APIRouter(route_class=StrictRoute, tags=["aliases and the current model"])

AliasName = Annotated[str, Path(min_length=1, max_length=128, description="The alias, percent-encoded.")]


class Meaning(Record):
    """Which model an alias means."""

    model: str = Field(min_length=1, max_length=128)
    """Its name, or another alias of it."""


class Chosen(Record):
    """Which model is to be current."""

    model: str = Field(min_length=1, max_length=128)
    """Its name or an alias."""
    by: str = Field("", max_length=128)
    """Who says so."""


class RolledBack(Record):
    """Who goes back to the model before."""

    by: str = Field("", max_length=128)
    """Who says so."""


@router.get("/aliases", summary="The aliases", response_description="A part of the list, by name.")
def list_aliases(service: ServiceOf, offset: Offset = 0, limit: Limit = 100) -> Page[Alias]:
    """All aliases, and the model that each means, page by page."""
    aliases = service.models.aliases()
    return Page[Alias](items=aliases[offset : offset + limit], total=len(aliases), offset=offset)


@router.put(
    "/aliases/{alias:text}",
    summary="Set an alias",
    response_description="The alias.",
    responses=refusals(404, 409, 413, 415),
)
def set_alias(service: ServiceOf, alias: AliasName, meaning: Meaning) -> Alias:
    """Let a name mean a model from now on, whatever it meant before. Refused where a model has that name."""
    return service.models.set_alias(alias, meaning.model)


@router.delete(
    "/aliases/{alias:text}",
    status_code=204,
    summary="Remove an alias",
    response_description="It means nothing now.",
    responses=refusals(404),
)
def drop_alias(service: ServiceOf, alias: AliasName) -> None:
    """The model stays."""
    service.models.drop_alias(alias)


@router.get("/current", summary="The current model", response_description="The model.", responses=refusals(404))
def get_current(service: ServiceOf) -> Model:
    """The one model that is in charge."""
    return service.models.current()


@router.put(
    "/current",
    summary="Make a model current",
    response_description="The choice as it is kept.",
    responses=refusals(404, 409, 413, 415),
)
def choose(service: ServiceOf, chosen: Chosen) -> Choice:
    """Put a model in charge; who said so and when is kept."""
    return service.models.choose(chosen.model, chosen.by)


@router.delete(
    "/current",
    summary="Make no model current",
    response_description="The choice as it is kept.",
    responses=refusals(404),
)
def unset(service: ServiceOf, by: Annotated[str, Query(max_length=128, description="Who says so.")] = "") -> Choice:
    """From now on no model is in charge."""
    return service.models.unset(by)


@router.get(
    "/current/history",
    summary="Who was current when",
    response_description="A part of the list, the newest first.",
)
def history(service: ServiceOf, offset: Offset = 0, limit: Limit = 100) -> Page[Choice]:
    """All choices, page by page."""
    return service.models.history(offset, limit)


@router.post(
    "/current/rollback",
    summary="Go back to the model before",
    response_description="The choice as it is kept.",
    responses=refusals(404, 409, 413, 415),
)
def roll_back(service: ServiceOf, asked: RolledBack | None = None) -> Choice:
    """Make that model current that was so before, of those that are still there."""
    return service.models.rollback(asked.by if asked else "")
