"""Identities: whose files are whose. They are of one registry, which removes what it does not know.

A backup that is restored beside the registry it was made of becomes another one; two of one identity over the same
files would remove each other's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import Connection

from eventsieve.errors import BadConfiguration, Conflict
from eventsieve.storage.files import Digests, Files
from eventsieve.storage.rows import StoreRow

__all__ = ["claim_for", "identify", "identity_for", "identity_of"]


def identity_of(connection: Connection) -> str | None:
    """The id of the registry in a database; ``None`` where there is none, or none that was ever opened."""
    if not sa.inspect(connection).has_table(StoreRow.__tablename__):
        return None
    return connection.scalar(sa.select(StoreRow.id))


def identify(connection: Connection, identity: str) -> None:
    """Give the registry in a database that id."""
    connection.execute(sa.delete(StoreRow))
    connection.execute(sa.insert(StoreRow).values(number=1, id=identity))


def identity_for(files: Files, own: str | None, saved: str | None, *, force: bool) -> str:
    """The id that a registry is to have which is restored from a backup.

    Args:
        files: where the files of the backup go.
        own: the id of the registry in whose place it comes, if there is one.
        saved: the id in the backup.
        force: whether it may take over the files of the registry that was saved.

    Raises:
        BadConfiguration: files of another registry are there.
        Conflict: those of the registry that was saved are there, and it may live.
    """
    holder = files.holder()
    if holder is None:
        return own or uuid.uuid4().hex
    if holder == saved != own:
        if not force:
            raise Conflict(
                f"The files in {files.shown} are those of the very registry that the backup is of. Where that registry "
                f"lives, choose another place in MODEL_DIR or FILES_URL: two over the same files remove each other's. "
                f"Where it is lost, or its place is to be taken, take its files over (--force)."
            )
        return holder
    identity = own or uuid.uuid4().hex
    files.claim(identity)
    return identity


def claim_for(files: Files, registry: str, known_to: Callable[[], Digests]) -> None:
    """See that a registry and the files belong together, before one removes or lacks what is the other's.

    Args:
        files: where its files are to be.
        registry: its id.
        known_to: says what it speaks of; asked only where the files are nobody's yet.

    Raises:
        BadConfiguration: the files are another's, or its own are elsewhere.
        StoreUnavailable: the object store does not answer.
    """
    if files.holder() is None and any(known := known_to()) and not files.holds_any(known):
        raise BadConfiguration(
            f"The registry speaks of {len(known.artefacts)} models and {len(known.datasets)} data sets; {files.shown} "
            f"has no file of them. Name the folder of who made them in MODEL_DIR (or another DATABASE_URL), "
            f"or give all servers of this registry one FILES_URL."
        )
    files.claim(registry)
