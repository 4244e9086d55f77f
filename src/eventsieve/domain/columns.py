"""A column in its role: event numbers, features, weights or labels, and what is wrong with them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.domain.schema import Column, Schema
from eventsieve.domain.values import UNSET, Where, canonical, integers, numbers, plural, texts

__all__ = ["read_column"]


def read_column(
    column: Column, values: pa.ChunkedArray, schema: Schema, where: Where, *, both_classes: bool
) -> tuple[npt.NDArray[np.generic], list[str]]:
    """The values of a column in its role, and a sentence for each of its faults.

    Args:
        column: what the values should be.
        values: numbers, or text that spells them.
        schema: says which labels there are and which value is undefined.
        where: says where a row stands.
        both_classes: whether events of one class only are a fault of the label.

    Returns:
        int64 for the index, bool (True for signal) for the label, float64 for all else, NaN where undefined.

    Raises:
        BadTable: the values are of a type that cannot be read at all.
    """
    match column.role:
        case "index":
            return _index(column.name, values, where)
        case "label":
            return _label(column.name, values, schema, where, both_classes=both_classes)
        case "feature":
            return _feature(column, values, schema.undefined, where)
        case _:
            return numbers(column.name, values, where)


def _feature(
    column: Column, values: pa.ChunkedArray, undefined: float | None, where: Where
) -> tuple[npt.NDArray[np.float64], list[str]]:
    unset: str | None = UNSET
    if undefined is not None:
        unset = None if math.isnan(undefined) else f"{UNSET} (write {undefined:g} where it is not defined)"
    array, faults = numbers(column.name, values, where, whole=column.dtype == "int64", unset=unset)
    return np.where(array == undefined, np.nan, array), faults


def _index(name: str, values: pa.ChunkedArray, where: Where) -> tuple[npt.NDArray[np.int64], list[str]]:
    ids, good, faults = integers(name, values, where)
    rows = np.flatnonzero(good)
    order = rows[np.argsort(ids[rows], kind="stable")]
    # Equal numbers are neighbours now, the earliest row first.
    again = order[np.flatnonzero(np.diff(ids[order]) == 0) + 1]
    if again.size:
        first = ids[again.min()]
        same = np.flatnonzero(good & (ids == first)).tolist()
        shown = ", ".join(where(row) for row in same[:3]) + (f" and {len(same) - 3} more" if len(same) > 3 else "")
        count = plural(np.unique(ids[again]).size, "event number")
        faults.append(f"Column {name}: {count} used more than once; the first is {first} in {shown}.")
    return ids, faults


def _label(
    name: str, values: pa.ChunkedArray, schema: Schema, where: Where, *, both_classes: bool
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    text = texts(name, values)
    signal = canonical(schema.signal)
    background = [canonical(label) for label in schema.background]
    others = ", ".join(map(repr, background)) or "any other text"
    known = pc.is_in(text, value_set=pa.array([signal, *background])) if background else pc.not_equal(text, "")
    is_signal: npt.NDArray[np.bool_] = pc.equal(text, signal).to_numpy()

    wrong = np.flatnonzero(~known.to_numpy())
    if wrong.size:
        first = int(wrong[0])
        shown = repr(text[first].as_py()[:40]) if text[first].as_py() else "empty"
        count = plural(wrong.size, "label")
        what = f"neither signal ({signal!r}) nor background ({others})"
        return is_signal, [f"Column {name}: {count} {what}; the first is {shown} in {where(first)}."]
    if both_classes and (is_signal.all() or not is_signal.any()):
        only, lacking = (
            ("background", f"signal ({signal!r})") if not is_signal.any() else ("signal", f"background ({others})")
        )
        return is_signal, [f"Column {name}: all events are {only}; training needs {lacking} as well."]
    return is_signal, []
