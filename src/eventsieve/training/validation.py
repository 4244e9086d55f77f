"""Validation: a trained model's scores on events that it never saw, and what they say, in the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from eventsieve.domain import estimators
from eventsieve.domain.evaluation import ImportanceInput, Scored, decide, evaluate_model
from eventsieve.domain.events import Events
from eventsieve.records import Evaluation, Progress, Schema, Score
from eventsieve.training.channel import Channel
from eventsieve.training.pace import Clock, Costs

__all__ = ["MOST_TRAIN_EVENTS", "Validated", "Validator"]

MOST_TRAIN_EVENTS: Final = 50_000
"""Training events that are scored, to be compared with validation events; more do not say more."""

LEAST_TRAIN_EVENTS: Final = 1_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Validated:
    """What the validation found.

    Attributes:
        probabilities: whether the model's scores are probabilities.
        scores: figures of merit.
        evaluation: all the rest; ``None`` where nothing was validated.
        remarks: sentences on what a user should know.
    """

    probabilities: bool
    scores: tuple[Score, ...] = ()
    evaluation: Evaluation | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validator:
    """Validates the models of one training.

    Attributes:
        schema: names the classes.
        seed: of the bootstrap and of all other chance.
        sums: what the weights of each class add up to in the whole table, for schemas that do not know the full sample.
        channel: to the server.
        clock: the time limit.
        costs: what is kept back for the evaluation.
    """

    schema: Schema
    seed: int
    sums: Mapping[str, float]
    channel: Channel
    clock: Clock
    costs: Costs

    def validate(self, pipeline: Pipeline, known: Events, new: Events) -> Validated:
        """Evaluate a model on new events.

        Args:
            pipeline: fitted.
            known: the events that it was trained on.
            new: labelled events that it was not trained on.
        """
        self.evaluating()
        start = time.perf_counter()
        validation = self.scored(pipeline, new)
        seconds = time.perf_counter() - start
        train, left_out = self.known_scored(pipeline, known, seconds / len(new))
        importance = ImportanceInput(
            features=new.features,
            names=self.schema.feature_names,
            score=lambda features: self.score(pipeline, features),
            seconds=seconds,
        )
        scores, evaluation = self.evaluate(train, validation, importance)
        changes = {"train_events": len(known), "left_out": (*evaluation.left_out, *left_out)}
        return Validated(validation.probabilities, scores, evaluation.model_copy(update=changes))

    def evaluate(
        self, train: Scored | None, validation: Scored, importance: ImportanceInput | None
    ) -> tuple[tuple[Score, ...], Evaluation]:
        """What the scores say."""
        return evaluate_model(
            schema=self.schema,
            train=train,
            validation=validation,
            sums=self.sums,
            seed=self.seed,
            importance=importance,
            seconds_left=self.seconds_left,
        )

    def seconds_left(self) -> float:
        """How long the evaluation may still take."""
        return self.clock.left() - self.costs.cushion

    def evaluating(self) -> None:
        """Tell the server that the fits are over."""
        self.channel.progress(Progress(stage="evaluating"))

    def probabilities(self, pipeline: Pipeline) -> bool:
        """Whether the scores are probabilities."""
        return estimators.has_probabilities(pipeline)

    def score(self, pipeline: Pipeline, features: Floats) -> Floats:
        """Scores as `Scored` has them: of signal against background one for each event, else one for each class."""
        if len(self.schema.class_names) == 2:
            return estimators.score_events(pipeline, features)
        return estimators.class_scores(pipeline, features)

    def scored(self, pipeline: Pipeline, events: Events) -> Scored:
        """The events with their scores."""
        score, probabilities = self.score(pipeline, events.features), self.probabilities(pipeline)
        predicted = decide(score, probabilities, None, self.schema)
        return Scored(events.targets, score, predicted, events.weight, probabilities)

    def known_scored(self, pipeline: Pipeline, known: Events, each: float) -> tuple[Scored | None, tuple[str, ...]]:
        """Events that the model was trained on with their scores, as many as there is time for; and what is left out.

        Args:
            pipeline: fitted.
            known: the events.
            each: seconds that the score of an event takes.
        """
        spare = max(0.0, self.clock.left() - self.costs.evaluation())
        most = min(len(known), MOST_TRAIN_EVENTS)
        if math.isfinite(spare) and each > 0.0:
            most = min(most, int(spare / each))
        if most < min(LEAST_TRAIN_EVENTS, len(known)):
            return None, ("Training events were not scored: there was no time.",)
        if most == len(known):
            return self.scored(pipeline, known), ()
        rows = np.sort(np.random.default_rng(self.seed).choice(len(known), most, replace=False))
        remark = f"Scores in training events are those of {most:,} of {len(known):,} events, chosen at random."
        return self.scored(pipeline, known.take(rows)), (remark,)
