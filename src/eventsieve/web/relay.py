"""Files between browser and server, past the pages: streamed both ways, and only at the addresses of `relay_paths`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import anyio
import httpx2
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from eventsieve.client.failures import failure
from eventsieve.client.transport import segment
from eventsieve.errors import NotFound, ServerUnreachable
from eventsieve.web.refusals import refusal
from eventsieve.web.relay_paths import FOLDER, FORMATS, KINDS
from eventsieve.web.streams import Passed, answered, body, drain
from eventsieve.web.upstream import addresses, connections, on_behalf, why

__all__ = ["UPLOAD_HEADER", "Relay"]

_log = logging.getLogger(__name__)

UPLOAD_HEADER = "X-Eventsieve-Upload"
"""No form and no link of another site can send it, and what such a site's scripts send, the browser asks us first."""
SILENT_SECONDS = 3600.0
"""How long the server may compute before it answers; a table of gigabytes is read before a data set is told."""
UPLOAD_QUERY = ("filename", "name", "tree", "header")
CARD_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Names and notes in a card are anybody's text; were one not escaped, it would still run nothing as this site."""


class _Name(PathConvertor):
    # A name may hold slashes and line feeds.
    regex = "(?s:.+)"


register_url_convertor("name", _Name())


class Relay:
    """A middleware that answers below ``/files/`` and hands on the rest.

    It stands before Streamlit's own middleware: that would compress what is packed already, take the lengths away from
    the browser, and refuse names with two points.

    Args:
        app: the rest.
        server: where the server is.
        prefix: of the native interface on the server.
        base: the path below which the page is served; empty for the root.
        http: the client to speak through.
    """

    def __init__(
        self, app: ASGIApp, server: str, prefix: str, base: str = "", http: httpx2.AsyncClient | None = None
    ) -> None:
        self.app = app
        self.base = f"/{base.strip('/')}".rstrip("/")
        self._server, self._api = addresses(server, prefix)
        self._http = http or connections(server, SILENT_SECONDS)
        self._running: set[anyio.CancelScope] = set()
        self._router = Router(self._routes(), redirect_slashes=False, default=_nothing)

    def _routes(self) -> list[Route]:
        folder = f"/{FOLDER}"
        routes = [Route(f"{folder}/datasets", self.upload, methods=["PUT"])]
        routes += [
            Route(f"{folder}/predictions/{{model:name}}.{each}", self._predictions(each), methods=["GET"])
            for each in FORMATS
        ]
        routes += [
            Route(f"{folder}/datasets/{{dataset}}/report.pdf", self.report, methods=["GET"]),
            Route(f"{folder}/report.pdf", self.sample, methods=["GET"]),
        ]
        routes += [
            Route(f"{folder}/models/{{model:name}}/{each}", self._of_model(each), methods=["GET"]) for each in KINDS
        ]
        for route in routes:
            # Its answer costs what the file costs.
            (route.methods or set()).discard("HEAD")
        return routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(f"{self.base}/{FOLDER}/"):
            await self.app(scope, receive, send)
            return
        with anyio.CancelScope() as running:
            self._running.add(running)
            try:
                await self._router(_own(scope, self.base), receive, send)
            except ClientDisconnect:
                _log.info("the reader of %s has gone", path)
            finally:
                self._running.discard(running)

    def stop(self) -> None:
        """Break off what is under way."""
        for running in list(self._running):
            running.cancel()

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._http.aclose()

    async def upload(self, request: Request) -> Response:
        """Hand a table on to the server as it comes; what the server says comes back."""
        if request.headers.get(UPLOAD_HEADER) != "1":
            return _problem(HTTPStatus.FORBIDDEN, f"Uploads from other sites are refused; send {UPLOAD_HEADER}: 1.")
        headers = on_behalf(request) | {"Content-Type": "application/octet-stream"}
        if length := request.headers.get("content-length"):
            headers["Content-Length"] = length
        sent = anyio.Event()
        asked = self._http.build_request(
            "POST",
            f"{self._api}/datasets",
            params=[(key, value) for key, value in request.query_params.multi_items() if key in UPLOAD_QUERY],
            headers=headers,
            content=body(request, sent),
        )
        try:
            answer = await answered(self._http, request, asked, sent)
        except httpx2.TransportError as error:
            await drain(request)
            return _problem(HTTPStatus.BAD_GATEWAY, why(error))
        # A browser that is still sending hears nothing before it has sent all.
        await drain(request)
        return Passed(answer, {})

    def _predictions(self, format_: str) -> Callable[[Request], Awaitable[Response]]:
        async def predictions(request: Request) -> Response:
            model, dataset = request.path_params["model"], request.query_params.get("dataset", "")
            threshold = request.query_params.get("threshold")
            return await self._passing(
                request,
                "POST",
                f"/models/{segment(model)}/predictions",
                params={"format": format_} | ({} if threshold is None else {"threshold": threshold}),
                json={"dataset": dataset},
            )

        return predictions

    def _of_model(self, what: str) -> Callable[[Request], Awaitable[Response]]:
        async def of_model(request: Request) -> Response:
            model = segment(request.path_params["model"])
            extra = {"Content-Security-Policy": CARD_POLICY} if what == "card.html" else {}
            return await self._passing(request, "GET", f"/models/{model}/{what}", extra=extra)

        return of_model

    async def report(self, request: Request) -> Response:
        """The report of a data set, or of two."""
        dataset, against = segment(request.path_params["dataset"]), request.query_params.get("against")
        params = {"against": against} if against else {}
        return await self._passing(request, "GET", f"/datasets/{dataset}/exploration.pdf", params=params)

    async def sample(self, request: Request) -> Response:
        """The report that the server was given, or its sample."""
        return await self._passing(request, "GET", "/report.pdf")

    async def _passing(
        self, request: Request, method: str, path: str, extra: Mapping[str, str] | None = None, **content: Any
    ) -> Response:
        """What the server answers, as it comes; a refusal as a page for people."""
        asked = self._http.build_request(method, self._api + path, headers=on_behalf(request), **content)
        try:
            answer = await answered(self._http, request, asked)
        except httpx2.TransportError as error:
            return refusal(request, ServerUnreachable(self._server, why(error)))
        if not answer.is_success:
            return await self._refused(request, answer)
        return Passed(answer, extra or {})

    async def _refused(self, request: Request, answer: httpx2.Response) -> Response:
        try:
            await answer.aread()
        except httpx2.TransportError as error:
            return refusal(request, ServerUnreachable(self._server, why(error)))
        finally:
            await answer.aclose()
        return refusal(request, failure(answer))


def _problem(status: HTTPStatus, detail: str) -> Response:
    document = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return JSONResponse(document, status, media_type="application/problem+json")


def _own(scope: Scope, base: str) -> Scope:
    """The request as it would be at the root, of no application: who has none answers refusals by himself."""
    own = {key: value for key, value in scope.items() if key != "app"}
    return own | {"path": scope["path"].removeprefix(base)}


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    missing = NotFound("There is no such file here; follow the links of the pages.")
    await refusal(Request(scope), missing)(scope, receive, send)
