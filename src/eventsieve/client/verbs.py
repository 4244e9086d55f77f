"""What all verbs share: a server to ask, and lists that come page by page."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from eventsieve.client.answers import member, record
from eventsieve.client.bound import Bound, Listing
from eventsieve.client.grids import Grid
from eventsieve.client.transport import Transport
from eventsieve.records import Record

__all__ = ["EventsWarning", "Verbs", "warn"]

R = TypeVar("R", bound=Record)


class EventsWarning(UserWarning):
    """Warned of where there is something that a physicist should know before a result is believed."""


def warn(remarks: Iterable[str], level: int = 3) -> None:
    """Warn of each remark, as said by the line of the user's code, ``level`` calls above."""
    for remark in remarks:
        warnings.warn(remark, EventsWarning, stacklevel=level)


class Verbs:
    """A server that can be asked."""

    http: Transport

    def _bind(self, kind: type[R], document: Any) -> R:
        """The record of a JSON document, able to ask the server where it is such a one."""
        return kind.bind(document, self) if issubclass(kind, Bound) else record(kind, document)

    def _listing(self, path: str, kind: type[R], grid: Callable[[list[R]], Grid], **query: Any) -> Listing[R]:
        def fetch(offset: int, limit: int) -> tuple[list[R], int]:
            page = self.http.json("GET", path, query=query | {"offset": offset, "limit": limit})
            return [self._bind(kind, item) for item in member(page, "items")], int(member(page, "total"))

        return Listing(fetch, grid)
