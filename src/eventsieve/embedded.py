"""The same client without a server to start: the application runs in this process, on a private socket."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from eventsieve.api.app import create_app
from eventsieve.client import Client
from eventsieve.errors import BadConfiguration
from eventsieve.settings import Settings, read_settings

__all__ = ["LocalClient", "local"]

LONGEST_SOCKET = 100
"""Characters in the path of a Unix socket, a little less than what the kernels allow (104 on macOS, 108 on Linux)."""
GOODBYE_SECONDS = 2
"""How long answers that are under way may take when the client is closed."""


def local(folder: Path | str | None = None, **settings: Any) -> LocalClient:
    """A client whose server is this process; it ends by ``close``, with a ``with`` block, or with the process.

    Trainings run in processes of their own, as they do below a server; closing interrupts them. Several such clients,
    and servers, may work on one folder at once.

    Args:
        folder: of models, tables and the registry; default: the setting ``MODEL_DIR``, ``models`` where you are.
        **settings: others by their names, in capitals or not, say ``time_limit=300``; what is not given is read from
            ``EVENTSIEVE_…`` variables and a file ``.env``.

    Raises:
        BadConfiguration: a setting that does not exist, or cannot be used; the message names it.
    """
    given = {name.upper(): value for name, value in settings.items()}
    if unknown := [name for name in given if name not in Settings.model_fields]:
        raise BadConfiguration(
            f"There is no setting {', '.join(unknown)}; there are: {', '.join(Settings.model_fields)}."
        )
    return LocalClient(read_settings(**({"MODEL_DIR": folder} | given)))


class LocalClient(Client):
    """A client of an application in this process."""

    def __init__(self, settings: Settings) -> None:
        server = _Server(create_app(settings, embedded=True))
        # It answers when it is done, however long that takes: there is no network that could lose it.
        through = httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(server.socket)),
            trust_env=False,
            timeout=None,
        )
        super().__init__("http://localhost", http=through)
        self.folder = settings.MODEL_DIR.absolute()
        # Also when nobody holds the client any more, and at the end of the process.
        self._end = weakref.finalize(self, _end, through, server)

    def close(self) -> None:
        """End the application; trainings that are under way are interrupted."""
        self._end()

    def __repr__(self) -> str:
        return f"eventsieve.local({str(self.folder)!r})"


def _end(through: httpx2.Client, server: _Server) -> None:
    through.close()
    server.stop()


class _Server:
    """An application on a Unix socket, served by a thread; it is ready when this is made."""

    def __init__(self, app: FastAPI) -> None:
        self._folder = _private_folder()
        self.socket = self._folder / "socket"
        config = uvicorn.Config(
            app,
            uds=str(self.socket),
            lifespan="off",  # entered below, where a failure comes up as it is
            log_config=None,  # the logs of the process belong to who owns it
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
        self._server = _Told(config)
        self._closing: threading.Event = app.state.closing
        # A thread that is no main thread gets no signals, and uvicorn leaves their handlers alone there.
        self._thread = threading.Thread(target=self._run, args=(app,), name="eventsieve-local", daemon=True)
        self._thread.start()
        try:
            self._server.ready.result()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, and what it has begun; may be called again."""
        self._closing.set()  # whoever follows a job is let go
        self._server.should_exit = True
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, app: FastAPI) -> None:
        try:
            asyncio.run(self._serve(app))
        except BaseException as error:  # noqa: BLE001 - goes to the thread that waits, where it is raised
            if not self._server.ready.done():
                self._server.ready.set_exception(error)
        else:
            if not self._server.ready.done():
                self._server.ready.set_exception(BadConfiguration("The local server ended before it was ready."))

    async def _serve(self, app: FastAPI) -> None:
        async with app.router.lifespan_context(app):
            await self._server.serve()


class _Told(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready: Future[None] = Future()

    async def startup(self, sockets: Any = None) -> None:
        """As uvicorn has it."""
        await super().startup(sockets)
        self.ready.set_result(None)


def _private_folder() -> Path:
    """A new folder that nobody else can enter, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="eventsieve-"))
    if len(str(folder / "socket")) <= LONGEST_SOCKET:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="eventsieve-", dir="/tmp"))
