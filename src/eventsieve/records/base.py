"""What all records have in common."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Page", "Record"]

T = TypeVar("T")


class Record(BaseModel):
    """A value that is compared by content and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", use_attribute_docstrings=True)


class Page(Record, Generic[T]):
    """A part of a list."""

    # Docstrings would be looked for again, and slowly, in the source of each kind of page.
    model_config = ConfigDict(use_attribute_docstrings=False)

    items: tuple[T, ...]
    total: int = Field(ge=0, description="How many there are in all.")
    offset: int = Field(ge=0, description="How many come before the first of these.")
