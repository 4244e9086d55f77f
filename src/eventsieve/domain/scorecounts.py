"""Counts of scores: how many events are in each bin, and how many a cut at any edge selects."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from eventsieve.records import ScoreCounts

__all__ = ["ScoreTally", "edges_of"]

Floats = npt.NDArray[np.float64]

ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Widths of bins that read well, but for a power of ten."""

LARGEST_SPAN: Final = 1e307
"""Differences of the largest numbers overflow."""


def edges_of(low: float, high: float, bins: int, *, probabilities: bool) -> Floats:
    """Edges of bins that hold all scores.

    Args:
        low: the lowest score.
        high: the highest.
        bins: of probabilities, so many from 0 to 1; of decision values about so many, at round numbers.
        probabilities: whether the scores are.

    Returns:
        float64, ascending.
    """
    if probabilities:
        return np.arange(bins + 1, dtype=np.float64) / bins
    # Scores that are all the same still have a bin, and one that floating point can tell from its neighbours.
    span = min(max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-12), LARGEST_SPAN)
    power = 10.0 ** math.floor(math.log10(span / bins))
    step = next((factor * power for factor in ROUND if factor * power * bins >= span), 10.0 * power)
    first, last = math.floor(low / step), math.ceil(high / step)
    return np.arange(first, max(last, first + 1) + 1, dtype=np.float64) * step


class ScoreTally:
    """Scores by class, counted as they come.

    Args:
        edges: of the bins, ascending; every score lies between the first and the last.
        threshold: the cut in force, if there is one.
        groups: how many kinds of events are told apart.
    """

    def __init__(self, edges: Floats, threshold: float | None, groups: int) -> None:
        self._edges = edges
        self._threshold = threshold
        # By the number of edges below a score.
        self._counts = np.zeros((groups, len(edges) + 1), dtype=np.int64)
        self._weights = np.zeros((groups, len(edges) + 1))
        self._selected = np.zeros(groups, dtype=np.int64)
        self._weight_selected = np.zeros(groups)

    def add(self, group: npt.NDArray[np.int_], score: Floats, weight: Floats | None) -> None:
        """Count more events.

        Args:
            group: shape (events,): of which kind each is.
            score: shape (events,).
            weight: shape (events,); ``None`` where there are none.
        """
        groups, places = self._counts.shape
        place = group * places + np.searchsorted(self._edges, score, side="left")
        selected = np.zeros(len(score), dtype=bool) if self._threshold is None else score > self._threshold
        self._counts += np.bincount(place, minlength=groups * places).reshape(groups, places)
        self._selected += np.bincount(group[selected], minlength=groups)
        if weight is not None:
            self._weights += np.bincount(place, weight, groups * places).reshape(groups, places)
            self._weight_selected += np.bincount(group[selected], weight[selected], groups)

    def counts(self, group: int, label: str | None, score_of: str, *, weighted: bool) -> ScoreCounts:
        """What was counted of one kind of events, with or without their weights."""
        counts, above = _binned(self._counts[group])
        weights, weights_above = _binned(self._weights[group])
        has_cut = self._threshold is not None
        return ScoreCounts(
            label=label,
            score_of=score_of,
            events=int(self._counts[group].sum()),
            counts=tuple(counts.tolist()),
            above=tuple(above.tolist()),
            selected=int(self._selected[group]) if has_cut else None,
            weight=float(self._weights[group].sum()) if weighted else None,
            weights=tuple(weights.tolist()) if weighted else (),
            weights_above=tuple(weights_above.tolist()) if weighted else (),
            weight_selected=float(self._weight_selected[group]) if weighted and has_cut else None,
        )


def _binned(places: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """By bin, and by edge what is above it, from counts by the number of edges below a score."""
    inner = places[1:-1].copy()
    inner[0] += places[0]  # what lies on the first edge
    inner[-1] += places[-1]  # what lies beyond the last, by rounding
    return inner, np.cumsum(places[:0:-1])[::-1]
