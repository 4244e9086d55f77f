"""Signing in and out: a key becomes a session of the server, which the browser keeps in a cookie that no page can read.

The cookie is set here because pages cannot set any. Both routes want a header that no form and no link can send, and a
request from this very site: another one can sign nobody in or out.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from eventsieve.web.session import COOKIE, bearer, is_token, token_of
from eventsieve.web.tickets import TICKETS, Tickets
from eventsieve.web.upstream import addresses, connections, on_behalf, why

__all__ = ["SIGN_IN", "SIGN_IN_HEADER", "SIGN_OUT", "Door"]

_log = logging.getLogger(__name__)

SIGN_IN, SIGN_OUT = "sign-in", "sign-out"
"""Addresses, relative to the page's own."""
SIGN_IN_HEADER = "X-Eventsieve-Sign-In"
LARGEST = 32_768
"""Bytes of a request: a key, or a ticket."""
PATIENCE = 30.0
ENDED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
"""What the server says of a session that has ended by itself."""
STREAMLIT_COOKIES = "_streamlit_user"
"""The names begin so under which Streamlit keeps who has signed in through OIDC, for a month."""


class Door:
    """A middleware that answers `SIGN_IN` and `SIGN_OUT` and hands on the rest.

    Args:
        app: the rest.
        server: where the server is.
        prefix: of the native interface on the server.
        base: the path below which the page is served; empty for the root.
        public: where readers find the page; empty: where they ask for it.
        http: the client to speak through.
        tickets: of those who come from a provider of identities.
    """

    def __init__(
        self,
        app: ASGIApp,
        server: str,
        prefix: str,
        *,
        base: str = "",
        public: str = "",
        http: httpx2.AsyncClient | None = None,
        tickets: Tickets = TICKETS,
    ) -> None:
        self.app = app
        self.base = f"/{base.strip('/')}".rstrip("/")
        self._public = urlsplit(public)
        self._server, self._api = addresses(server, prefix)
        self._http = http or connections(server, PATIENCE)
        self._tickets = tickets
        self._routes = {f"{self.base}/{SIGN_IN}": self.sign_in, f"{self.base}/{SIGN_OUT}": self.sign_out}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        route = self._routes.get(scope.get("path", "")) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = self._refused(request) or await route(request)
        except httpx2.TransportError as error:
            answer = _problem(HTTPStatus.BAD_GATEWAY, f"No answer from {self._server}: {why(error)}.")
        except ClientDisconnect:
            return
        answer.headers["Cache-Control"] = "no-store"
        await answer(scope, receive, send)

    def stop(self) -> None:
        """Nothing here takes long."""

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._http.aclose()

    def _refused(self, request: Request) -> Response | None:
        if request.method != "POST":
            answer = _problem(HTTPStatus.METHOD_NOT_ALLOWED, "Sign in and out on the pages.")
            answer.headers["Allow"] = "POST"
            return answer
        if request.headers.get(SIGN_IN_HEADER) != "1" or not self._is_from_here(request):
            return _problem(HTTPStatus.FORBIDDEN, "Another site can sign nobody in or out here; do it on the page.")
        return None

    def _is_from_here(self, request: Request) -> bool:
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None:
            return site == "same-origin"
        here = {request.headers.get("host"), self._public.netloc} - {""}
        return origin is None or urlsplit(origin).netloc in here

    async def sign_in(self, request: Request) -> Response:
        """Exchange a key, or what a ticket stands for, for a session."""
        key = await self._key(request)
        if key is None or not is_token(key):
            return _problem(HTTPStatus.UNAUTHORIZED, "That is no key, or it came too late; sign in again.")
        headers = {**on_behalf(request), **bearer(key)}
        answer = await self._http.post(f"{self._api}/sessions", headers=headers)
        if answer.is_error:
            refused = _as_it_is(answer)
            self._forget_streamlits(request, refused)
            return refused
        token, seconds = _session(answer)
        if token is None:
            return _problem(HTTPStatus.BAD_GATEWAY, f"{self._server} gave no session; see that it is of this version.")
        found = Response(status_code=HTTPStatus.NO_CONTENT)
        found.set_cookie(
            COOKIE,
            token,
            max_age=seconds,
            path=self.base or "/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",
        )
        self._forget_streamlits(request, found)
        return found

    async def sign_out(self, request: Request) -> Response:
        """End the session at the server, and have the browser forget it."""
        if token_of(request.cookies):
            answer = await self._http.delete(f"{self._api}/sessions/current", headers=on_behalf(request))
            if answer.is_error and answer.status_code not in ENDED:
                return _as_it_is(answer)
        gone = Response(status_code=HTTPStatus.NO_CONTENT)
        gone.delete_cookie(
            COOKIE, path=self.base or "/", secure=self._is_secure(request), httponly=True, samesite="lax"
        )
        self._forget_streamlits(request, gone)
        return gone

    async def _key(self, request: Request) -> str | None:
        """What the browser sent to sign in with."""
        sent = b""
        async for piece in request.stream():
            sent += piece
            if len(sent) > LARGEST:
                return None
        try:
            document: Any = json.loads(sent)
        except ValueError:
            return None
        if not isinstance(document, dict):
            return None
        if isinstance(ticket := document.get("ticket"), str):
            return self._tickets.redeem(ticket)
        key = document.get("key")
        return key.strip() if isinstance(key, str) else None

    def _is_secure(self, request: Request) -> bool:
        return "https" in (self._public.scheme, request.url.scheme)

    def _forget_streamlits(self, request: Request, answer: Response) -> None:
        """From now on our own cookie counts alone: who signs out, or is signed out, is not in again at once."""
        for name in request.cookies:
            if name.startswith(STREAMLIT_COOKIES):
                answer.delete_cookie(name, path=self.base or "/")


def _session(answer: httpx2.Response) -> tuple[str | None, int]:
    """The token of a session and its seconds; no token where the answer is none of a server of ours."""
    try:
        document = answer.json()
        token, ends = document["token"], datetime.fromisoformat(document["expires"])
        seconds = int((ends - datetime.now(ends.tzinfo or UTC)).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None, 0
    return token if isinstance(token, str) and is_token(token) else None, max(seconds, 0)


def _as_it_is(answer: httpx2.Response) -> Response:
    kept = {name: answer.headers[name] for name in ("content-type", "retry-after") if name in answer.headers}
    return Response(answer.content[:65_536], answer.status_code, kept)


def _problem(status: HTTPStatus, detail: str) -> Response:
    document = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return JSONResponse(document, status, media_type="application/problem+json")
