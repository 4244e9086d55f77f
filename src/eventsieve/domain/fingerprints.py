"""Fingerprints of events: hashes of their features, by which equal events are found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["fingerprints"]

Floats = npt.NDArray[np.float64]
Prints = npt.NDArray[np.uint64]

_ROWS = 16_384
"""Rows whose columns are read one after another: so many stay in the processor's cache meanwhile."""
_MIXING = tuple(
    (np.uint64(shift), np.uint64(factor))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
)


def fingerprints(features: Floats) -> Prints:
    """A 64-bit hash of each row, uint64, shape (rows,): equal rows have equal hashes, NaN being equal to NaN.

    Among a million rows the chance that any two different ones share a hash is about 3e-8. The bits are mixed as in
    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), because float64 of round values differ in their high bits only.
    """
    prints = np.zeros(len(features), dtype=np.uint64)
    for start in range(0, len(features), _ROWS):
        _add(prints[start : start + _ROWS], features[start : start + _ROWS])
    return prints


def _add(prints: Prints, features: Floats) -> None:
    """Mix the bits of all columns into the hashes of their rows."""
    shifted = np.empty_like(prints)
    for position in range(features.shape[1]):
        # Adding 0 gives -0 the bits of 0; every NaN gets the same bits too.
        column = features[:, position] + 0.0
        np.copyto(column, np.nan, where=np.isnan(column))
        prints += column.view(np.uint64)
        prints += np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in _MIXING:
            np.right_shift(prints, shift, out=shifted)
            prints ^= shifted
            prints *= factor
