"""Predictions: what a model says of each event of a table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eventsieve.records.base import Record

__all__ = ["PredictionFormat", "PredictionPage", "Predictions", "ScoreCounts", "ScoreSummary"]

PredictionFormat = Literal["json", "csv", "parquet", "arrow", "root"]
"""What predictions are written as."""


class Predictions(Record):
    """What a model says of each event, column by column; all columns are in the order of the table."""

    model: str
    """Name of the model."""
    digest: str
    """SHA-256 of its artefact."""
    dataset: str | None = None
    """Id of the data set, where the events are of one."""
    threshold: float | None = None
    """The score above which an event is predicted to be signal; ``None`` where the likeliest class is."""
    index_name: str
    """Name of the column of event numbers; ``row`` where rows were counted from 0."""
    index: tuple[int, ...]
    label: tuple[str, ...]
    """Name of the class that is predicted."""
    score: tuple[float, ...]
    """The larger, the more like signal; where no class is the signal, that of the likeliest class."""
    probabilities: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """The probability of each class, by its name; empty where the model gives decision values."""
    remarks: tuple[str, ...] = ()
    """Sentences about the table that are no faults."""


class PredictionPage(Predictions):
    """Some of the predictions of a data set, in the order of its rows."""

    offset: int = Field(ge=0)
    """How many come before the first of these."""
    total: int = Field(ge=0)
    """How many there are in all."""


class ScoreCounts(Record):
    """The scores of some events, counted between the edges of a summary."""

    label: str | None = None
    """The class that the data set says the events are of; ``None`` for events of which it says none."""
    score_of: str
    """The class whose score it is: the larger, the more like that class."""
    events: int
    counts: tuple[int, ...]
    """Of each bin: scores above its lower edge, up to its upper edge; the first bin has its lower edge too."""
    above: tuple[int, ...]
    """Of each edge: how many scores are above it. That is what a cut there selects."""
    selected: int | None = None
    """How many are above the threshold; ``None`` where there is none."""
    weight: float | None = None
    """The sum of the events' weights; ``None`` in a table without weights."""
    weights: tuple[float, ...] = ()
    """Sums of weights, as ``counts``."""
    weights_above: tuple[float, ...] = ()
    """Sums of weights, as ``above``."""
    weight_selected: float | None = None


class ScoreSummary(Record):
    """The scores that a model gives the events of a data set, counted."""

    model: str
    """Name of the model."""
    digest: str
    """SHA-256 of its artefact."""
    dataset: str
    """Id of the data set."""
    dataset_digest: str
    """SHA-256 of what came."""
    events: int
    classes: tuple[str, ...]
    """The classes that the model tells apart, background before signal."""
    signal: str | None = None
    """The class that a cut on the score selects; ``None`` where the likeliest class is predicted."""
    probabilities: bool = True
    """Whether scores are probabilities; decision values otherwise."""
    threshold: float | None = None
    """The score above which an event is predicted to be signal; ``None`` where the likeliest class is."""
    predicted: dict[str, int]
    """How many events are predicted to be of each class."""
    edges: tuple[float, ...]
    """Of the bins, ascending."""
    scores: tuple[ScoreCounts, ...]
    """Of signal against background the score for signal, by the data set's own classes where it has labels. Of several
    classes the score for each: of the events of that class where the data set has labels, of all events otherwise."""
    remarks: tuple[str, ...] = ()
    """Sentences about the table that are no faults."""
