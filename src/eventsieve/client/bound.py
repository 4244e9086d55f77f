"""What records that came from a server can do: ask it more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from pydantic import PrivateAttr

from eventsieve.client.answers import record
from eventsieve.client.grids import Grid
from eventsieve.records import Record

if TYPE_CHECKING:
    from eventsieve.client.client import Client

__all__ = ["Bound", "Listing"]

T = TypeVar("T")


class Bound(Record):
    """A record with the client that it came through."""

    _bound: Any = PrivateAttr(None)

    @classmethod
    def bind(cls, document: Any, client: Any) -> Self:
        """The record of a JSON document, able to ask the client."""
        bound = record(cls, document)
        bound._bound = client  # noqa: SLF001 - one of our own kind
        return bound

    @property
    def _client(self) -> Client:
        client: Client = self._bound
        return client

    def __eq__(self, other: object) -> bool:
        # By content, as all records; through which client one came is none of it.
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash((type(self), self.model_dump_json()))


class Listing(Generic[T]):
    """A list on the server, fetched page by page as it is gone through.

    Args:
        fetch: gives the items from an offset on and how many there are in all.
        grid: a table of some items.
    """

    _PAGE = 100
    _SHOWN = 20

    def __init__(self, fetch: Callable[[int, int], tuple[list[T], int]], grid: Callable[[list[T]], Grid]) -> None:
        self._fetch = fetch
        self._grid = grid

    def __iter__(self) -> Iterator[T]:
        offset = 0
        while True:
            items, total = self._fetch(offset, self._PAGE)
            yield from items
            offset += len(items)
            if not items or offset >= total:
                return

    def __len__(self) -> int:
        return self._fetch(0, 1)[1]

    def __getitem__(self, number: int) -> T:
        place = number if number >= 0 else len(self) + number
        items = self._fetch(place, 1)[0] if place >= 0 else []
        if not items:
            raise IndexError(f"There is no item {number}; there are {len(self)}.")
        return items[0]

    def _shown(self) -> Grid:
        items, total = self._fetch(0, self._SHOWN)
        grid = self._grid(items)
        if total > len(items):
            grid.title = f"the first {len(items)} of {total:,}"
        elif not items:
            grid.title = "none"
        return grid

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()
