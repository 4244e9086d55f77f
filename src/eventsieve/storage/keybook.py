"""The book of keys and sessions: what somebody signs in with, of which only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import BadRequest, EventsieveError, NotFound
from eventsieve.records import AccessRole, Actor, Key, Quotas
from eventsieve.storage.database import open_database
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import DeedRow, KeyRow, SessionRow

__all__ = ["KEY", "SESSION", "Holder", "Keybook", "hash_of", "open_keybook"]

KEY: Final = "es_"
"""How a key begins; its id and its secret follow."""
SESSION: Final = "ess_"
"""How the token of a session begins."""
SECRET_BYTES: Final = 32
MOST_SESSIONS: Final = 100
"""Of one person at the same time; the oldest ends when there is one more."""
USED_EVERY: Final = timedelta(minutes=1)

_TOKEN: Final = re.compile(r"es_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")

_log = logging.getLogger(__name__)


def hash_of(token: str) -> str:
    """SHA-256 of a token, in hexadecimal digits: of 256 random bits nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Holder:
    """Who holds a token.

    Attributes:
        actor: name, role, key and quotas.
        expires: until when, where it ends at all.
        used: when the key was last noted to be used; ``None`` where it never was, or there is no key.
    """

    actor: Actor
    expires: datetime | None
    used: datetime | None = None

    @property
    def is_unnoted(self) -> bool:
        """Whether it is time to note that the key is used."""
        return self.actor.key is not None and (self.used is None or self.used < _now() - USED_EVERY)


