"""The audit trail of the interfaces: each request that changes something, or tried to, becomes an entry."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve import acting
from eventsieve.api.loglines import CALL
from eventsieve.api.masking import masked
from eventsieve.api.metrics import RECEIVED, Metrics
from eventsieve.api.roles import role_of
from eventsieve.records import AccessRole

__all__ = ["Audit", "is_audited"]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SESSIONS: Final = "/sessions"
"""They need no role beyond a reader's, but who came in when is worth knowing."""
_NOTHING_DONE: Final = frozenset({401, 405, 429, 503})
"""Statuses of answers that are no answer of an operation, or of one that could not even be tried."""
_KINDS: Final = {"ref": "model", "model_id": "model", "alias": "alias"}
"""What a parameter of a path names; of an ``id`` the path itself says it."""

_log = logging.getLogger(__name__)


def is_audited(method: str, template: str) -> bool:
    """Whether requests of a route become entries.

    Args:
        method: of the request.
        template: of the path, as the description of its version has it.
    """
    if method in _SAFE:
        return False
    return template.startswith(_SESSIONS) or role_of(method, template) is not AccessRole.READER


class Audit:
    """Writes down who did what, when it is done and before the answer says so.

    So whoever has an answer finds the entry, and entries stand in the order in which things were done. Where an entry
    cannot be written the change has happened all the same: the log has it as an error, and it is counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._lost = metrics.lost_deeds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or scope["method"] in _SAFE:
            await self.app(scope, receive, send)
            return
        written = False

        async def send_after(message: Message) -> None:
            nonlocal written
            if not written:
                written = True
                await self._write(scope, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_after)
        except Exception:
            if not written:
                await self._write(scope, 500)
            raise

    async def _write(self, scope: Scope, status: int) -> None:
        route = scope.get("route")
        template = getattr(route, "path_format", None)
        if template is None or status in _NOTHING_DONE or not is_audited(scope["method"], template):
            return
        call: acting.Call = scope[CALL]
        action, objects = getattr(route, "name", template), _objects(template, scope["path_params"], call)
        trail = scope["app"].state.service.trail
        try:
            await run_in_threadpool(
                trail.add, action, objects, status=status, size=scope[RECEIVED][0], client=call.client
            )
        except Exception:  # noqa: BLE001 - the change has been made: nothing is left but to say so
            self._lost.inc()
            _log.exception("the audit trail lacks %s of %s, status %d", action, ", ".join(objects), status)


def _objects(template: str, parameters: Mapping[str, Any], call: acting.Call) -> list[str]:
    """What the path names, and what was touched on the way."""
    named = []
    for name, value in parameters.items():
        kind = _KINDS.get(name) or template.partition("/{")[0].strip("/").rpartition("/")[2].removesuffix("s")
        named.append(f"{kind}:{value}")
    # Somebody may have sent a key in the place of a name.
    return [masked(each) for each in dict.fromkeys([*named, *call.touched])]
