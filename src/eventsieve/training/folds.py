"""Folds: every event scored by a model that was not trained on it, for a model that was trained on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from eventsieve.domain.estimators import Fitted, NothingToKeep, Watch
from eventsieve.domain.evaluation import ImportanceInput, Scored
from eventsieve.domain.evaluation.importance import permutation_importance
from eventsieve.domain.events import Events
from eventsieve.domain.splitting import Part
from eventsieve.records import Evaluation
from eventsieve.training.pace import SAFETY, FoldFit, Steps
from eventsieve.training.validation import MOST_TRAIN_EVENTS, Validated, Validator

__all__ = ["Folds"]

_CAUTION: Final = (
    "These are the folds' models; each event is in both samples, scored by a model that was trained on it and by one "
    "that was not, which makes the test cautious."
)
_IMPORTANCE: Final = "Permutation importance is that of the first fold's model on the events that it never saw."


class _Fold(NamedTuple):
    """A fold that is done."""

    part: Part
    model: Pipeline | None
    """Of the first fold; the others' would only take memory."""
    scored: Scored
    """The events that its model was not trained on."""
    known: Scored
    """As many that it was trained on."""
    seconds: float
    """That the scores of the first took."""


class Folds:
    """The folds of one training; they come after the fit of the model itself, and take as many steps as it did.

    Args:
        validator: evaluates.
        steps: counts.
        events: all of them.
        parts: one for each fold.
        fit: fits a new pipeline on the training events of a part.
        keep: whether folds are left out for which there is no time; otherwise the limit strikes.
    """

    def __init__(
        self,
        validator: Validator,
        steps: Steps,
        events: Events,
        parts: Sequence[Part],
        fit: Callable[[Part, Watch], Pipeline],
        *,
        keep: bool,
    ) -> None:
        self._validator = validator
        self._steps = steps
        self._events = events
        self._parts = parts
        self._fit = fit
        self._keep = keep

    def validate(self, pipeline: Pipeline, fitted: Fitted, seconds: float) -> Validated:
        """Train the folds, and evaluate what they say of the events.

        Args:
            pipeline: the model itself, trained on all events.
            fitted: how its fit ended.
            seconds: how long that took.
        """
        validator, most = self._validator, fitted.done if fitted.kept_early else None
        folds: list[_Fold] = []
        for number, part in enumerate(self._parts):
            # Both samples have the same share of every model: another model's scores need not mean the same.
            known = self._parts[(number + 1) % len(self._parts)].validation
            fold = self._fold(part, known, most, seconds)
            if fold is None:
                break
            folds.append(fold)
        validator.evaluating()
        remarks = self._remarks(len(folds))
        if not folds:
            return Validated(validator.probabilities(pipeline), remarks=remarks)
        validation = _together([fold.scored for fold in folds])
        scores, evaluation = validator.evaluate(_together([fold.known for fold in folds]), validation, None)
        evaluation = self._with_importance(evaluation, folds[0])
        changes = {
            "train_events": len(self._events),
            "left_out": (*evaluation.left_out, *remarks),
            "verdict_reason": f"{evaluation.verdict_reason} {_CAUTION}",
        }
        return Validated(validation.probabilities, scores, evaluation.model_copy(update=changes), remarks)

    def _fold(self, part: Part, known: npt.NDArray[np.intp], most: int | None, seconds: float) -> _Fold | None:
        """A fold, or ``None`` where it is given up."""
        first = part is self._parts[0]
        if self._give_up(part, seconds * len(part.train) / len(self._events), first=first):
            return None
        watch = FoldFit(self._steps, most, lambda step: self._give_up(part, step, first=first))
        model = None
        with suppress(NothingToKeep):
            model = self._fit(part, watch)
        if model is None or watch.given_up:
            return None
        self._steps.ended(Fitted())
        start = time.perf_counter()
        scored = self._validator.scored(model, self._events.take(part.validation))
        spent = time.perf_counter() - start
        most_known = MOST_TRAIN_EVENTS // len(self._parts)
        if len(known) > most_known:
            known = np.random.default_rng(self._validator.seed).choice(known, most_known, replace=False)
        return _Fold(
            part, model if first else None, scored, self._validator.scored(model, self._events.take(known)), spent
        )

    def _give_up(self, part: Part, seconds: float, *, first: bool) -> bool:
        """Whether not to spend so many seconds more on a fold.

        Who asks to stop waits for the first fold: without it nothing would be known of the model.
        """
        if not first and self._validator.channel.stop_asked():
            return True
        costs = self._validator.costs
        rest = costs.evaluation() + SAFETY * costs.each * len(part.validation)
        return self._keep and seconds + rest > self._validator.clock.left()

    def _with_importance(self, evaluation: Evaluation, fold: _Fold) -> Evaluation:
        validator, model = self._validator, fold.model
        if model is None:
            return evaluation
        given = ImportanceInput(
            features=self._events.features[fold.part.validation],
            names=validator.schema.feature_names,
            score=lambda features: validator.score(model, features),
            seconds=fold.seconds,
        )
        importance, remarks = permutation_importance(
            given, fold.scored, seed=validator.seed, seconds_left=validator.seconds_left
        )
        remarks = (_IMPORTANCE, *remarks) if importance else remarks
        return evaluation.model_copy(update={"importance": importance, "left_out": (*evaluation.left_out, *remarks)})

    def _remarks(self, done: int) -> tuple[str, ...]:
        if done == len(self._parts):
            return ()
        why = "by request" if self._validator.channel.stop_asked() else "for want of time"
        if not done:
            return (f"The model was not evaluated: its {len(self._parts)} folds were left out {why}.",)
        return (f"Figures are those of {done} of {len(self._parts)} folds; the others were left out {why}.",)


def _together(parts: Sequence[Scored]) -> Scored:
    """The scored events of all parts."""
    weights = [part.weight for part in parts if part.weight is not None]
    return Scored(
        target=np.concatenate([part.target for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts]),
        weight=np.concatenate(weights) if weights else None,
        probabilities=parts[0].probabilities,
    )
