"""The web server: Streamlit with its options in code, and the relay before it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import FrameType

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from streamlit.runtime.pages_manager import PagesManager

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
    relays: list[Relay] = []

    def relay(app: ASGIApp) -> Relay:
        base = str(st.get_option("server.baseUrlPath") or "")
        relays.append(Relay(app, settings.FASTAPI_URL, settings.ROUTE, base))
        return relays[-1]

    app = st.App(SCRIPT, middleware=[Middleware(relay)], lifespan=_lifespan(settings, relays, say))
    with suppress(KeyboardInterrupt):
        app.run(config={**OPTIONS, "server.address": settings.WEB_HOST, "server.port": settings.WEB_PORT})


def _lifespan(
    settings: WebSettings, relays: list[Relay], say: Callable[[str], object]
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for relay in relays:
                relay.stop()

        with _on_signals(lambda: loop.call_soon_threadsafe(loop.call_later, GOODBYE_SECONDS, stop)):
            say(f"Eventsieve is at {_address(settings)}, its server at {settings.FASTAPI_URL}")
            yield
        for relay in relays:
            await relay.close()

    return lifespan


def _address(settings: WebSettings) -> str:
    """Where the page is served; a port of 0 has become one by now."""
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
