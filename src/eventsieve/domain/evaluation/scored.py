"""Scored events: labelled events with what a model says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eventsieve.domain.metrics import CANCELLED
from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Schema, Threshold

__all__ = ["Scored", "check_classes", "decide", "without_useless_weights"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Scored:
    """Labelled events with what a model says of them.

    Attributes:
        target: uint8, shape (events,): codes into ``schema.class_names``; of signal against background 0 or 1.
        score: float64, shape (events,), larger for class 1; or of several classes shape (events, classes), larger in
            an event's likelier class. All finite.
        predicted: uint8, shape (events,): the codes that the model decides for, see `decide`.
        weight: float64, shape (events,), of any sign; ``None`` where the events have no weights.
        probabilities: whether the scores are probabilities, of several classes with rows that sum to 1.

    Raises:
        ValueError: a score is NaN or infinite.
    """

    target: Codes
    score: Floats
    predicted: Codes
    weight: Floats | None
    probabilities: bool

    def __post_init__(self) -> None:
        wrong = int(np.count_nonzero(~np.isfinite(self.score).reshape(len(self.score), -1).all(axis=1)))
        if wrong:
            raise ValueError(
                f"The model gives {wrong} of {len(self.score)} events a score that is NaN or infinite, so nothing can "
                f"be said of its quality; choose other hyperparameters, or leave out features with extreme values."
            )

    def __len__(self) -> int:
        return len(self.target)

    @property
    def classes(self) -> int:
        """How many classes the model tells apart."""
        return 2 if self.score.ndim == 1 else self.score.shape[1]

    def signals(self) -> tuple[int, ...]:
        """The codes of the classes that count as signal in turn: 1, or of several all that have events."""
        if self.score.ndim == 1:
            return (1,)
        return tuple(np.flatnonzero(np.bincount(self.target, minlength=self.classes)).tolist())

    def score_of(self, code: int) -> Floats:
        """The score for a class, float64, shape (events,); of two classes both have that for the signal."""
        return self.score if self.score.ndim == 1 else self.score[:, code]

    def weights(self) -> Floats:
        """The event weights, or ones; float64, shape (events,)."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Scored:
        """The events at these positions, in this order, or those where a mask is True."""
        return replace(
            self,
            target=self.target[rows],
            score=self.score[rows],
            predicted=self.predicted[rows],
            weight=None if self.weight is None else self.weight[rows],
        )


def decide(score: Floats, probabilities: bool, threshold: Threshold | None, schema: Schema) -> Codes:  # noqa: FBT001 - a value like the others
    """The class that a model decides for, uint8, shape (events,): codes into ``schema.class_names``.

    Of several classes that with the largest score, the first of equals. Of signal against background the signal where
    the score is above the threshold: the classifier's own (0.5 for probabilities, 0 for decision values) unless another
    is given.

    Args:
        score: float64, shape (events,), or of several classes (events, classes).
        probabilities: whether scores are probabilities.
        threshold: of signal against background; several classes have none.
        schema: says which class is the signal; where none is, the threshold is the classifier's own.

    Raises:
        BadRequest: the threshold is not the classifier's own and its value is missing.
    """
    if score.ndim == 2:
        codes: Codes = score.argmax(axis=1).astype(np.uint8)
        return codes
    cut = 0.5 if probabilities else 0.0
    if threshold is not None and schema.signal_code is not None:
        if threshold.value is None and threshold.kind != "natural":
            raise BadRequest(
                f"The threshold {threshold.kind!r} has no value, so no event can be decided by it; "
                f"give its value, or choose the threshold 'natural'."
            )
        cut = cut if threshold.value is None else threshold.value
    return (score > cut).astype(np.uint8)


def check_classes(scored: Scored) -> None:
    """Refuse events that are all of one class.

    Raises:
        BadTable: they are.
    """
    if len(np.unique(scored.target)) < 2:
        raise BadTable(
            "The events to evaluate a model on are all of one class, and figures of merit need two; "
            "choose events of every class, or a larger part of them."
        )


def without_useless_weights(scored: Scored, names: tuple[str, ...]) -> tuple[Scored, tuple[str, ...]]:
    """The same events, without weights where those of a class cancel each other out; and a sentence if so."""
    if scored.weight is None:
        return scored, ()
    sums = np.bincount(scored.target, scored.weight, scored.classes)
    sizes = np.bincount(scored.target, np.abs(scored.weight), scored.classes)
    occurs = np.bincount(scored.target, minlength=scored.classes) > 0
    useless = [names[code] for code in np.flatnonzero(occurs & (sums <= CANCELLED * sizes))]
    if not useless:
        return scored, ()
    remark = (
        f"The event weights of {', '.join(useless)} add up to nothing or less, so no fraction of them means anything: "
        f"every event counts once instead."
    )
    return replace(scored, weight=None), (remark,)
