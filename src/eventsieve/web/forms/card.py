"""One model in a form: its type, its name, its hyperparameters, and what training it will take."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from eventsieve.records import Estimate, Limits
from eventsieve.web.forms import inputs, plan
from eventsieve.web.forms.check import Faults
from eventsieve.web.forms.draft import Draft
from eventsieve.web.forms.presets import presets_of
from eventsieve.web.forms.schema import in_words
from eventsieve.web.i18n import _, ngettext
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.quantities import duration, size

__all__ = ["draw_card", "values_in_words"]

ROOM = 1.5
"""How much longer than expected a limit should be."""


def draw_card(
    draft: Draft, number: int, *, place: int, faults: Faults, estimate: Estimate | None, taken: Collection[str]
) -> None:
    """Draw the card of a model.

    Args:
        draft: the models of the form.
        number: the model's in the draft.
        place: in the list, from 1.
        faults: what is wrong with it.
        estimate: what its training will take, where that is known.
        taken: names that other models have.
    """
    with st.container(border=True):
        _head(draft, number, place)
        _identity(draft, number, faults, taken)
        _presets(draft, number)
        key, type_ = draft.inputs_key(number), draft.type(number)
        inputs.draw_all(key, type_.important, faults.values)
        _others(draft, number, faults)
        for sentence in faults.others:
            inputs.fault_below(sentence)
        if estimate is not None:
            _estimate(estimate, number, type_.limits)


def values_in_words(values: Mapping[str, Any]) -> str:
    """Hyperparameters and their values, for people."""
    return ", ".join(f"{name} = {in_words(value)}" for name, value in values.items())


def _head(draft: Draft, number: int, place: int) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("## " + _("Model {number}").format(number=place), width="content")
        st.button(
            _("Remove the model"),
            key=draft.key(number, "remove"),
            icon=":material/delete:",
            type="tertiary",
            on_click=draft.remove,
            args=(number,),
        )


def _identity(draft: Draft, number: int, faults: Faults, taken: Collection[str]) -> None:
    st.selectbox(
        _("Choose the type of the model"),
        list(draft.types),
        format_func=lambda name: draft.types[name].label,
        key=draft.key(number, "type"),
        on_change=draft.rename,
        args=(number, taken),
        persist_state="session",
    )
    st.text_input(
        _("Enter the model's ID"),
        max_chars=128,
        key=draft.key(number, "name"),
        help=_("By this name the model is found later."),
        persist_state="session",
    )
    inputs.fault_below(faults.name)


def _presets(draft: Draft, number: int) -> None:
    presets = presets_of(draft.type(number).name)
    key, values = draft.key(number, "preset"), draft.values(number)
    # It shows what the inputs hold, whoever changed them.
    st.session_state[key] = next((name for name, preset in presets.items() if preset == values), None)

    def chosen() -> None:
        if (name := st.session_state.get(key)) is not None:
            draft.fill(number, presets[name])

    st.segmented_control(_("Presets"), list(presets), format_func=_, key=key, on_change=chosen)
    if values:
        st.caption(_("Changed: {values}").format(values=plain(values_in_words(values))))
    else:
        st.caption(_("All parameters have their defaults."))


def _others(draft: Draft, number: int, faults: Faults) -> None:
    type_, key = draft.type(number), draft.inputs_key(number)
    wrong = sum(field.name in faults.values for field in type_.others)
    label = _("All parameters")
    if wrong:
        told = ngettext("{label}: {count} to correct", "{label}: {count} to correct", wrong)
        label = f":red[{told.format(label=label, count=wrong)}]"
    more = st.expander(label, key=draft.key(number, "more"), on_change="rerun")
    with more:
        if more.open or wrong:
            inputs.draw_all(key, type_.others, faults.values)


def _estimate(estimate: Estimate, number: int, limits: Limits) -> None:
    expected = _("About {time} ({low} to {high}), {memory}.").format(
        time=duration(estimate.seconds),
        low=duration(estimate.low),
        high=duration(estimate.high),
        memory=size(estimate.memory),
    )
    if estimate.fits:
        st.caption(f":material/timer: {expected}", help=plain(translated_sentence(estimate.basis)))
        return
    st.warning(
        plain(translated_sentence(estimate.basis)), title=_("This will not fit: {expected}").format(expected=expected)
    )
    limit = plan.time_limit(limits)
    if limit is not None and estimate.seconds > limit:
        seconds = math.ceil(estimate.high * ROOM / 10) * 10
        st.button(
            _("Raise the time limit to {time}").format(time=duration(seconds)),
            key=f"train:raise:{number}",
            on_click=plan.raise_limit,
            args=(seconds,),
        )
