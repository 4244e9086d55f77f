"""Overtraining: whether a model scores the events that it was trained on differently from new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.scored import Scored
from eventsieve.multiplicity import holm
from eventsieve.records import Distribution, Overtraining

__all__ = ["Judgement", "Pair", "distributions", "judge", "permutation_test", "permutations"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Verdict = Literal["no sign of overtraining", "overtrained", "not tested"]

MOST_EVENTS: Final = 20_000
"""Events of a class that are tested, of training and validation together; of validation at most half as many."""

LEVEL: Final = 0.01
"""A model is called overtrained if a class's corrected p-value is below."""

_BINS: Final = 50
_BEYOND: Final = 0.001
"""Fraction of decision values on either side that the outermost bins take in."""


class Pair(NamedTuple):
    """The scores of one class in training and in validation events."""

    label: str
    train: Floats
    train_weight: Floats
    validation: Floats
    validation_weight: Floats


class Judgement(NamedTuple):
    """What the test of overtraining has found."""

    tests: tuple[Overtraining, ...]
    verdict: Verdict
    reason: str
    left_out: tuple[str, ...]


def pairs(train: Scored, validation: Scored, names: Sequence[str]) -> list[Pair]:
    """The scores of each class that both have events of."""
    found = []
    for code, name in enumerate(names):
        ours, theirs = train.target == code, validation.target == code
        if ours.any() and theirs.any():
            parts = [
                (part.score_of(code)[rows], part.weights()[rows])
                for part, rows in ((train, ours), (validation, theirs))
            ]
            found.append(Pair(name, *parts[0], *parts[1]))
    return found


def distributions(train: Scored | None, validation: Scored, names: Sequence[str]) -> tuple[Distribution, ...]:
    """The score's distribution of each class in training and in validation events, on edges common to all classes.

    Probabilities have equal bins from 0 to 1. Decision values have equal bins over all but 0.1 % on either side of the
    validation events; what lies beyond is in the outermost bins.
    """
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    if not validation.probabilities:
        low, high = np.quantile(validation.score, (_BEYOND, 1.0 - _BEYOND))
        edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    found = []
    for code, name in enumerate(names):
        (ours, ours_error), (theirs, theirs_error) = (
            ((), ()) if part is None else _histogram(part, code, edges) for part in (train, validation)
        )
        if theirs:
            found.append(
                Distribution(
                    label=name,
                    edges=tuple(edges.tolist()),
                    train=ours,
                    train_error=ours_error,
                    validation=theirs,
                    validation_error=theirs_error,
                )
            )
    return tuple(found)


