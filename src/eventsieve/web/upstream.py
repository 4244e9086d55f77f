"""The server behind the pages, as the routes beside them ask it."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
from starlette.requests import Request

from eventsieve.web.session import bearer, token_of

__all__ = ["addresses", "connections", "no_cookies", "on_behalf", "why"]

CONNECT_SECONDS = 10.0
OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def addresses(server: str, prefix: str) -> tuple[str, str]:
    """Where the server is, and where its native interface is; both may be given with the prefix, as to the client."""
    prefix = f"/{prefix.strip('/')}".rstrip("/")
    bare = server.rstrip("/").removesuffix(prefix).rstrip("/")
    return bare, bare + prefix


def connections(server: str, silent: float) -> httpx2.AsyncClient:
    """Connections for all readers, which keep nothing of any of them.

    Args:
        server: where it is.
        silent: seconds that it may take to answer.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(silent, connect=CONNECT_SECONDS),
        # A reader's download must not wait for another's.
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8),
        trust_env=httpx2.URL(server).host not in OWN_NAMES,
        headers={"Accept-Encoding": "identity"},
        cookies=no_cookies(),
    )


def no_cookies() -> CookieJar:
    """A jar that keeps nothing: what a proxy gave one reader would go along with what another asks."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def on_behalf(request: Request) -> dict[str, str]:
    """Headers that say for whom it is asked, and from where: the server believes the latter of its trusted proxies."""
    address = {"X-Forwarded-For": request.client.host} if request.client else {}
    return bearer(token_of(request.cookies)) | address


def why(error: httpx2.TransportError) -> str:
    """What went wrong on the way, in a line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
