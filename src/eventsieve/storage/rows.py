"""The tables of the registry's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, MetaData, String, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from eventsieve.records import (
    AccessRole,
    Choice,
    Column,
    Deed,
    Estimate,
    Job,
    Key,
    Limits,
    Model,
    ModelSpec,
    ModelState,
    Outcome,
    Plan,
    Quotas,
    Schema,
    Score,
    State,
    Table,
    Threshold,
)

__all__ = [
    "AliasRow",
    "Base",
    "ChoiceRow",
    "DatasetRow",
    "DeedRow",
    "JobRow",
    "KeyRow",
    "ModelRow",
    "OwnerRow",
    "ScoreRow",
    "SessionRow",
    "StoreRow",
    "TableRow",
    "TrainingRow",
    "UploadRow",
    "UtcTime",
]

_UNFINISHED = text("state IN ('queued', 'running')")


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as UTC: SQLite forgets time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return value and value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables; constraints are named so that migrations can speak of them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcTime,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }


class TableRow(Base):
    """A table of events that is stored; jobs and models keep its digest when it is gone."""

    __tablename__ = "tables"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    schema_name: Mapped[str] = mapped_column(String(128))
    events: Mapped[int]
    signal: Mapped[int]
    features: Mapped[int]
    classes: Mapped[int]
    created: Mapped[datetime]


class DatasetRow(Base):
    """A data set: what came, and how it is read; the fields are those of `eventsieve.records.Dataset`."""

    __tablename__ = "datasets"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(256))
    digest: Mapped[str] = mapped_column(String(64))
    columns_digest: Mapped[str] = mapped_column(String(64), index=True)
    """Of the file of all columns; data sets that differ only in their schema share it."""
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    """Digest of what came, of how it was read and of the schema that was asked for: the same again is this data set."""
    format: Mapped[str] = mapped_column(String(16))
    size: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[list[dict[str, Any]]]
    reading: Mapped[dict[str, Any]]
    events: Mapped[int] = mapped_column(BigInteger)
    columns: Mapped[list[dict[str, Any]]]
    event_schema: Mapped[dict[str, Any]]
    classes: Mapped[list[dict[str, Any]]]
    warnings: Mapped[list[str]]
    by: Mapped[str] = mapped_column("made_by", String(128), index=True, default="")
    stored: Mapped[int | None] = mapped_column("stored_bytes", BigInteger)
    """Bytes of the file of all columns; ``None`` in a data set of before quotas until it has been looked at."""
    used: Mapped[datetime | None]
    """When it was last read or looked at, to the hour."""
    created: Mapped[datetime]

    # All that a sum of somebody's bytes needs: the rows themselves are long.
    __table_args__ = (Index("ix_datasets_stored", "made_by", "columns_digest", "stored_bytes"),)


class JobRow(Base):
    """Models that are trained together."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    table: Mapped[str] = mapped_column("table_digest", String(64), index=True)
    validation_table: Mapped[str | None] = mapped_column("validation_digest", String(64), index=True)
    dataset: Mapped[str | None] = mapped_column("dataset_id", String(32), index=True)
    owner: Mapped[str] = mapped_column(String(32))
    plan: Mapped[dict[str, Any]]
    warnings: Mapped[list[str]]
    seconds_limit: Mapped[float | None]
    memory_limit: Mapped[int | None] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column("made_by", String(128), index=True, default="")
    created: Mapped[datetime]
    trainings: Mapped[list[TrainingRow]] = relationship(
        order_by="TrainingRow.position", cascade="all, delete-orphan", lazy="selectin"
    )

    def record(self) -> Job:
        """The job, apart from the database."""
        return Job(
            id=self.id,
            dataset=self.dataset,
            table=self.table,
            plan=Plan.model_validate(self.plan),
            limits=Limits(seconds=self.seconds_limit, memory=self.memory_limit),
            warnings=tuple(self.warnings),
            by=self.by,
            created=self.created,
            models=tuple(training.record() for training in self.trainings),
        )


