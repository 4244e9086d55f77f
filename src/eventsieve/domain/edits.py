"""Edits of a schema: which column is the label, which values are signal, what is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from eventsieve.domain.facts import MOST_VALUES, Facts
from eventsieve.domain.inference import NO_LABELS, fitted, label_fields, lacking
from eventsieve.domain.schema import load_schema, schema_names
from eventsieve.domain.values import canonical
from eventsieve.errors import BadRequest
from eventsieve.records import Column, Role, Schema, SchemaEdit

__all__ = ["edited"]

_ROLES: tuple[Role, ...] = ("label", "index", "weight")


def edited(schema: Schema, table: Sequence[Facts], edit: SchemaEdit) -> Schema:
    """A schema of a table with changes laid over it.

    A column that loses a role is left out, unless ``leave_out`` is given and does not name it; text always is.

    Args:
        schema: with a role for every column of the table.
        table: what there is in each column; ``unique`` must be true of a column that is to be the index.
        edit: the changes.

    Raises:
        BadRequest: they cannot be made; each fault has its place in the edit.
    """
    if edit.name is not None:
        schema = _from_name(edit.name, table)
    if faults := _unknown(edit, table) or _role_faults(edit, table):
        raise BadRequest(faults=faults)
    roles = _roles(schema, table, edit)
    if "feature" not in roles.values():
        raise BadRequest(faults={"/leave_out": "No column would be left to train on; leave out fewer."})
    changed = {
        "columns": tuple(_column(column, roles[column.name], edit) for column in schema.columns),
        "gaps": any(facts.summary.missing and roles[facts.name] == "feature" for facts in table),
        **_label_fields(schema, next((facts for facts in table if roles[facts.name] == "label"), None), edit),
    }
    if "undefined" in edit.given():
        changed["undefined"] = edit.undefined
    # A copy would keep the cached properties of the schema that it was made from.
    return Schema.model_validate(schema.model_dump() | changed)


def _from_name(name: str, table: Sequence[Facts]) -> Schema:
    if name not in schema_names():
        raise BadRequest(faults={"/name": f"There is no schema {name!r}; there are: {', '.join(schema_names())}."})
    schema = load_schema(name)
    if missing := lacking(schema, table):
        raise BadRequest(faults={"/name": f"The schema {name} needs columns of numbers: {', '.join(missing)}."})
    return fitted(schema, table)


def _unknown(edit: SchemaEdit, table: Sequence[Facts]) -> dict[str, str]:
    """Names that are no columns, by their places."""
    names = [facts.name for facts in table]
    places = {f"/{role}": getattr(edit, role) for role in _ROLES if getattr(edit, role)}
    places |= {f"/leave_out/{place}": name for place, name in enumerate(edit.leave_out or ())}
    places |= {f"/units/{name}": name for name in edit.units or ()}
    return {place: _no_column(name, names) for place, name in places.items() if name not in names}


def _no_column(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    some = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"There is no column {name!r}; {f'did you mean {chr(44).join(close)}?' if close else f'there are: {some}.'}"


def _role_faults(edit: SchemaEdit, table: Sequence[Facts]) -> dict[str, str]:
    """Columns that cannot be what they should, by their places."""
    of = {facts.name: facts for facts in table}
    given = {role: of[name] for role in _ROLES if (name := getattr(edit, role))}
    faults = {}
    for role, facts in given.items():
        others = [other for other, each in given.items() if each is facts and other != role]
        if others or facts.name in (edit.leave_out or ()):
            what = others[0] if others else "left out"
            faults[f"/{role}"] = f"Column {facts.name} cannot be {role} and {what} at once; choose one."
    index, weight = given.get("index"), given.get("weight")
    if index is not None and not index.unique:
        faults["/index"] = f"Column {index.name} does not number the events: it must hold whole numbers, each once."
    if weight is not None and (weight.is_text or weight.summary.missing or weight.infinite):
        faults["/weight"] = f"Column {weight.name} cannot be the weight: it must hold a finite number for each event."
    if edit.undefined is not None and not math.isfinite(edit.undefined):
        faults["/undefined"] = "The undefined value must be a finite number; empty and NaN values are undefined anyway."
    return faults


def _roles(schema: Schema, table: Sequence[Facts], edit: SchemaEdit) -> dict[str, Role]:
    """The role of every column once the changes are made."""
    given = edit.given()
    roles: dict[str, Role] = {column.name: column.role for column in schema.columns}
    for role in _ROLES:
        if given.get(role) is None:
            continue
        roles |= {name: "spectator" for name, held in roles.items() if held == role}
        if given[role]:
            roles[given[role]] = role
    if edit.leave_out is not None:
        for facts in table:
            if roles[facts.name] in ("feature", "spectator"):
                out = facts.is_text or facts.name in edit.leave_out
                roles[facts.name] = "spectator" if out else "feature"
            elif facts.name in edit.leave_out:
                roles[facts.name] = "spectator"
    return roles


def _column(column: Column, role: Role, edit: SchemaEdit) -> Column:
    unit = (edit.units or {}).get(column.name, column.unit)
    dtype = "float64" if role == "feature" != column.role else column.dtype
    return column.model_copy(update={"role": role, "unit": unit, "dtype": dtype})


def _label_fields(schema: Schema, label: Facts | None, edit: SchemaEdit) -> dict[str, Any]:
    """The fields that say which values of the label mean what, as far as they change."""
    if label is None:
        return dict(NO_LABELS)
    same = schema.label is not None and schema.label.name == label.name
    if same and edit.signal is None and edit.classes is None:
        return {}
    signal = None if edit.signal is None else canonical(edit.signal)
    classes = tuple(canonical(name) for name in edit.classes or ())
    if faults := _value_faults(label, signal, classes):
        raise BadRequest(faults=faults)
    # The sums are the experiment's for its own labels, whichever of them is called signal.
    sums = schema.class_weight_sums if same and set(label.values) <= set(schema.class_weight_sums) else {}
    return _meanings(label, signal, classes) | {"class_weight_sums": sums}


def _meanings(label: Facts, signal: str | None, classes: tuple[str, ...]) -> dict[str, Any]:
    """What the values of a label mean, given the signal (empty text for none) and the classes, or neither."""
    if len(classes) > 2:
        return {"signal": signal or None, "background": (), "classes": classes}
    if classes:
        signal = signal or classes[1]
    if signal:
        others = tuple(value for value in label.values if value != signal)
        return {"signal": signal, "background": others if len(others) == 1 else (), "classes": ()}
    fields, _ = label_fields(label)
    return fields | ({"signal": None} if signal == "" else {})


def _value_faults(label: Facts, signal: str | None, classes: tuple[str, ...]) -> dict[str, str]:
    values = ", ".join(label.values)
    faults = {}
    if not label.values and not signal:
        faults["/label"] = (
            f"Column {label.name} has more than {MOST_VALUES} values or none; "
            f"name the one that is signal, or choose another label."
        )
    elif label.values and signal and signal not in label.values:
        faults["/signal"] = f"{signal!r} is no value of column {label.name}; there are: {values}."
    elif signal == "" and 0 < len(label.values) <= 2 and not classes:
        faults["/signal"] = f"Without several classes, one value must be the signal: {values}."
    if classes and (unknown := [name for name in classes if name not in label.values]):
        faults["/classes"] = f"No values of column {label.name}: {', '.join(unknown)}; there are: {values}."
    elif classes and (left := [value for value in label.values if value not in classes]):
        faults["/classes"] = f"Values of column {label.name} of no class: {', '.join(left)}; name all."
    elif len(classes) == 1 or len(set(classes)) < len(classes):
        faults["/classes"] = "Name two classes at least, each of them once."
    elif classes and signal and signal not in classes:
        faults["/signal"] = f"The signal {signal!r} is none of the classes {', '.join(classes)}."
    return faults
