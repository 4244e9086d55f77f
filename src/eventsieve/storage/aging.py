"""What the registry knows of ages: what was used last when, and what nobody needs any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.records import State
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import ChoiceRow, DatasetRow, DeedRow, JobRow, ModelRow, TrainingRow

__all__ = ["Aging"]

USE: Final = timedelta(hours=1)
"""How exactly the last use of a data set is noted: reading must not mean writing."""

_UNFINISHED = tuple(state for state in State if not state.final)


class Aging:
    """Ages, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def use(self, dataset: str, last: datetime | None) -> None:
        """Note that a data set is used now, unless it was noted just before."""
        now = datetime.now(UTC)
        if last is None or abs(now - last) > USE:
            with self._begin() as session:
                session.execute(update(DatasetRow).where(DatasetRow.id == dataset).values(used=now))

    def newest(self) -> datetime | None:
        """The last moment that the registry speaks of; ``None`` where it is empty."""
        columns = (DatasetRow.created, DatasetRow.used, JobRow.created, ModelRow.created)
        with self._read() as session:
            found = [session.scalar(select(func.max(each))) for each in (*columns, ChoiceRow.created, DeedRow.moment)]
        return max((moment for moment in found if moment is not None), default=None)

    def unused_datasets(self, before: datetime) -> list[str]:
        """The ids of data sets that came and were last used before then, and on which no model stands.

        One counts as used by each job that trained or validated on it, at the time of the job.
        """
        with self._read() as session:
            rows = session.scalars(
                select(DatasetRow).where(DatasetRow.created < before, func.coalesce(DatasetRow.used, before) <= before)
            )
            old = {row.id for row in rows}
            return sorted(old - _needed(session, before)) if old else []

    def drop_jobs(self, before: datetime) -> list[str]:
        """Forget the jobs that were made before then, have ended, and of which no model is left; returns their ids."""
        unfinished = exists().where(TrainingRow.job_id == JobRow.id, TrainingRow.state.in_(_UNFINISHED))
        stands = exists().where(ModelRow.job == JobRow.id)
        with self._begin() as session:
            gone = list(session.scalars(select(JobRow.id).where(JobRow.created < before, ~unfinished, ~stands)))
            session.execute(delete(TrainingRow).where(TrainingRow.job_id.in_(gone)))
            session.execute(delete(JobRow).where(JobRow.id.in_(gone)))
            return gone


def _needed(session: Session, before: datetime) -> set[str]:
    """The data sets of jobs of which a model stands, that have not ended, or that are not so old."""
    stands = exists().where(ModelRow.job == JobRow.id)
    unfinished = exists().where(TrainingRow.job_id == JobRow.id, TrainingRow.state.in_(_UNFINISHED))
    needed = set()
    for dataset, plan in session.execute(
        select(JobRow.dataset, JobRow.plan).where(stands | unfinished | (JobRow.created >= before))
    ):
        needed |= {dataset, plan["validation"]["dataset"]}
    return needed - {None}