class TrainingRow(Base):
    """One model of a job and how its training ended."""

    __tablename__ = "trainings"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(String(128))
    type: Mapped[str] = mapped_column(String(64))
    hyperparameters: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    started: Mapped[datetime | None]
    estimate: Mapped[dict[str, Any] | None]
    events: Mapped[int] = mapped_column(BigInteger, default=0)
    """Events, features and classes of its table: what estimates of other trainings are learned from."""
    features: Mapped[int] = mapped_column(default=0)
    classes: Mapped[int] = mapped_column(default=2)
    kept_early: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        # Two trainings under one id could not both become that model.
        Index(
            "uq_trainings_unfinished", "model_id", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
        ),
        Index("ix_trainings_state", "state"),
    )

    @classmethod
    def of(cls, position: int, model: ModelState, table: Table) -> TrainingRow:
        """The row of a model that is to be trained."""
        spec = model.spec.model_dump()
        return cls(
            position=position,
            model_id=spec.pop("name"),
            seed=model.seed,
            state=model.state,
            reason=model.reason,
            estimate=model.estimate and model.estimate.model_dump(mode="json"),
            events=table.events,
            features=table.features,
            classes=table.classes,
            **spec,
        )

    def record(self) -> ModelState:
        """The model of a job, apart from the database."""
        return ModelState(
            spec=ModelSpec(name=self.model_id, type=self.type, hyperparameters=self.hyperparameters),
            seed=self.seed,
            state=State(self.state),
            reason=self.reason,
            seconds=self.seconds if State(self.state).final else _since(self.started),
            peak_memory=self.peak_memory,
            kept_early=self.kept_early,
            estimate=self.estimate and Estimate.model_validate(self.estimate),
        )


class ModelRow(Base):
    """A trained model."""

    __tablename__ = "models"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column("id", String(128), unique=True)
    job: Mapped[str] = mapped_column("job_id", ForeignKey("jobs.id"))
    position: Mapped[int]
    type: Mapped[str] = mapped_column(String(64))
    hyperparameters: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    evaluation: Mapped[str | None] = mapped_column("evaluation_digest", String(64), index=True)
    table: Mapped[str] = mapped_column("table_digest", String(64), index=True)
    event_schema: Mapped[dict[str, Any] | None]
    """``None`` in a model of version 0.1 until its table has been looked at."""
    seed: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    versions: Mapped[dict[str, str]]
    features: Mapped[list[str]]
    remarks: Mapped[list[str]]
    probabilities: Mapped[bool]
    kept_early: Mapped[bool]
    threshold: Mapped[dict[str, Any]]
    tags: Mapped[list[str]]
    note: Mapped[str]
    stored: Mapped[int | None] = mapped_column("stored_bytes", BigInteger)
    """Bytes of artefact and evaluation; ``None`` in a model of before quotas until they have been looked at."""
    created: Mapped[datetime]
    scores: Mapped[list[ScoreRow]] = relationship(
        order_by="ScoreRow.position", cascade="all, delete-orphan", lazy="selectin"
    )
    aliases: Mapped[list[AliasRow]] = relationship(
        order_by="AliasRow.name", cascade="all, delete-orphan", lazy="selectin"
    )
    training: Mapped[JobRow] = relationship(lazy="joined", viewonly=True)

    __table_args__ = (Index("ix_models_stored", "job_id", "digest", "stored_bytes"),)

    @classmethod
    def of(
        cls, job: JobRow, training: TrainingRow, outcome: Outcome, schema: Schema | None, created: datetime
    ) -> ModelRow:
        """The row of a model that has been trained."""
        if outcome.digest is None:
            raise ValueError("a trained model has an artefact")
        return cls(
            name=training.model_id,
            job=job.id,
            position=training.position,
            type=training.type,
            hyperparameters=training.hyperparameters,
            digest=outcome.digest,
            evaluation=outcome.evaluation,
            table=job.table,
            event_schema=schema and schema.model_dump(mode="json"),
            seed=training.seed,
            seconds=outcome.seconds,
            peak_memory=outcome.peak_memory,
            versions=outcome.versions,
            features=list(outcome.features),
            remarks=list(outcome.remarks),
            probabilities=outcome.probabilities,
            kept_early=outcome.kept_early,
            threshold=Threshold().model_dump(mode="json"),
            tags=[],
            note="",
            created=created,
            scores=[ScoreRow(position=n, **score.model_dump()) for n, score in enumerate(outcome.scores)],
        )

    def record(self, current: str | None) -> Model:
        """The model, apart from the database; ``current`` is the name of the current one."""
        plan = Plan.model_validate(self.training.plan)
        return Model(
            name=self.name,
            job=self.job,
            type=self.type,
            hyperparameters=self.hyperparameters,
            digest=self.digest,
            dataset=self.training.dataset,
            table=self.table,
            event_schema=_schema(self.event_schema, self.features),
            seed=self.seed,
            validation=plan.validation,
            weights=plan.weights,
            negative_weights=plan.negative_weights,
            limits=Limits(seconds=self.training.seconds_limit, memory=self.training.memory_limit),
            seconds=self.seconds,
            peak_memory=self.peak_memory,
            versions=self.versions,
            features=tuple(self.features),
            scores=tuple(score.record() for score in self.scores),
            evaluation=self.evaluation,
            probabilities=self.probabilities,
            kept_early=self.kept_early,
            remarks=tuple(self.remarks),
            threshold=Threshold.model_validate(self.threshold),
            tags=tuple(self.tags),
            note=self.note,
            aliases=tuple(alias.name for alias in self.aliases),
            by=self.training.by,
            created=self.created,
            current=self.name == current,
        )


