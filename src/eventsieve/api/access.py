"""Who asks: found out before anything of a request is read, and refused where somebody has to sign in and has not."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from eventsieve.acting import OWNER, Call, serving
from eventsieve.api.describing import PATHS as DESCRIPTIONS
from eventsieve.api.failures import STATUSES, headers_of
from eventsieve.api.identity import Identities
from eventsieve.api.refusing import refusal
from eventsieve.api.roles import drain_refused
from eventsieve.api.v2.problems import PREFIX
from eventsieve.errors import EventsieveError, NotAllowed, NotSignedIn, TooMany
from eventsieve.machine import is_loopback
from eventsieve.records import AccessRole, Actor
from eventsieve.service.access import Access
from eventsieve.storage.keybook import KEY, SESSION

__all__ = ["NOBODY", "OPEN_PATHS", "Authenticate", "bearer"]

NOBODY: Final = Actor(name="", role=AccessRole.READER)
"""Who has not signed in, at the paths where nobody has to."""

_ASKED: Final = f"{PREFIX}/access"
OPEN_PATHS: Final = frozenset(
    (
        *("/", "/livez", "/readyz", *DESCRIPTIONS),
        *(f"{PREFIX}/", _ASKED, *(PREFIX + path for path in DESCRIPTIONS)),
    )
)
"""What is answered to everybody, to the letter; every other path, whether it leads somewhere or not, is for those who
have signed in."""

MOST_FAILURES: Final = 20
"""How many wrong tokens may come from one address within `SECONDS`, before they are slowed down."""
SECONDS: Final = 60.0
MOST_ADDRESSES: Final = 4096
LONGEST_TOKEN: Final = 16_384

SIGN_IN: Final = (
    "This server wants to know who asks; send a key as `Authorization: Bearer KEY` (on the command line: --key or "
    "EVENTSIEVE_KEY; from Python: Client(url, key=...)). Those who run the server make keys: eventsieve keys create."
)
CLOSED: Final = (
    "This server answers this machine only, because nobody has to sign in. Who runs it sets EVENTSIEVE_AUTH=true and "
    "makes keys (eventsieve keys create), or sets EVENTSIEVE_OPEN=true where the network keeps strangers out."
)

_log = logging.getLogger(__name__)


def bearer(scope: Scope) -> str:
    """The token that came with a request; empty where none did.

    Raises:
        NotSignedIn: the header is none that is understood here.
    """
    given = Headers(scope=scope).getlist("authorization")
    if not given:
        return ""
    scheme, _, token = given[0].strip().partition(" ")
    token = token.strip()
    if len(given) > 1 or scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise NotSignedIn(f"The header Authorization is not understood. {SIGN_IN}")
    return token


class Failures:
    """How often wrong tokens came, by address, of the last minute; it forgets the oldest when there are many."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Whether an address has used up its wrong tokens."""
        return self._count(address)[0] >= MOST_FAILURES

    def note(self, address: str) -> bool:
        """Note another wrong token; returns whether that was one too many."""
        count, since = self._count(address)
        self._counts[address] = (count + 1, since)
        self._counts.move_to_end(address)
        while len(self._counts) > MOST_ADDRESSES:
            self._counts.popitem(last=False)
        if count + 1 == MOST_FAILURES:
            _log.warning("%d wrong keys within %g s from %s: further ones are slowed down", count + 1, SECONDS, address)
        return count >= MOST_FAILURES

    def _count(self, address: str) -> tuple[int, float]:
        now = time.monotonic()
        count, since = self._counts.get(address, (0, now))
        return (0, now) if now - since > SECONDS else (count, since)


class Authenticate:
    """Finds out who asks, and serves the request in his name.

    Args:
        app: what is behind it.
        required: whether everybody has to sign in.
        open_: whether others than this machine are answered though nobody has to.
        identities: those who sign in through a provider, where there is one.
    """

    def __init__(
        self, app: ASGIApp, *, required: bool, open_: bool = False, identities: Identities | None = None
    ) -> None:
        self.app = app
        self._required = required
        self._open = open_
        self._identities = identities
        self._failures = Failures()
        # Wrong tokens of those who try many come one at a time, and hold up nobody but each other.
        self._slow = CapacityLimiter(1)
        self._checks = CapacityLimiter(8)
        # A provider that does not answer holds up those alone who come from it.
        self._provided = CapacityLimiter(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is nothing to sign in to
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            actor = await self._actor(scope)
        except EventsieveError as error:
            await drain_refused(scope, receive)
            status = next((status for above, status in STATUSES.items() if isinstance(error, above)), 500)
            answer = refusal(scope, status, str(error), kind=type(error), headers=headers_of(error))
            await answer(scope, receive, send)
            return
        call = Call(actor, scope.get("eventsieve.request_id", ""))
        scope["eventsieve.call"] = call
        with serving(call):
            await self.app(scope, receive, send)

    async def _actor(self, scope: Scope) -> Actor:
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        anybody = scope["method"] in ("GET", "HEAD") and path in OPEN_PATHS
        if not self._required:
            if not (self._open or anybody or _is_near(scope)):
                raise NotAllowed(CLOSED)
            return OWNER
        if anybody and path != _ASKED:
            return NOBODY
        try:
            return await self._signed_in(scope)
        except (NotSignedIn, NotAllowed, TooMany):
            if anybody:
                return NOBODY
            raise

    async def _signed_in(self, scope: Scope) -> Actor:
        token = bearer(scope)
        if not token:
            raise NotSignedIn(SIGN_IN)
        access: Access = scope["app"].state.service.access
        if known := access.remembered(token):
            return known
        address = (scope.get("client") or ("",))[0]
        held = token.startswith((KEY, SESSION))
        limiter = self._slow if self._failures.too_many(address) else self._checks if held else self._provided
        try:
            return await to_thread.run_sync(self._identify, access, token, limiter=limiter)
        except NotSignedIn:
            if self._failures.note(address):
                raise TooMany(
                    f"Too many wrong keys came from {address or 'here'}; come back in a minute with one that holds.",
                    retry_after=int(SECONDS),
                ) from None
            raise

    def _identify(self, access: Access, token: str) -> Actor:
        if token.startswith((KEY, SESSION)):
            return access.actor(token)
        if self._identities is not None and token.count(".") == 2:
            return self._identities.actor(token)
        raise NotSignedIn(f"That is no key of Eventsieve. {SIGN_IN}")


def _is_near(scope: Scope) -> bool:
    """Whether a request came to an address of which only this machine knows; sockets and tests have none."""
    host = (scope.get("server") or ("",))[0] or ""
    return is_loopback(host) is not False
