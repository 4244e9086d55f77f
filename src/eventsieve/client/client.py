"""The client: one method per verb."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx2

from eventsieve.client.answers import member, record
from eventsieve.client.auditing import Auditing
from eventsieve.client.choosing import Choosing
from eventsieve.client.predicting import Predicting
from eventsieve.client.training import Training
from eventsieve.client.transport import PREFIX, Transport
from eventsieve.records import Access, Session, Usage

__all__ = ["Client"]

TIMEOUT = 600.0


class Client(Training, Predicting, Choosing, Auditing):
    """An Eventsieve server, one method per verb.

    Args:
        url: where the server is, say ``http://127.0.0.1:8000``.
        timeout: seconds that the server may be silent, a long reading or prediction included; ``None``: for ever.
        http: an HTTP client of your own to speak through (a proxy, certificates); it has its own time-outs.
        prefix: of the native interface's paths, where a proxy has moved them.
        key: what to sign in with, where the server asks for it: a key (``es_...``), the token of a session, or an ID
            token. It is sent to this server alone, wherever that may point to.

    Every method raises `ServerUnreachable` where nobody answers, and the class of `errors` that a refusal names.

    Example:
        >>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
        ...     data = client.upload("events.root")
        ...     job = client.train(data, ["LogReg", "RandomForest"])
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float | None = TIMEOUT,
        http: httpx2.Client | None = None,
        prefix: str = PREFIX,
    ) -> None:
        self.http = Transport(url, timeout, http, prefix, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def waiting(self, seconds: float | None) -> Client:
        """A client of the same server with another patience, for a call that takes long or must not.

        Args:
            seconds: that the server may be silent; ``None``: for ever.

        Returns:
            A client that shares the connections of this one. Closing it closes nothing.
        """
        return _Waiting(self, seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.http.url!r})"

    def version(self) -> str:
        """The version of the server."""
        return str(member(self.http.json("GET", "/"), "version"))

    def access(self) -> Access:
        """Whether the server wants somebody to sign in, how, and as whom it knows this client."""
        return record(Access, self.http.json("GET", "/access"))

    def usage(self) -> Usage:
        """How much this client uses of what it may: requests, bytes that it sends and keeps, and training slots."""
        return record(Usage, self.http.json("GET", "/access/usage"))

    def sign_in(self) -> Session:
        """Open a session with this client's key or ID token; its token is a key for other clients until it ends.

        Raises:
            NotSignedIn: the key does not hold.
            Conflict: nobody has to sign in there.
        """
        return record(Session, self.http.json("POST", "/sessions"))

    def sign_out(self) -> None:
        """End the session whose token this client has for a key.

        Raises:
            NotFound: it has another one.
        """
        self.http.send("DELETE", "/sessions/current")


class _Waiting(Client):
    """Another client with another patience."""

    def __init__(self, lender: Client, seconds: float | None) -> None:
        self.http = lender.http.waiting(seconds)
        self._lender = lender  # its connections end with it, and must outlive this
