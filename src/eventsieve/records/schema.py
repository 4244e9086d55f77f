"""An event schema is data: which columns a table of events has, of what type, and what each is for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field

from eventsieve.errors import BadConfiguration
from eventsieve.records.base import Record

__all__ = ["Column", "Dtype", "Role", "Schema"]

Dtype = Literal["int64", "float64", "object"]
"""A column's type, named as pandas names it; ``object`` is text."""

Role = Literal["index", "feature", "weight", "label", "spectator"]
"""What a column is for. A spectator may be in the table and is never trained on."""


class Column(Record):
    """One column of a table of events."""

    name: str
    dtype: Dtype
    role: Role = "feature"
    unit: str = ""
    """Physical unit of the values (``GeV``, ``rad``), empty for pure numbers."""
    description: str = ""


class Schema(Record):
    """The columns of an experiment's tables and the values that have a meaning of their own."""

    name: str
    title: str = ""
    source: str = ""
    """Where the data and the definitions of the columns are published."""
    columns: tuple[Column, ...]
    undefined: float | None = None
    """The number that stands for "not defined for this event" in the feature columns."""
    gaps: bool = False
    """Whether an empty or NaN value of a feature means "not defined" too, and is no fault."""
    signal: str | None = "s"
    """The label of a signal event; ``None`` in a table without labels, or of several classes of equal right."""
    background: tuple[str, ...] = ("b",)
    """The labels of background events; empty where every label but the signal's is background."""
    classes: tuple[str, ...] = ()
    """The labels of more than two classes that are told apart; empty for signal against background."""
    class_weight_sums: dict[str, float] = Field(default_factory=dict)
    """Sum of the event weights of each label in the experiment's full sample, for scaling parts of it."""

    def _with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    @cached_property
    def index(self) -> Column | None:
        """The column that numbers the events; without one, rows are counted."""
        return next(iter(self._with_role("index")), None)

    @cached_property
    def index_name(self) -> str:
        """The name under which event numbers are given back."""
        return "row" if self.index is None else self.index.name

    @cached_property
    def label(self) -> Column | None:
        """The column that says which class an event is of, if there is one."""
        return next(iter(self._with_role("label")), None)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of their codes: background, signal; or several; none without labels."""
        if self.label is None:
            return ()
        if self.classes:
            return self.classes
        background = self.background[0] if len(self.background) == 1 else f"not {self.signal}"
        return (background, str(self.signal))

    @cached_property
    def signal_code(self) -> int | None:
        """The code of the signal's class, or ``None`` where no class is the signal."""
        return self.class_names.index(self.signal) if self.signal in self.class_names else None

    @cached_property
    def weight(self) -> Column | None:
        """The column of event weights, if the experiment has one."""
        return next(iter(self._with_role("weight")), None)

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns that a classifier sees, in the schema's order."""
        return self._with_role("feature")

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns that a classifier sees, in the schema's order."""
        return tuple(column.name for column in self.features)

    @cached_property
    def non_features(self) -> tuple[str, ...]:
        """The names of weight and spectators: in the table, never trained on."""
        return tuple(c.name for c in self.columns if c.role in ("weight", "spectator"))

    def adapted(
        self,
        *,
        target: str | None = None,
        signal: str | None = None,
        non_features: Sequence[str] | None = None,
        index: str | None = None,
        columns: dict[str, Dtype] | None = None,
    ) -> Schema:
        """This schema with the specification's settings laid over it; what is ``None`` stays.

        A column listed in ``columns`` and known here keeps its unit, description and role; an unknown one is a
        feature. Where none of the features is known, it is another experiment's table, and has no name but
        "DATASET_COLS". The weight column stays a weight whatever ``non_features`` says: it would give the label away.

        Raises:
            BadConfiguration: a named column is not in the schema, or the schema would not have exactly one index, one
                label and at least one feature, all of them numbers.
        """
        known = {column.name: column for column in self.columns}
        if columns is not None:
            described = {name: known.get(name, Column(name=name, dtype=dtype)) for name, dtype in columns.items()}
            known = {name: column.model_copy(update={"dtype": columns[name]}) for name, column in described.items()}
        named = [name for name in (target, index, *(non_features or ())) if name is not None]
        if missing := [name for name in named if name not in known]:
            raise BadConfiguration(
                f"The settings name columns that DATASET_COLS does not list: {', '.join(missing)}. "
                f"Add them to DATASET_COLS or correct TARGET_COL, INDEX_COL, NON_FEATURE_COLS."
            )
        given: dict[Role, str | None] = {"label": target, "index": index}
        roles = {name: _role(column, given, non_features) for name, column in known.items()}
        adapted = tuple(c.model_copy(update={"role": roles[c.name]}) for c in known.values())
        _check_roles(adapted)
        changed = self._signal_fields(signal) | {"columns": adapted}
        if not any(column.role == "feature" and column.name in self.feature_names for column in adapted):
            changed |= {"name": "DATASET_COLS", "title": "Collision events", "source": "", "class_weight_sums": {}}
        # A copy would keep the cached properties of the schema that it was made from.
        return Schema.model_validate(self.model_dump() | changed)

    def _signal_fields(self, signal: str | None) -> dict[str, object]:
        """The fields that change with the signal's label.

        ``s`` and ``b`` may change places; a label from another experiment says nothing about its backgrounds.
        """
        if signal is None or signal == self.signal:
            return {}
        if signal in self.background:
            others = tuple(label for label in (self.signal, *self.background) if label != signal)
            return {"signal": signal, "background": others}
        return {"signal": signal, "background": (), "class_weight_sums": {}}


def _role(column: Column, given: dict[Role, str | None], non_features: Sequence[str] | None) -> Role:
    """The role of a column once the settings have been laid over it."""
    for role, name in given.items():
        if column.name == name:
            return role
    if given.get(column.role) is not None:
        return "spectator"  # another column has taken its role
    if non_features is not None and column.role in ("feature", "spectator"):
        return "spectator" if column.name in non_features else "feature"
    return column.role


def _check_roles(columns: Sequence[Column]) -> None:
    settings: dict[Role, str] = {"label": "TARGET_COL", "index": "INDEX_COL"}
    for role, setting in settings.items():
        if [column.role for column in columns].count(role) != 1:
            raise BadConfiguration(
                f"The settings leave the schema without exactly one {role} column; "
                f"set {setting} to a column of DATASET_COLS that has no other role."
            )
    if not any(column.role == "feature" for column in columns):
        raise BadConfiguration("The settings leave no column to train on; shorten NON_FEATURE_COLS.")
    if text := [column.name for column in columns if column.role == "feature" and column.dtype == "object"]:
        raise BadConfiguration(
            f"Text cannot be trained on: {', '.join(text)}. "
            f"Name these columns in NON_FEATURE_COLS or give them another type in DATASET_COLS."
        )
