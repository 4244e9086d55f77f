"""Counting what there is in one table: events, undefined values, duplicates, classes and their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.statistics import known
from eventsieve.records import ClassEvents, Duplicates, Schema, TableCounts, WeightSums

__all__ = ["count_classes", "count_table", "shared_rows"]

Flags = npt.NDArray[np.bool_]
Prints = npt.NDArray[np.uint64]


def count_table(events: Events, prints: Prints | None, *, selected: bool = False) -> TableCounts:
    """What there is in a table.

    Args:
        events: the table.
        prints: a hash of the features of each event, in ascending order, without which duplicates are not looked for.
        selected: whether the events passed a cut: how many of the full sample would pass it, the schema does not know.
    """
    missing = np.isnan(events.features)
    everyone, *classes = count_classes(events, selected=selected)
    return TableCounts(
        events=len(events),
        complete=int(np.count_nonzero(~missing.any(axis=1))),
        undefined=int(np.count_nonzero(missing)),
        duplicates=None if prints is None else _duplicates(events, prints),
        all=everyone,
        classes=tuple(classes),
        remarks=events.remarks,
    )


def count_classes(events: Events, *, selected: bool = False) -> tuple[ClassEvents, ...]:
    """All events and their weights, then those of each class."""
    schema = events.schema
    members: list[tuple[str, Flags, list[str]]] = [
        ("all", np.ones(len(events), dtype=np.bool_), list(schema.class_names))
    ]
    if events.target is not None:
        members += [(label, events.target == code, [label]) for code, label in enumerate(schema.class_names)]
    return tuple(
        _count_events(label, events, member, None if selected else _full_sum(schema, of))
        for label, member, of in members
    )


def shared_rows(ours: Prints, theirs: Prints, others: Prints) -> Flags:
    """Which of the events behind ``others`` have the features of an event of another table.

    Args:
        ours: hashes of the features of that table's events, in ascending order.
        theirs: ``others`` in ascending order.
        others: hashes of the features of the events in question.
    """
    none = np.zeros(len(others), dtype=np.bool_)
    if not len(ours):
        return none
    nearest = ours[np.minimum(np.searchsorted(ours, theirs), len(ours) - 1)]
    common = theirs[nearest == theirs]
    return np.isin(others, common) if len(common) else none


def _duplicates(events: Events, prints: Prints) -> Duplicates:
    equal, groups = _repeated(prints)
    index = None if events.schema.index is None else _repeated(events.index)[0]
    return Duplicates(events=equal, groups=groups, equal_index=index)


def _repeated(values: npt.NDArray[np.integer]) -> tuple[int, int]:
    """How many values occur more than once, and how many different ones these are."""
    if bool((values[1:] > values[:-1]).all()):  # event numbers mostly are in ascending order
        return 0, 0
    _, counts = np.unique(values, return_counts=True)
    repeats = counts[counts > 1]
    return int(repeats.sum()), len(repeats)


def _full_sum(schema: Schema, classes: Sequence[str]) -> float | None:
    """Sum of these classes' weights in the experiment's full sample; ``None`` where the schema lacks a part of it."""
    labels: list[str] = []
    for name in classes:
        labels += _labels(schema, name) or [""]
    sums = [schema.class_weight_sums.get(label) for label in labels]
    found = [value for value in sums if value is not None]
    return math.fsum(found) if found and len(found) == len(sums) else None


def _labels(schema: Schema, name: str) -> Sequence[str]:
    """The labels of the events of a class: several where signal is told from several backgrounds."""
    return [name] if schema.classes or name == schema.signal else schema.background


@np.errstate(over="ignore", invalid="ignore")
def _count_events(label: str, events: Events, member: Flags, full: float | None) -> ClassEvents:
    count = int(np.count_nonzero(member))
    if events.weight is None:
        return ClassEvents(label=label, events=count, weights=None)
    weight = events.weight[member]
    total, squares = known(weight.sum()) or 0.0, known(np.square(weight).sum()) or 0.0
    return ClassEvents(
        label=label,
        events=count,
        weights=WeightSums(
            total=total,
            full=full,
            scale=full / total if full is not None and total else None,
            effective=total**2 / squares if squares else 0.0,
            negative=int(np.count_nonzero(weight < 0)),
            minimum=float(weight.min()) if count else None,
            maximum=float(weight.max()) if count else None,
        ),
    )
