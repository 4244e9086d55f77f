"""Health: whether the server lives, and whether it can do its work; asked by machines, and open to everybody."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final

from starlette.datastructures import State
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from eventsieve.api.headers import ALWAYS
from eventsieve.api.paths import ROUTE

__all__ = ["Health", "Readiness"]

LOOK_SECONDS: Final = 2.0
"""How long a look may take; a database or a disk that hangs is as good as none."""
CACHE_SECONDS: Final = 1.0

_PATHS: Final = ("/livez", "/readyz")
_NO_ANSWER: Final = "There was no answer in time; the server's log may say more."

_log = logging.getLogger(__name__)


class Readiness:
    """Whether the server can do its work; each thing is looked at in a thread of its own, and once at a time.

    Args:
        state: of the application: ``service`` and ``closing``.
        floor: bytes that must be free on the disk of the store.
    """

    def __init__(self, state: State, floor: int) -> None:
        self._state = state
        self._floor = floor
        self._looks = {
            "database": _Look(self._database),
            "store": _Look(self._store),
            "disk": _Look(self._disk),
        }
        self._looked = float("-inf")
        self.faults: dict[str, str] = {}
        """What was found last: a sentence for each thing that was looked at, empty where nothing is wrong."""

    async def look(self) -> Mapping[str, str]:
        """What is wrong with each thing, in sentences that tell strangers nothing; it takes `LOOK_SECONDS` at most."""
        if time.monotonic() - self._looked >= CACHE_SECONDS:
            found = await asyncio.gather(*(look.fault() for look in self._looks.values()))
            self._note(dict(zip(self._looks, found, strict=True)))
            self._looked = time.monotonic()
        return self.faults | {"server": self._server()}

    def _note(self, found: dict[str, str]) -> None:
        for name, fault in found.items():
            if fault and fault != self.faults.get(name):
                _log.warning("not ready: %s: %s", name, fault)
            elif self.faults.get(name) and not fault:
                _log.info("ready again: %s", name)
        self.faults = found

    def _server(self) -> str:
        service = getattr(self._state, "service", None)
        if service is None:
            return "The server is starting."
        return "The server is about to end." if self._state.closing.is_set() or service.ending else ""

    def _database(self) -> str:
        return _fault(self._state.service.vitals.try_database, "The registry's database does not answer.")

    def _store(self) -> str:
        return _fault(self._state.service.vitals.try_store, "The store cannot be written.")

    def _disk(self) -> str:
        free, _ = self._state.service.vitals.room()
        return "" if free >= self._floor else "Less is free on the store's disk than MIN_FREE_MB says; make room."


def _fault(attempt: Callable[[], object], sentence: str) -> str:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that it does not work; the log has why
        _log.debug("not ready", exc_info=error)
        return sentence
    return ""


class _Look:
    """A look at one thing. One that hangs is not repeated until it has come back."""

    def __init__(self, look: Callable[[], str]) -> None:
        self._look = look
        self._found: Future[str] | None = None

    async def fault(self) -> str:
        """What was found to be wrong; empty where nothing is."""
        if self._found is None or self._found.done():
            self._found = Future()
            self._found.set_running_or_notify_cancel()  # who waits in vain must not cancel it for others
            threading.Thread(target=self._run, args=(self._found,), name="readiness", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._found), LOOK_SECONDS)
        except TimeoutError:
            return _NO_ANSWER

    def _run(self, found: Future[str]) -> None:
        try:
            found.set_result(self._look())
        except Exception as error:  # noqa: BLE001 - the edge of the thread
            _log.debug("not ready", exc_info=error)
            found.set_result("It cannot be looked at.")


class Health:
    """Answers ``/livez`` and ``/readyz`` before anybody has to sign in.

    ``/livez``: the event loop turns; who gets no answer starts the server anew. ``/readyz``: 200 where the server can
    do its work, 503 with what is wrong where it cannot; who gets that sends no requests for now.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self.app = app
        self.readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or scope["path"] not in _PATHS or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        scope[ROUTE] = scope["path"]
        answer = _answer(200, {"status": "alive"}) if scope["path"] == "/livez" else await self._ready()
        await answer(scope, receive, send)

    async def _ready(self) -> Response:
        found = await self.readiness.look()
        ready = not any(found.values())
        checks = {name: fault or "ok" for name, fault in found.items()}
        return _answer(200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks})


def _answer(status: int, document: Mapping[str, object]) -> Response:
    headers = ALWAYS | ({} if status < 300 else {"Retry-After": "5"})
    return JSONResponse(document, status, headers)
