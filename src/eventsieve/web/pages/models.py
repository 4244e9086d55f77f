"""All models: compared, made current, removed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.web import places
from eventsieve.web.access import barred, barred_from
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, ngettext
from eventsieve.web.places import Place
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import act, tell
from eventsieve.web.widgets.models.asking import ask_current, ask_removal, ask_removal_of_all, use
from eventsieve.web.widgets.models.history import history
from eventsieve.web.widgets.models.table import filtered, models_table
from eventsieve.web.widgets.parameters import parameters_table

__all__ = ["page"]

MOST = 30
"""Models whose parameters are shown below the table while none is selected."""


def page(client: Client) -> None:
    """Draw the page."""
    places.link(Place.ML, _("Back"), icon=":material/arrow_back:")
    st.title(_("List of models"))
    tell()
    with explained():
        models = list(client.models())
        datasets = {each.id: each.name for each in client.datasets()}
    if models:
        _contents(client, models, datasets)
    else:
        st.info(_("No model has been trained yet. Train one first."), icon=":material/info:")
        places.link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:")
    history(client)


def _contents(client: Client, models: Sequence[Model], datasets: dict[str, str]) -> None:
    current = next((model for model in models if model.current), None)
    if current is None:
        st.markdown(_("No model is the current one: predictions need one to be named."))
    else:
        st.markdown(_("The current model is {name}.").format(name=f"**{plain(current.name)}**"))
    shown = filtered(models, datasets)
    bar = st.container(horizontal=True)
    if shown:
        st.caption(_("Select models to compare, remove or set them, and to see only their parameters below."))
    else:
        st.info(_("No model fits these filters."))
    selected = models_table(shown, datasets) if shown else []
    with bar:
        _actions(client, models, selected)
    _parameters(selected, shown)


def _actions(client: Client, models: Sequence[Model], selected: Sequence[Model]) -> None:
    """What can be done, to the selected models at once; where none is selected, a dialog asks for one."""
    role = barred()
    no = role is not None
    if len(selected) == 1:
        name = selected[0].name
        st.button(_("Set the current model"), key="set", on_click=use, args=(client, name), disabled=no, help=role)
    elif st.button(_("Set the current model"), key="set", disabled=no, help=role):
        ask_current(client, models)
    st.button(
        _("Unset the current model"),
        key="unset",
        disabled=no or not any(model.current for model in models),
        help=role,
        on_click=act,
        args=(client.unset, _("No model is current now.")),
    )
    own = [model for model in models if barred_from(model.by) is None]
    reason = barred_from(*(model.by for model in selected or models)) if selected or not own else None
    if st.button(_("Remove the model"), key="remove", disabled=reason is not None, help=reason):
        ask_removal(own, selected)
    reason = barred_from(*(model.by for model in models))
    if st.button(_("Remove all models"), key="remove_all", disabled=reason is not None, help=reason):
        ask_removal_of_all(models)
    if st.button(_("Compare models"), key="compare", type="primary"):
        places.go(Place.COMPARE, model=[model.name for model in selected])


def _parameters(selected: Sequence[Model], shown: Sequence[Model]) -> None:
    if selected:
        text = ngettext("{count} model selected", "{count} models selected", len(selected))
        st.header(text.format(count=len(selected)))
    else:
        st.header(_("Parameters"))
    for model in selected or shown[:MOST]:
        title = _("Model {name}").format(name=plain(model.name))
        # Another key where it is to be opened anew: an expander keeps whether the reader has opened it.
        key = f"parameters_{'selected' if selected else 'current' if model.current else 'any'}_{model.name}"
        with st.expander(title, expanded=bool(selected) or model.current, key=key):
            if model.current:
                st.badge(_("This is the current model"), icon=":material/check:", color="green")
            places.link(Place.MODEL, _("Open the model"), icon=":material/open_in_new:", name=model.name)
            parameters_table(model)
    if not selected and len(shown) > MOST:
        st.caption(_("Only the first {count} are listed; select others in the table.").format(count=MOST))
