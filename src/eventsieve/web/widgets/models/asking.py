"""Dialogs about models: which one becomes current, which ones are removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.web.i18n import _, ngettext
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import act, attempt, report

__all__ = ["ask_current", "ask_removal", "ask_removal_of_all", "remove", "use"]

CURRENT, REMOVED, TYPED = "current_chosen", "removal_chosen", "removal_typed"
"""Keys of what the dialogs ask for."""


def ask_current(client: Client, models: Sequence[Model]) -> None:
    """Ask which model is to be current."""

    def body() -> None:
        st.selectbox(_("Choose the model's ID"), [model.name for model in models], key=CURRENT)
        _answers(_("Accept"), lambda: use(client, st.session_state[CURRENT]))

    st.dialog(_("Set the current model"))(body)()


def ask_removal(
    models: Sequence[Model], selected: Sequence[Model], *, then: Callable[[], object] | None = None
) -> None:
    """Ask which models are to be removed, at first those that are selected; ``then`` follows where all of them are."""
    by_name = {model.name: model for model in models}

    def body() -> None:
        chosen = st.multiselect(
            _("Choose the model's ID"), list(by_name), default=[model.name for model in selected], key=REMOVED
        )
        st.markdown(_("A model that was removed cannot be brought back."))
        if current := next((name for name in chosen if by_name[name].current), None):
            st.warning(_("{name} is the current model; none will be current then.").format(name=plain(current)))
        _answers(_("Accept"), accepted, disabled=not chosen)

    def accepted() -> None:
        gone = remove([by_name[name] for name in st.session_state[REMOVED]])
        if gone and then is not None:
            then()

    st.dialog(_("Remove the model"))(body)()


def ask_removal_of_all(models: Sequence[Model]) -> None:
    """Ask whether all models are to be removed, and to type how many they are."""
    count = len(models)

    def body() -> None:
        text = ngettext(
            "This removes {count} model. It cannot be brought back.",
            "This removes all {count} models. They cannot be brought back.",
            count,
        )
        st.warning(text.format(count=count))
        typed = st.text_input(
            _("Type {count} to confirm").format(count=count), key=TYPED, live=True, autocomplete="off"
        )
        _answers(_("Remove all models"), lambda: remove(models), disabled=typed.strip() != str(count))

    st.dialog(_("Remove all models"))(body)()


def use(client: Client, name: str) -> None:
    """Make a model current, as a callback."""
    act(lambda: client.use(name), _("{name} is the current model now.").format(name=plain(name)))


def remove(models: Sequence[Model]) -> bool:
    """Remove models one by one, as a callback: of those that cannot be it is told why, the others are gone.

    Returns:
        Whether all could be removed.
    """
    refusals = [attempt(model.delete) for model in models]
    gone = refusals.count(None)
    if gone:
        report(ngettext("{count} model removed", "{count} models removed", gone).format(count=gone))
    report(*(refusal for refusal in refusals if refusal is not None))
    return gone == len(models)


def _answers(label: str, accept: Callable[[], object], *, disabled: bool = False) -> None:
    def accepted() -> None:
        accept()
        st.rerun()  # the whole page, without the dialog

    with st.container(horizontal=True):
        st.button(label, key="accept", type="primary", on_click=accepted, disabled=disabled)
        if st.button(_("Back"), key="back"):
            st.rerun()
