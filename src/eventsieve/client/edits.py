"""How a table is to be read, as keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pydantic import ValidationError

from eventsieve.errors import BadRequest
from eventsieve.records import SchemaEdit

__all__ = ["SchemaChanges", "made", "schema_edit"]


class SchemaChanges(TypedDict, total=False):
    """Changes to how a data set is read; what is not given stays as it is, or as it was inferred."""

    schema: str
    """Name of a schema that comes with Eventsieve."""
    label: str
    """The column that says what an event is; empty for none."""
    signal: str | int | float
    """The value of the label that is signal; empty for none."""
    classes: Sequence[str]
    """The labels of more than two classes, in order."""
    index: str
    """The column of event numbers; empty for none."""
    weight: str
    """The column of event weights; empty for none."""
    undefined: float | None
    """The number that means "not defined for this event"."""
    leave_out: Sequence[str]
    """All columns that are no features and have no other role."""
    units: Mapping[str, str]
    """Units of columns by their names."""


def schema_edit(changes: SchemaChanges) -> SchemaEdit:
    """The changes as the record that the server takes.

    Raises:
        BadRequest: naming each change of the wrong type or name.
    """
    given: dict[str, Any] = dict(changes)
    if "schema" in given:
        given["name"] = given.pop("schema")
    if "signal" in given:
        given["signal"] = str(given["signal"])
    if "classes" in given:
        given["classes"] = tuple(str(label) for label in given["classes"])
    edit: SchemaEdit = made(SchemaEdit, given)
    return edit


def made(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """A record of these values.

    Raises:
        BadRequest: naming each value that it does not take.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        faults = [_fault(kind, fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()]
        raise BadRequest(f"Correct these: {'; '.join(faults)}.") from error


def _fault(kind: type[Any], place: Sequence[int | str], error: str, message: str) -> str:
    name = ".".join(map(str, place)) or kind.__name__
    if error == "extra_forbidden" and len(place) == 1:
        names = SchemaChanges.__annotations__ if kind is SchemaEdit else kind.model_fields
        return f"{name}: there is no such argument here; there are: {', '.join(names)}"
    return f"{name}: {message}"
