"""Access: who holds a token, sessions, and what is whose."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from eventsieve.acting import actor
from eventsieve.errors import NotAllowed, NotFound, NotSignedIn
from eventsieve.records import AccessRole, Actor, Session
from eventsieve.storage.changes import Changes
from eventsieve.storage.keybook import SESSION, Holder, Keybook, hash_of

__all__ = ["Access", "refuse_others"]

MOST_KNOWN: Final = 1024
"""How many tokens that hold are remembered."""
BELIEVED_SECONDS: Final = 2.0
"""How long a token is believed to hold still, where the database cannot say that nothing has changed."""
NOTED_SECONDS: Final = 60.0


def refuse_others(what: str, by: str) -> None:
    """Refuse to change what is another's; administrators may, and whoever asks where nobody has to sign in.

    Args:
        what: what is to be changed, for the sentence: "the model 'm1'".
        by: whose it is; empty for what was made before anybody had to sign in, which administrators alone change.

    Raises:
        NotAllowed: it is another's.
    """
    who = actor()
    if who.role is AccessRole.ADMIN or (by and by == who.name):
        return
    whose = f"is that of {by!r}" if by else "was made before anybody had to sign in, so it is nobody's own"
    cure = f"ask {by!r} or an administrator" if by else "ask an administrator"
    raise NotAllowed(f"{what[:1].upper()}{what[1:]} {whose}, and you are {who.name!r}; {cure} to do this.")


@dataclass(frozen=True)
class _Known:
    holder: Holder
    stamp: int | None
    read: float
    """When, on the monotonic clock."""


class Access:
    """The room of keys and sessions.

    Args:
        book: where they are kept.
        changes: tells whether the registry has changed since.
        session_hours: how long a session lasts.
    """

    def __init__(self, book: Keybook, changes: Changes, *, session_hours: float) -> None:
        self._book = book
        self._changes = changes
        self._lasting = timedelta(hours=session_hours)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def remembered(self, token: str) -> Actor | None:
        """Who holds a token, where that is known without asking the database; takes microseconds."""
        with self._lock:
            known = self._known.get(hash_of(token))
        if known is None:
            return None
        age, stamp = time.monotonic() - known.read, self._changes.stamp()
        fresh = age < BELIEVED_SECONDS if stamp is None else stamp == known.stamp
        # Once a minute the book is opened in any case: it notes when a key was used.
        if not fresh or age > NOTED_SECONDS or _is_over(known.holder):
            return None
        return known.holder.actor

    def actor(self, token: str) -> Actor:
        """Who holds a key or the token of a session.

        Raises:
            NotSignedIn: nobody does: it is wrong, was revoked, or is over.
            StoreUnavailable: the database does not answer.
        """
        stamp, read = self._changes.stamp(), time.monotonic()
        holder = self._book.holder(token)
        if holder is None:
            what = (
                "session has ended" if token.startswith(SESSION) else "key does not hold: it is wrong, revoked or over"
            )
            cure = "sign in again" if token.startswith(SESSION) else "ask those who run this server for another"
            raise NotSignedIn(f"This {what}; {cure}.")
        with self._lock:
            self._known[hash_of(token)] = _Known(holder, stamp, read)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        if holder.actor.key is not None and holder.is_unnoted:
            self._book.note_use(holder.actor.key)
        return holder.actor

    def sign_in(self, who: Actor, token: str) -> Session:
        """Open a session for somebody who has signed in.

        Args:
            who: he.
            token: what he came with.

        Raises:
            NotAllowed: he came with a session, which would never have to end then.
        """
        if token.startswith(SESSION):
            raise NotAllowed("A session cannot open another; send the key, or the ID token of the provider, itself.")
        opened, expires = self._book.open_session(who, datetime.now(UTC) + self._lasting)
        return Session(token=opened, name=who.name, role=who.role, expires=expires)

    def sign_out(self, token: str) -> None:
        """End a session.

        Raises:
            NotFound: that is none.
        """
        if not token.startswith(SESSION) or not self._book.close_session(token):
            raise NotFound("You came without a session, so there is none to end; send its token.")
        with self._lock:
            self._known.pop(hash_of(token), None)

    def usable(self) -> bool:
        """Whether there is a key that somebody could sign in with."""
        return self._book.any_usable()


def _is_over(holder: Holder) -> bool:
    return holder.expires is not None and holder.expires <= datetime.now(UTC)
