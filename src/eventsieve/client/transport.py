"""Requests to a server: JSON, files streamed from and to disk, and events as they happen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from eventsieve.client.failures import failure
from eventsieve.errors import BadRequest, ServerFailed, ServerUnreachable

__all__ = ["PREFIX", "Transport", "is_address", "read_json", "segment"]

PREFIX = "/api/v2"
CONNECT_SECONDS = 10.0
OWN_NAMES = ("localhost", "127.0.0.1", "::1")

Query = Mapping[str, Any]


def segment(name: str) -> str:
    """A name as one segment of a path."""
    # A segment of points alone would be taken for the way up, and be gone before it is sent.
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


class Transport:
    """One server, spoken to over HTTP.

    Args:
        url: where the server is, say ``http://127.0.0.1:8000``.
        timeout: seconds that the server may be silent; ``None`` waits for ever.
        http: the client to speak through, which then has its own time-outs; it is left open at the end.
        prefix: of the native interface's paths.
        key: what to sign in with: a key, the token of a session, or an ID token. It goes to this server alone.

    Raises:
        BadRequest: that is no URL, or that cannot be a key.
    """

    def __init__(
        self,
        url: str,
        timeout: float | None,
        http: httpx2.Client | None,
        prefix: str = PREFIX,
        key: str | None = None,
    ) -> None:
        self.prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
        self.url = url.rstrip("/").removesuffix(self.prefix).rstrip("/")
        if not is_address(self.url):
            raise BadRequest(f"{url!r} is no URL of a server; write it as http://127.0.0.1:8000.")
        self._http = http or httpx2.Client(
            timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS),
            # This machine is not behind the proxy that the environment may name.
            trust_env=httpx2.URL(self.url).host not in OWN_NAMES,
        )
        self._owned = http is None
        self._key = _checked(key)
        self.options: dict[str, Any] = {}
        """Of every request."""

    def waiting(self, timeout: float | None) -> Transport:
        """The same server through the same connections, which stay open when this one is closed."""
        other = Transport(self.url, None, self._http, self.prefix, self._key)
        other.options = {"timeout": httpx2.Timeout(timeout, connect=CONNECT_SECONDS)}
        return other

    def close(self) -> None:
        """Close the connections, where they are our own."""
        if self._owned:
            self._http.close()

    def json(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> Any:
        """What the server answers, read as JSON; ``None`` for an empty answer."""
        return read_json(self.send(method, path, query=query, json=body))

    def send(self, method: str, path: str, *, query: Query | None = None, **content: Any) -> httpx2.Response:
        """The whole answer, which is no refusal.

        Raises:
            ServerUnreachable: nobody answers there.
            EventsieveError: the class that the server's refusal names.
        """
        with self.stream(method, path, query=query, **content) as response:
            response.read()
            return response

    @contextmanager
    def stream(
        self, method: str, path: str, *, query: Query | None = None, **content: Any
    ) -> Iterator[httpx2.Response]:
        """An answer that is no refusal, to be read piece by piece.

        Raises:
            ServerUnreachable, EventsieveError
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if content.get("json", ...) is None:
            del content["json"]
        try:
            asked = content | self.options
            if self._key:
                asked["headers"] = {**(asked.get("headers") or {}), "Authorization": f"Bearer {self._key}"}
            with self._http.stream(method, f"{self.url}{self.prefix}{path}", params=given, **asked) as response:
                if response.is_error:
                    response.read()
                    raise failure(response)
                if response.has_redirect_location:
                    target = response.headers["location"]
                    raise ServerFailed(f"{response.url} sends on to {target}; see that it is an Eventsieve server.")
                yield response
        except httpx2.TimeoutException as error:
            raise ServerUnreachable(
                self.url, f"it did not answer in time ({type(error).__name__}); give the client a longer timeout"
            ) from error
        except httpx2.DecodingError as error:
            raise ServerFailed(f"{self.url} answers with something that cannot be unpacked: {error}.") from error
        except httpx2.TransportError as error:
            raise ServerUnreachable(
                self.url, f"{error}; see that it runs (`eventsieve serve`) and that the address is right"
            ) from error

    def download(
        self,
        method: str,
        path: str,
        target: Path,
        *,
        query: Query | None = None,
        finish: Callable[[Path], None] = lambda _: None,
        **content: Any,
    ) -> httpx2.Headers:
        """Write an answer to a file, piece by piece; whole or not at all. Returns its headers.

        ``finish`` may change the file before it comes to its place.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            with self.stream(method, path, query=query, **content) as response, part.open("xb") as file:
                for chunk in response.iter_bytes(1 << 20):
                    file.write(chunk)
            finish(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return response.headers

    def events(self, path: str) -> Iterator[httpx2.ServerSentEvent]:
        """What the server sends as it happens, until it ends.

        Raises:
            ServerUnreachable, EventsieveError
        """
        with self.stream("GET", path, headers={"Accept": "text/event-stream"}) as response:
            yield from httpx2.EventSource(response)


def is_address(url: str) -> bool:
    """Whether a server can be there."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _checked(key: str | None) -> str | None:
    """A key as it can stand in a header; none where it is empty."""
    key = (key or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadRequest("The key cannot be one: it has characters that no key has; copy it once more, whole.")
    return key or None


def read_json(response: httpx2.Response) -> Any:
    """The document of an answer; ``None`` where it is empty.

    Raises:
        ServerFailed: it is no JSON.
    """
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ServerFailed(
            f"{response.url} answers with something that is no JSON; see that it is an Eventsieve server."
        ) from error
