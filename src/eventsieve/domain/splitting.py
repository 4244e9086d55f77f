"""Splitting events into those to train on and those to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from eventsieve.errors import BadTable
from eventsieve.records import Validation

__all__ = ["Part", "hold_out_end", "plan_split", "split"]

Places = npt.NDArray[np.intp]


class Part(NamedTuple):
    """Which events one fit sees, and which are scored by it; positions, intp, rising."""

    train: Places
    validation: Places


def plan_split(
    validation: Validation, target: npt.NDArray[np.uint8], seed: int, names: Sequence[str] = ()
) -> tuple[Part, ...]:
    """Which events are trained on and which are kept.

    Args:
        validation: what was asked for.
        target: uint8, shape (events,): the class of each event.
        seed: the same seed gives the same parts.
        names: of the classes, for the sentences.

    Returns:
        One part for ``holdout``; one for each of the ``folds``, whose validation events are all events together; none
        for ``none`` and ``dataset``, where all events are trained on.

    Raises:
        BadTable: a part would have no event of a class.
    """
    if validation.kind == "holdout":
        parts = [_hold_out(target, validation, seed)]
    elif validation.kind == "folds":
        parts = _folds(target, validation, seed, names)
    else:
        parts = []
    for code in np.unique(target):
        of_class = target == code
        if not all(of_class[part.train].any() and of_class[part.validation].any() for part in parts):
            raise BadTable(
                f"There are only {np.count_nonzero(of_class)} events of {_name(int(code), names)}, too few to be in "
                f"every part of the validation; send more of them, choose a stratified split or larger parts, "
                f"or train without validation."
            )
    return tuple(parts)


def _hold_out(target: npt.NDArray[np.uint8], validation: Validation, seed: int) -> Part:
    if validation.stratified:
        return Part(*split(target, validation.fraction, seed=seed))
    try:
        kept, out = train_test_split(np.arange(len(target)), test_size=validation.fraction, random_state=seed)
    except ValueError as error:
        raise _too_few(target, validation.fraction) from error
    return Part(np.sort(kept), np.sort(out))


def _folds(target: npt.NDArray[np.uint8], validation: Validation, seed: int, names: Sequence[str]) -> list[Part]:
    counts = np.bincount(target)
    scarce = min(np.flatnonzero(counts), key=lambda code: int(counts[code]))
    if counts[scarce] < validation.folds:
        cure = f"ask for {counts[scarce]} folds at most, or " if counts[scarce] > 1 else ""
        raise BadTable(
            f"{validation.folds} folds need {validation.folds} events of each class, and there are {counts[scarce]} of "
            f"{_name(int(scarce), names)}; {cure}send more events, or train without validation."
        )
    folds = (StratifiedKFold if validation.stratified else KFold)(validation.folds, shuffle=True, random_state=seed)
    return [Part(train, out) for train, out in folds.split(target, target)]


def _name(code: int, names: Sequence[str]) -> str:
    return repr(names[code]) if code < len(names) else f"class {code}"


def split(label: npt.NDArray[np.bool_] | npt.NDArray[np.uint8], held_out: float, *, seed: int) -> tuple[Places, Places]:
    """Positions of the events to train on and of those held out, each in the table's order.

    Args:
        label: bool, shape (events,), True for signal, or uint8 codes of classes; both parts get the same share of each.
        held_out: fraction of the events that is held out, above 0 and below 1.
        seed: the same seed gives the same parts.

    Raises:
        BadTable: there are too few events of a class to be in both parts.
    """
    try:
        kept, out = train_test_split(np.arange(len(label)), test_size=held_out, stratify=label, random_state=seed)
    except ValueError as error:
        raise _too_few(label, held_out) from error
    return np.sort(kept), np.sort(out)


def _too_few(label: npt.NDArray[np.bool_] | npt.NDArray[np.uint8], held_out: float) -> BadTable:
    if label.dtype == np.bool_:
        what = f"{np.count_nonzero(label)} of them signal"
    else:
        codes, counts = np.unique(label, return_counts=True)
        what = f"{counts.min()} of the rarest of {len(codes)} classes"
    return BadTable(
        f"{len(label)} events, {what}, are too few to hold out {held_out:g} of each class; "
        f"send more events, or hold out none."
    )


def hold_out_end(label: npt.NDArray[np.bool_], held_out: float, *, seed: int) -> tuple[Places, Places]:
    """As `split`, but what is held out is the end of the table, as if it had been recorded later.

    In a table that is ordered by class the end has not both of them; then the parts are random after all.
    """
    first = len(label) - round(held_out * len(label))
    parts = np.arange(first), np.arange(first, len(label))
    if all(len(np.unique(label[part])) == 2 for part in parts):
        return parts
    return split(label, held_out, seed=seed)
