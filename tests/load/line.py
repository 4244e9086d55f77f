"""A line to a server: one connection of one client, and a note of every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

__all__ = ["Answer", "Line", "Seen", "Wrong"]

PATIENCE_SECONDS = 60.0
IDLE_SECONDS = 3.0
"""A connection that was idle for longer is not used again: the server closes it after five."""


class Wrong(AssertionError):
    """An answer is not what it must be."""


@dataclass(frozen=True)
class Seen:
    """One request and its answer, as the client saw it.

    Attributes:
        what: method and route.
        began: on the monotonic clock, in seconds.
        seconds: from the first byte of the request to the last of the answer; of a stream to its first event.
        size: bytes of the answer's body.
        error: what is wrong with the answer; empty where nothing is.
    """

    what: str
    began: float
    seconds: float
    size: int
    error: str


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


class Line:
    """One client's connection. Only the standard library: locust's greenlets and threads take it alike.

    Args:
        port: where the server listens on this machine.
        key: with which the client signs in.
        report: gets every answer.
    """

    def __init__(self, port: int, key: str, report: Callable[[Seen], object]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._report = report
        self._used = float("-inf")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @contextmanager
    def ask(
        self,
        what: str,
        path: str,
        *,
        status: int = 200,
        content: bytes | None = None,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """Send a request; the block looks at the answer, which is counted as an error if it raises `Wrong`.

        Args:
            what: method and route, under which it is counted.
            path: with the query.
            status: the only one that is right.
            content: of the body.
            document: sent as JSON in its place.
            headers: more of them.

        Raises:
            Wrong: something is wrong with the answer; it has been reported.
        """
        more = dict(headers or {})
        if document is not None:
            content, more["Content-Type"] = json.dumps(document).encode(), "application/json"
        began = time.monotonic()
        seconds, size, error = None, 0, ""
        try:
            response = self._send(what.partition(" ")[0], path, content, more)
            body = response.read()
            seconds, size = time.monotonic() - began, len(body)
            self._used = time.monotonic()
            _require_status(response, body, status)
            yield Answer(response.headers, body)
        except (Wrong, OSError, HTTPException, LookupError, TypeError, ValueError) as fault:
            self.close()
            error = f"{what} ({path[:200]}): {fault!r}"[:600]
            raise Wrong(error) from fault
        finally:
            taken = time.monotonic() - began if seconds is None else seconds
            if seconds is not None or error:  # who is interrupted while he waits has seen nothing
                self._report(Seen(what, began, taken, size, error))

    def follow(self, what: str, path: str) -> Iterator[Any]:
        """The documents of a stream of server-sent events until its end; only the first is timed.

        Raises:
            Wrong: it is no such stream, or breaks off before its end.
        """
        began, seconds, size = time.monotonic(), None, 0
        try:
            response = self._send("GET", path, None, {"Accept": "text/event-stream"})
            _require_status(response, b"", 200)
            last = b""
            for line in response:
                size += len(line)
                if line.startswith(b"event:"):
                    last = line[6:].strip()
                elif line.startswith(b"data:"):
                    if seconds is None:
                        seconds = time.monotonic() - began
                    yield json.loads(line[5:])
            _require_end(last)
            self._report(Seen(what, began, seconds or 0.0, size, ""))
        except (Wrong, OSError, HTTPException, ValueError) as fault:
            error = f"{what} ({path}): {fault!r}"[:600]
            self._report(Seen(what, began, time.monotonic() - began, size, error))
            raise Wrong(error) from fault
        finally:
            self.close()

    def _send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        if time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
        self._connection.request(method, path, content, {**self._headers, **headers})
        return self._connection.getresponse()


def _require_end(event: bytes) -> None:
    if event != b"end":
        raise Wrong(f"the stream ended after {event!r}")


def _require_status(response: HTTPResponse, body: bytes, status: int) -> None:
    if response.status != status:
        raise Wrong(f"status {response.status}, not {status}: {body[:400].decode(errors='replace')}")
