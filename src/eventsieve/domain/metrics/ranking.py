"""A ranking: events by falling score, and what each cut on the score selects of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Ranking", "average_precision", "roc_auc"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Events by falling score: the order in which a falling cut selects them.

    Events of equal score are selected together or not at all, so there are as many selections as different scores.

    Attributes:
        falling: intp, shape (events,): positions of the events in the sample.
        ends: intp, shape (selections,): the last place of each run of equal scores.
        score: float64, shape (events,), falling.
        signal: bool, shape (events,), in that order: True for signal.
    """

    falling: Places
    ends: Places
    score: Floats
    signal: Bools

    @classmethod
    def of(cls, score: Floats, signal: Bools) -> Self:
        """The ranking of events by score, float64, shape (events,), larger for signal; at least one event."""
        falling = np.argsort(-score, kind="stable")
        score = score[falling]
        ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
        return cls(falling, ends, score, signal[falling])

    def selected(self, weight: Floats) -> tuple[Floats, Floats]:
        """Sums of the weights of signal and of background in each selection, float64, shape (selections,).

        Args:
            weight: float64, shape (events,), in the sample's order.
        """
        ordered = weight[self.falling]
        sums = np.cumsum(ordered * self.signal), np.cumsum(ordered * ~self.signal)
        if len(self.ends) == len(self.falling):
            return sums
        return sums[0][self.ends], sums[1][self.ends]

    def counts(self) -> tuple[Places, Places]:
        """Numbers of signal and of background events in each selection, shape (selections,)."""
        signal: Places = np.cumsum(self.signal, dtype=np.intp)[self.ends]
        return signal, self.ends + 1 - signal

    def cuts(self, places: Places) -> Floats:
        """The cuts that make these selections, float64: an event is selected if its score is above the cut.

        Args:
            places: which selections, from 0; any shape.
        """
        last = self.ends[places]
        lowest = self.score[last]
        following = np.append(self.score, np.nextafter(self.score[-1], -np.inf))[last + 1]
        between = lowest + 0.5 * (following - lowest)
        # Between neighbouring numbers there is none; "above the cut" then means above the lower one.
        return np.where((following <= between) & (between < lowest), between, following)


def roc_auc(signal: Floats, background: Floats) -> float:
    """The probability that a signal event scores higher than a background event, ties counting half.

    The area under the ROC curve by the trapezoidal rule. With negative weights the curve may run backwards; the area
    is then still the weighted mean over all pairs of events.

    Args:
        signal: float64, shape (selections,): sums of weights in each selection of a `Ranking`.
        background: likewise.

    Returns:
        NaN where a class's weights add up to nothing.
    """
    area = np.trapezoid(np.append(0.0, signal), np.append(0.0, background))
    whole = float(signal[-1] * background[-1])
    return float(area) / whole if whole else float("nan")


def average_precision(signal: Floats, background: Floats) -> float:
    """The mean purity of the selections, each weighted by the efficiency that it adds.

    Sum over the selections of (R_i - R_(i-1)) P_i, without interpolation. A purity that negative weights take beyond
    0 or 1 counts as 0 or 1, that of a selection whose weights add up to nothing as 0.

    Args:
        signal: float64, shape (selections,): sums of weights in each selection of a `Ranking`.
        background: likewise.

    Returns:
        NaN where the signal's weights add up to nothing.
    """
    total = float(signal[-1])
    if not total:
        return float("nan")
    chosen = signal + background
    purity = np.divide(signal, chosen, out=np.zeros_like(signal), where=chosen > 0.0)
    gained = np.diff(signal, prepend=0.0)
    # Not `gained @ purity`: the threads of a linear algebra library cost more than a sum, where all cores are training.
    return float((gained * np.clip(purity, 0.0, 1.0, out=purity)).sum()) / total
