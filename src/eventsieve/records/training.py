"""Trainings: what is asked, what it may use, how far it is and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from eventsieve.records.base import Record

__all__ = [
    "Estimate",
    "EventWeights",
    "Job",
    "JobRequest",
    "Limits",
    "Means",
    "ModelSpec",
    "ModelState",
    "NegativeWeights",
    "OnLimit",
    "Outcome",
    "PastTraining",
    "Plan",
    "Progress",
    "Score",
    "State",
    "Validation",
]


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
    """What is to be trained: a model's name, its type in the catalogue, and its hyperparameters.

    The hyperparameters are those of scikit-learn, every one of them with the value that will be used.
    """

    name: str = ""
    """Empty: a name is made from the type."""
    type: str
    hyperparameters: dict[str, Any] = Field(default_factory=dict)


class Limits(Record):
    """What the training of one model may use. ``None`` is no limit."""

    seconds: float | None = None
    """Wall-clock seconds from the moment the process is ready."""
    memory: int | None = None
    """Bytes of resident memory of the process."""


class Means(Record):
    """What the training of one model makes use of."""

    threads: int = 1
    """Of the numerical libraries. Some types give another model with another number."""
    accelerate: bool = False
    """Whether scikit-learn-intelex is used where it can be."""


class Score(Record):
    """One figure of merit of a model on events that it was not trained on."""

    name: str
    value: float
    uncertainty: float | None = None
    """Standard deviation over bootstrap replicas."""
    low: float | None = None
    high: float | None = None
    """Bounds of the central 68.3 % of the replicas."""
    weighted: bool = False
    """Whether it uses the event weights; otherwise every event counts once."""
    cut: float | None = None
    """The score above which an event is selected, for figures that depend on a cut."""


class Validation(Record):
    """Which events are kept from training, to score the model on."""

    kind: Literal["none", "holdout", "folds", "dataset"] = "holdout"
    fraction: float = Field(0.25, gt=0, lt=1)
    """Of the events, that is held out; for ``holdout``."""
    folds: int = Field(5, ge=2, le=20)
    """For ``folds``: each event is scored by a model that was not trained on it; the model itself is trained on all."""
    dataset: str | None = None
    """Id of another data set; for ``dataset``."""
    stratified: bool = True
    """Whether all parts have the same share of every class."""

    @model_validator(mode="after")
    def _names_its_dataset(self) -> Self:
        if (self.kind == "dataset") != (self.dataset is not None):
            raise ValueError("kind 'dataset' goes with the id of a data set in `dataset`, and the others without one")
        return self


class EventWeights(StrEnum):
    """How event weights are used in training. The evaluation always uses the true ones beside counts."""

    NONE = "none"
    """Every event counts the same."""
    EVENT = "event"
    """As they are."""
    BALANCED = "balanced"
    """Scaled class by class, so that all classes have the same sum."""


class NegativeWeights(StrEnum):
    """What is done with events of negative weight in training, where weights are used."""

    REFUSE = "refuse"
    DROP = "drop"
    ABSOLUTE = "absolute"


class OnLimit(StrEnum):
    """What becomes of a model that is not finished when its time is up."""

    DISCARD = "discard"
    KEEP = "keep"
    """An iterative estimator keeps what it has by then."""


class Plan(Record):
    """How the models of a job are trained and validated."""

    validation: Validation = Validation(kind="none")
    weights: EventWeights = EventWeights.NONE
    negative_weights: NegativeWeights = NegativeWeights.REFUSE
    on_limit: OnLimit = OnLimit.DISCARD


class JobRequest(Record):
    """What a client asks to be trained."""

    dataset: str
    """Id of the data set."""
    models: tuple[ModelSpec, ...] = Field(min_length=1, max_length=1024)
    validation: Validation = Validation()
    weights: EventWeights = EventWeights.NONE
    negative_weights: NegativeWeights = NegativeWeights.REFUSE
    on_limit: OnLimit = OnLimit.DISCARD
    seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Wall-clock limit of each model, evaluation included; the server's default where it is not given."""
    memory: int | None = Field(None, ge=64 << 20)
    """Bytes that each model may use; the server's default where it is not given."""
    seed: int | None = Field(None, ge=0, lt=2**32)
    """Of everything random; the server's default where it is not given."""

    @property
    def plan(self) -> Plan:
        """How the models are trained and validated."""
        return Plan(
            validation=self.validation,
            weights=self.weights,
            negative_weights=self.negative_weights,
            on_limit=self.on_limit,
        )


class Progress(Record):
    """How far a training has come."""

    stage: str = ""
    """What is being done: fitting, evaluating, …"""
    done: int | None = None
    total: int | None = None
    """Iterations, trees, folds times trees; ``None`` where the estimator cannot tell."""
    unit: str = ""
    """What is counted: trees, iterations."""


class PastTraining(Record):
    """How a training ended that later ones are estimated from."""

    type: str
    hyperparameters: dict[str, Any]
    events: int
    features: int
    classes: int
    seconds: float
    peak_memory: int | None
    state: State
    folds: int = 0
    """0 where no folds were trained."""


class Estimate(Record):
    """What a training is expected to take."""

    seconds: float
    low: float
    high: float
    """Bounds within which two of three such trainings should end."""
    memory: int
    """Bytes."""
    fits: bool
    """Whether that is within the limits."""
    basis: str
    """A sentence: what it was learned from."""


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
    probabilities: bool = True
    """Whether the model's scores are probabilities."""
    evaluation: str | None = None
    """SHA-256 of the evaluation, if one was written."""
    kept_early: bool = False
    """Whether the model was stopped before it was finished."""
    errno: int | None = None
    """Why the operating system refused a file, where that was the end of it."""


class ModelState(Record):
    """One model of a job: what was asked and how far it has come."""

    spec: ModelSpec
    seed: int
    state: State
    reason: str = ""
    seconds: float = 0.0
    """Wall-clock seconds so far, or to the end."""
    peak_memory: int | None = None
    """Bytes."""
    kept_early: bool = False
    """Whether it was stopped before it was finished, and kept as it was."""
    progress: Progress = Progress()
    estimate: Estimate | None = None


class Job(Record):
    """Models that are trained together on one table."""

    id: str
    dataset: str | None = None
    """Id of the data set; ``None`` where a file was sent along."""
    table: str
    """Digest of the checked events."""
    plan: Plan = Plan()
    limits: Limits
    warnings: tuple[str, ...] = ()
    """What a physicist should know (a feature that gives the label away, negative weights that were dropped)."""
    by: str = ""
    """Who asked for it; empty where nobody has to sign in."""
    created: datetime
    models: tuple[ModelState, ...]

    @property
    def final(self) -> bool:
        """Whether all models of the job have ended."""
        return all(model.state.final for model in self.models)
