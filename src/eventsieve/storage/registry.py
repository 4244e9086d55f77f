"""The registry: tables, jobs, models and the current model, in a database that several processes may share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import AlreadyCurrent, DamagedArtefact, JobNotFound, ModelExists, ModelNotFound, NoCurrentModel
from eventsieve.records import Job, Limits, Model, ModelState, Outcome, Page, PastTraining, Plan, Schema, State, Table
from eventsieve.storage.aging import Aging
from eventsieve.storage.changes import Changes
from eventsieve.storage.datasets import DatasetBook
from eventsieve.storage.files import Digests
from eventsieve.storage.holdings import Holdings
from eventsieve.storage.keybook import Keybook
from eventsieve.storage.locks import NAMES, alone
from eventsieve.storage.modelbook import Modelbook
from eventsieve.storage.ownerbook import OwnerBook
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import AliasRow, ChoiceRow, DatasetRow, JobRow, ModelRow, OwnerRow, TableRow, TrainingRow
from eventsieve.storage.trail import Trail

__all__ = ["CURRENT", "Registry"]

CURRENT = "current"
"""Alias of the current model."""

NOT_VALIDATED = Plan()
"""All events are trained on."""

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
        sessions = sessionmaker(engine, expire_on_commit=False)
        self._begin, self._read = sessions.begin, reading(sessions)
        self.book = Modelbook(sessions)
        self.datasets = DatasetBook(sessions)
        self.holdings = Holdings(sessions)
        self.trail = Trail(sessions)
        self.aging = Aging(sessions)
        self.keys = Keybook(sessions)
        self.owners = OwnerBook(sessions)
        self.changes = Changes(engine)
        self._owner = owner

    def close(self) -> None:
        """Close all connections."""
        self.changes.close()
        self._engine.dispose()

    def ping(self) -> None:
        """See that the database answers, and takes changes where it has one writer at a time.

        Raises:
            StoreUnavailable: it does not.
        """
        with self._begin() as session:
            session.scalar(select(OwnerRow.id).limit(1))

    # jobs

    def add_job(
        self,
        table: Table,
        models: Sequence[ModelState],
        *,
        limits: Limits,
        settle: Callable[[], None],
        plan: Plan = NOT_VALIDATED,
        dataset: str | None = None,
        validation: Table | None = None,
        warnings: Sequence[str] = (),
        by: str = "",
    ) -> Job:
        """Write down a job, all of its models queued.

        Args:
            table: what is trained on.
            models: what is trained.
            limits: of each model.
            settle: gives the tables their places; called when nothing speaks against the job any more.
            plan: how the models are trained and validated.
            dataset: id of the data set that the table was made of.
            validation: the table of the events that the models are validated on, if it is another one.
            warnings: what a physicist should know before the job ends.
            by: who asks for it.

        Raises:
            ModelExists: an id is that of a model, or of one that is being trained; all such ids are named.
        """
        job_id = uuid.uuid4().hex
        try:
            with self._begin() as session:
                tables = {each.digest: each for each in (table, validation) if each is not None}
                alone(session, NAMES, *tables)
                _refuse_taken(session, [model.spec.name for model in models])
                settle()
                for each in tables.values():
                    if session.get(TableRow, each.digest) is None:
                        session.add(TableRow(**each.model_dump()))
                row = JobRow(
                    id=job_id,
                    table=table.digest,
                    validation_table=validation and validation.digest,
                    dataset=dataset,
                    owner=self._owner,
                    plan=plan.model_dump(mode="json"),
                    warnings=list(warnings),
                    by=by,
                    seconds_limit=limits.seconds,
                    memory_limit=limits.memory,
                    created=_now(),
                    trainings=[TrainingRow.of(position, model, table) for position, model in enumerate(models)],
                )
                session.add(row)
                session.flush()
                return row.record()
        except IntegrityError as error:  # on a database without SQLite's one writer at a time
            raise ModelExists("One of these models is being trained by another request; choose other ids.") from error

    def job(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            NotFound: there is none.
        """
        with self._read() as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise JobNotFound(f"There is no job {job_id!r}; the list of jobs has those there are.")
            return row.record()

    def jobs(self, *, offset: int = 0, limit: int = 100) -> Page[Job]:
        """A part of the list of jobs, the newest first."""
        with self._read() as session:
            rows = session.scalars(
                select(JobRow).order_by(JobRow.created.desc(), JobRow.id).offset(offset).limit(limit)
            )
            total = session.scalar(select(func.count()).select_from(JobRow)) or 0
            return Page(items=tuple(row.record() for row in rows), total=total, offset=offset)

    def validation_table(self, job_id: str) -> str | None:
        """The digest of the table that the models of a job are validated on, if it is another one."""
        with self._read() as session:
            return session.scalar(select(JobRow.validation_table).where(JobRow.id == job_id))

    def is_own(self, job_id: str) -> bool:
        """Whether the job is one of this process, which alone can end it."""
        with self._read() as session:
            return session.scalar(select(JobRow.owner).where(JobRow.id == job_id)) == self._owner

    def unfinished_jobs(self, dataset: str) -> list[str]:
        """The ids of the jobs that train or validate on a data set and have not ended."""
        with self._read() as session:
            unfinished = select(TrainingRow.job_id).where(TrainingRow.state.in_(_UNFINISHED))
            rows = session.scalars(select(JobRow).where(JobRow.id.in_(unfinished)))
            return [row.id for row in rows if dataset in (row.dataset, row.plan["validation"]["dataset"])]

    def past_trainings(self, limit: int = 500) -> list[PastTraining]:
        """How the latest trainings ended, newest first: what estimates are learned from."""
        ended = (State.TRAINED, State.TIMED_OUT, State.OUT_OF_MEMORY)
        with self._read() as session:
            rows = session.execute(
                select(TrainingRow, JobRow.plan)
                .join(JobRow, JobRow.id == TrainingRow.job_id)
                .where(TrainingRow.state.in_(ended), TrainingRow.features > 0)
                .order_by(JobRow.created.desc())
                .limit(limit)
            )
            return [_past(training, plan) for training, plan in rows]

    def start(self, job_id: str, position: int, moment: datetime | None = None) -> None:
        """Note that a queued model is being trained, and since when; now by default."""
        with self._begin() as session:
            session.execute(
                update(TrainingRow)
                .where(
                    TrainingRow.job_id == job_id, TrainingRow.position == position, TrainingRow.state == State.QUEUED
                )
                .values(state=State.RUNNING, started=moment or _now())
            )

    def finish(
        self,
        job_id: str,
        position: int,
        outcome: Outcome,
        adopt: Callable[[], None],
        schema: Schema | None = None,
        *,
        stored: int | None = None,
    ) -> Outcome:
        """Note how the training of a model ended; a trained one becomes a model. What has ended already stays as it is.

        Args:
            job_id: the job.
            position: of the model in its job.
            outcome: how it ended.
            adopt: keeps the artefact; called before the model is listed. Where it raises `DamagedArtefact`, there is
                no model.
            schema: how tables are read that the model is to predict.
            stored: bytes of the model's files; ``None`` where they are to be looked at later.

        Returns:
            The outcome as it was written down.
        """
        with self._begin() as session:
            alone(session, *filter(None, (outcome.digest, outcome.evaluation)))
            row = session.get_one(TrainingRow, (job_id, position))
            if State(row.state).final and not (outcome.state is State.TRAINED and _was_given_up(session, row)):
                # Written down before, though the database's answer was lost.
                return outcome.model_copy(update={"state": State(row.state), "reason": row.reason})
            if outcome.state is State.TRAINED:
                try:
                    adopt()
                except DamagedArtefact as error:
                    outcome = outcome.model_copy(update={"state": State.DIED, "reason": str(error)})
                else:
                    model = ModelRow.of(session.get_one(JobRow, job_id), row, outcome, schema, _now())
                    model.stored = stored
                    session.add(model)
            row.state, row.reason = outcome.state, outcome.reason
            row.seconds, row.peak_memory, row.kept_early = outcome.seconds, outcome.peak_memory, outcome.kept_early
        return outcome

    def disown(self, known: Collection[str]) -> set[str]:
        """Note that nobody trains the unfinished models of this process's jobs but for those of known ones.

        Returns:
            The digests of the tables that they were to be trained and validated on.
        """
        ours = JobRow.owner == self._owner
        with self._begin() as session:
            unfinished = select(TrainingRow.job_id).where(TrainingRow.state.in_(_UNFINISHED))
            rows = session.scalars(select(JobRow).where(ours, JobRow.id.in_(unfinished), JobRow.id.not_in(known)))
            lost = list(rows)
            for training in (each for row in lost for each in row.trainings if not State(each.state).final):
                training.state = State.INTERRUPTED
                training.reason = "The registry failed when the job was written down; send it again."
            return {digest for row in lost for digest in (row.table, row.validation_table) if digest}

    # models

    def models(self) -> list[Model]:
        """All models in the order in which they were asked for."""
        with self._read() as session:
            current = _current(session)
            return [row.record(current) for row in _models(session)]

    def models_page(
        self,
        *,
        offset: int,
        limit: int,
        tag: str | None = None,
        type: str | None = None,  # noqa: A002 - as the record names it
        dataset: str | None = None,
    ) -> Page[Model]:
        """A part of the list of models, of which no others are read.

        Args:
            offset: how many are left out first.
            limit: how many there are at most.
            tag: only those with this tag.
            type: only those of this type.
            dataset: only those that were trained on the data set of this id.
        """
        asked = select(ModelRow.number, ModelRow.tags).join(JobRow, JobRow.id == ModelRow.job)
        wanted = ((ModelRow.type, type), (JobRow.dataset, dataset))
        asked = asked.where(*(column == value for column, value in wanted if value is not None))
        with self._read() as session:
            found = session.execute(asked.order_by(JobRow.created, ModelRow.position)).all()
            numbers = [number for number, tags in found if tag is None or tag in tags]
            part = numbers[offset : offset + limit]
            rows = {row.number: row for row in session.scalars(select(ModelRow).where(ModelRow.number.in_(part)))}
            current = _current(session)
            items = tuple(rows[number].record(current) for number in part)
            return Page(items=items, total=len(numbers), offset=offset)

    def find(self, ids: Iterable[str]) -> list[Model]:
        """The models of these names or aliases, in this order.

        The current model has the alias `CURRENT`, unless another model has that name.

        Raises:
            ModelNotFound: naming every id that is none.
        """
        wanted = list(ids)
        with self._read() as session:
            current = _current(session)
            meant = {row[0]: row[1] for row in session.execute(_meant(wanted))}
            if CURRENT in wanted and current is not None:
                meant.setdefault(CURRENT, current)
            rows = session.scalars(select(ModelRow).where(ModelRow.name.in_({*wanted, *meant.values()})))
            named = {row.name: row.record(current) for row in rows}
            found = {alias: named[name] for alias, name in meant.items() if name in named} | named
            if any(name not in found for name in wanted):
                there_are = session.scalars(select(ModelRow.name).order_by(ModelRow.number))
                _refuse_unknown(wanted, list(dict.fromkeys([*there_are, *found])))
            return [found[name] for name in wanted]

    def refuse_taken(self, ids: Sequence[str]) -> None:
        """Check that models may be trained under these ids.

        Raises:
            ModelExists: naming every id that is taken.
        """
        with self._read() as session:
            _refuse_taken(session, ids)

    def taken(self) -> set[str]:
        """All names under which nothing new can be trained: of models, of aliases, of what is being trained."""
        with self._read() as session:
            training = select(TrainingRow.model_id).where(TrainingRow.state.in_(_UNFINISHED))
            queries = (select(ModelRow.name), select(AliasRow.name), training)
            return {name for query in queries for name in session.scalars(query)}

    def remove(
        self,
        ids: Collection[str] | None = None,
        *,
        check: Callable[[Model], object] = lambda _: None,
        by: str = "",
    ) -> list[Model]:
        """Forget these models, or all of them; returns them. A current one is current no more.

        Args:
            ids: the models; all of them by default.
            check: called with each before anything is removed; what it raises keeps all of them.
            by: who says so.

        Raises:
            ModelNotFound: naming every id that is none; nothing is removed then.
        """
        with self._begin() as session:
            current = _current(session)
            rows = _models(session)
            if ids is not None:
                _refuse_unknown(ids, [row.name for row in rows])
                rows = [row for row in rows if row.name in ids]
            removed = [row.record(current) for row in rows]
            for model in removed:
                check(model)
            for row in rows:
                session.delete(row)
            if any(model.current for model in removed):
                session.add(ChoiceRow(model_id=None, by=by, created=_now()))
            return removed

    def release_artefact(self, digest: str, drop: Callable[[str], None]) -> None:
        """Drop an artefact that is no model's."""
        with self._begin() as session:
            alone(session, digest)
            if not session.scalar(select(exists().where(ModelRow.digest == digest))):
                drop(digest)

    def release_evaluation(self, digest: str, drop: Callable[[str], None]) -> None:
        """Drop an evaluation that is no model's."""
        with self._begin() as session:
            alone(session, digest)
            if not session.scalar(select(exists().where(ModelRow.evaluation == digest))):
                drop(digest)

    def release_table(self, digest: str, drop: Callable[[str], None]) -> None:
        """Drop a table on which no model was trained and none is being trained."""
        with self._begin() as session:
            alone(session, digest)
            needed = exists().where(ModelRow.table == digest)
            awaited = (
                exists()
                .where((JobRow.table == digest) | (JobRow.validation_table == digest))
                .where(TrainingRow.job_id == JobRow.id)
                .where(TrainingRow.state.in_(_UNFINISHED))
            )
            if not session.scalar(select(needed | awaited)):
                drop(digest)
                session.execute(delete(TableRow).where(TableRow.digest == digest))

    def digests(self) -> Digests:
        """The digests of all files that are needed."""
        with self._begin() as session:
            return Digests(
                artefacts=set(session.scalars(select(ModelRow.digest))),
                tables=set(session.scalars(select(TableRow.digest))),
                evaluations=set(session.scalars(select(ModelRow.evaluation).where(ModelRow.evaluation.is_not(None)))),
                datasets=set(session.scalars(select(DatasetRow.columns_digest))),
            )

    def describe(self, schema_of: Callable[[str], Schema | None]) -> None:
        """Give models of version 0.1 their schemas, by the digests of their tables."""
        with self._begin() as session:
            for row in session.scalars(select(ModelRow).where(ModelRow.event_schema.is_(None))):
                schema = schema_of(row.table)
                if schema is not None:
                    row.event_schema = schema.model_dump(mode="json")

    # the current model

    def current(self) -> Model:
        """The current model.

        Raises:
            NoCurrentModel: none is set.
        """
        with self._read() as session:
            current = _current(session)
            row = current and session.scalar(select(ModelRow).where(ModelRow.name == current))
            if not row:
                raise NoCurrentModel("No model is current; choose one of the trained models first.")
            return row.record(current)

    def choose(self, model_id: str, by: str = "") -> None:
        """Make a model current.

        Raises:
            ModelNotFound: there is none of that id.
            AlreadyCurrent: it is current already.
        """
        with self._begin() as session:
            if session.scalar(select(ModelRow.name).where(ModelRow.name == model_id)) is None:
                raise ModelNotFound(f"There is no model {model_id!r}; train it, or choose another.")
            if _current(session) == model_id:
                raise AlreadyCurrent(f"The model {model_id!r} is current already.")
            session.add(ChoiceRow(model_id=model_id, by=by, created=_now()))

    def unset(self, by: str = "") -> str:
        """Make no model current; returns the id of the one that was.

        Raises:
            NoCurrentModel: none was.
        """
        with self._begin() as session:
            current = _current(session)
            if current is None:
                raise NoCurrentModel("No model is current, so there is none to unset.")
            session.add(ChoiceRow(model_id=None, by=by, created=_now()))
            return current


