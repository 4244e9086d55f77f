"""Comparisons: several models on the same events."""

from __future__ import annotations

from eventsieve.records.base import Record
from eventsieve.records.models import Score

__all__ = ["Comparison", "Difference", "McNemar"]


class Difference(Record):
    """One figure of merit of two models, on the same bootstrap replicas of the same events."""

    first: str
    second: str
    name: str
    weighted: bool
    value: float
    """That of the first minus that of the second; of log loss and Brier score less is better."""
    low: float
    high: float
    """Bounds of the central 95 % of the replicas."""
    p_value: float
    """Two-sided: twice the smaller part of the replicas on one side of zero, corrected for their finite number. It is
    never less than ``resolution``, however clear the difference."""
    replicas: int
    """How many there were."""
    better: str | None
    """The model that is better, or ``None`` where the difference may be chance (the interval holds zero)."""

    @property
    def resolution(self) -> float:
        """The least p-value that so many replicas can tell."""
        return min(1.0, 2.0 / (1 + self.replicas))


class McNemar(Record):
    """McNemar's test of two models' decisions about the same events, each event counted once."""

    first: str
    second: str
    only_first: int
    """Events about which only the first is right."""
    only_second: int
    p_value: float
    """Two-sided and exact (binomial) below 1,000 discordant events, with the continuity-corrected chi-squared above."""
    better: str | None
    """Where p_value < 0.05."""


class Comparison(Record):
    """Models on the same events, none of which any of them was trained on."""

    dataset: str
    """Id of the data set."""
    events: int
    """Events that were compared on."""
    seen: int
    """Events of the data set that were left out because a model was trained on them."""
    scores: dict[str, tuple[Score, ...]]
    """The figures of merit by model."""
    differences: tuple[Difference, ...]
    """Of each pair of models; of more than ten models only of the best with each other one."""
    mcnemar: tuple[McNemar, ...]
    """Of the same pairs."""
    ranking: tuple[str, ...]
    """The models by falling ROC AUC, weighted where the events have weights."""
    verdict: str
    """A sentence: which is best, and whether that is more than chance."""
