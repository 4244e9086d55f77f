"""Inputs for hyperparameters: every value is entered in the widget of its type, and begins as the default.

What a reader entered stands in the session's state under keys that begin with the input's own, so that it can be read
before the inputs are drawn, and faults be drawn with them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from eventsieve.web.forms.schema import Field, Option, in_words
from eventsieve.web.i18n import _
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain

__all__ = ["changed", "draw", "draw_all", "fault_below", "get", "put", "put_all"]

COLUMNS = 2
"""In more of them values would be cut off."""
SEGMENTS = 4
"""So many choices are shown beside one another, more of them in a list."""
STARTS = {"integer": 10, "number": 0.5}
"""Where a number begins that is chosen in place of another kind of value."""


def put(key: str, field: Field, value: Any) -> None:
    """Let an input hold a value; one that it does not take becomes the default."""
    state = st.session_state
    if not field.takes(value):
        value = field.default
    chosen = field.option_of(value)
    if field.widget == "toggle":
        state[key] = value
    elif field.widget != "number":
        state[key] = chosen.id
    for option in field.options:
        held = value if option is chosen else field.default if option is field.options[0] else None
        if option.kind == "weights":
            state.update({f"{key}:weight:{name}:number": float((held or {}).get(name, 1.0)) for name in option.classes})
        elif option.kind != "value":
            state[f"{key}:{option.kind}"] = option.clipped(STARTS[option.kind] if held is None else held)


def get(key: str, field: Field) -> Any:
    """The value that an input holds."""
    state = st.session_state
    if field.widget == "toggle":
        return bool(state.get(key, field.default))
    option = field.options[0] if field.widget == "number" else field.option(state.get(key))
    match option.kind:
        case "value":
            return option.value
        case "weights":
            given = {name: state.get(f"{key}:weight:{name}:number") for name in option.classes}
            return {name: 1.0 if weight is None else weight for name, weight in given.items()}
        case kind:
            number = state.get(f"{key}:{kind}")
            return field.default if number is None else number


def put_all(key: str, fields: Sequence[Field], values: Mapping[str, Any]) -> None:
    """Let inputs hold these values by their names, and the others their defaults."""
    for field in fields:
        put(f"{key}:{field.name}", field, values.get(field.name, field.default))


def changed(key: str, fields: Sequence[Field]) -> dict[str, Any]:
    """The values that are not the defaults, by their names."""
    values = {field.name: get(f"{key}:{field.name}", field) for field in fields}
    return {field.name: values[field.name] for field in fields if values[field.name] != field.default}


def draw_all(key: str, fields: Sequence[Field], faults: Mapping[str, str]) -> None:
    """Draw inputs side by side, each with the fault of its value below it."""
    differs = changed(key, fields)
    for first in range(0, len(fields), COLUMNS):
        for column, field in zip(st.columns(COLUMNS), fields[first : first + COLUMNS], strict=False):
            with column:
                draw(f"{key}:{field.name}", field, fault=faults.get(field.name, ""), marked=field.name in differs)


def draw(key: str, field: Field, *, fault: str = "", marked: bool = False) -> None:
    """Draw the input of one hyperparameter; ``marked`` where it is not the default."""
    label = f"{_label(field.name)} \N{BULLET}" if marked else _label(field.name)
    about = f"{plain(_(field.help))} " if field.help else ""
    hint = about + _("Default: {value}.").format(value=plain(in_words(field.default)))
    match field.widget:
        case "toggle":
            st.toggle(label, key=key, help=hint, persist_state="session")
        case "number":
            _number(key, field.options[0], field.default, label, hint)
        case _:
            _choice(key, field, label, hint)
            _details(key, field)
    fault_below(fault)


def fault_below(fault: str) -> None:
    """Say below an input what is wrong with it."""
    if fault:
        st.markdown(f":red[:material/error: {plain(translated_sentence(fault))}]")


def _choice(key: str, field: Field, label: str, hint: str) -> None:
    chosen = field.option(st.session_state.get(key))
    default = field.option_of(field.default)
    offered = [each for each in field.options if not each.hidden or each in (chosen, default)]

    def title(id_: str) -> str:
        option = field.option(id_)
        mark = _("{value} (default)") if option is default and option.kind == "value" else "{value}"
        return mark.format(value=_title(option, field.options))

    ids = [each.id for each in offered]
    st.selectbox(label, ids, format_func=title, key=key, help=hint, persist_state="session")


def _title(option: Option, among: Collection[Option]) -> str:
    if option.kind == "value":
        return in_words(option.value)
    if option.kind == "weights":
        return _("per class")
    both = {"integer", "number"} <= {each.kind for each in among}
    if option.kind == "integer":
        return _("count") if both else _("whole number")
    return _("fraction") if both else _("number")


def _details(key: str, field: Field) -> None:
    """What is to be entered for the kind of value that was chosen."""
    option = field.option(st.session_state.get(key))
    match option.kind:
        case "integer" | "number":
            label = _("Value of {name}").format(name=_label(field.name))
            _number(key, option, field.default, label, "", hidden=True)
        case "weights":
            weight = Option("number", low=math.nextafter(0.0, 1.0))
            for name in option.classes:
                _number(f"{key}:weight:{name}", weight, 1.0, _("Weight of {name}").format(name=_label(name)), "")


def _number(key: str, option: Option, default: Any, label: str, hint: str, *, hidden: bool = False) -> None:
    st.number_input(
        label,
        # No bounds: beyond them the widget would keep the number before in silence. The server says what is wrong.
        # Emptied, it is the default again, which the placeholder shows.
        value=None,
        placeholder=in_words(default),
        step=_step(option, default),
        # As many digits as it has: 0.0001 and 1e-7 are both to be read.
        format="%d" if option.kind == "integer" else "%g",
        key=f"{key}:{option.kind}",
        help=hint or None,
        label_visibility="collapsed" if hidden else "visible",
        persist_state="session",
    )


def _label(name: str) -> str:
    """A name as a label; an identifier needs no escaping, which would be read out."""
    return name if name.isidentifier() else plain(name)


def _step(option: Option, default: Any) -> float:
    """A tenth of the default's order of magnitude; 1 for small counts."""
    known = abs(default) if isinstance(default, (int, float)) and not isinstance(default, bool) else 0
    decade = 10 ** (math.floor(math.log10(known)) - 1) if known else 0.01
    if option.kind == "integer":
        return max(1, int(decade))
    return 0.05 if option.low is not None and option.high is not None else float(decade)
