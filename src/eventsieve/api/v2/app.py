"""Building the application of version 2."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.datastructures import State

import eventsieve
from eventsieve.api.describing import add_pages
from eventsieve.api.roles import describe_sign_in
from eventsieve.api.v2 import (
    access,
    audit,
    comparisons,
    current,
    datasets,
    estimators,
    explorations,
    jobs,
    models,
    predictions,
    simulations,
    usage,
)
from eventsieve.api.v2.problems import Problem, install_handlers, refusals
from eventsieve.api.v2.strict import StrictRoute

__all__ = ["create_v2"]

DESCRIPTION = """
Tables of collision events are stored once, explored, and classifiers are trained on them in jobs that are followed
while they run; models are compared, kept under names, and predict.

Every refusal is a problem document (RFC 9457, `application/problem+json`) whose `detail` names the culprit and the
cure. Lists are pages: `items`, `total` and `offset`. Parameters that a path does not have are refused.
"""

connection = APIRouter(route_class=StrictRoute, tags=["connection"])


class Ready(BaseModel):
    """That the server is there."""

    message: str = Field(description="The text.")
    version: str = Field(description="The version of Eventsieve.")


@connection.get("/", summary="Is the server there?", response_description="It is.")
async def ready() -> Ready:
    """Answers at once, whatever is being trained."""
    return Ready(message="Ready to work!", version=eventsieve.__version__)


# Of two paths that a request fits, the first answers: predictions of a model come before the model.
ROUTERS = (
    connection,
    datasets.router,
    explorations.router,
    estimators.router,
    jobs.router,
    predictions.router,
    models.router,
    current.router,
    comparisons.router,
    simulations.router,
    access.router,
    audit.router,
    usage.router,
)


def create_v2(state: State) -> FastAPI:
    """The application of version 2, to be mounted at `problems.PREFIX`.

    Args:
        state: of the application around it: ``service``, ``heavy``, ``closing``, and ``auth`` and ``oidc``: whether
            somebody has to sign in, and may through a provider.
    """
    app = _Native(
        title="Eventsieve",
        version=eventsieve.__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        responses=refusals(401, 403, 422, 429, 500),
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    add_pages(app)
    app.state = state
    for router in ROUTERS:
        app.include_router(router)
    install_handlers(app, [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)])
    return app


class _Native(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description of the interface, with the one shape of refusals."""
        document = super().openapi()
        _, shape = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= shape["$defs"]
        return describe_sign_in(document) if self.state.auth else document
