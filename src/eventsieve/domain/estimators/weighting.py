"""Event weights in training: which are used, and what becomes of negative ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventsieve.errors import BadTable
from eventsieve.records import EventWeights, NegativeWeights

__all__ = ["training_weights"]

Weights = npt.NDArray[np.float64]


def training_weights(
    weights: EventWeights,
    negative: NegativeWeights,
    weight: Weights | None,
    target: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.bool_] | None, Weights | None, tuple[str, ...]]:
    """The weights that a classifier is given.

    They have mean 1, so that a classifier's own balance between events and regularisation is that without weights.

    Args:
        weights: how they are used. Where they are not, negative ones do no harm and ``negative`` does not count.
        negative: what is done with events of negative weight.
        weight: shape (events,), finite; or ``None`` where the table has no weights, so that all are 1.
        target: uint8, shape (events,): the classes.

    Returns:
        True for the events to be trained on, shape (events,), or ``None`` for all of them; their weights, shape
        (events to be trained on,), or ``None`` for 1 each; and sentences saying what was done.

    Raises:
        BadTable: the table has no weights and they are to be used; or some are negative and refused; or a class has
            no weight left.
    """
    if weights is EventWeights.NONE:
        return None, None, ()
    if weight is None:
        if weights is EventWeights.EVENT:
            raise BadTable(
                "The events have no weights; say which column holds them, or train with weights 'none' or 'balanced'."
            )
        weight = np.ones(len(target))
    rows, used, remarks = _without_negative(negative, weight, target)
    classes = target if rows is None else target[rows]
    sums = np.bincount(classes, weights=used, minlength=int(target.max()) + 1)
    if empty := [code for code in np.unique(target) if sums[code] <= 0]:
        raise BadTable(
            f"The weights of class {empty[0]} add up to nothing; train with weights 'none', or leave that class out."
        )
    if weights is EventWeights.BALANCED:
        used = used / sums[classes]
    return rows, used / used.mean(), remarks


def _without_negative(
    negative: NegativeWeights, weight: Weights, target: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.bool_] | None, Weights, tuple[str, ...]]:
    below = weight < 0
    count = int(below.sum())
    if not count:
        return None, weight, ()
    if negative is NegativeWeights.REFUSE:
        most = int(np.bincount(target[below]).argmax())
        raise BadTable(
            f"{count} of {len(weight)} events have a negative weight (most of them of class {most}), and a classifier "
            f"cannot be trained on such; choose negative_weights 'drop' to train without these events or 'absolute' "
            f"to take their weights without sign, or weights 'none'."
        )
    if negative is NegativeWeights.DROP:
        return ~below, weight[~below], (f"{count} events of negative weight were not trained on.",)
    return None, np.abs(weight), (f"{count} negative event weights were taken without sign in training.",)
