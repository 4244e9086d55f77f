"""The guard before the pages: under which names they are found, who may speak to them, and how browsers treat them.

A page on a laptop asks nobody to sign in, and another site could make its own name point there (DNS rebinding): its
scripts would then be of the page's own origin. Such a name is in the request, and is refused.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.errors import NotAllowed
from eventsieve.web.refusals import refusal

__all__ = ["Guard"]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # No more than this: Streamlit's own scripts make code and styles as they run.
    "Content-Security-Policy": "base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'",
}
"""Of every answer that does not say otherwise itself."""
FORBIDDEN = 4403
"""The code by which a socket is closed, of those that are free for all."""


class Guard:
    """A middleware that refuses what comes for other names or, as a socket, from other sites; it adds headers.

    Args:
        app: the rest.
        host: on which the page listens.
        public: where readers find the page; empty: not told.
    """

    def __init__(self, app: ASGIApp, host: str, public: str = "") -> None:
        self.app = app
        told = urlsplit(public)
        self._public = told.netloc
        self._names = {host, told.hostname or ""} - {""}
        # Where it listens for others and nobody has said under which name, every name may be right.
        self._all_names = not (public or _is_own(host))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if self._is_ours(host):
            await self.app(scope, receive, send_guarded)
            return
        error = NotAllowed(
            f"This page does not go by the name {host[:100]!r}; ask for it by its address, or have who runs it set "
            f"PUBLIC_URL to where it is found."
        )
        await refusal(_alone(scope), error)(scope, receive, send_guarded)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        here = {host, self._public} - {""}
        # Streamlit would let in more, and ask a host on the Internet for this machine's address first.
        if self._is_ours(host) and (origin is None or urlsplit(origin).netloc in here):
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": FORBIDDEN})

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        name = name.removesuffix(".")
        return self._all_names or not name or name in self._names or _is_own(name) or _is_number(name)


def _is_own(name: str) -> bool:
    """Whether a name is this machine's for everybody."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_number(name) and ip_address(name).is_loopback


def _is_number(name: str) -> bool:
    """Whether it is an address, which no other site can have for a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _alone(scope: Scope) -> Request:
    own: dict[str, Any] = {key: value for key, value in scope.items() if key != "app"}
    return Request(own)
