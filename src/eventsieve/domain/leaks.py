"""The leak guard: features that separate the classes almost alone, which physics rarely gives and mistakes often do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

__all__ = ["LIMIT", "MOST_EVENTS", "leaks", "single_auc"]

LIMIT = 0.99
"""The area under the ROC curve of one feature above which it is reported."""

MOST_EVENTS = 200_000
"""How many events are looked at."""


def leaks(
    features: npt.NDArray[np.float64], target: npt.NDArray[np.integer], names: Sequence[str], classes: Sequence[str]
) -> tuple[str, ...]:
    """A sentence for each feature that separates one class from the others almost alone.

    Args:
        features: float64, shape (events, features), NaN where undefined; some 200,000 events are enough.
        target: integers, shape (events,): codes into ``classes``.
        names: of the features.
        classes: names of the classes in the order of their codes; of two, background comes first.
    """
    codes = [1] if len(classes) == 2 else range(len(classes))
    masks = [(classes[code], target == code) for code in codes]
    masks = [(name, mask) for name, mask in masks if 0 < mask.sum() < len(mask)]
    found = []
    for place, name in enumerate(names):
        aucs = [(single_auc(features[:, place], mask), label) for label, mask in masks]
        auc, label = max(aucs, default=(0.5, ""))
        if auc > LIMIT:
            found.append(
                f"Feature {name} alone tells {label} from the rest (AUC {auc:.4f}); "
                f"unless physics says why, it gives the label away: leave it out."
            )
    return tuple(found)


def single_auc(values: npt.NDArray[np.float64], signal: npt.NDArray[np.bool_]) -> float:
    """The area under the ROC curve of one feature, 0.5 or more, for it may cut from either side.

    By the Mann-Whitney statistic, with half a point for equal values. Undefined values come below or above all
    others, whichever separates better.

    Args:
        values: float64, shape (events,), NaN where undefined.
        signal: bool, shape (events,); both kinds must be there.
    """
    undefined = np.isnan(values)
    sides = (-np.inf, np.inf) if undefined.any() else (0.0,)
    count = int(signal.sum())
    pairs = count * (len(signal) - count)
    best = 0.5
    for side in sides:
        ranks = rankdata(np.where(undefined, side, values))
        auc = (ranks[signal].sum() - count * (count + 1) / 2) / pairs
        best = max(best, auc, 1 - auc)
    return float(best)
