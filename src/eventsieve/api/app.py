"""Building the application."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

import eventsieve
from eventsieve import machine
from eventsieve.api import v1
from eventsieve.api.failures import install_handlers
from eventsieve.api.logs import LogRequests, configure_logs
from eventsieve.api.uploads import LimitUploads
from eventsieve.api.v2.app import create_v2
from eventsieve.api.v2.problems import PREFIX
from eventsieve.api.v2.quick import QuickPredictions
from eventsieve.api.v2.streams import set_by_signals
from eventsieve.service import Service
from eventsieve.settings import Settings

__all__ = ["create_app"]

DESCRIPTION = """
Finds the signal in tables of collision events: train classifiers side by side under a hard time limit, compare them,
put one in charge and get predictions.

Every refusal is a document `{"detail": "<text>"}` whose text names the culprit and the cure.
"""


def create_app(settings: Settings, *, embedded: bool = False) -> FastAPI:
    """The application with these settings; the store is opened when it starts and closed when it ends.

    ``embedded``: in a process that is somebody else's, whose logs are left alone, and where nothing is prepared for
    clients to come. Who stops the server otherwise than by a signal sets ``app.state.closing`` first, so that open
    streams end.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if not embedded:
            configure_logs(settings)
        app.state.service = await run_in_threadpool(Service.open, settings)
        # Reading and predicting take a core and some memory each; more of them at once would only take turns.
        app.state.heavy = CapacityLimiter(max(2, machine.cores()))
        try:
            if not embedded:
                await run_in_threadpool(app.state.service.warm)
            with set_by_signals(app.state.closing):
                yield
        finally:
            await run_in_threadpool(app.state.service.close)

    app = FastAPI(
        title="Eventsieve",
        version=eventsieve.__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
    )

    @app.get("/", tags=["connection"], summary="Is the server there?", response_description="It is.")
    async def ready() -> v1.MessageResponse:
        """Answers at once, whatever is being trained."""
        return v1.MessageResponse(message="Ready to work!")

    app.include_router(v1.router)
    app.state.closing = threading.Event()
    app.router.routes.append(_mounted(create_v2(app.state)))
    install_handlers(app)
    app.add_middleware(QuickPredictions)
    app.add_middleware(LimitUploads, limit=settings.max_upload_bytes)
    app.add_middleware(LogRequests)
    return app


def _mounted(app: FastAPI) -> Mount:
    mount = Mount(PREFIX, app)
    # A line feed may be in a model's name, and the pattern would stop at it.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount
