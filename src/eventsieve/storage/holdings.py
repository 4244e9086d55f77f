"""What somebody keeps in the store and has sent to it, in bytes: what quotas are compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import delete, func, literal, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import QuotaExceeded
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import DatasetRow, JobRow, ModelRow, UploadRow

__all__ = ["Holdings", "refuse_beyond"]

HOURS: Final = 24
"""How long what was sent is remembered."""

MOST_SKEWED: Final = 1
"""Hours by which the clocks of servers over one database may differ; what is further ahead came of a wrong clock."""

MOST_NAMED: Final = 3
"""How much of what somebody keeps a refusal names."""


class Held(NamedTuple):
    """Something that somebody keeps."""

    kind: str
    """``data set`` or ``model``."""
    id: str
    size: int


class Holdings:
    """The bytes that people keep and have sent, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def kept(self, by: str) -> int:
        """Bytes of all data sets and models of this person."""
        with self._read() as session:
            return _kept(session, by)

    def refuse_full(self, by: str, most: int | None) -> None:
        """Check that this person may keep more than he does, who may keep so many bytes.

        Raises:
            QuotaExceeded: he may not.
        """
        if most is not None:
            with self._read() as session:
                refuse_beyond(session, by, most)

    def measure(self, dataset: Callable[[str], int], model: Callable[[str, str | None], int]) -> None:
        """Note the bytes of what came before there were quotas.

        Args:
            dataset: bytes of a data set's file, by its key.
            model: bytes of a model's files, by the digests of its artefact and its evaluation.
        """
        with self._begin() as session:
            keys = set(session.scalars(select(DatasetRow.columns_digest).where(DatasetRow.stored.is_(None))))
            for key in keys:
                session.execute(update(DatasetRow).where(DatasetRow.columns_digest == key).values(stored=dataset(key)))
            unknown = select(ModelRow.number, ModelRow.digest, ModelRow.evaluation).where(ModelRow.stored.is_(None))
            for number, digest, evaluation in session.execute(unknown).all():
                size = model(digest, evaluation)
                session.execute(update(ModelRow).where(ModelRow.number == number).values(stored=size))

    def sent(self, by: str, hour: int) -> int:
        """Bytes that this person has sent within a day before the end of this hour."""
        with self._read() as session:
            return _sent(session, by, hour)

    def send(self, by: str, hour: int, size: int) -> int:
        """Note that this person has sent so many bytes in this hour; returns those of the day."""
        try:
            return self._send(by, hour, size)
        except IntegrityError:  # another process has begun the same hour in this moment
            return self._send(by, hour, size)

    def _send(self, by: str, hour: int, size: int) -> int:
        with self._begin() as session:
            current = (UploadRow.hour > hour - HOURS) & (UploadRow.hour <= hour + MOST_SKEWED)
            session.execute(delete(UploadRow).where(~current))
            place = (UploadRow.by == by, UploadRow.hour == hour)
            changed = session.execute(update(UploadRow).where(*place).values(bytes=UploadRow.bytes + size))
            if not changed.rowcount:  # type: ignore[attr-defined]  # an update has a row count
                session.add(UploadRow(by=by, hour=hour, bytes=size))
                session.flush()
            return _sent(session, by, hour)


def refuse_beyond(session: Session, by: str, most: int | None, *, columns: str = "", size: int = 1) -> None:
    """Check that somebody may keep more.

    Args:
        session: of the registry's database.
        by: the person.
        most: bytes that he may keep; ``None``: as many as he likes.
        columns: key of the file of a data set that he is to keep, perhaps once more.
        size: bytes of what he is to keep.

    Raises:
        QuotaExceeded: he may not, because of the largest of what he keeps, which is named.
    """
    if most is None or (used := _kept(session, by, columns)) + size <= most:
        return
    more = f" and this needs {_megabytes(size)} more" if size > 1 else ""
    named = ", ".join(f"{each.kind} {each.id!r} ({_megabytes(each.size)})" for each in _largest(session, by))
    cure = f"remove what is not needed any more, the largest being {named}" if named else "send fewer events or columns"
    raise QuotaExceeded(
        f"The quota of {_megabytes(most)} for data sets and models has {_megabytes(used)} in use{more}; "
        f"{cure}, or have the quota raised."
    )


def _largest(session: Session, by: str) -> list[Held]:
    """The largest of what somebody keeps."""
    datasets = select(literal("data set"), DatasetRow.id, DatasetRow.stored).where(DatasetRow.by == by)
    models = (
        select(literal("model"), ModelRow.name, ModelRow.stored)
        .join(JobRow, JobRow.id == ModelRow.job)
        .where(JobRow.by == by)
    )
    found = [
        Held(kind, name, size or 0)
        for query, stored in ((datasets, DatasetRow.stored), (models, ModelRow.stored))
        for kind, name, size in session.execute(query.where(stored > 0).order_by(stored.desc()).limit(MOST_NAMED))
    ]
    return sorted(found, key=lambda each: -each.size)[:MOST_NAMED]


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"


def _kept(session: Session, by: str, columns: str = "") -> int:
    """Bytes of all data sets and models of this person; files that several of them share count once.

    Args:
        session: of the registry's database.
        by: the person.
        columns: key of a data set's file that is not to be counted.
    """
    datasets = select(DatasetRow.columns_digest, func.max(DatasetRow.stored).label("size")).where(
        DatasetRow.by == by, DatasetRow.columns_digest != columns
    )
    models = (
        select(ModelRow.digest, func.max(ModelRow.stored).label("size"))
        .join(JobRow, JobRow.id == ModelRow.job)
        .where(JobRow.by == by)
    )
    files = union_all(datasets.group_by(DatasetRow.columns_digest), models.group_by(ModelRow.digest)).subquery()
    return int(session.scalar(select(func.sum(files.c.size))) or 0)


def _sent(session: Session, by: str, hour: int) -> int:
    within = (UploadRow.hour > hour - HOURS, UploadRow.hour <= hour + MOST_SKEWED)
    return int(session.scalar(select(func.sum(UploadRow.bytes)).where(UploadRow.by == by, *within)) or 0)
