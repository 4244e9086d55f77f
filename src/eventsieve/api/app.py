"""Building the application."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

import eventsieve
from eventsieve import machine
from eventsieve.api import v1
from eventsieve.api.access import Authenticate
from eventsieve.api.audit import Audit
from eventsieve.api.describing import add_pages
from eventsieve.api.failures import install_handlers
from eventsieve.api.guard import Guard
from eventsieve.api.health import Health, Readiness
from eventsieve.api.identity import identities_of
from eventsieve.api.logs import LogRequests, configure_logs
from eventsieve.api.metrics import Metrics, add_metrics
from eventsieve.api.quotas import CountUploads
from eventsieve.api.rates import Buckets, Rates
from eventsieve.api.roles import describe_sign_in
from eventsieve.api.stopping import ends_in_order
from eventsieve.api.uploads import LimitUploads
from eventsieve.api.v2.app import create_v2
from eventsieve.api.v2.problems import PREFIX
from eventsieve.api.v2.quick import QuickPredictions
from eventsieve.api.v2.streams import Streams
from eventsieve.service import Service
from eventsieve.settings import Settings

__all__ = ["create_app"]

_log = logging.getLogger(__name__)

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
        metrics.follow(app.state.service.chronicle)
        # Reading and predicting take a core and some memory each; more of them at once would only take turns.
        app.state.heavy = CapacityLimiter(max(2, machine.cores()))
        # A few events take milliseconds, which must not wait behind a table's seconds.
        app.state.brief = CapacityLimiter(max(2, machine.cores()))
        try:
            if not embedded:
                await run_in_threadpool(app.state.service.warm)
                app.state.service.retention.start()
            if auth and identities is None and not await run_in_threadpool(app.state.service.access.usable):
                _log.warning("there is no key yet, so nobody can sign in: eventsieve keys create NAME --role admin")
            with ends_in_order(app.state.closing, _finish(app.state.service, settings)):
                yield
        finally:
            await run_in_threadpool(app.state.service.close)

    # Who shares this process has the store's files too, so there is nothing to sign in to.
    auth = settings.AUTH and not embedded
    identities = None if embedded else identities_of(settings)
    app = _Application(
        title="Eventsieve",
        version=eventsieve.__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    add_pages(app)

    @app.get("/", tags=["connection"], summary="Is the server there?", response_description="It is.")
    async def ready() -> v1.MessageResponse:
        """Answers at once, whatever is being trained."""
        return v1.MessageResponse(message="Ready to work!")

    metrics, readiness = Metrics(), Readiness(app.state, settings.MIN_FREE_MB << 20)
    add_metrics(app, metrics, readiness)
    app.include_router(v1.router)
    app.state.closing = threading.Event()
    app.state.streams = Streams(settings.MAX_STREAMS)
    app.state.auth, app.state.oidc = auth, identities is not None
    app.router.routes.append(_mounted(create_v2(app.state)))
    install_handlers(app)
    app.state.buckets = Buckets()
    app.add_middleware(QuickPredictions)
    app.add_middleware(LimitUploads, limit=settings.max_upload_bytes, seconds=settings.BODY_SECONDS)
    app.add_middleware(CountUploads, limit=settings.quotas.upload)
    app.add_middleware(Audit, metrics=metrics)
    app.add_middleware(Rates, buckets=app.state.buckets, limit=settings.QUOTA_REQUESTS)
    app.add_middleware(Authenticate, required=auth, open_=settings.OPEN or embedded, identities=identities)
    app.add_middleware(
        Guard,
        hosts=_hosts(settings),
        any_host=auth and not settings.ALLOWED_HOSTS,
        origins=settings.CORS_ORIGINS,
    )
    app.add_middleware(Health, readiness=readiness)
    app.add_middleware(LogRequests, metrics=metrics)
    return app


def _finish(service: Service, settings: Settings) -> Callable[[], None] | None:
    """What is to be done before the server ends."""
    return partial(service.finish, settings.STOP_SECONDS) if settings.ON_STOP == "finish" else None


def _hosts(settings: Settings) -> list[str]:
    """The names that this server goes by."""
    return [settings.HOST, *settings.ALLOWED_HOSTS]


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description of the interface, with what somebody signs in with where everybody has to."""
        document = super().openapi()
        return describe_sign_in(document) if self.state.auth else document


def _mounted(app: FastAPI) -> Mount:
    mount = Mount(PREFIX, app)
    # A line feed may be in a model's name, and the pattern would stop at it.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount
