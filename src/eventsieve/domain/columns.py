"""A column in its role: event numbers, features, weights or labels, and what is wrong with them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.domain.values import UNSET, Where, canonical, integers, numbers, plural, texts
from eventsieve.records import Column, Schema

__all__ = ["read_column"]


def read_column(
    column: Column, values: pa.ChunkedArray, schema: Schema, where: Where, *, all_classes: bool
) -> tuple[npt.NDArray[np.generic], list[str]]:
    """The values of a column in its role, and a sentence for each of its faults.

    Args:
        column: what the values should be.
        values: numbers, or text that spells them.
        schema: says which labels there are and which value is undefined.
        where: says where a row stands.
        all_classes: whether a class without events is a fault of the label.

    Returns:
        int64 for the index, uint8 codes into ``schema.class_names`` for the label, float64 for all else, NaN where
        undefined.

    Raises:
        BadTable: the values are of a type that cannot be read at all.
    """
    match column.role:
        case "index":
            return _index(column.name, values, where)
        case "label":
            return _label(column.name, values, schema, where, all_classes=all_classes)
        case "feature":
            return _feature(column, values, schema, where)
        case _:
            return numbers(column.name, values, where)


def _feature(
    column: Column, values: pa.ChunkedArray, schema: Schema, where: Where
) -> tuple[npt.NDArray[np.float64], list[str]]:
    undefined = schema.undefined
    unset: str | None = None if schema.gaps else UNSET
    if undefined is not None and not schema.gaps:
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
    name: str, values: pa.ChunkedArray, schema: Schema, where: Where, *, all_classes: bool
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    text = texts(name, values)
    if schema.classes:
        return _one_of_classes(name, text, schema, where, all_classes=all_classes)
    signal = canonical(str(schema.signal))
    background = [canonical(label) for label in schema.background]
    others = ", ".join(map(repr, background)) or "any other text"
    known = pc.is_in(text, value_set=pa.array([signal, *background])) if background else pc.not_equal(text, "")
    is_signal: npt.NDArray[np.bool_] = pc.equal(text, signal).to_numpy()
    codes = is_signal.view(np.uint8)
    wrong = np.flatnonzero(~known.to_numpy())
    if wrong.size:
        return codes, [_wrong_label(name, text, wrong, f"neither signal ({signal!r}) nor background ({others})", where)]
    if all_classes and (is_signal.all() or not is_signal.any()):
        only, lacking = (
            ("background", f"signal ({signal!r})") if not is_signal.any() else ("signal", f"background ({others})")
        )
        return codes, [f"Column {name}: all events are {only}; training needs {lacking} as well."]
    return codes, []


def _one_of_classes(
    name: str, text: pa.ChunkedArray, schema: Schema, where: Where, *, all_classes: bool
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    classes = [canonical(label) for label in schema.classes]
    places = pc.index_in(text, value_set=pa.array(classes))
    wrong = np.flatnonzero(places.is_null().to_numpy())
    codes: npt.NDArray[np.uint8] = places.fill_null(0).to_numpy().astype(np.uint8)
    if wrong.size:
        return codes, [_wrong_label(name, text, wrong, f"none of the classes {', '.join(map(repr, classes))}", where)]
    lacking = [repr(classes[code]) for code in np.flatnonzero(np.bincount(codes, minlength=len(classes)) == 0)]
    if all_classes and lacking:
        return codes, [f"Column {name}: there is no event of {', '.join(lacking)}; training needs all classes."]
    return codes, []


def _wrong_label(name: str, text: pa.ChunkedArray, wrong: npt.NDArray[np.intp], what: str, where: Where) -> str:
    first = int(wrong[0])
    shown = repr(text[first].as_py()[:40]) if text[first].as_py() else "empty"
    return f"Column {name}: {plural(wrong.size, 'label')} {what}; the first is {shown} in {where(first)}."
