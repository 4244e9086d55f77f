"""What the columns of an unknown table are for: a schema that comes with Eventsieve, or one told from their content."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eventsieve.domain.facts import Facts
from eventsieve.domain.roles import (
    find_index,
    find_label,
    find_weight,
    is_background,
    is_bookkeeping,
    is_label_like,
    is_weight_like,
    looks_like_label,
    signal_of,
)
from eventsieve.domain.schema import load_schema, schema_names
from eventsieve.records import Column, Role, Schema

__all__ = ["INFERRED", "NO_LABELS", "fitted", "infer", "label_fields", "lacking"]

INFERRED = "own-columns"
"""Name of a schema that was told from a table."""

NO_LABELS: Mapping[str, Any] = {"signal": None, "background": (), "classes": (), "class_weight_sums": {}}
"""What a schema without a label says of classes."""

_LEAST_UNDEFINED = -5.0
"""Whole negative numbers above this one are charges and the like, and never taken for "not defined"."""


def infer(table: Sequence[Facts], *, named: bool = True, label: str | None = None) -> tuple[Schema, tuple[str, ...]]:
    """The schema of a table, and warnings about what was guessed.

    Args:
        table: what there is in each of its columns.
        named: whether the names of the columns came with the table.
        label: the column of the labels, where it is known; no other column that looks like a label is a feature.

    Returns:
        The schema, with a role for every column of the table: that of an experiment whose features are all there, or
        one named `INFERRED`.
    """
    known = next((s for s in map(load_schema, schema_names()) if not lacking(s, table)), None)
    given = next((facts for facts in table if facts.name == label), None)
    if known is not None:
        guess = "" if given is None else label_fields(given)[1]
        return fitted(known, table, label=given), ((guess,) if guess else ())
    found = given or find_label(table, named=named)
    roles = _roles(table, found)
    undefined, warnings = _undefined([facts for facts in table if roles[facts.name] == "feature"])
    fields, guess = (NO_LABELS, "") if found is None else label_fields(found)
    return Schema(
        name=INFERRED,
        title="Collision events",
        columns=tuple(facts.column(roles[facts.name]) for facts in table),
        undefined=undefined,
        gaps=_has_gaps(table, roles),
        **fields,
    ), (*([guess] if guess else []), *warnings)


def _roles(table: Sequence[Facts], label: Facts | None) -> dict[str, Role]:
    others = [facts for facts in table if facts is not label]
    index = find_index(others)
    weight = find_weight([facts for facts in others if facts is not index])
    roles: dict[str, Role] = {facts.name: "feature" if _is_feature(facts) else "spectator" for facts in table}
    chosen: tuple[tuple[Facts | None, Role], ...] = ((label, "label"), (index, "index"), (weight, "weight"))
    return roles | {facts.name: role for facts, role in chosen if facts is not None}


def _is_feature(facts: Facts) -> bool:
    aside = facts.is_text or facts.empty or is_label_like(facts) or is_weight_like(facts)
    return not (aside or looks_like_label(facts.name) or is_bookkeeping(facts.name))


def _has_gaps(table: Sequence[Facts], roles: Mapping[str, Role]) -> bool:
    return any(facts.summary.missing and roles[facts.name] == "feature" for facts in table)


def lacking(schema: Schema, table: Sequence[Facts]) -> list[str]:
    """The features of a schema that a table does not have as numbers."""
    numbers = {facts.name for facts in table if not facts.is_text}
    return [name for name in schema.feature_names if name not in numbers]


def fitted(schema: Schema, table: Sequence[Facts], *, label: Facts | None = None) -> Schema:
    """A schema that comes with Eventsieve, for a table that has all of its features.

    Columns that the table does not have are left out of the schema; those that the schema does not have are
    spectators.

    Args:
        schema: the schema.
        table: what there is in each column of the table.
        label: the column of the labels, where it is another than the schema's.
    """
    facts_of = {facts.name: facts for facts in table}
    kept = [column for column in schema.columns if column.name in facts_of]
    kept = [c.model_copy(update={"role": "spectator"}) if _cannot_be(c, facts_of[c.name]) else c for c in kept]
    added = [facts.column("spectator") for facts in table if facts.name not in {c.name for c in kept}]
    columns = [*kept, *added]
    if label is not None:
        columns = [_as_label(column, label) for column in columns]
    roles = {column.name: column.role for column in columns}
    found = next((facts_of[name] for name, role in roles.items() if role == "label"), None)
    changed: dict[str, Any] = {"columns": tuple(columns), "gaps": _has_gaps(table, roles)}
    if found is None:
        changed |= NO_LABELS
    elif not set(found.values) <= {schema.signal, *schema.background}:
        changed |= {"class_weight_sums": {}} | label_fields(found)[0]
    # A copy would keep the cached properties of the schema that it was made from.
    return Schema.model_validate(schema.model_dump() | changed)


def _cannot_be(column: Column, facts: Facts) -> bool:
    """Whether a column cannot have the role that its schema gives it."""
    return column.role == "index" and not facts.unique


def _as_label(column: Column, label: Facts) -> Column:
    if column.name == label.name:
        return column.model_copy(update={"role": "label"})
    return column.model_copy(update={"role": "spectator"}) if column.role == "label" else column


def label_fields(label: Facts) -> tuple[dict[str, Any], str]:
    """The fields of a schema that say which values of a label mean what, and a warning where that is a guess.

    Two values are background and signal, more are classes; of one value, the other is what usually goes with it.
    """
    values = label.values
    signal = signal_of(values)
    if len(values) > 2:
        return {"signal": signal, "background": (), "classes": values}, ""
    if len(values) == 1 and signal is None and is_background(values[0]):
        return {"signal": _PARTNERS.get(values[0].lower(), "signal"), "background": values, "classes": ()}, ""
    guess = ""
    if signal is None:
        signal = values[-1]
        if len(values) > 1:
            guess = (
                f"{signal} is taken for the signal of column {label.name}, and {values[0]} for background: "
                f"if it is the other way round, say so (signal={values[0]})."
            )
    return {"signal": signal, "background": tuple(v for v in values if v != signal), "classes": ()}, guess


_PARTNERS = {"b": "s", "bg": "sig", "bkg": "sig", "0": "1", "-1": "1", "false": "true", "no": "yes"}


def _undefined(features: Sequence[Facts]) -> tuple[float | None, tuple[str, ...]]:
    """The number that means "not defined" in these columns, if one surely does, and a warning of others like it."""
    votes = Counter(facts.lowest for facts in features if _may_be_undefined(facts))
    clear = {facts.lowest for facts in features if _may_be_undefined(facts) and _stands_apart(facts)}
    found = [value for value, count in votes.most_common() if value in clear and (count > 1 or _is_nines(value))]
    if not found:
        return None, ()
    if len(found) == 1:
        return found[0], ()
    others = ", ".join(f"{value:g}" for value in found[1:])
    warning = f"{others} may mean 'not defined' too, but is read as a number; write {found[0]:g} in its place."
    return found[0], (warning,)


def _may_be_undefined(facts: Facts) -> bool:
    whole = math.isfinite(facts.lowest) and facts.lowest == math.trunc(facts.lowest)
    return whole and facts.lowest <= _LEAST_UNDEFINED and facts.lowest_count > 1


def _stands_apart(facts: Facts) -> bool:
    """Whether the lowest value is further from the others than they are from each other, and they are many."""
    return not facts.values and facts.second - facts.lowest > facts.highest - facts.second


def _is_nines(value: float) -> bool:
    return set(f"{-value:g}") == {"9"} and value <= -99
