"""The registry: tables, jobs, models and the current model, in a database that several processes may share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import delete, exists, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import AlreadyCurrent, DamagedArtefact, ModelExists, ModelNotFound, NoCurrentModel, NotFound
from eventsieve.records import Job, Limits, Model, ModelState, Outcome, State, Table
from eventsieve.storage.rows import ChoiceRow, JobRow, ModelRow, TableRow, TrainingRow

__all__ = ["Registry"]

MOST_NAMED = 20
"""How many of the models that there are a refusal names."""

_UNFINISHED = tuple(state for state in State if not state.final)


class Registry:
    """What is known, one short transaction per method.

    Args:
        engine: an open database (see `eventsieve.storage.database`).
        owner: the id of this process; its jobs are its own.
    """

    def __init__(self, engine: Engine, owner: str) -> None:
        self._engine = engine
        self._begin = sessionmaker(engine, expire_on_commit=False).begin
        self._owner = owner

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # jobs

    def add_job(
        self,
        table: Table,
        models: Sequence[ModelState],
        *,
        holdout: float,
        limits: Limits,
        settle: Callable[[], None],
    ) -> Job:
        """Write down a job, all of its models queued.

        Args:
            table: what is trained on.
            models: what is trained.
            holdout: fraction of the events that is kept for the scores.
            limits: of each model.
            settle: gives the table its place; called when nothing speaks against the job any more.

        Raises:
            ModelExists: an id is that of a model, or of one that is being trained; all such ids are named.
        """
        job_id = uuid.uuid4().hex
        try:
            with self._begin() as session:
                _refuse_taken(session, [model.spec.id for model in models])
                settle()
                if session.get(TableRow, table.digest) is None:
                    session.add(TableRow(**table.model_dump()))
                session.add(
                    JobRow(
                        id=job_id,
                        table=table.digest,
                        owner=self._owner,
                        holdout=holdout,
                        seconds_limit=limits.seconds,
                        memory_limit=limits.memory,
                        created=_now(),
                        trainings=[TrainingRow.of(position, model) for position, model in enumerate(models)],
                    )
                )
        except IntegrityError as error:  # on a database without SQLite's one writer at a time
            raise ModelExists("One of these models is being trained by another request; choose other ids.") from error
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            NotFound: there is none.
        """
        with self._begin() as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise NotFound(f"There is no job {job_id!r}.")
            return row.record()

    def start(self, job_id: str, position: int) -> None:
        """Note that a queued model is being trained now."""
        with self._begin() as session:
            session.execute(
                update(TrainingRow)
                .where(
                    TrainingRow.job_id == job_id, TrainingRow.position == position, TrainingRow.state == State.QUEUED
                )
                .values(state=State.RUNNING)
            )

    def finish(self, job_id: str, position: int, outcome: Outcome, adopt: Callable[[], None]) -> Outcome:
        """Note how the training of a model ended; a trained one becomes a model.

        Args:
            job_id: the job.
            position: of the model in its job.
            outcome: how it ended.
            adopt: keeps the artefact; called before the model is listed. Where it raises `DamagedArtefact`, there is
                no model.

        Returns:
            The outcome as it was written down.
        """
        with self._begin() as session:
            row = session.get_one(TrainingRow, (job_id, position))
            if outcome.state is State.TRAINED:
                try:
                    adopt()
                except DamagedArtefact as error:
                    outcome = outcome.model_copy(update={"state": State.DIED, "reason": str(error)})
                else:
                    session.add(ModelRow.of(session.get_one(JobRow, job_id), row, outcome, _now()))
            row.state, row.reason = outcome.state, outcome.reason
            row.seconds, row.peak_memory = outcome.seconds, outcome.peak_memory
        return outcome

    def unfinished_owners(self) -> set[str]:
        """The processes, dead or alive, whose trainings have not ended."""
        unfinished = select(TrainingRow.job_id).where(TrainingRow.state.in_(_UNFINISHED))
        with self._begin() as session:
            return set(session.scalars(select(JobRow.owner).where(JobRow.id.in_(unfinished))))

    def interrupt(self, dead: Collection[str]) -> int:
        """Note that what these dead processes were training is not trained any more; returns how many models."""
        if not dead:
            return 0
        jobs = select(JobRow.id).where(JobRow.owner.in_(dead))
        with self._begin() as session:
            result = session.execute(
                update(TrainingRow)
                .where(TrainingRow.state.in_(_UNFINISHED), TrainingRow.job_id.in_(jobs))
                .values(state=State.INTERRUPTED, reason="The server ended during the training; train it again.")
            )
            return int(result.rowcount)  # type: ignore[attr-defined]  # an update has a row count

    # models

    def models(self) -> list[Model]:
        """All models in the order in which they were asked for."""
        with self._begin() as session:
            current = _current(session)
            return [row.record(current) for row in _models(session)]

    def find(self, ids: Iterable[str]) -> list[Model]:
        """The models of these ids, in this order.

        Raises:
            ModelNotFound: naming every id that is none.
        """
        wanted = list(ids)
        known = {model.id: model for model in self.models()}
        _refuse_unknown(wanted, known)
        return [known[name] for name in wanted]

    def refuse_taken(self, ids: Sequence[str]) -> None:
        """Check that models may be trained under these ids.

        Raises:
            ModelExists: naming every id that is taken.
        """
        with self._begin() as session:
            _refuse_taken(session, ids)

    def remove(self, ids: Collection[str] | None = None) -> list[Model]:
        """Forget these models, or all of them; returns them. A current one is current no more.

        Raises:
            ModelNotFound: naming every id that is none; nothing is removed then.
        """
        with self._begin() as session:
            current = _current(session)
            rows = _models(session)
            if ids is not None:
                _refuse_unknown(ids, [row.id for row in rows])
                rows = [row for row in rows if row.id in ids]
            removed = [row.record(current) for row in rows]
            for row in rows:
                session.delete(row)
            if any(model.current for model in removed):
                session.add(ChoiceRow(model_id=None, created=_now()))
            return removed

    def release_artefact(self, digest: str, drop: Callable[[str], None]) -> None:
        """Drop an artefact that is no model's."""
        with self._begin() as session:
            if not session.scalar(select(exists().where(ModelRow.digest == digest))):
                drop(digest)

    def release_table(self, digest: str, drop: Callable[[str], None]) -> None:
        """Drop a table on which no model was trained and none is being trained."""
        with self._begin() as session:
            needed = exists().where(ModelRow.table == digest)
            awaited = (
                exists()
                .where(JobRow.table == digest)
                .where(TrainingRow.job_id == JobRow.id)
                .where(TrainingRow.state.in_(_UNFINISHED))
            )
            if not session.scalar(select(needed | awaited)):
                drop(digest)
                session.execute(delete(TableRow).where(TableRow.digest == digest))

    def digests(self) -> tuple[set[str], set[str]]:
        """The digests of all artefacts and of all tables that are needed."""
        with self._begin() as session:
            return set(session.scalars(select(ModelRow.digest))), set(session.scalars(select(TableRow.digest)))

    # the current model

    def current(self) -> Model:
        """The current model.

        Raises:
            NoCurrentModel: none is set.
        """
        with self._begin() as session:
            current = _current(session)
            row = current and session.scalar(select(ModelRow).where(ModelRow.id == current))
            if not row:
                raise NoCurrentModel("No model is current; choose one of the trained models first.")
            return row.record(current)

    def choose(self, model_id: str) -> None:
        """Make a model current.

        Raises:
            ModelNotFound: there is none of that id.
            AlreadyCurrent: it is current already.
        """
        with self._begin() as session:
            if session.scalar(select(ModelRow.id).where(ModelRow.id == model_id)) is None:
                raise ModelNotFound(f"There is no model {model_id!r}; train it, or choose another.")
            if _current(session) == model_id:
                raise AlreadyCurrent(f"The model {model_id!r} is current already.")
            session.add(ChoiceRow(model_id=model_id, created=_now()))

    def unset(self) -> str:
        """Make no model current; returns the id of the one that was.

        Raises:
            NoCurrentModel: none was.
        """
        with self._begin() as session:
            current = _current(session)
            if current is None:
                raise NoCurrentModel("No model is current, so there is none to unset.")
            session.add(ChoiceRow(model_id=None, created=_now()))
            return current


