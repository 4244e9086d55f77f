"""Several tests at once: the smallest of many p-values is small by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["holm"]


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many they are (S. Holm, Scand. J. Stat. 6 (1979) 65).

    A corrected value below some level happens by chance, whichever of the tests it is in, no more often than that level
    says. NaN stays, and does not count.
    """
    corrected = list(p_values)
    ranked = sorted((p, position) for position, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, position) in enumerate(ranked):
        largest = max(largest, min(1.0, (len(ranked) - rank) * p))
        corrected[position] = largest
    return corrected
