"""Pace: how far the fits of a training have come, and when one must end so that all that follows is done in time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from eventsieve.domain import estimators, persist
from eventsieve.domain.estimators import Fitted, LightGBM, unfinished
from eventsieve.records import Progress
from eventsieve.training.channel import Channel

__all__ = ["Budget", "Clock", "Costs", "FinalFit", "FoldFit", "Steps"]

MARGIN_SECONDS: Final = 0.15
"""The answer is on its way so long before the limit."""

SAFETY: Final = 2.0
"""What is foreseen takes up to this much longer, when other work comes to the machine."""

CUSHION_SECONDS: Final = 0.2
CUSHION_SHARE: Final = 0.02
"""Part of the limit; both are kept back for what nobody foresees."""

LARGEST_SHARE: Final = 0.25
"""The part of the limit that is kept back, at most, for what an evaluation can do without."""

SAMPLE: Final = 4096
"""Events that an unfinished model scores to see how long that takes."""


class Clock:
    """The time limit as the child sees it; it starts when it is made.

    Args:
        limit: seconds, or ``None``.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = math.inf if limit is None else limit
        self._start = time.monotonic()

    def left(self) -> float:
        """Seconds until the answer must be on its way; infinite without a limit."""
        return self._start + self.limit - MARGIN_SECONDS - time.monotonic()


class Costs:
    """How long it takes to end a training properly, were its fit to end now; measured where it can be.

    Args:
        clock: the time limit.
        scored: events that the finished model will score.
        essential: seconds of the evaluation that are always spent.
        optional: those that it can do without; a quarter of the limit is kept back for them at most.
    """

    def __init__(self, clock: Clock, *, scored: int, essential: float, optional: float) -> None:
        self.store = 0.02
        """Seconds for making and writing the artefact."""
        self.each = 0.0
        """Seconds for scoring one event."""
        self._scored = scored
        self._evaluation = SAFETY * essential + min(optional, LARGEST_SHARE * clock.limit)
        self.cushion = CUSHION_SECONDS + CUSHION_SHARE * clock.limit if math.isfinite(clock.limit) else 0.0
        """Seconds that are kept back to the end, whatever is done."""

    def evaluation(self) -> float:
        """Seconds to keep back for what comes after all scores are there."""
        return self._evaluation + self.cushion

    def finish(self, growth: float = 1.0) -> float:
        """Seconds to keep back for all that comes after the final fit.

        Args:
            growth: by how much the model has grown since it was measured.
        """
        return SAFETY * growth * (self.store + self._scored * self.each) + self.evaluation()

    def measure(self, pipeline: Pipeline, done: int, sample: npt.NDArray[np.float64]) -> None:
        """Store and score a model that is being fitted, without touching it."""
        start = time.perf_counter()
        if isinstance(pipeline[-1], _TREES):
            unfinished = _as_it_stands(pipeline, done)
            persist.dumps(unfinished)
            stored = time.perf_counter()
            estimators.class_scores(unfinished, sample)
        else:  # linear: small, and as fast as what comes before it; it has no coefficients yet
            stored = start
            pipeline[:-1].transform(sample)
        self.store = max(self.store, stored - start)
        self.each = (time.perf_counter() - stored) / len(sample)


_TREES: Final = (RandomForestClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier, LightGBM)


def _as_it_stands(pipeline: Pipeline, done: int) -> Pipeline:
    if isinstance(pipeline[-1], (HistGradientBoostingClassifier, LightGBM)):
        return Pipeline([*pipeline.steps[:-1], ("classifier", unfinished(pipeline[-1]))])
    classifier = copy(pipeline[-1])
    if isinstance(classifier, GradientBoostingClassifier):  # has room for the stages that are to come
        classifier.estimators_ = classifier.estimators_[:done]
        classifier.train_score_ = classifier.train_score_[:done]
    return Pipeline([*pipeline.steps[:-1], ("classifier", classifier)])


class Steps:
    """Counts the steps of all fits of a training, and tells the server.

    Args:
        channel: to the server.
        fits: how many there will be.
    """

    def __init__(self, channel: Channel, fits: int) -> None:
        self._channel = channel
        self._fits = fits
        self._ended = 0
        self._size: int | None = None

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """So many steps of the fit in hand are done."""
        if not self._ended:
            self._size = total
        if self._size is not None:
            done = self._ended * self._size + min(done, self._size)
            self._tell(done, self._fits * self._size, unit)

    def ended(self, fitted: Fitted) -> None:
        """A fit has ended; those that come after the first are about as long as it."""
        if not self._ended:
            self._size = fitted.done
        self._ended += 1
        if self._size is None and self._fits > 1:
            self._tell(self._ended, self._fits, "fits")

    def _tell(self, done: int, total: int, unit: str) -> None:
        self._channel.progress(Progress(stage="fitting", done=done, total=total, unit=unit))


@dataclass
class Budget:
    """When the fit of the model itself must end, so that what comes after it is done in time.

    Args:
        clock: the time limit; the fit begins when this is made.
        costs: of what comes after it.
        measure: measures the costs on the model as it stands, given the steps that are done.
        shares: the equal parts that the time for fits is divided into; one is this fit's.
    """

    clock: Clock
    costs: Costs
    measure: Callable[[int], None]
    shares: float = 1.0
    _measured: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """The fit begins."""
        self._given = self.clock.left()

    def over(self, done: int, step: float) -> bool:
        """Whether there is no time for another step.

        Args:
            done: steps so far.
            step: seconds that one takes.
        """
        if done >= 2 * self._measured:
            self.measure(done)
            self._measured = done
        spent = self._given - self.clock.left()
        step_late = (SAFETY - 1.0) * step
        rest = self.costs.finish(done / self._measured)
        return self.shares * (spent + step) + step_late + rest >= self._given


class FinalFit:
    """Watches the fit of the model itself; ends it by request, or when its time is over.

    Args:
        channel: to the server.
        steps: counts.
        budget: ``None``: what is not finished in time is not kept.
    """

    def __init__(self, channel: Channel, steps: Steps, budget: Budget | None) -> None:
        self.unit = ""
        """What is counted."""
        self.cause = ""
        """Why it was ended: "by request" or "by the time limit"."""
        self._channel = channel
        self._steps = steps
        self._budget = budget
        self._done = 0
        self._longest = 0.0
        self._last = time.monotonic()

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """So many steps are done."""
        now = time.monotonic()
        if done:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._done, self.unit = done, unit
        self._steps.advance(done, total, unit)

    def stop(self) -> bool:
        """Whether to end the fit with what there is."""
        if self._channel.stop_asked():
            self.cause = "by request"
        elif self._done and self._budget is not None and self._budget.over(self._done, self._longest):
            self.cause = "by the time limit"
        self._last = time.monotonic()
        return bool(self.cause)


class FoldFit:
    """Watches the fit of one fold, which takes as many steps as the model itself, or is given up.

    Args:
        steps: counts.
        most: steps after which the model itself was stopped, if it was.
        give_up: whether there is no time left, given how long a step takes.
    """

    def __init__(self, steps: Steps, most: int | None, give_up: Callable[[float], bool]) -> None:
        self.given_up = False
        self._steps = steps
        self._most = most
        self._give_up = give_up
        self._done = 0
        self._last = time.monotonic()

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """So many steps are done."""
        self._done = done
        self._steps.advance(done, total, unit)

    def stop(self) -> bool:
        """Whether to end the fit: because it has as many steps as it should, or because it is given up."""
        now = time.monotonic()
        if self._most is not None and self._done >= self._most:
            return True
        self.given_up = self._give_up(now - self._last)
        self._last = now
        return self.given_up