def _refuse_taken(session: Session, ids: Sequence[str]) -> None:
    trained = set(session.scalars(select(ModelRow.name).where(ModelRow.name.in_(ids))))
    training = set(
        session.scalars(
            select(TrainingRow.model_id).where(TrainingRow.model_id.in_(ids), TrainingRow.state.in_(_UNFINISHED))
        )
    )
    aliases = set(session.scalars(select(AliasRow.name).where(AliasRow.name.in_(ids))))
    if taken := [repr(name) for name in ids if name in aliases]:
        raise ModelExists(f"An alias of a model: {', '.join(taken)}; choose other names, or drop the alias first.")
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


def _was_given_up(session: Session, training: TrainingRow) -> bool:
    """Whether others took the trainer for dead, and its model can still have its name."""
    if training.state != State.INTERRUPTED:
        return False
    alone(session, NAMES)
    try:
        _refuse_taken(session, [training.model_id])
    except ModelExists:
        return False
    return True


def _past(training: TrainingRow, plan: dict[str, Any]) -> PastTraining:
    validation = plan["validation"]
    return PastTraining(
        type=training.type,
        hyperparameters=training.hyperparameters,
        events=training.events,
        features=training.features,
        classes=training.classes,
        seconds=training.seconds,
        peak_memory=training.peak_memory,
        # Of one that was stopped early it is only known that it takes longer.
        state=State.TIMED_OUT if training.kept_early else State(training.state),
        folds=validation["folds"] if validation["kind"] == "folds" else 0,
    )


def _models(session: Session) -> list[ModelRow]:
    asked = select(ModelRow).join(JobRow, JobRow.id == ModelRow.job).order_by(JobRow.created, ModelRow.position)
    return list(session.scalars(asked))


def _meant(aliases: Sequence[str]) -> Select[str, str]:
    """Which of these are aliases, and of which models."""
    of_model = select(AliasRow.name, ModelRow.name).join(ModelRow, ModelRow.number == AliasRow.model)
    return of_model.where(AliasRow.name.in_(aliases))


def _current(session: Session) -> str | None:
    return session.scalar(select(ChoiceRow.model_id).order_by(ChoiceRow.number.desc()).limit(1))


def _now() -> datetime:
    return datetime.now(UTC)
