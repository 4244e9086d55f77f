"""Data sets: tables of events that are stored, and what is known of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from eventsieve.records.base import Record
from eventsieve.records.schema import Dtype, Schema

__all__ = ["ClassCount", "ColumnSummary", "Dataset", "Part", "Reading", "SchemaEdit", "Table"]


class Table(Record):
    """A stored table of checked events, as trainings map it."""

    digest: str
    schema_name: str
    events: int
    signal: int
    """Number of signal events; 0 in a table without labels, or with several classes of which none is the signal."""
    features: int = 0
    classes: int = 2
    created: datetime


class ColumnSummary(Record):
    """One column of a data set as it came, whatever it is used for."""

    name: str
    dtype: Dtype
    missing: int = 0
    """In how many rows it has no value (empty, null or NaN)."""
    values: tuple[str, ...] = ()
    """The values of a column that has few of them (20 at most), as text, sorted; empty for others."""


class Part(Record):
    """One file, or one tree of a file, from which a data set was read."""

    file: str
    """Name of the file, as the client gave it."""
    tree: str | None = None
    label: str | None = None
    """The class of all of its events, where signal and background came apart."""
    events: int


class Reading(Record):
    """How a file is read, where its content alone does not say."""

    trees: tuple[str, ...] = ()
    """Of a ROOT file: ``NAME``, or ``NAME=LABEL`` where signal and background have trees of their own. Empty: the only
    tree."""
    branches: tuple[str, ...] = ()
    """Columns to keep, by name or shell pattern (``PRI_*``); empty: all. For files of every format."""
    header: Literal["auto", "yes", "no"] = "auto"
    """Of text: whether the first line names the columns; ``auto`` says no where it holds nothing but numbers."""


class ClassCount(Record):
    """The events of one class."""

    label: str
    events: int
    weight: float | None = None
    """Sum of their weights; ``None`` in a table without weights."""
    negative: int = 0
    """How many of them have a negative weight."""


class Dataset(Record):
    """A stored table of events: what came, and how it is read."""

    id: str
    name: str
    digest: str
    """SHA-256 of what came: of a file's bytes, or of the digests and labels of several."""
    format: str
    """csv, parquet, arrow or root."""
    size: int
    """Bytes that came."""
    parts: tuple[Part, ...]
    events: int
    columns: tuple[ColumnSummary, ...]
    """All columns, used or not."""
    event_schema: Schema
    """How the columns are read: which is index, label, weight, feature."""
    classes: tuple[ClassCount, ...] = ()
    """The classes in the order of their codes (background before signal); empty without labels."""
    warnings: tuple[str, ...] = ()
    """What a physicist should know before training: columns left out, a feature that gives the label away, …"""
    by: str = ""
    """Who brought it; empty where nobody has to sign in."""
    created: datetime


class SchemaEdit(Record):
    """Changes to how a data set is read; what is not given stays.

    Columns that are named in no role keep theirs, except that a column that loses its role is left out: what was a
    label, a weight or an event number is a feature only where ``leave_out`` is given and does not name it.
    """

    name: str | None = Field(None, max_length=128)
    """Name of a schema that comes with Eventsieve, to be taken as it is before the other changes."""
    label: str | None = None
    """The column that says what an event is; empty text for none."""
    signal: str | None = None
    """The value of the label that is signal; empty text for none (several classes of equal right)."""
    classes: tuple[str, ...] | None = None
    """The labels of more than two classes, in order; an empty list for signal against background."""
    index: str | None = None
    """The column of event numbers; empty text for none (rows are counted)."""
    weight: str | None = None
    """The column of event weights; empty text for none."""
    undefined: float | None = None
    """The number that means "not defined for this event"."""
    leave_out: tuple[str, ...] | None = None
    """All columns that are no features and have no other role."""
    units: dict[str, str] | None = None
    """Units of columns by their names."""

    def given(self) -> dict[str, Any]:
        """The changes that were given; ``undefined: null`` counts as given."""
        return {name: getattr(self, name) for name in self.model_fields_set}
