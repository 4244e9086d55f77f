"""The logs: where they go, and a line for each request, which is counted too."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
from collections.abc import Collection, Iterable
from importlib import resources
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.acting import Call, serving
from eventsieve.api.loglines import CALL, Clean, context
from eventsieve.api.masking import masked
from eventsieve.api.metrics import RECEIVED, Metrics, Seen
from eventsieve.errors import BadConfiguration
from eventsieve.settings import Settings

__all__ = ["LogRequests", "configure_logs"]

LONGEST_REQUEST_ID = 64

_OFTEN: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: lines of them would be most of the log."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/-]*")
"""Paths that are written as they are."""

_log = logging.getLogger("eventsieve.requests")


def configure_logs(settings: Settings) -> None:
    """Configure logging from LOG_CONFIG_PATH, or from the file that comes with Eventsieve.

    In either, ``{LOG_DIR}`` stands for the folder of the logs, which is made if it is not there, and ``{LOG_FORMAT}``
    for the setting. Whatever the file says, secrets are masked in what its handlers get.

    Raises:
        BadConfiguration: the file is missing or is no configuration, or the folder cannot be made.
    """
    path = settings.LOG_CONFIG_PATH or resources.files("eventsieve.api") / "log_config.json"
    try:
        settings.LOG_DIR.mkdir(parents=True, exist_ok=True)
        folder = json.dumps(str(settings.LOG_DIR.absolute()))[1:-1]
        text = path.read_text(encoding="utf-8").replace("{LOG_DIR}", folder)
        config = json.loads(text.replace("{LOG_FORMAT}", settings.LOG_FORMAT))
        logging.config.dictConfig(config)
        _clean(config.get("handlers", {}))
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise BadConfiguration(
            f"The logs cannot be configured from {path} into {settings.LOG_DIR} ({error}); "
            f"correct LOG_CONFIG_PATH or LOG_DIR."
        ) from error


def _clean(names: Collection[str]) -> None:
    """Have the handlers of these names write clean records only."""
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        for handler in getattr(logger, "handlers", ()):
            if handler.name in names and not isinstance(handler.formatter, Clean):
                handler.setFormatter(Clean(handler.formatter or logging.Formatter()))


class LogRequests:
    """Writes a line for each request, counts it, and gives the answer its id, the client's own where it sends one."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given, kind = _told(scope["headers"])
        name = given if _is_name(given) else token_hex(6)
        scope["eventsieve.request_id"] = name
        call = scope[CALL] = Call(request_id=name, client=(scope.get("client") or ("",))[0])
        received = scope[RECEIVED] = [0]
        outer, status, sent = scope.get("app"), 500, 0

        async def receive_counted() -> Message:
            message = await receive()
            received[0] += len(message.get("body", b""))
            return message

        async def send_named(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode("ascii"))]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        self.metrics.in_flight += 1
        started = time.perf_counter()
        try:
            with serving(call):
                await self.app(scope, receive_counted, send_named)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.in_flight -= 1
            upload = b"json" not in kind
            self.metrics.count(scope, outer, Seen(status, seconds, received[0], sent, upload=upload))
            _write(scope, call, status, seconds)


def _told(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, bytes]:
    """The request's id and the content type that a client says."""
    name, kind = b"", b""
    for header, value in headers:
        if header == b"x-request-id":
            name = value
        elif header == b"content-type":
            kind = value
    return name.decode("latin-1"), kind


def _write(scope: Scope, call: Call, status: int, seconds: float) -> None:
    path = scope["path"]
    level = logging.DEBUG if path in _OFTEN and status < 400 else logging.INFO
    if not _log.isEnabledFor(level):
        return
    told = scope["method"], path if _PLAIN.fullmatch(path) else quote(path), status, 1e3 * seconds
    fields: dict[str, Any] = dict(zip(("method", "path", "status", "milliseconds"), told, strict=True))
    fields["milliseconds"] = round(1e3 * seconds, 1)
    if call.touched:
        fields["objects"] = [masked(each) for each in call.touched]
    # As `_log.log` does, which would look up in the stack each time where it was called.
    record = _log.makeRecord(
        _log.name, level, __file__, 0, "%s %s %d %.1f ms", told, None, "_write", fields | context(call)
    )
    _log.handle(record)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_REQUEST_ID and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
