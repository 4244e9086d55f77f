"""Transactions that only read: they wait for nobody, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

__all__ = ["READS", "reading"]

READS = "eventsieve_reads"
"""Execution option of transactions that only read."""


def reading(sessions: sessionmaker[Session]) -> Callable[[], AbstractContextManager[Session]]:
    """Begins transactions over the same database in which nothing may be written.

    SQLite has one writer at a time, and who waits for it sleeps; what is only read is as it was last committed
    (https://sqlite.org/wal.html), without waiting. PostgreSQL refuses to write in them.
    """
    options: dict[str, Any] = {READS: True, "postgresql_readonly": True}
    engine = sessions.kw["bind"].execution_options(**options)
    return sessionmaker(engine, expire_on_commit=False).begin
