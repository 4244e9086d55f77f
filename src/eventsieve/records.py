"""The nouns that cross a border: frozen records, all of them JSON."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Job", "Limits", "Model", "ModelSpec", "ModelState", "Outcome", "Record", "Score", "State", "Table"]


class Record(BaseModel):
    """A value that is compared by content and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class State(StrEnum):
    """Where the training of one model stands; all but the first two are final."""

    QUEUED = "queued"
    RUNNING = "running"
    TRAINED = "trained"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The estimator raised: these parameters do not fit together, or do not fit these events."""
    DIED = "died"
    """The process ended by itself, or answered with something that is no answer."""
    INTERRUPTED = "interrupted"
    """The server ended first."""

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (State.QUEUED, State.RUNNING)


class ModelSpec(Record):
    """What is to be trained: a model's id, its type in the catalogue, and its hyperparameters.

    The hyperparameters are those of scikit-learn, every one of them with the value that will be used.
    """

    id: str
    type: str
    hyperparameters: dict[str, Any] = Field(default_factory=dict)


class Limits(Record):
    """What the training of one model may use. ``None`` is no limit."""

    seconds: float | None = None
    """Wall-clock seconds from the moment the process is ready."""
    memory: int | None = None
    """Bytes of resident memory of the process."""


class Score(Record):
    """One figure of merit of a model on events that it was not trained on."""

    name: str
    value: float
    uncertainty: float | None = None
    cut: float | None = None
    """The score above which an event is selected, for figures that depend on a cut."""


class Outcome(Record):
    """How the training of one model ended; ``reason`` is a sentence unless it was trained."""

    state: State
    reason: str = ""
    seconds: float = 0.0
    """Wall-clock seconds from ready to the end."""
    peak_memory: int | None = None
    """Largest resident memory seen, in bytes."""
    digest: str | None = None
    """SHA-256 of the artefact, if there is one."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of Python and of the libraries that the model depends on."""
    features: tuple[str, ...] = ()
    """The columns that the model sees, in their order."""
    scores: tuple[Score, ...] = ()
    remarks: tuple[str, ...] = ()
    """What the libraries warned of (a solver that did not converge)."""


class Table(Record):
    """A stored table of events."""

    digest: str
    schema_name: str
    events: int
    signal: int
    """Number of signal events; 0 in a table without labels."""
    created: datetime


class ModelState(Record):
    """One model of a job: what was asked and how far it has come."""

    spec: ModelSpec
    seed: int
    state: State
    reason: str = ""
    seconds: float = 0.0


class Job(Record):
    """Models that are trained together on one table."""

    id: str
    table: str
    """Digest of the table."""
    holdout: float
    """Fraction of the events that is kept from training and used for the scores; 0 where all are trained on."""
    limits: Limits
    created: datetime
    models: tuple[ModelState, ...]

    @property
    def final(self) -> bool:
        """Whether all models of the job have ended."""
        return all(model.state.final for model in self.models)


class Model(Record):
    """A trained model."""

    id: str
    job: str
    """Id of the job that it was trained in."""
    type: str
    hyperparameters: dict[str, Any]
    digest: str
    """SHA-256 of its artefact."""
    table: str
    """Digest of the table that it was trained on."""
    seed: int
    seconds: float
    peak_memory: int | None
    versions: dict[str, str]
    features: tuple[str, ...]
    """The columns that it sees, in their order."""
    scores: tuple[Score, ...]
    remarks: tuple[str, ...] = ()
    created: datetime
    current: bool = False
