"""Rates: how often each may ask."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from eventsieve.acting import actor
from eventsieve.api.refusing import refusal
from eventsieve.api.uploads import drain
from eventsieve.api.v2.problems import PREFIX
from eventsieve.errors import TooMany
from eventsieve.records import Actor, Use

__all__ = ["Buckets", "Rates", "requests_of"]

MINUTE: Final = 60.0
MOST_BUCKETS: Final = 10_000
"""People and addresses that are remembered; beyond it the one that has not asked for longest is forgotten."""

FREE: Final = frozenset({"/", "/livez", "/readyz", "/metrics", f"{PREFIX}/"})
"""What is asked by machines that look after this one."""


class Buckets:
    """A leaking bucket each: a request is a drop, and a full bucket leaks empty within a minute.

    So whoever has not asked for a minute may ask as often as he may in a minute at once, and then at that rate.

    Args:
        clock: seconds of a clock that never jumps.
        most: how many buckets there are at most.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, who: Hashable, limit: int) -> float:
        """Count a request of somebody who may make so many in a minute.

        Returns:
            0.0, or the seconds after which he may ask again; the request is not counted then.
        """
        with self._lock:
            level = self._level(who, limit)
            excess = level + 1.0 - limit
            if excess > 0.0:
                return excess * MINUTE / limit
            self._levels[who] = (level + 1.0, self._clock())
            self._levels.move_to_end(who)
            if len(self._levels) > self._most:
                self._levels.popitem(last=False)
            return 0.0

    def used(self, who: Hashable, limit: int) -> int:
        """How many requests of somebody are not forgotten yet."""
        with self._lock:
            return math.ceil(self._level(who, limit))

    def _level(self, who: Hashable, limit: int) -> float:
        level, moment = self._levels.get(who, (0.0, 0.0))
        return max(0.0, level - (self._clock() - moment) * limit / MINUTE)


class Rates:
    """Refuses requests of those who ask too often: of each name, or of each address where nobody has signed in.

    Args:
        app: the application.
        buckets: where they are counted.
        limit: requests per minute of whoever has no quota of his own; ``None``: as many as he likes.
    """

    def __init__(self, app: ASGIApp, buckets: Buckets, limit: int | None) -> None:
        self.app = app
        self.buckets = buckets
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "http":
            who = actor()
            limit = who.quotas.requests or self.limit
            if limit is not None and not _is_free(scope):
                seconds = self.buckets.take(_bucket(who, scope), limit)
                if seconds:
                    await _refuse(scope, receive, send, limit, max(1, math.ceil(seconds)))
                    return
        await self.app(scope, receive, send)


def requests_of(buckets: Buckets, scope: Scope, limit: int | None) -> Use:
    """How many requests whoever acts now has made, of how many."""
    if limit is None:
        return Use()
    return Use(used=buckets.used(_bucket(actor(), scope), limit), allowed=limit)


def _is_free(scope: Scope) -> bool:
    return scope["path"] in FREE and scope["method"] in ("GET", "HEAD")


def _bucket(who: Actor, scope: Scope) -> Hashable:
    return ("name", who.name) if who.name else ("address", _address(scope))


def _address(scope: Scope) -> str:
    """Where a request comes from; of IPv6 the network, for whoever has an address there has all of them."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


async def _refuse(scope: Scope, receive: Receive, send: Send, limit: int, seconds: int) -> None:
    detail = (
        f"You may make {limit:,} requests a minute; ask again in {seconds} s, ask for more at once, "
        f"or have the quota raised."
    )
    headers = Headers(scope=scope)
    # Who expects to be told to go on has not sent anything yet.
    if ("content-length" in headers or "transfer-encoding" in headers) and "expect" not in headers:
        await drain(receive)
    answer = refusal(scope, 429, detail, kind=TooMany, headers={"Retry-After": str(seconds)})
    await answer(scope, receive, send)
