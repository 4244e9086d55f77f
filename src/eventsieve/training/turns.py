"""Whose turn it is: what waits for a slot, in a fair order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Share", "Turns"]

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Whose a task is, and what he may use of the slots."""

    by: str = ""
    """Who asked for it."""
    most: int | None = None
    """How many of his run at the same time; ``None``: as many as there are slots."""
    admit: Callable[[], None] = lambda: None
    """Raises `QuotaExceeded` where he may not start another now; asked when a slot is free for it."""


class Turns(Generic[T]):
    """Who waits, and who runs. The next is the first of whoever runs fewest, and of those of whoever began longest ago.

    So nobody waits for all that another has asked for before him, and where one alone asks, first come is first served.
    Every method takes time that grows with how many different people wait, not with what they wait for. Not safe by
    itself for use by several threads.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}
        self._running: Counter[str] = Counter()
        self._most: dict[str, int | None] = {}
        self._began: dict[str, int] = {}
        """The number of the last beginning of each; kept when he has nothing here, or he would come first again."""
        self._beginnings = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        """How many run."""
        return self._running.total()

    def of(self, by: str) -> tuple[int, int]:
        """How many run and how many wait of one person's."""
        return self._running[by], len(self._waiting.get(by, ()))

    def wait(self, what: T, share: Share) -> None:
        """Let something wait for its turn; what its share says of its owner holds for all of his from now on."""
        self._waiting.setdefault(share.by, deque()).append(what)
        self._most[share.by] = share.most

    def leave(self, what: T, share: Share) -> None:
        """Let something wait no more, if it does."""
        waiting = self._waiting.get(share.by, deque())
        if what in waiting:
            waiting.remove(what)
            self._clear(share.by)

    def begin(self) -> T | None:
        """What is to run now, which counts as running from now on; ``None`` where nothing may."""
        allowed = [by for by in self._waiting if self._may(by)]
        if not allowed:
            return None
        # People come first in the order in which they began to wait, and `min` keeps to the first.
        by = min(allowed, key=lambda each: (self._running[each], self._began.get(each, 0)))
        what = self._waiting[by].popleft()
        self._beginnings += 1
        self._began[by] = self._beginnings
        self._running[by] += 1
        self._clear(by)
        return what

    def end(self, share: Share) -> None:
        """Note that something of this person's runs no more."""
        self._running[share.by] -= 1
        if not self._running[share.by]:
            del self._running[share.by]

    def _may(self, by: str) -> bool:
        most = self._most[by]
        return most is None or self._running[by] < most

    def _clear(self, by: str) -> None:
        if not self._waiting[by]:
            del self._waiting[by], self._most[by]