class Keybook:
    """Keys and sessions, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    # keys

    def issue(
        self, name: str, role: AccessRole, *, expires: timedelta | None = None, quotas: Quotas | None = None
    ) -> tuple[Key, str]:
        """Make a key; the text that is returned beside it is the key itself, which nobody can find out again.

        Args:
            name: whose it is. One person may have several keys.
            role: what may be done with it.
            expires: after how long it ends; never by default.
            quotas: of this key; those of the settings by default.

        Raises:
            BadRequest: that cannot be a name of a person.
        """
        _check_name(name)
        key_id, now = secrets.token_hex(6), _now()
        token = f"{KEY}{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        row = KeyRow(
            id=key_id,
            name=name,
            role=role,
            hash=hash_of(token),
            quotas=(quotas or Quotas()).model_dump(mode="json"),
            created=now,
            expires=expires and now + expires,
        )
        with self._begin() as session:
            session.add(row)
            session.add(_deed("keys create", key_id, now))
        return row.record(), token

    def all_keys(self) -> list[Key]:
        """All keys, the oldest first."""
        with self._read() as session:
            return [row.record() for row in session.scalars(select(KeyRow).order_by(KeyRow.created, KeyRow.id))]

    def revoke(self, ref: str) -> list[Key]:
        """Revoke the key of that id, or all keys of that person, with the sessions that were opened with them.

        Raises:
            NotFound: there is none that still holds.
        """
        now = _now()
        with self._begin() as session:
            holding = select(KeyRow).where(KeyRow.revoked.is_(None)).order_by(KeyRow.created)
            rows = list(session.scalars(holding.where(KeyRow.id == ref)))
            rows = rows or list(session.scalars(holding.where(KeyRow.name == ref)))
            if not rows:
                raise NotFound(
                    f"There is no key {ref[:128]!r} to be revoked; `eventsieve keys list` names those there are."
                )
            for row in rows:
                row.revoked = now
                session.add(_deed("keys revoke", row.id, now))
            session.execute(delete(SessionRow).where(SessionRow.key.in_([row.id for row in rows])))
            return [row.record() for row in rows]

    def any_usable(self) -> bool:
        """Whether there is a key that holds."""
        query = select(KeyRow.id).where(KeyRow.revoked.is_(None), _lasting(_now())).limit(1)
        with self._read() as session:
            return session.scalar(query) is not None

    def holder(self, token: str) -> Holder | None:
        """Who holds a key or a session; nobody where it is none, was revoked, or is over."""
        return self._of_session(token) if token.startswith(SESSION) else self._of_key(token)

    def note_use(self, key_id: str) -> None:
        """Note that a key is used, to the minute; a request never fails by it."""
        now = _now()
        stale = or_(KeyRow.used.is_(None), KeyRow.used < now - USED_EVERY)
        try:
            with self._begin() as session:
                if session.scalar(select(KeyRow.id).where(KeyRow.id == key_id, stale)):
                    session.execute(update(KeyRow).where(KeyRow.id == key_id).values(used=now))
        except (SQLAlchemyError, OSError, EventsieveError) as error:
            _log.warning("the use of key %s could not be noted: %s", key_id, error)

    # sessions

    def open_session(self, actor: Actor, expires: datetime) -> tuple[str, datetime]:
        """Open a session; returns its token, and when it ends: no later than the key that it was opened with."""
        token, now = f"{SESSION}{secrets.token_urlsafe(SECRET_BYTES)}", _now()
        with self._begin() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires <= now))
            own = SessionRow.name == actor.name, SessionRow.key == actor.key
            newest = select(SessionRow.hash).where(*own).order_by(SessionRow.created.desc())
            beyond = list(session.scalars(newest.offset(MOST_SESSIONS - 1)))
            session.execute(delete(SessionRow).where(SessionRow.hash.in_(beyond)))
            key = session.get(KeyRow, actor.key) if actor.key else None
            ends = expires if key is None or key.expires is None else min(expires, key.expires)
            session.add(
                SessionRow(
                    hash=hash_of(token), key=actor.key, name=actor.name, role=actor.role, created=now, expires=ends
                )
            )
        return token, ends

    def close_session(self, token: str) -> bool:
        """End a session; returns whether there was one."""
        with self._begin() as session:
            row = session.get(SessionRow, hash_of(token))
            if row is not None:
                session.delete(row)
            return row is not None

    def _of_key(self, token: str) -> Holder | None:
        form = _TOKEN.fullmatch(token)
        if form is None:
            return None
        with self._read() as session:
            row = session.get(KeyRow, form[1])
        # The same time whether the first or the last digit differs.
        if row is None or not hmac.compare_digest(row.hash, hash_of(token)) or not _holds(row):
            return None
        return Holder(_actor(row), row.expires, row.used)

    def _of_session(self, token: str) -> Holder | None:
        with self._read() as session:
            row = session.get(SessionRow, hash_of(token))
            key = session.get(KeyRow, row.key) if row is not None and row.key else None
        if row is None or row.expires <= _now():
            return None
        if row.key is None:
            return Holder(Actor(name=row.name, role=AccessRole(row.role)), row.expires)
        return Holder(_actor(key), row.expires, key.used) if key is not None and _holds(key) else None


@contextmanager
def open_keybook(url: str, folder: Path) -> Iterator[Keybook]:
    """The keys in a registry, and nothing else of its store; a server may run over it.

    Args:
        url: of the registry's database.
        folder: of the store, which is made where it is not there.

    Raises:
        BadConfiguration: the database cannot be opened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_database(url, folder / "migration.lock")
    try:
        yield Keybook(sessionmaker(engine, expire_on_commit=False))
    finally:
        engine.dispose()


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 128 or not name.isprintable() or name != name.strip():
        raise BadRequest(f"{name[:128]!r} cannot be a name; take 1 to 128 characters that print, none of them @.")
    if "@" in name:
        raise BadRequest(
            f"{name!r} has an @, as only the names of those have who sign in through OIDC; leave it out, or one could "
            f"pass for the other."
        )


def _actor(row: KeyRow) -> Actor:
    return Actor(name=row.name, role=AccessRole(row.role), key=row.id, quotas=Quotas.model_validate(row.quotas))


def _holds(row: KeyRow) -> bool:
    return row.revoked is None and (row.expires is None or row.expires > _now())


def _lasting(now: datetime) -> ColumnElement[bool]:
    return or_(KeyRow.expires.is_(None), KeyRow.expires > now)


def _deed(action: str, key_id: str, now: datetime) -> DeedRow:
    """An entry of the audit trail, in the same transaction as what it tells of."""
    return DeedRow(
        moment=now,
        actor="",
        role=AccessRole.ADMIN,
        action=action,
        objects=[f"key:{key_id}"],
        status=0,
        size=0,
        client="",
        request_id="",
    )


def _now() -> datetime:
    return datetime.now(UTC)
