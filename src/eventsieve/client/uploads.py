"""Sending a table: one file as the body of the request, several as a form; either way streamed from disk."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from eventsieve.client.sources import Body, Source, body, opened
from eventsieve.client.transport import Query, Transport, read_json
from eventsieve.errors import BadRequest
from eventsieve.records import SchemaEdit

__all__ = ["upload"]


def upload(http: Transport, source: Source, name: str | None, reading: Query, edit: SchemaEdit | None) -> Any:
    """Store a table; returns the document of the data set.

    Raises:
        BadRequest: the source is none, or holds nothing.
        EventsieveError: the class that the server's refusal names.
    """
    schema = None if edit is None else edit.model_dump_json(exclude_unset=True)
    fields = {**reading, "name": name, "schema": schema}
    with opened(source) as bodies:
        if not bodies:
            raise BadRequest("There is nothing to store; name at least one file or table.")
        if len(bodies) == 1:
            return _one(http, bodies[0], fields)
        return _several(http, bodies, fields)


def _one(http: Transport, sent: Body, fields: dict[str, Any]) -> Any:
    query = fields | {"filename": sent.name, "label": sent.label}
    with body(sent) as content:
        return read_json(http.send("POST", "/datasets", query=query, **content))


def _several(http: Transport, bodies: list[Body], fields: dict[str, Any]) -> Any:
    labels = [sent.label for sent in bodies]
    data: dict[str, Any] = {field: value for field, value in fields.items() if value is not None}
    if any(label is not None for label in labels):
        data["label"] = labels
    with ExitStack() as stack:
        files = [("file", (sent.name, stack.enter_context(sent.path.open("rb")), sent.media_type)) for sent in bodies]
        return read_json(http.send("POST", "/datasets", data=data, files=files))
