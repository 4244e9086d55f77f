"""A model's figures of merit on events that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.pipeline import Pipeline

from eventsieve.domain import estimators
from eventsieve.domain.events import Events
from eventsieve.domain.metrics import class_sums, evaluate
from eventsieve.records import Score

__all__ = ["score_model"]


def score_model(pipeline: Pipeline, events: Events, names: Sequence[str], *, seed: int) -> tuple[Score, ...]:
    """Figures of merit of a model, with uncertainties.

    Args:
        pipeline: the fitted model.
        events: with labels, of both classes, and best none that the model was trained on.
        names: names in `eventsieve.domain.metrics.METRICS`.
        seed: of the bootstrap.

    Raises:
        BadConfiguration: there is no metric of one of the names.
        BadTable: the events have no labels, or are all of one class.
    """
    labels = events.labels
    score = estimators.score_events(pipeline, events.features)
    return evaluate(
        names,
        labels,
        score > estimators.natural_cut(pipeline),
        score,
        weight=events.weight,
        sums=class_sums(events.schema),
        seed=seed,
    )
