"""Explorations: what is to be known of a table of events, and of a second beside it, before a classifier sees them.

A number that is not known is ``None``, never NaN. Statistics of a feature are over the events for which it is defined.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eventsieve.records.base import Record
from eventsieve.records.schema import Column, Schema

__all__ = [
    "ClassCorrelations",
    "ClassEvents",
    "ClassifierTest",
    "Correlations",
    "Detail",
    "Drift",
    "Duplicates",
    "Exploration",
    "ExploredFeature",
    "FeatureDrift",
    "Histogram",
    "Sample",
    "Selection",
    "Separation",
    "Statistics",
    "TableCounts",
    "WeightSums",
]

Detail = Literal["histograms", "all"]
"""How much of an exploration is wanted: what is drawn first and comes fast, or all of it."""

Numbers = tuple[float, ...]
Matrix = tuple[tuple[float | None, ...], ...]


class WeightSums(Record):
    """The event weights of some events of a table."""

    total: float
    full: float | None
    """Their sum in the experiment's full sample, where the schema knows it; not after a cut."""
    scale: float | None
    """What the weights must be multiplied by to stand for the full sample."""
    effective: float
    """(sum w)² / (sum w²), the number of unweighted events with the same relative error."""
    negative: int
    """How many are below zero."""
    minimum: float | None
    maximum: float | None


class ClassEvents(Record):
    """How many events of a class a table has, and their weights where it has weights."""

    label: str
    """The class as the schema names it; "all" for all events."""
    events: int
    weights: WeightSums | None


class Duplicates(Record):
    """Events with the same values of all features as another event of their table."""

    events: int
    groups: int
    """Sets of equal events; ``events - groups`` are to be dropped so that one of each remains."""
    equal_index: int | None
    """Events whose number another event has too; ``None`` in a table without event numbers."""

    @property
    def surplus(self) -> int:
        """Events to drop so that of each group one remains."""
        return self.events - self.groups


class TableCounts(Record):
    """What there is in one table."""

    events: int
    complete: int
    """Events for which every feature is defined."""
    undefined: int
    """Number of undefined values in all features."""
    duplicates: Duplicates | None
    """``None`` where only histograms were asked for."""
    all: ClassEvents
    classes: tuple[ClassEvents, ...]
    """In the order of their codes (background before signal); empty without labels."""
    remarks: tuple[str, ...]
    """What the check of the table remarked."""


class Selection(Record):
    """A cut, and what the tables had before it; what passed it is in their counts."""

    cut: str
    """As it is always written, whatever blanks, brackets and signs it came with."""
    table: tuple[ClassEvents, ...]
    """All events of the table, then those of each class."""
    against: tuple[ClassEvents, ...] | None
    """The same of the second table, if there is one."""


class Statistics(Record):
    """One feature's values in some events, unweighted; ``None`` where it is defined for none of them."""

    events: int
    defined: int
    """Events for which the feature is defined."""
    undefined: float
    """Share of the events for which it is not."""
    mean: float | None
    std: float | None
    """Standard deviation of the values (divided by ``defined``)."""
    minimum: float | None
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    maximum: float | None
    weighted_mean: float | None = None
    """``None`` without weights."""


class Histogram(Record):
    """Events in the feature's common bins, which hold their lower edge; each tuple has one entry per bin."""

    counts: tuple[int, ...]
    """Events."""
    sums: Numbers
    """Sums of their weights; without weights every event counts 1."""
    errors: Numbers
    """Standard deviations of the sums: roots of the sums of squared weights."""
    below: float
    """Sum of the weights below the first edge."""
    above: float
    """Sum of the weights at or above the last edge."""

    @property
    def total(self) -> float:
        """Sum of all weights, with what lies outside the edges."""
        return sum(self.sums) + self.below + self.above


class Sample(Record):
    """One feature in some events: all of a table, those of a class, or those of a second table."""

    label: str
    """The class as the schema names it; "all" for all events of a table."""
    statistics: Statistics
    histogram: Histogram


class Separation(Record):
    """How well one feature alone tells two classes apart, weighted where the table has weights."""

    first: str
    """Of signal against background, the background; of several classes, one of the pair that separates best."""
    second: str
    """Of signal against background, the signal."""
    power: float | None
    """Half the integral of (s - b)² / (s + b) over the unit-normalised shapes (TMVA Users Guide,
    arXiv:physics/0703039): 0 for equal shapes, 1 without overlap; ``None`` where a class is empty."""
    chance: float | None
    """What two samples of one shape with as many events would give on average."""
    auc: float | None
    """Chance that an event of ``second`` has a larger value than one of ``first``, ties counting half."""


