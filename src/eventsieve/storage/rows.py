"""The tables of the registry's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, MetaData, String, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from eventsieve.records import Job, Limits, Model, ModelSpec, ModelState, Outcome, Score, State

__all__ = ["Base", "ChoiceRow", "JobRow", "ModelRow", "ScoreRow", "TableRow", "TrainingRow", "UtcTime"]

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
    type_annotation_map: ClassVar = {datetime: UtcTime, dict[str, Any]: JSON, dict[str, str]: JSON, list[str]: JSON}


class TableRow(Base):
    """A table of events that is stored; jobs and models keep its digest when it is gone."""

    __tablename__ = "tables"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    schema_name: Mapped[str] = mapped_column(String(128))
    events: Mapped[int]
    signal: Mapped[int]
    created: Mapped[datetime]


class JobRow(Base):
    """Models that are trained together."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    table: Mapped[str] = mapped_column("table_digest", String(64), index=True)
    owner: Mapped[str] = mapped_column(String(32))
    holdout: Mapped[float]
    seconds_limit: Mapped[float | None]
    memory_limit: Mapped[int | None] = mapped_column(BigInteger)
    created: Mapped[datetime]
    trainings: Mapped[list[TrainingRow]] = relationship(
        order_by="TrainingRow.position", cascade="all, delete-orphan", lazy="selectin"
    )

    def record(self) -> Job:
        """The job, apart from the database."""
        return Job(
            id=self.id,
            table=self.table,
            holdout=self.holdout,
            limits=Limits(seconds=self.seconds_limit, memory=self.memory_limit),
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

    __table_args__ = (
        # Two trainings under one id could not both become that model.
        Index(
            "uq_trainings_unfinished", "model_id", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
        ),
        Index("ix_trainings_state", "state"),
    )

    @classmethod
    def of(cls, position: int, model: ModelState) -> TrainingRow:
        """The row of a model that is to be trained."""
        spec = model.spec.model_dump()
        return cls(
            position=position,
            model_id=spec.pop("id"),
            seed=model.seed,
            state=model.state,
            reason=model.reason,
            **spec,
        )

    def record(self) -> ModelState:
        """The model of a job, apart from the database."""
        return ModelState(
            spec=ModelSpec(id=self.model_id, type=self.type, hyperparameters=self.hyperparameters),
            seed=self.seed,
            state=State(self.state),
            reason=self.reason,
            seconds=self.seconds,
        )


class ModelRow(Base):
    """A trained model."""

    __tablename__ = "models"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(128), unique=True)
    job: Mapped[str] = mapped_column("job_id", ForeignKey("jobs.id"))
    position: Mapped[int]
    type: Mapped[str] = mapped_column(String(64))
    hyperparameters: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    table: Mapped[str] = mapped_column("table_digest", String(64), index=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    versions: Mapped[dict[str, str]]
    features: Mapped[list[str]]
    remarks: Mapped[list[str]]
    created: Mapped[datetime]
    scores: Mapped[list[ScoreRow]] = relationship(
        order_by="ScoreRow.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @classmethod
    def of(cls, job: JobRow, training: TrainingRow, outcome: Outcome, created: datetime) -> ModelRow:
        """The row of a model that has been trained."""
        if outcome.digest is None:
            raise ValueError("a trained model has an artefact")
        return cls(
            id=training.model_id,
            job=job.id,
            position=training.position,
            type=training.type,
            hyperparameters=training.hyperparameters,
            digest=outcome.digest,
            table=job.table,
            seed=training.seed,
            seconds=outcome.seconds,
            peak_memory=outcome.peak_memory,
            versions=outcome.versions,
            features=list(outcome.features),
            remarks=list(outcome.remarks),
            created=created,
            scores=[ScoreRow(position=n, **score.model_dump()) for n, score in enumerate(outcome.scores)],
        )

    def record(self, current: str | None) -> Model:
        """The model, apart from the database; ``current`` is the id of the current one."""
        names = Model.model_fields.keys() - {"scores", "current"}
        return Model(
            **{name: getattr(self, name) for name in names},
            scores=tuple(Score(name=s.name, value=s.value, uncertainty=s.uncertainty, cut=s.cut) for s in self.scores),
            current=self.id == current,
        )


class ScoreRow(Base):
    """One figure of merit of a model."""

    __tablename__ = "scores"

    model: Mapped[int] = mapped_column(ForeignKey("models.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    value: Mapped[float]
    uncertainty: Mapped[float | None]
    cut: Mapped[float | None]


class ChoiceRow(Base):
    """Which model was made current when; the last row holds, and one without a model says that none is."""

    __tablename__ = "choices"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model_id: Mapped[str | None] = mapped_column(String(128))
    created: Mapped[datetime]
