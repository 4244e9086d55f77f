"""Quotas of what is sent: bodies are counted as they come, and cut off where somebody's quota ends."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.acting import actor
from eventsieve.api.failures import STATUSES, headers_of
from eventsieve.api.refusing import refusal
from eventsieve.api.uploads import drain
from eventsieve.errors import EventsieveError, QuotaExceeded
from eventsieve.service import Service
from eventsieve.service.sent import Sending

__all__ = ["CountUploads"]


class CountUploads:
    """Counts what is sent by those who may not send as much as they like, and refuses what is too much.

    What is too much by what it announces is refused before any of it is read. Where only the bytes tell, the
    application within is told that the client has hung up, so that it clears away what it has; the client is told why.

    Args:
        app: the application.
        limit: bytes within a day of whoever has no quota of his own; ``None``: as many as he likes.
    """

    def __init__(self, app: ASGIApp, limit: int | None) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        who = actor()
        limit = who.quotas.upload or self.limit
        announced = None if limit is None else _announced(scope)
        if limit is None or announced is None:
            await self.app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        sent = service.quotas.sent
        try:
            if sent.is_fresh(who.name):
                sending = sent.begin(who.name, limit, announced)
            else:
                sending = await run_in_threadpool(sent.begin, who.name, limit, announced)
        except EventsieveError as error:
            if "expect" not in Headers(scope=scope):
                await drain(receive)
            await _refused(scope, error)(scope, receive, send)
            return
        await _Counted(self.app, sending)(scope, receive, send)


class _Counted:
    """One request that is counted."""

    def __init__(self, app: ASGIApp, sending: Sending) -> None:
        self.app = app
        self.sending = sending
        self.excess: QuotaExceeded | None = None
        self.answered = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_counted() -> Message:
            return await self._receive(receive)

        async def send_unless_cut_off(message: Message) -> None:
            if self.excess is None or self.answered:
                self.answered = True
                await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_cut_off)
        except Exception:
            if self.excess is None:
                raise
        finally:
            self.sending.end()
        if self.sending.unnoted:  # the application did not want all of it
            await run_in_threadpool(self.sending.note)
        if self.excess is not None and not self.answered:
            await _refused(scope, self.excess)(scope, receive, send)

    async def _receive(self, receive: Receive) -> Message:
        if self.excess is not None:
            return {"type": "http.disconnect"}
        message = await receive()
        if message["type"] != "http.request":
            await run_in_threadpool(self.sending.note)
            return message
        more = message.get("more_body", False)
        try:
            due = self.sending.take(len(message.get("body", b"")))
        except QuotaExceeded as error:
            self.excess = error
            await run_in_threadpool(self.sending.note)
            if more:
                await drain(receive)
            return {"type": "http.disconnect"}
        # Before the application has all of it: what is answered is counted, whatever happens to this process then.
        if due or not more:
            await run_in_threadpool(self.sending.note)
        return message


def _announced(scope: Scope) -> int | None:
    """The bytes that a request announces, 0 where it does not say how many; ``None`` where it has no body."""
    if scope["type"] != "http":
        return None
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers:
        return 0
    return int(length[:18]) or None if length.isdecimal() else None


def _refused(scope: Scope, error: EventsieveError) -> Response:
    status = next((status for above, status in STATUSES.items() if isinstance(error, above)), 500)
    return refusal(scope, status, str(error), kind=type(error), headers=headers_of(error))
