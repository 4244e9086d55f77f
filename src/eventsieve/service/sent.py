"""What people send: counted as it comes, and kept for a day, also when the server ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eventsieve.errors import EventsieveError, QuotaExceeded
from eventsieve.storage.holdings import Holdings

__all__ = ["Sending", "Sent"]

FRESH_SECONDS: Final = 30.0
"""How long it is believed what the registry said last, to which other servers over the same one add."""

NOTED_AT_END: Final = 64 << 10
"""Bytes that are written down when a request has come; fewer wait for others, or small requests would be slow."""

NOTED_BETWEEN: Final = 64 << 20
"""Bytes that are written down while a request comes."""

MOST_KNOWN: Final = 10_000
"""People that are remembered at once; others are looked up again."""

_log = logging.getLogger(__name__)


@dataclass
class _Account:
    """One person's.

    Attributes:
        noted: bytes of the day that are written down.
        looked: when that was read, by the monotonic clock.
        come: bytes that have come and are not written down.
        promised: bytes that are announced by requests and have not come.
    """

    noted: int = 0
    looked: float = float("-inf")
    come: int = 0
    promised: int = 0

    @property
    def total(self) -> int:
        return self.noted + self.come + self.promised


class Sent:
    """The bytes that people have sent within a day.

    Requests that come at the same time are counted together: what one announces, no other has left. Servers over one
    registry know of each other what is written down.

    Args:
        holdings: where it is written down.
        now: seconds since 1970; where that clock jumps, what was sent at a wrong time is forgotten.
        clock: seconds of a clock that never jumps.
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._holdings = holdings
        self._now = now
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def is_fresh(self, by: str) -> bool:
        """Whether `begin` need not ask the registry, and so takes no time."""
        account = self._accounts.get(by)
        return account is not None and self._clock() - account.looked < FRESH_SECONDS

    def begin(self, by: str, limit: int, announced: int) -> Sending:
        """Let somebody send, and count what he announces.

        Args:
            by: who.
            limit: bytes that he may send within a day.
            announced: bytes that are to come; 0 where that is not known.

        Raises:
            QuotaExceeded: that is more than he has left.
        """
        if not self.is_fresh(by):
            noted = self._holdings.sent(by, self._hour())
            with self._lock:
                account = self._account(by)
                account.noted, account.looked = noted, self._clock()
        with self._lock:
            account = self._account(by)
            self._check(account, limit, announced)
            account.promised += announced
        return Sending(self, by, limit, announced)

    def used(self, by: str) -> int:
        """Bytes that somebody has sent within a day, or is sending."""
        noted = self._holdings.sent(by, self._hour())
        with self._lock:
            account = self._accounts.get(by, _Account())
            return noted + account.come + account.promised

    def take(self, by: str, limit: int, size: int, promised: int) -> None:
        """Count bytes that have come, of which so many were announced.

        Raises:
            QuotaExceeded: they are more than he has left; they are not counted then.
        """
        with self._lock:
            account = self._account(by)
            self._check(account, limit, size - promised)
            account.come += size
            account.promised -= promised

    def give_back(self, by: str, promised: int) -> None:
        """Forget what was announced and has not come."""
        with self._lock:
            self._account(by).promised -= promised

    def note(self, by: str, least: int) -> None:
        """Write down what has come of one person's, where it is so much at least.

        Where that fails it is written down the next time: a database that does not answer keeps nobody from sending.
        """
        with self._lock:
            account = self._account(by)
            size = account.come
            if not size or size < least:
                return
            account.come -= size
            account.noted += size
        try:
            noted = self._holdings.send(by, self._hour(), size)
        except (EventsieveError, OSError) as error:
            _log.warning("what was sent could not be written down, and will be later: %s", error)
            with self._lock:
                account = self._account(by)
                account.come += size
                account.noted -= size
        else:
            with self._lock:
                account = self._account(by)
                account.noted, account.looked = noted, self._clock()

    def close(self) -> None:
        """Write down everything."""
        for by in list(self._accounts):
            self.note(by, 0)

    def _account(self, by: str) -> _Account:
        if by not in self._accounts and len(self._accounts) >= MOST_KNOWN:
            idle = [each for each, account in self._accounts.items() if not account.come and not account.promised]
            for each in idle[: MOST_KNOWN // 2]:
                del self._accounts[each]
        return self._accounts.setdefault(by, _Account())

    def _check(self, account: _Account, limit: int, size: int) -> None:
        if size > 0 and account.total + size > limit:
            raise QuotaExceeded(
                f"The quota of {limit / 2**20:,.1f} MB that are sent within 24 hours has "
                f"{account.total / 2**20:,.1f} MB in use and this needs {size / 2**20:,.1f} MB more; send less "
                f"(compressed, as Parquet), wait until older uploads are a day old, or have the quota raised."
            )

    def _hour(self) -> int:
        return int(self._now() // 3600)


class Sending:
    """One request that is coming in.

    Args:
        sent: where it is counted.
        by: who sends it.
        limit: bytes that he may send within a day.
        announced: bytes that are to come, counted already.
    """

    def __init__(self, sent: Sent, by: str, limit: int, announced: int) -> None:
        self._sent = sent
        self._by = by
        self._limit = limit
        self._promised = announced
        self.unnoted = 0
        """Bytes that have come since it was written down last."""

    def take(self, size: int) -> bool:
        """Count bytes that have come; whether it is time to `note` them.

        Raises:
            QuotaExceeded: they are more than is left.
        """
        promised = min(size, self._promised)
        self._sent.take(self._by, self._limit, size, promised)
        self._promised -= promised
        self.unnoted += size
        return self.unnoted >= NOTED_BETWEEN

    def note(self) -> None:
        """Write down what has come."""
        self.unnoted = 0
        self._sent.note(self._by, NOTED_AT_END)

    def end(self) -> None:
        """Nothing more comes."""
        self._sent.give_back(self._by, self._promised)
        self._promised = 0