class FeatureDrift(Record):
    """One feature in two tables, unweighted."""

    feature: str
    distance: float | None
    """Two-sample Kolmogorov-Smirnov distance, computed on the values; ``None`` where either table has none."""
    distance_p: float | None
    """Chance of at least this distance between samples of one distribution; too large where many values are equal."""
    undefined_shift: float
    """Share of undefined values in the second table minus that in the first."""
    undefined_p: float | None
    """Two-sided chance of such a difference between two samples; ``None`` where nothing is undefined (or all is)."""
    mean_shift: float | None
    """Mean in the second table minus that in the first, in standard deviations of the first."""
    p_value: float | None
    """Both tests combined by Fisher's method."""
    corrected: float | None
    """That, corrected by Holm's method for the number of tests that were made."""
    drifted: bool
    """Whether the corrected chance is below ``Drift.level``."""


class ClassifierTest(Record):
    """Whether a classifier can tell the events of two tables apart; it sees correlations, not only single features."""

    classifier: str
    auc: float
    """Of events that the classifier was not trained on: 0.5 for tables that are alike."""
    uncertainty: float
    """Standard deviation of the AUC between tables that are alike."""
    p_value: float
    """One-sided chance of at least this AUC between such tables."""
    corrected: float
    """That, corrected together with the features."""
    drifted: bool
    folds: int
    first_events: int
    second_events: int
    """Events of each table that were used: a random part of large ones."""


class Drift(Record):
    """Whether two tables are samples of the same distribution."""

    verdict: Literal["no drift", "slight drift", "drift", "not tested"]
    """Slight: significant, but no distance, shift of an undefined share or AUC above one half exceeds ``tolerable``."""
    reason: str
    """A sentence."""
    features: tuple[FeatureDrift, ...]
    """Those that both tables have, in the schema's order."""
    classifier: ClassifierTest | None
    """``None`` where there are too few events."""
    first_events: int
    second_events: int
    """Events of each table that were tested."""
    left_out: int
    """Events of the second table that were not tested because they are in the first too."""
    sensitivity: float | None
    """Distances below it would hardly be noticed with so many events (5 % point for one feature)."""
    level: float
    tolerable: float

    def ranked(self) -> tuple[FeatureDrift, ...]:
        """The features, the strongest sign of drift first."""
        return tuple(sorted(self.features, key=_strength))


class ExploredFeature(Record):
    """One feature: its values in the table, in each class and in a second table."""

    column: Column
    """Name, unit, description, type."""
    edges: Numbers
    """Bin edges of all histograms of this feature: one more than there are bins."""
    whole: bool
    """Whether each bin holds one whole number, in its centre: the feature counts something."""
    all: Sample
    classes: tuple[Sample, ...]
    """In the order of their codes (background before signal); empty without labels."""
    against: Sample | None
    """In the second table, each event counting once; ``None`` where there is none, or where it lacks the feature."""
    separation: Separation | None
    """``None`` without labels."""


class ClassCorrelations(Record):
    """The correlation coefficients in the events of one class."""

    label: str
    matrix: Matrix


class Correlations(Record):
    """Pearson's correlation coefficients, unweighted, to four decimals.

    Each is over the events for which both features are defined; ``None`` where these are fewer than two, or where one
    of the features does not vary in them.
    """

    features: tuple[str, ...]
    """Rows and columns of each matrix."""
    all: Matrix
    classes: tuple[ClassCorrelations, ...]
    against: Matrix | None
    """In the second table, where it has all features."""


class Exploration(Record):
    """What is to be known of a table of events, and of a second beside it, before a classifier sees them."""

    event_schema: Schema
    bins: int
    detail: Detail = "all"
    """Where it is "histograms", ``correlations``, ``drift``, ``shared`` and ``duplicates`` were not computed."""
    selection: Selection | None = None
    """The cut, if there is one; all else is over the events that passed it."""
    table: TableCounts
    against: TableCounts | None
    """The second table, if there is one."""
    shared: int | None
    """Events of the second table with the values of all common features of an event of the first; ``None`` without a
    second table, and where only histograms were asked for."""
    only_first: tuple[str, ...] = ()
    """Features that the second table lacks."""
    only_second: tuple[str, ...] = ()
    """Features that only the second table has; nothing is said of them."""
    features: tuple[ExploredFeature, ...]
    """In the schema's order."""
    correlations: Correlations | None
    """``None`` where only histograms were asked for."""
    drift: Drift | None
    """``None`` without a second table, and where only histograms were asked for."""
    findings: tuple[str, ...] = Field(())
    """Sentences on what a physicist should know."""

    def ranked(self) -> tuple[ExploredFeature, ...]:
        """The features that have a separation, best separating first; empty without labels."""
        return tuple(sorted((f for f in self.features if f.separation is not None), key=_separation))


def _separation(feature: ExploredFeature) -> float:
    if feature.separation is None or feature.separation.power is None:
        return 1.0
    return -feature.separation.power


def _strength(found: FeatureDrift) -> tuple[float, float]:
    corrected = 2.0 if found.corrected is None else found.corrected
    return corrected, -max(found.distance or 0.0, abs(found.undefined_shift))
