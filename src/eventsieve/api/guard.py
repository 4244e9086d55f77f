"""The guard at the door: who the request says it is for, which page sent it, and how a browser is to take the answer.

A server on a laptop asks nobody to sign in, and any web page that its owner looks at can send requests to it: as a
form to ``http://127.0.0.1:8000``, or after its own name has been made to point there (DNS rebinding). The first comes
with the page's origin, the second with the page's name as the host.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventsieve.api.headers import STRICT_TRANSPORT, unlike
from eventsieve.api.refusing import refusal
from eventsieve.errors import NotAllowed

__all__ = ["Guard", "host_of", "is_own_name"]

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MISDIRECTED: Final = 421

_ASKED: Final = ("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "X-Request-ID")
"""Headers that a page of a trusted origin may send."""
_TOLD: Final = ("Content-Disposition", "ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID")
"""Headers that it may read."""

_PORTS: Final = {b"http": b"80", b"https": b"443"}


class Guard:
    """Refuses requests for other hosts (421) and changes from other sites' pages (403); adds the security headers.

    Args:
        app: what is guarded.
        hosts: names that this server goes by, besides those that no stranger can give it.
        any_host: whether every name will do: where everybody has to sign in, a foreign page has nothing to show.
        origins: the origins whose pages may read answers and make changes.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str] = (), any_host: bool = False, origins: Collection[str] = ()
    ) -> None:
        self.app = _shared(app, origins) if origins else app
        self._any_host = any_host
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._origins = frozenset(origin.lower().encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                message["headers"] = [*given, *unlike(given), *([STRICT_TRANSPORT] if secure else ())]
            await send(message)

        answer = self._refusal(scope)
        await (answer or self.app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Why a request is not let in; ``None`` where it is."""
        hosts, origin, site = [], b"", b""
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origin = value.lower()
            elif name == b"sec-fetch-site":
                site = value
        if len(hosts) > 1 or (hosts and not self._is_ours(host_of(hosts[0]), scope)):
            return refusal(scope, MISDIRECTED, _misdirected(hosts), kind=NotAllowed)
        if scope["method"] not in SAFE and self._is_foreign(origin, site, hosts[0] if hosts else b""):
            return refusal(scope, 403, _foreign(origin), kind=NotAllowed)
        return None

    def _is_ours(self, host: bytes, scope: Scope) -> bool:
        if self._any_host or host in self._hosts or is_own_name(host):
            return True
        # The address that the connection came to. A server's is a number; that of an application in a test is a name.
        server = scope.get("server")
        return server is not None and host == str(server[0]).lower().encode()

    def _is_foreign(self, origin: bytes, site: bytes, host: bytes) -> bool:
        """Whether another site's page sent it; programs that are no browsers say nothing of either."""
        if site in (b"same-origin", b"none") or origin in self._origins:
            return False
        if not origin:
            return bool(site)
        scheme, _, rest = origin.partition(b"://")
        return _bare(rest, _PORTS.get(scheme, b"")) != _bare(host.lower(), _PORTS.get(scheme, b""))


def host_of(header: bytes) -> bytes:
    """The name in a Host header, without its port."""
    name, colon, port = header.rpartition(b":")
    host = name if colon and b"]" not in port else header
    return host.lower().removesuffix(b".")


def is_own_name(host: bytes) -> bool:
    """Whether nobody else's page can have this name: it is an address, or one that browsers keep to this machine."""
    if host == b"localhost" or host.endswith(b".localhost"):
        return True
    if not host[:1].isdigit() and host[:1] != b"[":
        return False
    try:
        ip_address(host.decode("ascii").strip("[]"))
    except ValueError:
        return False
    return True


def _bare(authority: bytes, usual: bytes) -> bytes:
    return authority.removesuffix(b":" + usual) if usual else authority


def _shared(app: ASGIApp, origins: Iterable[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", *sorted(CHANGING)],
        allow_headers=_ASKED,
        expose_headers=_TOLD,
        allow_credentials=False,  # keys are sent as headers; there are no cookies
    )


def _misdirected(hosts: Collection[bytes]) -> str:
    named = ", ".join(repr(host[:100].decode("latin-1")) for host in list(hosts)[:3])
    return (
        f"This server does not go by the name {named}; ask for it by its address, or have who runs it add the name "
        f"to ALLOWED_HOSTS."
    )


def _foreign(origin: bytes) -> str:
    named = repr(origin[:100].decode("latin-1")) if origin else "another site"
    return (
        f"A page of {named} may not change anything here; use this server's own pages, or have who runs it add the "
        f"page's origin to CORS_ORIGINS."
    )
