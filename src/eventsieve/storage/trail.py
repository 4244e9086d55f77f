"""The audit trail: who did what, in the order in which it was done; entries are added, never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, cast, delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.acting import actor as acting_actor
from eventsieve.acting import request_id as acting_request
from eventsieve.records import Actor, Deed, Page
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import DeedRow

__all__ = ["MOST_OBJECTS", "Trail"]

MOST_OBJECTS: Final = 200
"""How many objects an entry names; that there were more is its last one."""
LONGEST_OBJECT: Final = 256


class Trail:
    """The entries of the audit trail, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def add(
        self,
        action: str,
        objects: Sequence[str] = (),
        *,
        status: int = 0,
        size: int = 0,
        client: str = "",
        actor: Actor | None = None,
        request_id: str | None = None,
    ) -> Deed:
        """Write down what was done.

        Args:
            action: name of the operation, or of a command.
            objects: what it was done to, ``kind:name`` each.
            status: of the answer; 0 for what was done on the command line.
            size: bytes that were sent along.
            client: address of who asked.
            actor: who did it; who acts in this context by default.
            request_id: under which the logs have it; that of this context by default.
        """
        who = acting_actor() if actor is None else actor
        row = DeedRow(
            moment=datetime.now(UTC),
            actor=who.name[:128],
            role=who.role.value,
            action=action[:128],
            objects=_brief(objects),
            status=status,
            size=size,
            client=client[:64],
            request_id=(acting_request() if request_id is None else request_id)[:64],
        )
        with self._begin() as session:
            session.add(row)
            session.flush()
            return row.record()

    def page(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        object: str | None = None,  # noqa: A002 - as the record names it
        since: datetime | None = None,
        until: datetime | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> Page[Deed]:
        """A part of the trail, the newest first.

        Args:
            actor: only what he did.
            action: only what was done by this operation or command.
            object: only what was done to it, as ``kind:name``.
            since: only what was done then or later; one without a time zone is UTC.
            until: only what was done before then.
            offset: how many are left out first.
            limit: how many there are at most.
        """
        wanted: dict[Any, Any] = {DeedRow.actor: actor, DeedRow.action: action}
        conditions: list[ColumnElement[bool]] = [
            column == value for column, value in wanted.items() if value is not None
        ]
        if object is not None:
            conditions.append(_names(object))
        if since is not None:
            conditions.append(DeedRow.moment >= _utc(since))
        if until is not None:
            conditions.append(DeedRow.moment < _utc(until))
        with self._read() as session:
            total = session.scalar(select(func.count()).select_from(DeedRow).where(*conditions)) or 0
            rows = session.scalars(
                select(DeedRow).where(*conditions).order_by(DeedRow.number.desc()).offset(offset).limit(limit)
            )
            return Page[Deed](items=tuple(row.record() for row in rows), total=total, offset=offset)

    def prune(self, before: datetime) -> int:
        """Forget what was done before then; returns how many entries that were."""
        with self._begin() as session:
            result = session.execute(delete(DeedRow).where(DeedRow.moment < _utc(before)))
            return int(result.rowcount)  # type: ignore[attr-defined]  # a delete has a row count


def _brief(objects: Sequence[str]) -> list[str]:
    told = [each[:LONGEST_OBJECT] for each in dict.fromkeys(objects)]
    more = len(told) - MOST_OBJECTS
    return told if more <= 0 else [*told[:MOST_OBJECTS], f"and {more} more"]


def _names(wanted: str) -> ColumnElement[bool]:
    """Whether an entry names an object: SQLite and PostgreSQL have no operator in common for that, but text."""
    listed = json.dumps(wanted[:LONGEST_OBJECT])
    column = cast(DeedRow.objects, String)
    return func.replace(column, listed, "") != column


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or last hours that there are, of another time zone
        return moment.replace(tzinfo=UTC)
