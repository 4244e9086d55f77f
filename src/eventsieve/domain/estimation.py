"""Estimates: what a training will take, from the laws of its type and from trainings that have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, log
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.estimators import CATALOGUE, acceleration
from eventsieve.domain.estimators.catalogue import find
from eventsieve.domain.evaluation import evaluation_cost
from eventsieve.domain.laws import LAWS, MEBIBYTE, Size
from eventsieve.records import Estimate, EventWeights, Limits, Means, PastTraining, Plan, State, Validation

__all__ = ["estimate"]

Floats = npt.NDArray[np.float64]

_START: Final = 0.1
"""Seconds for mapping the table, checking it and writing the artefact."""
_RESIDENT: Final = 260.0 * MEBIBYTE
"""What a child has with all libraries loaded."""
_TABLES: Final = 7.5
"""How many times the table of features stands in memory at the worst moment: as it came, the part that is trained on,
scaled, imputed with indicators, and in the form that the classifier wants."""
_TRAIN_EVENTS: Final = 50_000
"""Training events that are scored for the test of overtraining, at most."""
_SHUFFLED: Final = (5, 10_000)
"""Permutation importance: how often each feature is shuffled, and among how many events at most."""
_SHUFFLING: Final = 30.0
"""Seconds that permutation importance takes at most."""
_ALONE: Final = Means()
_SURE: Final = 0.3
"""A single past training of the same size corrects a law by 1 / (1 + this) of what it differs, in logarithms."""


@dataclass(frozen=True)
class _Foreseen:
    """By the laws alone: seconds that a training must have, seconds of what is left out when time is short, bytes."""

    needed: float
    optional: float
    memory: float


def estimate(
    type_name: str,
    hyperparameters: Mapping[str, Any],
    *,
    events: int,
    features: int,
    classes: int,
    plan: Plan,
    limits: Limits,
    past: Sequence[PastTraining] = (),
    means: Means = _ALONE,
    evaluation: Callable[[int, int], float] = evaluation_cost,
) -> Estimate:
    """What a training will take in one slot: fits, folds and evaluation.

    A law of the type foresees it. Past trainings of the type correct it: by the weighted median of the logarithms of
    what they took over what the law foresees for them, where those of about the same cost weigh most. One that timed
    out took at least what it was given; such counts only where that is more than the others would make one expect.

    Args:
        type_name: a name in `eventsieve.domain.estimators.CATALOGUE`.
        hyperparameters: resolved, or a part of them.
        events: of the whole table, before some are held out.
        features: number of features.
        classes: number of classes, 2 or more.
        plan: how the model is validated.
        limits: of the training; decide whether it ``fits``.
        past: trainings that have ended, of any type. One that was stopped and kept must come as timed out.
        means: what the training may use. Past ones are taken to have had the same.
        evaluation: seconds to evaluate scores, from the number of events and of classes.

    Raises:
        UnknownModelType: there is no such type.
    """
    title = find(type_name).title
    folds = plan.validation.folds if plan.validation.kind == "folds" else 0
    size = Size(events, features, classes)
    share = partial(_share, type_name, means=means)
    weighted = plan.weights is not EventWeights.NONE
    foreseen = _foresee(
        type_name, hyperparameters, size, plan.validation, evaluation, share=partial(share, weighted=weighted)
    )
    same = [training for training in past if training.type == type_name and training.events > 0]
    compared = [_Compared.of(training, foreseen, hyperparameters, evaluation, share) for training in same]
    factor, spread = _correction(
        [(each.time, each.nearness, each.late) for each in compared if each.timed], LAWS[type_name].spread
    )
    heavier, _ = _correction([(each.space, each.nearness, each.burst) for each in compared if each.weighed], 0.3)
    needed, optional = foreseen.needed * factor, foreseen.optional
    limit = inf if limits.seconds is None else limits.seconds
    memory = int(foreseen.memory * heavier)
    # What an evaluation leaves out when time is short never makes a training late.
    seconds = needed + min(optional, max(0.0, limit - needed))
    late, large = needed > limit, limits.memory is not None and memory > limits.memory
    return Estimate(
        seconds=seconds,
        low=seconds / exp(spread),
        high=seconds * exp(spread),
        memory=memory,
        fits=not late and not large,
        basis=" ".join(
            (
                *_verdict(title, size, folds, seconds, limits.seconds if late else None),
                *([_too_large(title, size, memory, limits.memory)] if large and limits.memory else []),
                _basis(title, [training for training, each in zip(same, compared, strict=True) if each.timed], events),
            )
        ),
    )


def _share(type_name: str, values: Mapping[str, Any], size: Size, *, means: Means, weighted: bool = False) -> float:
    """The seconds of a fit over those that the law gives, which are of a plain one on one thread."""
    fast = acceleration.expected(
        CATALOGUE[type_name].classifier,
        values,
        events=size.events,
        classes=size.classes,
        weighted=weighted,
        means=means,
    )
    return LAWS[type_name].share(means.threads, accelerated=fast)


def _foresee(
    type_name: str,
    given: Mapping[str, Any],
    size: Size,
    validation: Validation,
    evaluation: Callable[[int, int], float],
    *,
    share: Callable[[Mapping[str, Any], Size], float],
) -> _Foreseen:
    values = {each.name: each.default for each in CATALOGUE[type_name].parameters} | dict(given)
    law = LAWS[type_name].cost
    held_out = int(validation.fraction * size.events) if validation.kind == "holdout" else 0
    fitted = Size(max(2, size.events - held_out), size.features, size.classes)
    cost = law(values, fitted)
    fits, scored = cost.fit * share(values, fitted), {"none": 0, "holdout": held_out}.get(validation.kind, size.events)
    if validation.kind == "folds":
        part = Size(max(2, size.events - size.events // validation.folds), size.features, size.classes)
        fits += validation.folds * law(values, part).fit * share(values, part)
    each = cost.each if scored else 0.0
    table = 8.0 * size.events * size.features
    times, most = _SHUFFLED
    shuffling = min(_SHUFFLING, times * size.features * min(most, scored) * (each + 3e-7))
    return _Foreseen(
        needed=_START + 5e-8 * size.events * size.features + fits + each * scored,
        optional=(each * min(_TRAIN_EVENTS, fitted.events) + evaluation(scored, size.classes) + shuffling)
        if scored
        else 0.0,
        memory=_RESIDENT + _TABLES * table + cost.memory,
    )


@dataclass(frozen=True)
class _Compared:
    """A past training against what the laws foresee for it.

    Attributes:
        time: logarithm of its seconds over those foreseen.
        space: likewise of its memory.
        nearness: from 0 to 1, for a training of the same cost.
        timed: whether its seconds say something; those of one that failed or was cancelled do not.
        late: whether it took at least these seconds.
        weighed: whether its memory says something.
        burst: whether it took at least this memory.
    """

    time: float
    space: float
    nearness: float
    timed: bool
    late: bool
    weighed: bool
    burst: bool

    @classmethod
    def of(
        cls,
        past: PastTraining,
        asked: _Foreseen,
        hyperparameters: Mapping[str, Any],
        evaluation: Callable[[int, int], float],
        share: Callable[[Mapping[str, Any], Size], float],
    ) -> _Compared:
        kind = "folds" if past.folds else "holdout"
        validation = Validation(kind=kind, folds=past.folds or 5)
        size = Size(past.events, past.features, past.classes)
        law = _foresee(past.type, past.hyperparameters, size, validation, evaluation, share=share)
        late = past.state is State.TIMED_OUT
        expected = law.needed if late else law.needed + law.optional
        variant = LAWS[past.type].variant
        alike = 1.0 if past.hyperparameters.get(variant) == hyperparameters.get(variant) else 0.2
        return cls(
            time=log(max(past.seconds, 1e-3) / expected),
            space=log((past.peak_memory or law.memory) / law.memory),
            nearness=alike * exp(-0.5 * abs(log(asked.needed / law.needed))),
            timed=late or past.state is State.TRAINED,
            late=late,
            weighed=bool(past.peak_memory) and past.state in (State.TRAINED, State.OUT_OF_MEMORY),
            burst=past.state is State.OUT_OF_MEMORY,
        )


def _correction(ratios: Sequence[tuple[float, float, bool]], spread: float) -> tuple[float, float]:
    """The factor by which to correct a law, and the spread that is left.

    Args:
        ratios: for each past training the logarithm of what it took over what was foreseen, its weight, and whether
            it took at least that.
        spread: of the law alone.
    """
    whole = [(value, weight) for value, weight, at_least in ratios if not at_least]
    middle = _median(whole)
    # A lower bound that is no surprise says nothing; another stands for something beyond it.
    bounds = [(value + spread / 2, weight) for value, weight, at_least in ratios if at_least and value > middle]
    known = whole + bounds
    if not known:
        return 1.0, spread
    middle = _median(known)
    values, weights = np.array(known).T
    total, nearest = float(weights.sum()), float(weights.max())
    variance = float(weights @ (values - middle) ** 2)
    left = ((variance + _SURE * spread**2) / (total + _SURE)) ** 0.5
    # What was learned from trainings of another cost is less certain, and no past makes the next one certain.
    return exp(middle * total / (total + _SURE)), min(spread, max(0.1, left + 0.1 * -log(max(nearest, 1e-3))))


def _median(pairs: Sequence[tuple[float, float]]) -> float:
    """The weighted median, 0 of nothing."""
    if not pairs:
        return 0.0
    values, weights = np.array(sorted(pairs)).T
    below = np.cumsum(weights) - weights / 2
    return float(np.interp(weights.sum() / 2, below, values))


def _verdict(title: str, size: Size, folds: int, seconds: float, limit: float | None) -> list[str]:
    if limit is None:
        return []
    times = f" in {folds} folds" if folds else ""
    return [f"{title} on {size.events:,} events{times} will not fit in {limit:g} s: it takes about {_spoken(seconds)}."]


def _too_large(title: str, size: Size, memory: int, limit: int) -> str:
    return (
        f"{title} on {size.events:,} events needs about {memory / MEBIBYTE:,.0f} MB, more than the "
        f"{limit / MEBIBYTE:,.0f} MB that it may use."
    )


def _spoken(seconds: float) -> str:
    for size, unit in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _basis(title: str, known: Sequence[PastTraining], events: int) -> str:
    if not known:
        return f"Estimated from how a {title.lower()} grows with events and features; none has been trained here yet."
    nearest = min(known, key=lambda training: abs(log(training.events / events)) if events else 0.0)
    late = sum(training.state is State.TIMED_OUT for training in known)
    noun = "training" if len(known) == 1 else "trainings"
    ended = f", {late} of which timed out" if late else ""
    return (
        f"Estimated from {len(known)} past {noun} of a {title.lower()}{ended}; "
        f"the nearest in size had {nearest.events:,} events."
    )
