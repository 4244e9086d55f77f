"""The documents that a server answers, read: what is none of Eventsieve's is the server's fault, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from eventsieve.errors import ServerFailed

__all__ = ["member", "record"]

R = TypeVar("R", bound=BaseModel)


def record(kind: type[R], document: object) -> R:
    """The record that a JSON document is.

    Raises:
        ServerFailed: it is no such record.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise _foreign(f"no {kind.__name__}") from error


def member(document: object, name: str) -> Any:
    """A member of a JSON object.

    Raises:
        ServerFailed: it has none of that name.
    """
    if isinstance(document, Mapping) and name in document:
        return document[name]
    raise _foreign(f"nothing called {name!r}")


def _foreign(lack: str) -> ServerFailed:
    return ServerFailed(
        f"In what the server answers there is {lack}; see that it is an Eventsieve server of this version."
    )
