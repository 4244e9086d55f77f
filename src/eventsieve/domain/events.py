"""Events: a checked table, as the arrays that classifiers and physics work on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eventsieve.domain.columns import read_column
from eventsieve.domain.matrix import plain_matrix
from eventsieve.domain.values import Where
from eventsieve.errors import BadTable
from eventsieve.records import Column, Schema

__all__ = ["Events", "Labels", "check", "needed", "remarks_on", "to_table"]

Labels = Literal["ignored", "optional", "required", "both classes"]
"""Whether the labels of a table count: not (to predict), where there are any (to explore), as a must, or as a must and
of both classes (to train and to compare)."""


@dataclass(frozen=True, eq=False)
class Events:
    """Events that passed the check of their schema.

    Attributes:
        schema: what the columns mean.
        features: float64, shape (events, features), in the order of ``schema.features``; C-contiguous;
            NaN where a feature is not defined for the event.
        index: int64, shape (events,): the event numbers, or the rows from 0 where the schema has no index.
        weight: float64, shape (events,), or ``None`` where the table has no weights.
        target: uint8, shape (events,): codes into ``schema.class_names`` (background 0, signal 1; or several classes),
            or ``None`` where the table has no labels.
        remarks: sentences about the table that are no faults (columns that were ignored).
    """

    schema: Schema
    features: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64] | None
    target: npt.NDArray[np.uint8] | None
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def label(self) -> npt.NDArray[np.bool_] | None:
        """True for signal, shape (events,); ``None`` without labels, or of several classes of which none is signal."""
        code = self.schema.signal_code
        return None if self.target is None or code is None else self.target == code

    @property
    def signal_count(self) -> int:
        """Number of signal events; 0 without labels."""
        label = self.label
        return 0 if label is None else int(np.count_nonzero(label))

    @property
    def labels(self) -> npt.NDArray[np.bool_]:
        """The labels of events that have them.

        Raises:
            BadTable: these have none.
        """
        label = self.label
        if label is None:
            raise BadTable(f"The events are not labelled as signal or background{_add(self.schema)}.")
        return label

    @property
    def targets(self) -> npt.NDArray[np.uint8]:
        """The class codes of events that have labels.

        Raises:
            BadTable: these have none.
        """
        if self.target is None:
            raise BadTable(f"The events have no labels{_add(self.schema)}.")
        return self.target

    @property
    def class_sums(self) -> dict[str, float]:
        """By class what the weights add up to; without weights, how many events it has.

        Raises:
            BadTable: the events have no labels.
        """
        names = self.schema.class_names
        sums = np.bincount(self.targets, weights=self.weight, minlength=len(names))
        return dict(zip(names, sums.astype(np.float64).tolist(), strict=True))

    def take(self, rows: npt.NDArray[np.int_] | npt.NDArray[np.bool_]) -> Events:
        """The events at these positions, in this order, or those where a mask is True."""
        return replace(
            self,
            features=self.features[rows],
            index=self.index[rows],
            weight=None if self.weight is None else self.weight[rows],
            target=None if self.target is None else self.target[rows],
        )


def _add(schema: Schema) -> str:
    return "; say which column holds the labels" if schema.label is None else f"; add the column {schema.label.name}"


def to_table(events: Events) -> pa.Table:
    """The events as the table that `check` would take: text labels, whole numbers where the schema has them.

    A feature that is not defined is the schema's undefined value again.
    """
    schema = events.schema
    columns: dict[str, pa.Array] = {} if schema.index is None else {schema.index.name: pa.array(events.index)}
    for column, values in zip(schema.features, events.features.T, strict=True):
        filled = np.where(np.isnan(values), schema.undefined, values) if schema.undefined is not None else values
        columns[column.name] = pa.array(filled.astype(np.int64 if column.dtype == "int64" else np.float64))
    if schema.weight is not None and events.weight is not None:
        columns[schema.weight.name] = pa.array(events.weight)
    if schema.label is not None and events.target is not None:
        columns[schema.label.name] = pa.array(np.array(schema.class_names)[events.target])
    return pa.table({c.name: columns[c.name] for c in schema.columns if c.name in columns})


def needed(schema: Schema, *, labels: Labels) -> tuple[Column, ...]:
    """The columns that `check` looks at where the table has them: without weight and label when predicting."""
    roles = {"index", "feature"} if labels == "ignored" else {"index", "feature", "weight", "label"}
    return tuple(column for column in schema.columns if column.role in roles)


def check(
    table: pa.Table,
    schema: Schema,
    *,
    labels: Labels,
    header: Sequence[str] | None = None,
    line_of: Callable[[int], int] | None = None,
    before: int = 0,
) -> Events:
    """The events of a table, or everything that is wrong with it.

    Columns may come in any order, as numbers or as text that spells them. The schema's undefined value becomes NaN
    here and nowhere else.

    Args:
        table: the columns that `needed` names, as far as there are any; others may be in it.
        schema: what the columns should be.
        labels: what the labels are wanted for. Predicting ignores labels and weights whatever they hold; exploring
            takes them where they are; training and comparing need events of both classes.
        header: the names of all columns of the source, where the table has only some of them.
        line_of: the line of a 1-based row in the text file that the table was read from.
        before: how many rows stand before these, where they are a part of a table.

    Raises:
        BadTable: the table has faults; each has its sentence.
    """
    where = Where(line_of, before)
    names = tuple(table.column_names if header is None else header)
    faults = _header_faults(names, schema, labels)
    if labels in ("required", "both classes") and schema.label is None:
        faults.append("No column is known to hold the labels; say which one does (schema, label).")
    usable = {name for name, count in Counter(table.column_names).items() if count == 1}
    wanted = [column for column in needed(schema, labels=labels) if column.name in usable]
    if wanted and not table.num_rows:
        raise BadTable(*faults, "The table has a header but no events.")

    plain = plain_matrix(table, schema) if usable.issuperset(schema.feature_names) else None
    if plain is not None:
        wanted = [column for column in wanted if column.role != "feature"]
    features = np.empty((table.num_rows, len(schema.features)), dtype=np.float64) if plain is None else plain
    position = {name: i for i, name in enumerate(schema.feature_names)}
    found: dict[str, npt.NDArray[np.generic]] = {}
    for column in wanted:
        try:
            values, wrong = read_column(column, table[column.name], schema, where, all_classes=labels == "both classes")
        except BadTable as exc:
            faults += exc.faults
            continue
        faults += wrong
        if column.role == "feature":
            features[:, position[column.name]] = values
        else:
            found[column.role] = values
    if faults:
        raise BadTable(*faults)
    return Events(
        schema=schema,
        features=features,
        index=found["index"].astype(np.int64, copy=False) if "index" in found else np.arange(table.num_rows),
        weight=found["weight"].astype(np.float64, copy=False) if "weight" in found else None,
        target=found["label"].astype(np.uint8, copy=False) if "label" in found else None,
        remarks=tuple(remarks_on(names, schema, labels)),
    )


def _header_faults(names: Sequence[str], schema: Schema, labels: Labels) -> list[str]:
    """What is wrong with the names of the columns."""
    wanted = needed(schema, labels=labels)
    required = [
        c.name for c in wanted if c.role in ("index", "feature") or (c.role == "label" and labels != "optional")
    ]
    missing = [name for name in required if name not in names]
    faults = []
    if 2 * len(missing) > len(required):
        faults.append(
            f"The table does not look like {schema.name}: it has {len(required) - len(missing)} of the "
            f"{len(required)} columns that are needed."
        )
    if missing:
        subject = "Column" if len(missing) == 1 else f"{len(missing)} columns are missing:"
        verb = " is missing" if len(missing) == 1 else ""
        faults.append(f"{subject} {', '.join(missing)}{verb}. {_instead(names, schema)}".rstrip())
    count = Counter(names)
    return faults + [f"Column {c.name} appears {count[c.name]} times." for c in wanted if count[c.name] > 1]


def _instead(names: Sequence[str], schema: Schema) -> str:
    """What the table has in place of a missing column."""
    if 2 * sum(map(_is_number, names)) > len(names):
        return "The first line holds numbers; put a line with the names of the columns above it."
    others = _extra(names, schema)
    return f"The table has columns that are not in the schema: {_listed(others)}." if others else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _extra(names: Sequence[str], schema: Schema) -> list[str]:
    known = {column.name for column in schema.columns}
    return [name or "(no name)" for name in names if name not in known]


def _listed(names: Sequence[str], limit: int = 20) -> str:
    """The names, cut after the limit and each after 40 characters."""
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(name[:40] for name in names[:limit]) + rest


def remarks_on(names: Sequence[str], schema: Schema, labels: Labels) -> list[str]:
    """What a user may want to know about a good table."""
    remarks = []
    if extra := _extra(names, schema):
        remarks.append(f"Columns that {schema.name} does not have were ignored: {_listed(extra)}.")
    if labels != "ignored" and schema.weight is not None and schema.weight.name not in names:
        remarks.append(f"There is no column {schema.weight.name}: every event counts the same.")
    return remarks
