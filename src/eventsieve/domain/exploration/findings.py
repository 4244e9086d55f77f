"""Findings: what an exploration of tables of events comes to; small values that are drawn or sent as they are.

Statistics of a feature are over the events for which it is defined, and unweighted; what compares signal with
background is weighted where the table has weights, because only the weights say how the background is made up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from eventsieve.domain.exploration.histograms import Histogram
from eventsieve.domain.schema import Column, Schema

__all__ = [
    "Agreement",
    "ClassName",
    "Contrast",
    "Correlations",
    "EventCounts",
    "Exploration",
    "Feature",
    "Multiplicity",
    "Summary",
    "TableCounts",
    "Weights",
]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
ClassName = Literal["all", "signal", "background"]


@dataclass(frozen=True)
class Weights:
    """The event weights of some events of a table.

    Attributes:
        total: their sum.
        full: their sum in the experiment's full sample, where the schema knows it.
        effective: (sum w)^2 / (sum w^2), the number of unweighted events with the same relative error.
        negative: how many are below zero.
        minimum: the smallest, NaN without events.
        maximum: the largest, NaN without events.
    """

    total: float
    full: float | None
    effective: float
    negative: int
    minimum: float
    maximum: float

    @property
    def scale(self) -> float | None:
        """What the weights must be multiplied by to stand for the full sample."""
        return self.full / self.total if self.full is not None and self.total else None


@dataclass(frozen=True)
class EventCounts:
    """How many events of a class a table has, and their weights where it has weights."""

    name: ClassName
    events: int
    weights: Weights | None


@dataclass(frozen=True)
class TableCounts:
    """What there is in one table.

    Attributes:
        events: number of events.
        complete: events for which every feature is defined.
        undefined: number of undefined values in all features.
        duplicated: events that share the values of all features with another event of the table.
        surplus: events to drop so that of each such group one remains.
        all: all events and their weights.
        classes: signal and background; empty without labels.
        remarks: what the check of the table remarked.
    """

    events: int
    complete: int
    undefined: int
    duplicated: int
    surplus: int
    all: EventCounts
    classes: tuple[EventCounts, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """One feature's values in one table, unweighted; all NaN where it is defined for no event.

    Attributes:
        events: number of events.
        count: events for which the feature is defined.
        std: standard deviation of the values (divided by ``count``).
    """

    events: int
    count: int
    mean: float
    std: float
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float

    @property
    def undefined(self) -> float:
        """Share of the events for which the feature is not defined."""
        return 1 - self.count / self.events if self.events else 0.0


@dataclass(frozen=True, eq=False)
class Contrast:
    """Signal against background in one feature, weighted where the table has weights.

    Attributes:
        signal: the signal events in the feature's common bins.
        background: the background events in the same bins.
        undefined_signal: share of the signal events (unweighted) for which the feature is not defined.
        undefined_background: the same for the background events.
        separation: TMVA's separation of the two shapes, 0 to 1; NaN where a class is empty.
        chance: the separation to be expected of equal shapes with as many events.
        auc: area under the ROC curve of a cut on this feature alone: below 0.5 where signal has the smaller values.
    """

    signal: Histogram
    background: Histogram
    undefined_signal: float
    undefined_background: float
    separation: float
    chance: float
    auc: float


@dataclass(frozen=True, eq=False)
class Agreement:
    """The test table against the training table in one feature, unweighted.

    Attributes:
        summary: the feature's values in the test table.
        counts: the test events in the feature's common bins.
        distance: two-sample Kolmogorov-Smirnov distance, computed on the values; NaN where either has none.
        p_value: chance of a distance at least as large between samples of one distribution; its asymptotic form,
            too large where many values are equal.
    """

    summary: Summary
    counts: Histogram
    distance: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Feature:
    """One feature: its values in the training table, and how classes and tables compare in it.

    Attributes:
        column: its entry in the schema.
        summary: its values in the training table.
        counts: the training events in bins that are common to all histograms of the feature.
        contrast: signal against background; ``None`` without labels.
        agreement: test against training; ``None`` without a test table.
    """

    column: Column
    summary: Summary
    counts: Histogram
    contrast: Contrast | None
    agreement: Agreement | None


@dataclass(frozen=True, eq=False)
class Multiplicity:
    """A feature that counts something (jets): events of the training table per value and class, unweighted.

    Attributes:
        column: its entry in the schema.
        values: int64, shape (values,): every whole number from the smallest value to the largest.
        events: int64, shape (values,): events with that value.
        signal: the signal events among them; ``None`` without labels.
    """

    column: Column
    values: Counts
    events: Counts
    signal: Counts | None


@dataclass(frozen=True, eq=False)
class Correlations:
    """Pearson's correlation coefficients of the training table's features, unweighted.

    Each coefficient is over the events for which both features are defined; NaN where these are fewer than two or
    where one of the features is constant in them.

    Attributes:
        all: float64, shape (features, features).
        signal: the same over the signal events; ``None`` without labels.
        background: the same over the background events; ``None`` without labels.
    """

    all: Floats
    signal: Floats | None
    background: Floats | None


@dataclass(frozen=True, eq=False)
class Exploration:
    """What is to be known of a training table, and of a test table beside it, before a classifier sees them.

    Attributes:
        schema: what the columns mean.
        train: what there is in the training table.
        test: what there is in the test table, if there is one.
        shared: test events that share the values of all features with a training event; ``None`` without a test table.
        features: in the order of ``schema.features``.
        multiplicities: the features that count something.
        correlations: of the features, in the same order.
    """

    schema: Schema
    train: TableCounts
    test: TableCounts | None
    shared: int | None
    features: tuple[Feature, ...]
    multiplicities: tuple[Multiplicity, ...]
    correlations: Correlations

    def contrasts(self) -> list[tuple[Feature, Contrast]]:
        """The features with their contrast, best separating first; empty without labels."""
        pairs = [(feature, feature.contrast) for feature in self.features if feature.contrast is not None]
        return sorted(pairs, key=lambda pair: _descending(pair[1].separation))

    def agreements(self) -> list[tuple[Feature, Agreement]]:
        """The features with their agreement, largest distance first; empty without a test table."""
        pairs = [(feature, feature.agreement) for feature in self.features if feature.agreement is not None]
        return sorted(pairs, key=lambda pair: _descending(pair[1].distance))


def _descending(value: float) -> float:
    """A key that sorts large before small, and NaN last."""
    return math.inf if math.isnan(value) else -value
