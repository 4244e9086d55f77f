"""Figures of merit of a classifier on events that it was not trained on."""

from eventsieve.domain.metrics.catalogue import METRICS, REPLICAS, Figure, Metric, Sample, best_ams, evaluate
from eventsieve.domain.metrics.ranking import Ranking, average_precision, roc_auc
from eventsieve.domain.metrics.significance import (
    B_REG,
    CANCELLED,
    LEAST_BACKGROUND,
    ClassSums,
    ams,
    best_place,
    class_sums,
    countable,
)

__all__ = [
    "B_REG",
    "CANCELLED",
    "LEAST_BACKGROUND",
    "METRICS",
    "REPLICAS",
    "ClassSums",
    "Figure",
    "Metric",
    "Ranking",
    "Sample",
    "ams",
    "average_precision",
    "best_ams",
    "best_place",
    "class_sums",
    "countable",
    "evaluate",
    "roc_auc",
]
