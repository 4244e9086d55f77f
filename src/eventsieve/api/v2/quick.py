"""A few events for a model that is ready: answered before the application is asked.

What the whole way through the application costs is many times what a model needs for an event. So requests with nothing
unusual in them are answered here; all others are handed on untouched, and whatever is wrong with them is found and said
by the endpoint itself (`eventsieve.api.v2.predictions.predict`), which gives the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from anyio import to_thread
from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.api.paths import ROUTE
from eventsieve.api.v2.calls import FEW_EVENTS
from eventsieve.api.v2.predictions import told
from eventsieve.api.v2.problems import PREFIX
from eventsieve.api.v2.strict import parse_json
from eventsieve.errors import BadTable
from eventsieve.service.ready import ReadyModel

__all__ = ["QUICK_ROUTE", "QuickPredictions"]

MOST_BYTES: Final = 128 << 10

QUICK_ROUTE: Final = f"{PREFIX}/models/{{ref}}/predictions"
"""The route of the endpoint that requests are for which are answered here."""

_BEGINNING: Final = f"{PREFIX}/models/"
_END: Final = "/predictions"
_TELLING: Final = frozenset((b"content-type", b"content-length", b"content-encoding", b"accept", b"transfer-encoding"))
_TAKEN: Final = {
    b"content-type": frozenset((b"application/json", b"application/json; charset=utf-8")),
    b"accept": frozenset((b"*/*", b"application/json", b"application/json, text/plain, */*")),
}


class QuickPredictions:
    """Answers predictions of a few plain rows of JSON, and hands everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        ready = _asked(scope)
        if ready is None:
            await self.app(scope, receive, send)
            return
        came = await _received(receive)
        rows = _rows(b"".join(message.get("body", b"") for message in came))
        answer = await _answer(scope, ready, rows) if rows else None
        if answer:
            scope[ROUTE] = QUICK_ROUTE
        await (answer or self.app)(scope, _again(came, receive), send)


def _asked(scope: Scope) -> ReadyModel | None:
    """The model that a request is for; ``None`` where the request is no ordinary one, or the model is not ready."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"] or scope.get("root_path"):
        return None
    path: str = scope["path"]
    if not (path.startswith(_BEGINNING) and path.endswith(_END) and _is_plain(scope["headers"])):
        return None
    ready: ReadyModel | None = scope["app"].state.service.predictions.ready.get(path[len(_BEGINNING) : -len(_END)])
    return ready


def _is_plain(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether headers announce a small document of JSON, and take one."""
    given = [pair for pair in headers if pair[0] in _TELLING]
    said = dict(given)
    size = said.pop(b"content-length", b"")
    return (
        len(given) == len(said) + 1  # nothing is said twice
        and len(size) < 7
        and size.isdigit()
        and int(size) <= MOST_BYTES
        and b"content-type" in said
        and all(name in _TAKEN and value.lower() in _TAKEN[name] for name, value in said.items())
    )


async def _received(receive: Receive) -> list[Message]:
    """All that comes of a request's body."""
    came = [await receive()]
    while came[-1]["type"] == "http.request" and came[-1].get("more_body", False):
        came.append(await receive())
    return came


def _again(came: Sequence[Message], receive: Receive) -> Receive:
    """The same messages once more, and those that follow."""
    messages = iter(came)

    async def again() -> Message:
        return next(messages, None) or await receive()

    return again


def _rows(body: bytes) -> Sequence[Mapping[str, Any]] | None:
    """The events in a body that has a few of them and nothing else."""
    try:
        asked = parse_json(body)
    except ValueError:
        return None
    rows = asked["events"] if isinstance(asked, dict) and asked.keys() == {"events"} else None
    if isinstance(rows, list) and 0 < len(rows) <= FEW_EVENTS and all(type(row) is dict for row in rows):
        return rows
    return None


async def _answer(scope: Scope, ready: ReadyModel, rows: Sequence[Mapping[str, Any]]) -> Response | None:
    part, pipeline = ready.read(rows), ready.pipeline
    if part is None or pipeline is None:
        return None
    predict: Callable[[], Response] = lambda: told(ready.predict(pipeline, part))  # noqa: E731 - done here or there
    try:
        if ready.is_brief(len(rows)):
            return predict()
        return await to_thread.run_sync(predict, limiter=scope["app"].state.brief)
    except BadTable:
        return None
