"""Splitting events into those to train on and those to keep."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from eventsieve.errors import BadTable

__all__ = ["hold_out_end", "split"]


def split(
    label: npt.NDArray[np.bool_], held_out: float, *, seed: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Positions of the events to train on and of those held out, each in the table's order.

    Args:
        label: bool, shape (events,); both parts get the same share of signal.
        held_out: fraction of the events that is held out, above 0 and below 1.
        seed: the same seed gives the same parts.

    Raises:
        BadTable: there are too few events of a class to be in both parts.
    """
    try:
        kept, out = train_test_split(np.arange(len(label)), test_size=held_out, stratify=label, random_state=seed)
    except ValueError as error:
        raise BadTable(
            f"{len(label)} events, {np.count_nonzero(label)} of them signal, are too few to hold out {held_out:g} "
            f"of each class; send more events, or hold out none."
        ) from error
    return np.sort(kept), np.sort(out)


def hold_out_end(
    label: npt.NDArray[np.bool_], held_out: float, *, seed: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """As `split`, but what is held out is the end of the table, as if it had been recorded later.

    In a table that is ordered by class the end has not both of them; then the parts are random after all.
    """
    first = len(label) - round(held_out * len(label))
    parts = np.arange(first), np.arange(first, len(label))
    if all(len(np.unique(label[part])) == 2 for part in parts):
        return parts
    return split(label, held_out, seed=seed)
