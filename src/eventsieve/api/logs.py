"""The logs: where they go, and a line for each request."""

from __future__ import annotations

import json
import logging
import logging.config
import time
import uuid
from importlib import resources
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.errors import BadConfiguration
from eventsieve.settings import Settings

__all__ = ["LogRequests", "configure_logs"]

LONGEST_REQUEST_ID = 64

_log = logging.getLogger("eventsieve.requests")


def configure_logs(settings: Settings) -> None:
    """Configure logging from LOG_CONFIG_PATH, or from the file that comes with Eventsieve.

    In either, ``{LOG_DIR}`` stands for the folder of the logs, which is made if it is not there.

    Raises:
        BadConfiguration: the file is missing or is no configuration, or the folder cannot be made.
    """
    path = settings.LOG_CONFIG_PATH or resources.files("eventsieve.api") / "log_config.json"
    try:
        settings.LOG_DIR.mkdir(parents=True, exist_ok=True)
        folder = json.dumps(str(settings.LOG_DIR.absolute()))[1:-1]
        text = path.read_text(encoding="utf-8").replace("{LOG_DIR}", folder)
        logging.config.dictConfig(json.loads(text))
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise BadConfiguration(
            f"The logs cannot be configured from {path} into {settings.LOG_DIR} ({error}); "
            f"correct LOG_CONFIG_PATH or LOG_DIR."
        ) from error


class LogRequests:
    """Writes a line for each request and gives the answer its id, the client's own where it sends one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _is_name(given) else uuid.uuid4().hex[:12]
        scope["eventsieve.request_id"] = name
        status = 500
        started = time.perf_counter()

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        finally:
            milliseconds = 1e3 * (time.perf_counter() - started)
            _log.info("%s %s %d %.1f ms id=%s", scope["method"], quote(scope["path"]), status, milliseconds, name)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_REQUEST_ID and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
