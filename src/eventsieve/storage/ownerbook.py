"""The owners in the registry's database: the processes that train over it, and their beats."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.records import State
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import JobRow, OwnerRow, StoreRow, TrainingRow

__all__ = ["OwnerBook"]

_UNFINISHED = tuple(state for state in State if not state.final)


class OwnerBook:
    """What is known of owners, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def store(self) -> str:
        """The id of this registry, by which the files in an object store know whose they are."""
        try:
            with self._begin() as session:
                found = session.scalar(select(StoreRow.id))
                if found is None:
                    found = uuid.uuid4().hex
                    session.add(StoreRow(number=1, id=found))
                return found
        except IntegrityError:  # another process gave it one in this moment
            return self.store()

    def beat(self, owner: str, host: str) -> dict[str, int]:
        """Count a beat of an owner; returns how often each has beaten.

        Args:
            owner: its id.
            host: where it runs, for people.
        """
        with self._begin() as session:
            counted = session.execute(
                update(OwnerRow).where(OwnerRow.id == owner).values(beats=OwnerRow.beats + 1, host=host[:256])
            )
            if not _count(counted):
                # Not from 1: who was buried and comes back must not look like the silent one that he was.
                start = secrets.randbelow(1 << 40)
                row = {"id": owner, "host": host[:256], "beats": start, "created": datetime.now(UTC)}
                session.execute(insert(OwnerRow).values(**row))
            return {row.id: row.beats for row in session.scalars(select(OwnerRow))}

    def leave(self, owner: str) -> None:
        """Forget an owner that ends in order."""
        with self._begin() as session:
            session.execute(delete(OwnerRow).where(OwnerRow.id == owner))

    def unfinished(self) -> dict[str, bool]:
        """The owners, dead or alive, of trainings that have not ended, and whether each has ever beaten."""
        unfinished = select(TrainingRow.job_id).where(TrainingRow.state.in_(_UNFINISHED))
        with self._read() as session:
            rows = session.execute(
                select(JobRow.owner, OwnerRow.id)
                .outerjoin(OwnerRow, OwnerRow.id == JobRow.owner)
                .where(JobRow.id.in_(unfinished))
            )
            return {owner: beating is not None for owner, beating in rows}

    def bury(self, dead: Collection[str], silent: Mapping[str, int] = {}) -> int:
        """Forget dead owners; what they were training is not trained any more.

        Args:
            dead: those that are known to be.
            silent: those that have not beaten for long, with their beats; who has beaten since lives.

        Returns:
            How many models will not be trained.
        """
        if not dead and not silent:
            return 0
        with self._begin() as session:
            gone = set(dead)
            session.execute(delete(OwnerRow).where(OwnerRow.id.in_(gone)))
            for owner, beats in silent.items():
                if _count(session.execute(delete(OwnerRow).where(OwnerRow.id == owner, OwnerRow.beats == beats))):
                    gone.add(owner)
            jobs = select(JobRow.id).where(JobRow.owner.in_(gone))
            return _count(
                session.execute(
                    update(TrainingRow)
                    .where(TrainingRow.state.in_(_UNFINISHED), TrainingRow.job_id.in_(jobs))
                    .values(state=State.INTERRUPTED, reason="The server ended during the training; train it again.")
                )
            )


def _count(result: Any) -> int:
    """How many rows a change has changed."""
    return int(result.rowcount)
