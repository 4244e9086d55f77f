"""The approximate median significance (AMS) of a selection, and which cut on a score gives the largest."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsieve.domain.metrics.ranking import Ranking
from eventsieve.records import Schema

__all__ = ["B_REG", "CANCELLED", "LEAST_BACKGROUND", "ClassSums", "ams", "best_place", "class_sums", "countable"]

Floats = npt.NDArray[np.float64]

B_REG: Final = 10.0
"""Background that the challenge adds to that of a selection, against empty selections."""

LEAST_BACKGROUND: Final = 10
"""Background events that a cut must leave for its AMS to count (a tenth of them, if there are less than 100).

With less the background is a guess: of thousands of cuts the best would be the one that by luck leaves none.
"""

CANCELLED: Final = 1e-9
"""The sum of a class's weights, as a part of the sum of their sizes, up to which they cancel each other out."""


class ClassSums(NamedTuple):
    """Sums of the event weights of the two classes in an experiment's full sample."""

    signal: float
    background: float


def ams(s: npt.ArrayLike, b: npt.ArrayLike, b_reg: float = B_REG) -> Floats:
    """The approximate median significance of a selection with signal ``s`` and background ``b``.

    sqrt(2 ((s + b + b_reg) ln(1 + s / (b + b_reg)) - s)), from C. Adam-Bourdarios et al., "The Higgs boson machine
    learning challenge", PMLR 42 (2015) 19-55. Negative event weights can make the sums negative: no signal is no
    significance, and a background below zero counts as none.

    Args:
        s: sums of the weights of the selected signal events, any shape.
        b: sums of the weights of the selected background events, of a shape that goes with it.
        b_reg: not negative; with 0, signal without any background is infinitely significant.

    Returns:
        float64, in the shape of the two together, not negative.
    """
    signal = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    background = np.maximum(np.asarray(b, dtype=np.float64), 0.0) + b_reg
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = 2.0 * ((signal + background) * np.log1p(signal / background) - signal)
    return np.sqrt(np.maximum(np.where(signal > 0.0, squared, 0.0), 0.0))


def countable(ranking: Ranking) -> npt.NDArray[np.bool_]:
    """Which selections leave as much background as `LEAST_BACKGROUND` says, bool, shape (selections,)."""
    _, background = ranking.counts()
    enough: npt.NDArray[np.bool_] = background >= min(LEAST_BACKGROUND, int(background[-1]) // 10)
    return enough


def best_place(ranking: Ranking, s: Floats, b: Floats) -> int:
    """The selection with the largest AMS of those that count, the smallest of equals.

    Args:
        ranking: the events.
        s: float64, shape (selections,): scaled sums of the signal's weights.
        b: likewise, of the background's.
    """
    return int(np.argmax(np.where(countable(ranking), ams(s, b), -1.0)))


def class_sums(schema: Schema) -> ClassSums | None:
    """The weight sums of the full sample as the schema gives them, or ``None`` where it does not."""
    known = dict(schema.class_weight_sums)
    signal = known.pop(schema.signal, 0.0) if schema.signal is not None else 0.0
    background = sum(known.values())
    return ClassSums(signal, background) if signal > 0.0 and background > 0.0 else None
