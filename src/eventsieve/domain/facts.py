"""What is found in the columns of a table before anybody says what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eventsieve.records import Column, ColumnSummary, Role

__all__ = ["MOST_VALUES", "Facts"]

MOST_VALUES = 20
"""How many values a column may have for each of them to be listed."""


@dataclass(frozen=True)
class Facts:
    """What there is in one column.

    Attributes:
        summary: name, type, missing values, and the values where they are few.
        events: length of the column.
        unique: whether it holds whole numbers, each of them once; False where nobody looked.
        infinite: how many values are infinite.
        lowest: the lowest finite number; infinity in text and in empty columns.
        lowest_count: how often it is there.
        second: the lowest number above it; infinity where there is none.
        highest: the highest finite number; minus infinity in text and in empty columns.
        numbers: how many values of a text are written as numbers, with a decimal point or comma.
        stray: the first value of a text that is no number with a decimal point; empty where there is none.
    """

    summary: ColumnSummary
    events: int
    unique: bool = False
    infinite: int = 0
    lowest: float = math.inf
    lowest_count: int = 0
    second: float = math.inf
    highest: float = -math.inf
    numbers: int = 0
    stray: str = ""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.summary.name

    @property
    def values(self) -> tuple[str, ...]:
        """Its values where they are few, as text."""
        return self.summary.values

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.summary.dtype == "object"

    @property
    def is_numbers_as_text(self) -> bool:
        """Whether it holds text only because some of its values are not written as numbers are."""
        return self.is_text and 2 * self.numbers > self.events - self.summary.missing

    @property
    def empty(self) -> bool:
        """Whether it has no value at all."""
        return self.summary.missing == self.events

    def column(self, role: Role, like: Column | None = None) -> Column:
        """The column in a schema, in that role; unit and description are those of another."""
        # That numbers are whole in one table does not make them so in the next; only event numbers must be.
        dtype = "float64" if role in ("feature", "weight") and like is None else self.summary.dtype
        like = like or Column(name=self.name, dtype=dtype)
        return like.model_copy(update={"name": self.name, "role": role})
