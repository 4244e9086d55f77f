"""Locks within the registry's database: SQLite has one writer at a time anyway, others have to be told."""

from __future__ import annotations

import hashlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

__all__ = ["NAMES", "alone"]

NAMES = "names"
"""Of all models, trainings and aliases, none of which may have another's."""


def alone(session: Session, *things: str) -> None:
    """Wait until no other transaction works on these, and keep others away until this one ends.

    To be asked for before anything else is locked, and for all things at once: then nobody waits for himself.

    Args:
        session: a transaction that has begun.
        things: names of what is worked on; digests of files, for example.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for number in sorted({_number(thing) for thing in things}):
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _number(thing: str) -> int:
    return int.from_bytes(hashlib.sha256(thing.encode()).digest()[:8], "big", signed=True)
