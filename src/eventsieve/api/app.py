"""Building the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

import eventsieve
from eventsieve import machine
from eventsieve.api import v1
from eventsieve.api.failures import install_handlers
from eventsieve.api.logs import LogRequests, configure_logs
from eventsieve.api.uploads import LimitUploads
from eventsieve.service import Service
from eventsieve.settings import Settings

__all__ = ["create_app"]

DESCRIPTION = """
Finds the signal in tables of collision events: train classifiers side by side under a hard time limit, compare them,
put one in charge and get predictions.

Every refusal is a document `{"detail": "<text>"}` whose text names the culprit and the cure.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application with these settings; the store is opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs(settings)
        app.state.service = await run_in_threadpool(Service.open, settings)
        # Reading and predicting take a core and some memory each; more of them at once would only take turns.
        app.state.heavy = CapacityLimiter(max(2, machine.cores()))
        try:
            await run_in_threadpool(app.state.service.warm)
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
    install_handlers(app)
    app.add_middleware(LimitUploads, limit=settings.max_upload_bytes)
    app.add_middleware(LogRequests)
    return app
