"""HTTP as it is spoken to strangers: heads that are short and come in time, and not more of them than can be held."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

__all__ = ["HEAD_SECONDS", "MOST_HEAD", "BoundedProtocol"]

MOST_HEAD: Final = 64 << 10
"""Bytes of a request's first line and headers: a name of 128 characters takes 1.5 kB of a path."""

HEAD_SECONDS: Final = 20.0
"""How long a head may take to come, from the connection's or its own first byte."""


class _TooLong(Exception):
    """Raised in the parser's callbacks, which turn it into a refusal of the connection."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a bound on the size of heads, on the time they take, and on connections.

    uvicorn by itself collects headers for as long as they come, and waits for the first of them for ever.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection is there; one too many is closed at once."""
        super().connection_made(transport)
        self._head, self._in_head = 0, True
        self._timer: asyncio.TimerHandle | None = None
        most = self.config.limit_concurrency
        if most is not None and len(self.connections) > most:
            self._refuse(503, "There are too many connections; come back later.")
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._head_has_come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes have come."""
        before = self._in_head
        super().data_received(data)
        if self._in_head and before:
            # A header that does not end is told to nobody before it does.
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self._refuse(431, _LONG)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._head, self._in_head = 0, True
        if self._timer is None:
            self._await_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the first line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of a head."""
        self._in_head = False
        self._head_has_come()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser does not take."""
        if self._head > MOST_HEAD:
            self._refuse(431, _LONG)
        else:
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MOST_HEAD:
            raise _TooLong

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _head_has_come(self) -> None:
        timer: Any = getattr(self, "_timer", None)
        if timer is not None:
            timer.cancel()
        self._timer = None

    def _late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._refuse(408, f"The request did not come within {HEAD_SECONDS:.0f} seconds; send it again.")

    def _refuse(self, status: int, text: str) -> None:
        """An answer without a request, and the end of the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # another answer is on its way, and this one would be taken for a part of it
            return
        body = text.encode()
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


_LONG: Final = f"The request's first line and headers are longer than {MOST_HEAD >> 10} kB; send shorter ones."
