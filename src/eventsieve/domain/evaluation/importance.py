"""Permutation importance: how much worse a model ranks the events when a feature's values are shuffled among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.figures import rankings, ranks
from eventsieve.domain.evaluation.scored import Scored
from eventsieve.records import Importance

__all__ = ["ImportanceInput", "permutation_importance"]

Floats = npt.NDArray[np.float64]

MOST_EVENTS: Final = 10_000
LEAST_EVENTS: Final = 200
REPEATS: Final = 5
MOST_SECONDS: Final = 30.0
"""What it may take where no limit is near."""


@dataclass(frozen=True, eq=False)
class ImportanceInput:
    """What is needed to score validation events again with features shuffled.

    Attributes:
        features: float64, shape (events, features), of the validation events in their order; NaN where undefined.
        names: of the features.
        score: from features, float64, shape (some events, features), to scores as in `Scored`.
        seconds: what it took to score all validation events, from which the time of each repeat is foreseen.
    """

    features: Floats
    names: Sequence[str]
    score: Callable[[Floats], Floats]
    seconds: float


def permutation_importance(
    given: ImportanceInput, validation: Scored, *, seed: int, seconds_left: Callable[[], float]
) -> tuple[tuple[Importance, ...], tuple[str, ...]]:
    """The loss of ROC AUC when one feature after the other is shuffled (L. Breiman, Mach. Learn. 45 (2001) 5).

    At most `MOST_EVENTS` events, `REPEATS` shuffles of each feature; of several classes the mean AUC of each against
    all others. A feature that another can replace loses little, however much it says by itself.

    Args:
        given: features and the model.
        validation: the same events with their scores.
        seed: of the choice of events and of the shuffles.
        seconds_left: how long it may still take; at most half of it is planned for, and it is asked before each
            shuffle. All features have been shuffled equally often, or are left out.

    Returns:
        Features by falling loss, with its standard deviation over the repeats; and sentences on what was left out.
    """
    random = np.random.default_rng(seed)
    each = given.seconds / max(1, len(validation))
    budget = min(MOST_SECONDS, 0.5 * seconds_left())
    affordable = budget / (each * REPEATS * len(given.names)) if each > 0.0 else np.inf
    number = min(MOST_EVENTS, len(validation), int(min(affordable, MOST_EVENTS)))
    if number < min(LEAST_EVENTS, len(validation)):
        return (), ("Permutation importance was left out: there is no time to score the events again and again.",)
    rows = _balanced(validation.target, number, random)
    sample = validation.take(rows)
    weight = sample.weights() * _worth(validation.target, sample.target)
    features = np.array(given.features[rows], order="F")
    drops = _drops(given, features, sample, weight, random=random, time=lambda: seconds_left() > 2.0 * each * len(rows))
    left_out = []
    if len(rows) < len(validation):
        left_out.append(f"Permutation importance used {len(rows):,} of {len(validation):,} validation events.")
    if len(drops) < REPEATS:
        left_out.append(f"Permutation importance had time for {len(drops)} of {REPEATS} repeats.")
    if not len(drops):
        return (), tuple(left_out)
    spread = drops.std(axis=0, ddof=1) if len(drops) > 1 else np.zeros(len(given.names))
    order = np.argsort(-drops.mean(axis=0), kind="stable")
    found = (
        Importance(feature=given.names[i], drop=float(drops[:, i].mean()), uncertainty=float(spread[i])) for i in order
    )
    return tuple(found), tuple(left_out)


def _drops(
    given: ImportanceInput,
    features: Floats,
    sample: Scored,
    weight: Floats,
    *,
    random: np.random.Generator,
    time: Callable[[], bool],
) -> Floats:
    """The loss of ROC AUC, float64, shape (repeats that were finished, features)."""
    whole = ranks(rankings(sample), weight)[0]
    drops = np.empty((REPEATS, len(given.names)))
    for repeat in range(REPEATS):
        for feature in range(len(given.names)):
            if not time():
                return drops[:repeat]
            kept = features[:, feature].copy()
            features[:, feature] = random.permutation(kept)
            shuffled = Scored(sample.target, given.score(features), sample.predicted, None, sample.probabilities)
            drops[repeat, feature] = whole - ranks(rankings(shuffled), weight)[0]
            features[:, feature] = kept
    return drops


def _balanced(target: npt.NDArray[np.uint8], number: int, random: np.random.Generator) -> npt.NDArray[np.intp]:
    """Positions of about so many events, as many of each class as there are, but not more than its share."""
    if number >= len(target):
        return np.arange(len(target))
    codes, sizes = np.unique(target, return_counts=True)
    room, quota = number, {}
    for left, at in zip(range(len(codes), 0, -1), np.argsort(sizes, kind="stable"), strict=True):
        quota[codes[at]] = min(int(sizes[at]), max(1, room // left))
        room -= quota[codes[at]]
    chosen = [random.permutation(np.flatnonzero(target == code))[:most] for code, most in quota.items()]
    return np.sort(np.concatenate(chosen))


def _worth(target: npt.NDArray[np.uint8], chosen: npt.NDArray[np.uint8]) -> Floats:
    """For each chosen event how many of its class it stands for."""
    here = np.bincount(chosen, minlength=256)
    factor = np.bincount(target, minlength=256) / np.maximum(here, 1)
    found: Floats = factor[chosen]
    return found
