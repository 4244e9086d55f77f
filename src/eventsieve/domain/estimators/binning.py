"""Binning: features as numbers of bins, for trees that look for cuts between bins."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "binned"]

BINS: Final = 256
"""Bins of a feature, at most."""


def binned(
    features: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Sort each feature into bins of about as many events.

    Up to 256 different values have a bin each. A cut is half way between the largest value of a bin and the smallest of
    the next, as in scikit-learn's trees, so that ``x <= cut`` says of each event here what its bin says.

    Args:
        features: float32, shape (events, features), finite.

    Returns:
        The numbers of the bins from 0 up, float32, shape (events, features); the cuts of all features, float64, one
        above each bin (above the last: its largest value); and where each feature's cuts begin, shape (features + 1,).
    """
    codes = np.empty_like(features, order="C")
    cuts = []
    for column, values in enumerate(features.T):
        ordered = np.sort(values)
        tops = _tops(ordered)
        codes[:, column] = np.searchsorted(tops, values)
        above = ordered[np.searchsorted(ordered, tops, side="right")]
        cuts.append(np.append((tops.astype(np.float64) + above) / 2, np.float64(ordered[-1])))
    return codes, np.concatenate(cuts), np.cumsum([0, *map(len, cuts)])


def _tops(ordered: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The largest value of each bin but the last."""
    tops: npt.NDArray[np.float32] = ordered[:-1][ordered[1:] != ordered[:-1]]
    if len(tops) < BINS:
        return tops
    at = np.linspace(0, len(ordered) - 1, BINS + 1).astype(np.intp)[1:-1]
    drawn = np.unique(ordered[at])
    fewer: npt.NDArray[np.float32] = drawn[drawn < ordered[-1]]
    return fewer
