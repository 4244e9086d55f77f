"""The data sets in the registry's database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import DatasetNotFound
from eventsieve.records import Dataset, Page
from eventsieve.storage.holdings import refuse_beyond
from eventsieve.storage.locks import alone
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import DatasetRow

__all__ = ["DatasetBook", "Kept"]


class Kept(Dataset):
    """A data set with what only the store knows of it."""

    columns_digest: str
    """Key of the file of all columns."""
    identity: str
    """Digest of what came, how it was read and what schema was asked for."""
    reading: dict[str, Any]
    """How it was read, and what was said while it was."""
    used: datetime | None = None
    """When it was last read or looked at, to the hour."""
    stored: int | None = None
    """Bytes of the file of all columns; ``None`` where they are to be looked at later."""

    def public(self) -> Dataset:
        """The data set as clients see it."""
        return Dataset.model_validate({name: getattr(self, name) for name in Dataset.model_fields})


class DatasetBook:
    """What is known of data sets, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def add(self, kept: Kept, settle: Callable[[], None], most: int | None = None) -> tuple[Kept, bool]:
        """Write down a data set, unless there is the same already.

        Args:
            kept: the data set.
            settle: gives its file its place; called when it is new.
            most: bytes of data sets and models that its owner may keep.

        Returns:
            The data set as it stands, and whether it is new.

        Raises:
            QuotaExceeded: its owner would keep more than that; nothing is written down then.
        """
        try:
            with self._begin() as session:
                # Whose quota has room for one of two gets one of them.
                alone(session, kept.columns_digest, *([] if most is None else [f"kept by {kept.by}"]))
                row = _identical(session, kept.identity)
                if row is None:
                    refuse_beyond(session, kept.by, most, columns=kept.columns_digest, size=kept.stored or 0)
                    settle()
                    session.add(DatasetRow(**kept.model_dump(mode="json", exclude={"created"}), created=kept.created))
                    return kept, True
                return _record(row), False
        except IntegrityError:  # on a database without SQLite's one writer at a time
            found = self.identical(kept.identity)
            if found is None:
                raise
            return found, False

    def identical(self, identity: str) -> Kept | None:
        """The data set of that identity, if there is one."""
        with self._read() as session:
            row = _identical(session, identity)
            return None if row is None else _record(row)

    def get(self, dataset_id: str) -> Kept:
        """The data set of that id.

        Raises:
            DatasetNotFound: there is none.
        """
        with self._read() as session:
            return _record(_row(session, dataset_id))

    def page(self, *, offset: int, limit: int) -> Page[Dataset]:
        """A part of the list, the newest first."""
        with self._read() as session:
            total = session.scalar(select(func.count()).select_from(DatasetRow)) or 0
            rows = session.scalars(select(DatasetRow).order_by(DatasetRow.number.desc()).offset(offset).limit(limit))
            return Page[Dataset](items=tuple(map(_public, rows)), total=total, offset=offset)

    def ids(self) -> set[str]:
        """The ids of all data sets."""
        with self._read() as session:
            return set(session.scalars(select(DatasetRow.id)))

    def change(self, dataset_id: str, **fields: Any) -> Kept:
        """Change fields of a data set, given as they are in `Kept`.

        Raises:
            DatasetNotFound: there is none of that id.
        """
        with self._begin() as session:
            row = _row(session, dataset_id)
            changed = _record(row).model_copy(update=fields)
            for name, value in changed.model_dump(mode="json", include=set(fields)).items():
                setattr(row, name, value)
            return changed

    def remove(self, dataset_id: str, drop: Callable[[str], None]) -> None:
        """Forget a data set, and drop its file where no other shares it.

        Raises:
            DatasetNotFound: there is none of that id.
        """
        with self._begin() as session:
            row = _row(session, dataset_id)
            key = row.columns_digest
            session.delete(row)
        # Not before the row is gone for sure: what is listed has its file.
        with self._begin() as session:
            alone(session, key)
            if not session.scalar(select(exists().where(DatasetRow.columns_digest == key))):
                drop(key)


def _identical(session: Session, identity: str) -> DatasetRow | None:
    return session.scalar(select(DatasetRow).where(DatasetRow.identity == identity))


def _row(session: Session, dataset_id: str) -> DatasetRow:
    row = session.scalar(select(DatasetRow).where(DatasetRow.id == dataset_id))
    if row is None:
        raise DatasetNotFound(f"There is no data set {dataset_id[:80]!r}; send it again, or choose one of the list.")
    return row


def _public(row: DatasetRow) -> Dataset:
    return Dataset.model_validate({name: getattr(row, name) for name in Dataset.model_fields})


def _record(row: DatasetRow) -> Kept:
    return Kept.model_validate({name: getattr(row, name) for name in Kept.model_fields})
