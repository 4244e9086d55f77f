"""Models: what was trained, how good it is, and what it is used for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from eventsieve.records.base import Record
from eventsieve.records.schema import Schema
from eventsieve.records.training import EventWeights, Limits, NegativeWeights, Score, Validation

__all__ = ["Alias", "Choice", "Model", "ModelEdit", "OnnxCheck", "Score", "Threshold"]


class Threshold(Record):
    """The score above which an event is predicted to be signal."""

    kind: Literal["natural", "best_ams", "value"] = "natural"
    """The classifier's own (0.5 for probabilities, 0 for decision values), the cut of the best AMS, or a value."""
    value: float | None = Field(None, allow_inf_nan=False)
    """The score itself; must be given for ``value``, and is filled in for the other two."""


class Model(Record):
    """A trained model and what is needed to trust it."""

    name: str
    job: str
    """Id of the job that it was trained in."""
    type: str
    hyperparameters: dict[str, Any]
    digest: str
    """SHA-256 of its artefact."""
    dataset: str | None = None
    """Id of the data set that it was trained on; ``None`` where a file was sent along."""
    table: str
    """Digest of the checked events that it was trained on, as stored."""
    event_schema: Schema
    """How tables are read that it is to predict."""
    seed: int
    validation: Validation
    weights: EventWeights = EventWeights.NONE
    negative_weights: NegativeWeights = NegativeWeights.REFUSE
    limits: Limits = Limits()
    seconds: float
    """Wall-clock seconds of the training, evaluation included."""
    peak_memory: int | None
    """Bytes."""
    versions: dict[str, str]
    features: tuple[str, ...]
    """The columns that it sees, in their order."""
    scores: tuple[Score, ...]
    """On validation events; empty where all were trained on."""
    evaluation: str | None = None
    """SHA-256 of its evaluation (curves, distributions, tests); ``None`` where all events were trained on."""
    probabilities: bool = True
    """Whether its scores are probabilities; decision values otherwise."""
    kept_early: bool = False
    """Whether it was stopped before it was finished and kept as it was; ``remarks`` says how far it had come."""
    remarks: tuple[str, ...] = ()
    threshold: Threshold = Threshold()
    tags: tuple[str, ...] = ()
    note: str = ""
    aliases: tuple[str, ...] = ()
    by: str = ""
    """Who had it trained; empty where nobody has to sign in."""
    created: datetime
    current: bool = False


class ModelEdit(Record):
    """Changes to a model; what is not given stays."""

    name: str | None = Field(None, min_length=1, max_length=128)
    tags: tuple[str, ...] | None = Field(None, max_length=64)
    note: str | None = Field(None, max_length=20_000)
    threshold: Threshold | None = None


class Alias(Record):
    """Another name of a model, which can be moved to another model."""

    name: str
    model: str


class Choice(Record):
    """That a model was made current, or that none was."""

    number: int
    model: str | None
    """Name of the model; ``None`` where no model was current from then on."""
    by: str = ""
    """Who said so, as the client gave it."""
    created: datetime


class OnnxCheck(Record):
    """Whether a model in ONNX gives the scores that it gives here."""

    reproduces: bool
    events: int
    """Events on which both were scored."""
    largest_difference: float | None = None
    """Of the scores."""
    labels_differ: int | None = None
    """Events that the two decide differently."""
    reason: str = ""
    """Why it does not, where it does not."""
    size: int | None = None
    """Bytes of the ONNX file."""