class ScoreRow(Base):
    """One figure of merit of a model."""

    __tablename__ = "scores"

    model: Mapped[int] = mapped_column(ForeignKey("models.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    value: Mapped[float]
    uncertainty: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    weighted: Mapped[bool]
    cut: Mapped[float | None]

    def record(self) -> Score:
        """The figure, apart from the database."""
        return Score(**{name: getattr(self, name) for name in Score.model_fields})


class AliasRow(Base):
    """Another name of a model."""

    __tablename__ = "aliases"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    model: Mapped[int] = mapped_column(ForeignKey("models.number"), index=True)


class ChoiceRow(Base):
    """Which model was made current when; the last row holds, and one without a model says that none is."""

    __tablename__ = "choices"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model_id: Mapped[str | None] = mapped_column(String(128))
    by: Mapped[str] = mapped_column("made_by", String(128), default="")
    created: Mapped[datetime]

    def record(self) -> Choice:
        """The choice, apart from the database."""
        return Choice(number=self.number, model=self.model_id, by=self.by, created=self.created)


class KeyRow(Base):
    """A key of the interface; of its secret there is only a hash."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), index=True)
    role: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key, which is 256 random bits: there is nothing to guess."""
    quotas: Mapped[dict[str, Any]]
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    revoked: Mapped[datetime | None]
    used: Mapped[datetime | None]

    def record(self) -> Key:
        """The key, apart from the database."""
        return Key(
            id=self.id,
            name=self.name,
            role=AccessRole(self.role),
            quotas=Quotas.model_validate(self.quotas),
            created=self.created,
            expires=self.expires,
            revoked=self.revoked,
            used=self.used,
        )


class SessionRow(Base):
    """Somebody who has signed in on the web pages: what stands for his key, or for what his provider said."""

    __tablename__ = "sessions"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the token."""
    key: Mapped[str | None] = mapped_column("key_id", ForeignKey("keys.id", ondelete="CASCADE"), index=True)
    """The key that he signed in with; it says name and role, and ends the session when it is revoked."""
    name: Mapped[str] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)


class DeedRow(Base):
    """One entry of the audit trail; rows are added, never changed."""

    __tablename__ = "deeds"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    moment: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(128), index=True)
    role: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(128))
    objects: Mapped[list[str]]
    status: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    client: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))

    def record(self) -> Deed:
        """The entry, apart from the database."""
        return Deed(**{name: getattr(self, name) for name in Deed.model_fields})


class UploadRow(Base):
    """How much somebody has sent within one hour; kept for a day."""

    __tablename__ = "uploads"

    by: Mapped[str] = mapped_column("made_by", String(128), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Since 1970."""
    bytes: Mapped[int] = mapped_column(BigInteger)


class OwnerRow(Base):
    """A process that trains over this registry; its beats tell processes on other machines that it lives."""

    __tablename__ = "owners"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(256))
    """Machine and folder, where its lock file can be looked at."""
    beats: Mapped[int] = mapped_column(BigInteger)
    """Counts up while it lives."""
    created: Mapped[datetime]


class StoreRow(Base):
    """Which registry this is: the one row there is."""

    __tablename__ = "stores"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(32))


def _schema(stored: dict[str, Any] | None, features: list[str]) -> Schema:
    if stored is None:
        return Schema(name="", signal="s", columns=tuple(Column(name=name, dtype="float64") for name in features))
    return Schema.model_validate(stored)


def _since(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (datetime.now(UTC) - moment).total_seconds())
