"""The dialog in which a model's name, tags, note and aliases are changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.web.i18n import _
from eventsieve.web.widgets.acting import act

__all__ = ["Changes", "ask_edit", "save"]

NAME, TAGS, NOTE, ALIASES = "edit_name", "edit_tags", "edit_note", "edit_aliases"
"""Keys of what the dialog asks for."""


class Changes(NamedTuple):
    """What a model is to be called, and what is to stand beside it."""

    name: str
    tags: Sequence[str]
    note: str
    aliases: Sequence[str]


def ask_edit(client: Client, model: Model) -> None:
    """Ask for a model's new name, tags, note and aliases."""

    def body() -> None:
        with st.form("edit", border=False):
            st.text_input(_("Enter the model's ID"), model.name, key=NAME, max_chars=128)
            st.multiselect(
                _("Tags"),
                model.tags,
                model.tags,
                key=TAGS,
                accept_new_options=True,
                placeholder=_("Type a tag and press Enter"),
            )
            st.text_area(_("Note"), model.note, key=NOTE, max_chars=20_000)
            st.multiselect(
                _("Aliases"),
                model.aliases,
                model.aliases,
                key=ALIASES,
                accept_new_options=True,
                placeholder=_("Type an alias and press Enter"),
                help=_("Other names by which it is found; one that another model has moves to this one."),
            )
            st.form_submit_button(_("Save"), key="save", type="primary", on_click=accepted)

    def accepted() -> None:
        state = st.session_state
        changes = Changes(state[NAME].strip(), tuple(state[TAGS]), state[NOTE], tuple(state[ALIASES]))
        act(lambda: save(client, model, changes), _("Saved"))
        st.rerun()  # the whole page, without the dialog

    st.dialog(_("Edit the model"))(body)()


def save(client: Client, model: Model, changes: Changes) -> None:
    """Change what differs; the name comes last, since all else finds the model by it."""
    if added := _without(changes.tags, model.tags):
        model.tag(*added)
    if taken := _without(model.tags, changes.tags):
        model.untag(*taken)
    if changes.note != model.note:
        model.annotate(changes.note)
    for alias in _without(changes.aliases, model.aliases):
        model.alias(alias)
    for alias in _without(model.aliases, changes.aliases):
        client.drop_alias(alias)
    if changes.name != model.name:
        model.rename(changes.name)
        st.query_params["name"] = changes.name


def _without(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return [each for each in some if each not in others]
