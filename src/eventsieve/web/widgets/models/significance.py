"""Whether the best model is better than the others by more than chance, whichever number of models was looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from eventsieve.multiplicity import holm
from eventsieve.records import Comparison, Difference
from eventsieve.web.widgets.metrics import LESS_IS_BETTER

__all__ = ["LEVEL", "Best", "best_of", "leads"]

LEVEL = 0.05
NORMAL_95 = 1.96
"""Standard deviations on each side that hold 95 % of a normal distribution."""


class Best(NamedTuple):
    """The best model in one figure of merit, and how sure that is."""

    model: str
    next: str | None
    """The model that comes after it; ``None`` where there is none, or the two were not compared."""
    p_value: float | None
    """That the two do not differ, corrected for the number of models that the best was compared with."""

    @property
    def significant(self) -> bool:
        """Whether the best is better than the next by more than chance."""
        return self.p_value is not None and self.p_value < LEVEL


def best_of(comparison: Comparison, name: str, *, weighted: bool) -> Best | None:
    """The best model in a figure of merit; ``None`` where no model has it."""
    order = _order(comparison, name, weighted=weighted)
    if not order:
        return None
    found = leads(comparison, order[0], name, weighted=weighted)
    after = order[1] if len(order) > 1 and order[1] in found else None
    return Best(order[0], after, found[after] if after else None)


def leads(comparison: Comparison, best: str, name: str, *, weighted: bool) -> dict[str, float]:
    """For each model that one was compared with, the corrected p-value that both are alike in a figure of merit."""
    pairs = {
        (each.second if each.first == best else each.first): each
        for each in comparison.differences
        if best in (each.first, each.second) and each.name == name and each.weighted == weighted
    }
    return dict(zip(pairs, holm([_p(each) for each in pairs.values()]), strict=True))


def _order(comparison: Comparison, name: str, *, weighted: bool) -> Sequence[str]:
    values = {
        model: score.value
        for model in comparison.ranking
        for score in comparison.scores[model]
        if score.name == name and score.weighted == weighted
    }
    sign = 1 if name in LESS_IS_BETTER else -1
    return sorted(values, key=lambda model: sign * values[model])


def _p(found: Difference) -> float:
    """The p-value of a difference.

    Where all replicas lie on one side of zero, their number alone says how small p can be, and times the number of
    models that bound would make any difference chance. There, and only there, it is the two-sided tail of the normal
    distribution with the same 95 % interval (B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), section
    13.2): differences of averages over many events are nearly normal, those of AMS less so. Far out it is an order of
    magnitude and no more. Where it is larger than the replicas' bound, it stands all the same.
    """
    spread = (found.high - found.low) / (2 * NORMAL_95)
    if found.p_value > found.resolution or spread <= 0:
        return found.p_value
    return math.erfc(abs(found.value) / spread / math.sqrt(2))