def _refuse_taken(session: Session, ids: Sequence[str]) -> None:
    trained = set(session.scalars(select(ModelRow.id).where(ModelRow.id.in_(ids))))
    training = set(
        session.scalars(
            select(TrainingRow.model_id).where(TrainingRow.model_id.in_(ids), TrainingRow.state.in_(_UNFINISHED))
        )
    )
    if taken := [repr(name) for name in ids if name in trained | training]:
        raise ModelExists(
            f"Already trained, or being trained: {', '.join(taken)}; choose other ids, or remove these models first."
        )


def _refuse_unknown(ids: Iterable[str], known: Collection[str]) -> None:
    if missing := [repr(name) for name in ids if name not in known]:
        there_are = ", ".join(map(repr, islice(known, MOST_NAMED))) or "none"
        if len(known) > MOST_NAMED:
            there_are += f" and {len(known) - MOST_NAMED} more"
        raise ModelNotFound(f"There is no model {', '.join(missing)}; there are: {there_are}.")


def _models(session: Session) -> list[ModelRow]:
    asked = select(ModelRow).join(JobRow, JobRow.id == ModelRow.job).order_by(JobRow.created, ModelRow.position)
    return list(session.scalars(asked))


def _current(session: Session) -> str | None:
    return session.scalar(select(ChoiceRow.model_id).order_by(ChoiceRow.number.desc()).limit(1))


def _now() -> datetime:
    return datetime.now(UTC)
