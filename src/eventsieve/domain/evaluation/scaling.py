"""Scaling: from the weights of the events at hand to those of an experiment's full sample, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.scored import Scored
from eventsieve.domain.metrics import CANCELLED, Ranking, ams, best_place, class_sums
from eventsieve.records import Schema

__all__ = ["Scaling", "best_cut", "full_sums", "significance"]

Floats = npt.NDArray[np.float64]


def full_sums(schema: Schema, sums: Mapping[str, float] | None) -> Floats | None:
    """What the weights of each class add up to in the full sample, float64, shape (classes,).

    Those of the schema, if it gives one for every class; else the caller's, if they are positive for every class; else
    ``None``: weights stay as they are.
    """
    names = schema.class_names
    if not schema.classes and (known := class_sums(schema)) is not None:
        return np.array([known.background, known.signal])
    for given in (schema.class_weight_sums, sums or {}):
        if all(given.get(name, 0.0) > 0.0 for name in names):
            return np.array([given[name] for name in names])
    return None


@dataclass(frozen=True, eq=False)
class Scaling:
    """From sums of selected events to the AMS of the selection in the full sample.

    Attributes:
        signal: code of the signal's class; all others are background.
        full: float64, shape (classes,): what each class is scaled to; ``None``: nothing is scaled.
        least: float64, shape (classes,): sums up to which a class's weights cancel each other out, and stay unscaled.
    """

    signal: int
    full: Floats | None
    least: Floats

    @classmethod
    def of(cls, scored: Scored, signal: int, full: Floats | None) -> Scaling:
        """The scaling of these events."""
        sizes = np.bincount(scored.target, np.abs(scored.weights()), scored.classes)
        return cls(signal, full, (CANCELLED * sizes).astype(np.float64))

    def factors(self, total: Floats) -> Floats:
        """What to multiply the weights of each class with, float64, shape (..., classes).

        Args:
            total: float64, shape (..., classes): sums of the weights of all events at hand.
        """
        if self.full is None:
            return np.ones_like(total)
        return np.divide(self.full, total, out=np.ones_like(total), where=total > self.least)

    def sums(self, chosen: Floats, total: Floats) -> tuple[Floats, Floats]:
        """Signal and background of selections, float64, shape (...,) each.

        Args:
            chosen: float64, shape (..., classes): sums of the weights of the selected events.
            total: float64, shape (..., classes), or such that it goes with it: of all events.
        """
        scaled = chosen * self.factors(total)
        s = scaled[..., self.signal]
        return s, scaled.sum(axis=-1) - s


def best_cut(scored: Scored, ranking: Ranking, scaling: Scaling) -> tuple[int, float]:
    """The selection with the largest AMS, as its place in the ranking, and its cut.

    Args:
        scored: the events.
        ranking: the same events by their score for the signal's class.
        scaling: from their weights to the full sample's.
    """
    weight = scored.weights()
    factors = scaling.factors(np.bincount(scored.target, weight, scored.classes).astype(np.float64))
    place = best_place(ranking, *ranking.selected(weight * factors[scored.target]))
    return place, float(ranking.cuts(np.array(place)))


def significance(scaling: Scaling, chosen: Floats, total: Floats) -> Floats:
    """The AMS of selections, float64, shape (...,); the arguments are those of `Scaling.sums`."""
    return ams(*scaling.sums(chosen, total))
