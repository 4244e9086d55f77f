"""Tickets: what a page hands to the routes beside it in this process, for a browser to fetch once, at once.

A page cannot set cookies, and a token in an address would stay in histories and logs. So the page keeps the token here
and tells the browser a ticket, which the browser sends in the body of its sign-in.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

__all__ = ["TICKETS", "Tickets"]

SECONDS = 60.0
MOST = 1000
"""More than so many people do not sign in within a minute; the oldest are dropped."""


class Tickets:
    """Secrets under random names, each given out once.

    Args:
        clock: seconds, which only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, str]] = {}

    def issue(self, secret: str) -> str:
        """A ticket for a secret, which holds for a minute."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._forget()
            while len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[ticket] = self._clock() + SECONDS, secret
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """The secret of a ticket; ``None`` where it was redeemed before, is too old, or never was."""
        with self._lock:
            self._forget()
            return self._kept.pop(ticket, (0.0, None))[1]

    def _forget(self) -> None:
        now = self._clock()
        for ticket in [ticket for ticket, (until, _) in self._kept.items() if until <= now]:
            del self._kept[ticket]


TICKETS = Tickets()
"""Of this process: its pages and its routes share nothing else."""