def _histogram(scored: Scored, code: int, edges: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Contents and errors as parts of the class's sum; nothing where it has no events or no sum."""
    rows = scored.target == code
    weight = scored.weights()[rows]
    total = float(weight.sum())
    if total <= 0.0:
        return (), ()
    step = (scored.score_of(code)[rows] - edges[0]) / (edges[1] - edges[0])
    places = step.clip(0, len(edges) - 2).astype(np.intp)
    contents = np.bincount(places, weight, len(edges) - 1) / total
    errors = np.sqrt(np.bincount(places, weight**2, len(edges) - 1)) / total
    return tuple(contents.tolist()), tuple(errors.tolist())


def permutations(classes: int) -> int:
    """How many relabellings are needed for a p-value that is small enough for so many classes: 1,000 or more."""
    return max(1000, round(2.5 * classes / LEVEL))


def permutation_test(pair: Pair, number: int, random: np.random.Generator) -> Overtraining | None:
    """The weighted Kolmogorov-Smirnov distance of training and validation scores, and its p-value by permutation.

    The distance is the largest difference of the two cumulative distributions, each the sum of the weights up to a
    score over the sum of all. If both samples follow one law, then who is a training event is a matter of chance: the
    labels are dealt out anew, each event keeping its score and its weight. The p-value, (1 + replicas with at least the
    distance) / (1 + replicas), is exact for any weights (B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9
    (2010) 39).

    Args:
        pair: the events.
        number: of relabellings.
        random: deals the labels.

    Returns:
        ``None`` where the weights of one of the samples add up to nothing or less.
    """
    score = np.concatenate([pair.train, pair.validation])
    order = np.argsort(score, kind="stable")
    score = score[order]
    weight = np.concatenate([pair.train_weight, pair.validation_weight])[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    everything = np.cumsum(weight)[ends]
    # 1 for the smaller sample: its weights are summed in each relabelling, the other's are the rest.
    few = order < len(pair.train) if len(pair.train) <= len(pair.validation) else order >= len(pair.train)
    distance = _distance(weight, few.astype(np.float64), ends, everything)
    if not np.isfinite(distance):
        return None
    member, larger = few.astype(np.float64), 0
    for _ in range(number):
        random.shuffle(member)
        # Rounding must not make a distance differ from itself.
        larger += _distance(weight, member, ends, everything) >= distance - 1e-12
    return Overtraining(label=pair.label, statistic=distance, p_value=(1 + larger) / (1 + number), permutations=number)


def _distance(weight: Floats, member: Floats, ends: npt.NDArray[np.intp], everything: Floats) -> float:
    """Largest distance of the cumulative distributions of members and others; infinite where one has no sum."""
    part = np.cumsum(weight * member)[ends]
    whole, rest = part[-1], everything[-1] - part[-1]
    if whole <= 0.0 or rest <= 0.0:
        return float("inf")
    return float(np.abs(part / whole - (everything - part) / rest).max())


def judge(
    train: Scored, validation: Scored, names: Sequence[str], *, train_auc: float, validation_auc: float, seed: int
) -> Judgement:
    """Test each class and say what that means.

    Args:
        train: events that the model was trained on.
        validation: events that it was not trained on.
        names: the classes.
        train_auc: ROC AUC on the training events, with weights if there are any.
        validation_auc: likewise on the validation events.
        seed: of the relabellings, and of the choice of events where there are more than `MOST_EVENTS`.
    """
    random = np.random.default_rng(seed)
    found, left_out = [], []
    samples = pairs(train, validation, names)
    for pair in samples:
        smaller = _smaller(pair, random)
        if len(smaller.train) + len(smaller.validation) < len(pair.train) + len(pair.validation):
            left_out.append(
                f"The overtraining test of {pair.label} used "
                f"{len(smaller.train):,} of {len(pair.train):,} training and "
                f"{len(smaller.validation):,} of {len(pair.validation):,} validation events, chosen at random."
            )
        test = permutation_test(smaller, permutations(len(samples)), random)
        if test is not None:
            found.append(test)
        else:
            left_out.append(
                f"There is no overtraining test of {pair.label}: its event weights add up to nothing or less."
            )
    return Judgement(tuple(found), *_verdict(found, train_auc, validation_auc), tuple(left_out))


def _smaller(pair: Pair, random: np.random.Generator) -> Pair:
    """At most `MOST_EVENTS`; what validation does not fill of its half is left to training, and the reverse."""
    half = MOST_EVENTS // 2
    train = min(len(pair.train), MOST_EVENTS - min(len(pair.validation), half))
    validation = min(len(pair.validation), MOST_EVENTS - train)
    ours = random.permutation(len(pair.train))[:train]
    theirs = random.permutation(len(pair.validation))[:validation]
    return Pair(
        pair.label, pair.train[ours], pair.train_weight[ours], pair.validation[theirs], pair.validation_weight[theirs]
    )


def _verdict(tests: Sequence[Overtraining], train_auc: float, validation_auc: float) -> tuple[Verdict, str]:
    size = f"ROC AUC is {train_auc:.4f} on training and {validation_auc:.4f} on validation events"
    if not tests:
        return "not tested", f"No class has training and validation events that can be compared; {size}."
    corrected = holm([test.p_value for test in tests])
    guilty = [(test, p) for test, p in zip(tests, corrected, strict=True) if p < LEVEL]
    if not guilty:
        return "no sign of overtraining", (
            f"Training and validation scores differ no more than chance makes them differ "
            f"(smallest corrected p = {min(corrected):.3g}); {size}."
        )
    shown = ", ".join(f"{test.label} (distance {test.statistic:.3f}, corrected p = {p:.2g})" for test, p in guilty)
    gap = train_auc - validation_auc
    extent = "which is a small difference" if abs(gap) < 0.01 else f"a difference of {gap:.3f}"
    return "overtrained", (
        f"The model scores events that it was trained on differently from new events of {shown}; {size}, {extent}. "
        f"Figures on training events flatter the model; those on validation events remain valid."
    )
