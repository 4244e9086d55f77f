"""The evaluation of a trained model, essentials first, within the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from eventsieve.domain.evaluation.bootstrap import bootstrap, scores
from eventsieve.domain.evaluation.curves import ams_curve, class_curves, confusion
from eventsieve.domain.evaluation.figures import Figures, Selection, rankings, ranks, selection
from eventsieve.domain.evaluation.importance import ImportanceInput, permutation_importance
from eventsieve.domain.evaluation.overtraining import Judgement, distributions, judge
from eventsieve.domain.evaluation.scored import Scored, check_classes, without_useless_weights
from eventsieve.records import Evaluation, Importance, Schema, Score

__all__ = ["evaluate_model", "evaluation_cost"]

_FIXED: Final = 0.3
"""Seconds for what does not grow with the events."""
_BOOTSTRAP: Final = 2.0e-5
"""Seconds for each event and ranking: 100 replicas, with and without weights."""
_TEST: Final = 1.0
"""Seconds for the permutation test of each class."""


def evaluation_cost(events: int, classes: int) -> float:
    """About the longest that `evaluate_model` takes on a busy core, in seconds, permutation importance not counted.

    Args:
        events: validation events. Training events are sorted once: a tenth of them is a fair addition.
        classes: 2 or more.
    """
    return _FIXED + _bootstrap_cost(events, classes) + _test_cost(classes)


def _bootstrap_cost(events: int, classes: int) -> float:
    return _BOOTSTRAP * events * (1 if classes == 2 else classes)


def _test_cost(classes: int) -> float:
    return _TEST * classes * max(1.0, classes / 4)


def evaluate_model(
    *,
    schema: Schema,
    train: Scored | None,
    validation: Scored,
    sums: Mapping[str, float] | None,
    seed: int,
    importance: ImportanceInput | None,
    seconds_left: Callable[[], float],
) -> tuple[tuple[Score, ...], Evaluation]:
    """Figures of merit with uncertainties, curves, the test of overtraining and permutation importance.

    Figures and curves are always made. Uncertainties, the test of overtraining and importance are left out, in the
    reverse order, when time runs low; ``left_out`` of the evaluation says so.

    Args:
        schema: names the classes and the signal.
        train: events that the model was trained on, if it has been asked about them.
        validation: events that it was not trained on, of two classes at least.
        sums: by class what the weights (without weights: the counts) of the whole data set add up to, for the AMS where
            the schema does not know the experiment's full sample.
        seed: of everything random; the same seed gives the same answer where time suffices.
        importance: features and model for the permutation importance, or ``None``: it is not asked for.
        seconds_left: how long it may still take. What the caller needs afterwards should be subtracted already.

    Raises:
        BadTable: all validation events are of one class.
    """
    check_classes(validation)
    names = schema.class_names
    validation, left_out = without_useless_weights(validation, names)
    train = replace(train, weight=None) if train is not None and validation.weight is None else train
    ranked = rankings(validation)
    best = selection(validation, ranked, schema, sums)
    in_time = seconds_left() > _bootstrap_cost(len(validation), len(names)) + _FIXED
    drawn_by = seed if in_time else None
    found, undefined = _scores(Figures.of(validation, ranked, best), names, validation, drawn_by)
    curves = tuple(
        class_curves(validation, names[code], ranking, _kept(best, code)) for code, ranking in ranked.items()
    )
    ams = None if best is None else ams_curve(validation, ranked[best.scaling.signal], best, seed=drawn_by)
    judgement, train_auc = _overtraining(train, validation, schema, seed, seconds_left)
    ranked_features, remarks = _importance(importance, validation, seed, seconds_left)
    evaluation = Evaluation(
        classes=names,
        signal=None if schema.signal_code is None else names[schema.signal_code],
        train_events=0 if train is None else len(train),
        validation_events=len(validation),
        weighted=validation.weight is not None,
        probabilities=validation.probabilities,
        curves=curves,
        ams=ams,
        confusion=confusion(validation),
        distributions=distributions(train, validation, names),
        overtraining=judgement.tests,
        verdict=judgement.verdict,
        verdict_reason=judgement.reason,
        train_auc=train_auc,
        importance=ranked_features,
        left_out=left_out + undefined + judgement.left_out + remarks,
    )
    return found, evaluation


def _scores(
    figures: Figures, names: tuple[str, ...], validation: Scored, seed: int | None
) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """The figures, with uncertainties if there is a seed for them, and sentences on what is missing."""
    found, remarks = scores(figures, None if seed is None else bootstrap([figures], seed=seed)[0])
    if seed is None:
        remarks = ("Uncertainties were left out: there was no time for the bootstrap.", *remarks)
    counts = np.bincount(validation.target, minlength=len(names))
    missing = [name for name, count in zip(names, counts, strict=True) if not count]
    return found, remarks + tuple(f"There is no validation event of {name}." for name in missing)


def _kept(best: Selection | None, code: int) -> int | None:
    return best.place if best is not None and best.scaling.signal == code else None


def _overtraining(
    train: Scored | None, validation: Scored, schema: Schema, seed: int, seconds_left: Callable[[], float]
) -> tuple[Judgement, float | None]:
    """What the test says, and the ROC AUC on training events."""
    if train is None:
        return Judgement((), "not tested", "The training events were not scored.", ()), None
    names = schema.class_names
    # Both with weights, or both without; the figures have theirs either way.
    train, useless = without_useless_weights(train, names)
    remarks = tuple(f"In training events, hence in the test of overtraining: {text}" for text in useless)
    validation = validation if train.weight is not None else replace(validation, weight=None)
    areas = [ranks(rankings(part), part.weights())[0] for part in (train, validation)]
    train_auc = areas[0] if np.isfinite(areas[0]) else None
    if seconds_left() < _test_cost(len(names)):
        remarks += ("The test of overtraining was left out: there was no time for the permutations.",)
        return Judgement((), "not tested", "There was no time for the permutations.", remarks), train_auc
    judgement = judge(train, validation, names, train_auc=areas[0], validation_auc=areas[1], seed=seed)
    return judgement._replace(left_out=remarks + judgement.left_out), train_auc


def _importance(
    given: ImportanceInput | None, validation: Scored, seed: int, seconds_left: Callable[[], float]
) -> tuple[tuple[Importance, ...], tuple[str, ...]]:
    if given is None:
        return (), ()
    return permutation_importance(given, validation, seed=seed, seconds_left=seconds_left)
