"""Selecting the events that are explored: one cut for both tables."""

from __future__ import annotations

from eventsieve.domain.cuts import Cut
from eventsieve.domain.events import Events
from eventsieve.errors import BadRequest
from eventsieve.records import Schema

__all__ = ["cuts_of", "select"]


def cuts_of(text: str, schema: Schema, other: Schema | None) -> tuple[Cut, Cut | None]:
    """A cut on a table, and on a second one if there is one.

    Raises:
        BadRequest: it is no cut on the first table, or the second lacks a column that it asks for.
    """
    cut = Cut.parse(text, schema)
    if other is None:
        return cut, None
    try:
        return cut, Cut.parse(text, other)
    except BadRequest as error:
        raise _of_second(error) from error


def select(events: Events, against: Events | None, text: str) -> tuple[str, Events, Events | None]:
    """The cut as it is always written, and the events of both tables that pass it.

    Raises:
        BadRequest: it is no cut on the first table, or one that the second does not take.
    """
    cut, other = cuts_of(text, events.schema, None if against is None else against.schema)
    passed = events.take(cut.mask(events))
    if against is None or other is None:
        return cut.text, passed, None
    try:
        return cut.text, passed, against.take(other.mask(against))
    except BadRequest as error:
        raise _of_second(error) from error


def _of_second(error: BadRequest) -> BadRequest:
    return BadRequest(f"The cut fits the first table and not the second: {error} Or explore the first table alone.")
