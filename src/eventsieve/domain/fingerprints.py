"""Fingerprints of events: hashes of their features, by which equal events are found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["fingerprints"]

Floats = npt.NDArray[np.float64]


def fingerprints(features: Floats) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row, uint64, shape (rows,): equal rows have equal hashes, NaN being equal to NaN.

    Among a million rows the chance that any two different ones share a hash is about 3e-8. The bits are mixed as in
    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), because float64 of round values differ in their high bits only.
    """
    prints = np.zeros(len(features), dtype=np.uint64)
    for position in range(features.shape[1]):
        # Adding 0 gives -0 the bits of 0; every NaN gets the same bits too.
        column = features[:, position] + 0.0
        column[np.isnan(column)] = np.nan
        prints += column.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        prints = (prints ^ (prints >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        prints = (prints ^ (prints >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        prints ^= prints >> np.uint64(31)
    return prints
