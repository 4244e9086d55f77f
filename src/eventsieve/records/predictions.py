"""Predictions: what a model says of each event of a table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eventsieve.records.base import Record

__all__ = ["PredictionFormat", "Predictions"]

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
