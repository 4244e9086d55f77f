"""The web server: Streamlit with its options in code, and before it the guard, the door and the relay."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from streamlit.runtime.pages_manager import PagesManager

from eventsieve.web.door import Door
from eventsieve.web.guard import Guard
from eventsieve.web.relay import Relay
from eventsieve.web.settings import WebSettings
from eventsieve.web.theme import OPTIONS as THEME

__all__ = ["serve"]

SCRIPT = Path(__file__).with_name("main.py")
GOODBYE_SECONDS = 5.0
"""How long files that are under way may take when the process is told to end."""
OPTIONS = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "runner.magicEnabled": False,
    # By default a large figure is forgotten after two runs: who acts faster than it is drawn would lose an input.
    "global.maxCachedMessageAge": 50,
    # It would ask a host on the Internet for this machine's address.
    "logger.hideWelcomeMessage": True,
    # Tracebacks go where all logs go.
    "logger.enableRich": False,
    **THEME,
}


def serve(settings: WebSettings, say: Callable[[str], object] = print) -> None:
    """Serve the pages until the process is told to end.

    Args:
        settings: of the web client.
        say: told the page's address when it can be opened.
    """
    # Streamlit hands the script nothing: it reads its settings, as it does where it is started by itself.
    os.environ.update(settings.environment)
    # Streamlit would put the launcher's folder before the installed packages.
    sys.argv = [str(SCRIPT)]
    # The folder `pages` is a package; Streamlit would take its modules for scripts until `st.navigation` is called.
    PagesManager.uses_pages_directory = False
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno > logging.INFO)
    opened: list[Relay | Door] = []

    def relay(app: ASGIApp) -> Relay:
        opened.append(made := Relay(app, settings.FASTAPI_URL, settings.ROUTE, _base()))
        return made

    def door(app: ASGIApp) -> Door:
        made = Door(app, settings.FASTAPI_URL, settings.ROUTE, base=_base(), public=settings.PUBLIC_URL)
        opened.append(made)
        return made

    guard = Middleware(Guard, host=settings.WEB_HOST, public=settings.PUBLIC_URL)
    app = st.App(
        SCRIPT,
        secrets=_secrets(settings),
        middleware=[guard, Middleware(door), Middleware(relay)],
        lifespan=_lifespan(settings, opened, say),
    )
    with suppress(KeyboardInterrupt):
        app.run(config={**OPTIONS, **_found_at(settings)})


def _base() -> str:
    return str(st.get_option("server.baseUrlPath") or "")


def _found_at(settings: WebSettings) -> dict[str, Any]:
    """Options of Streamlit: where it listens, and under which address readers find it."""
    found: dict[str, Any] = {"server.address": settings.WEB_HOST, "server.port": settings.WEB_PORT}
    public = urlsplit(settings.PUBLIC_URL)
    if public.hostname:
        found["server.corsAllowedOrigins"] = [f"{public.scheme}://{public.netloc}"]
        # Sockets whose proxy has put its own name in place of the public one are compared with this.
        found["browser.serverAddress"] = public.hostname
    if settings.base:
        found["server.baseUrlPath"] = settings.base.strip("/")
    return found


def _secrets(settings: WebSettings) -> dict[str, Any] | None:
    """What Streamlit's sign-in through OIDC would read from a file ``secrets.toml``."""
    if not settings.oidc:
        return None
    return {
        "auth": {
            "redirect_uri": f"{settings.PUBLIC_URL}/oauth2callback",
            "cookie_secret": settings.COOKIE_SECRET or secrets.token_hex(),
            "client_id": settings.OIDC_CLIENT_ID,
            "client_secret": settings.OIDC_CLIENT_SECRET,
            "server_metadata_url": f"{(settings.OIDC_ISSUER or '').rstrip('/')}/.well-known/openid-configuration",
            "client_kwargs": {"scope": settings.OIDC_SCOPES},
            "expose_tokens": ["id"],
        }
    }


def _lifespan(
    settings: WebSettings, opened: list[Relay | Door], say: Callable[[str], object]
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for each in opened:
                each.stop()

        with _on_signals(lambda: loop.call_soon_threadsafe(loop.call_later, GOODBYE_SECONDS, stop)):
            say(f"Eventsieve is at {_address(settings)}, its server at {settings.FASTAPI_URL}")
            yield
        for each in opened:
            await each.close()

    return lifespan


def _address(settings: WebSettings) -> str:
    """Where the page is served; a port of 0 has become one by now."""
    if settings.PUBLIC_URL:
        return settings.PUBLIC_URL
    host = f"[{settings.WEB_HOST}]" if ":" in settings.WEB_HOST else settings.WEB_HOST
    return f"http://{host}:{st.get_option('server.port')}"


@contextmanager
def _on_signals(act: Callable[[], object]) -> Iterator[None]:
    """Act when the process is told to end, before the handlers that are there."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        act()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
