"""Choosing a model: the current one at first, another one from the list or by the address."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.errors import NoCurrentModel
from eventsieve.web.faults import explained, show
from eventsieve.web.i18n import _
from eventsieve.web.places import Place, link
from eventsieve.web.texts import plain
from eventsieve.web.widgets.addresses import asked, keep

__all__ = ["pick_model"]


def pick_model(client: Client, label: str, *, key: str) -> Model | None:
    """Let the reader choose a model; what is chosen stands in the address as ``?KEY=``.

    Where none is chosen and none is current, the server's refusal is shown, and what can be done.

    Args:
        client: the server.
        label: what the model is for.
        key: of the widget, and of the address's query.

    Returns:
        The model, or ``None`` where there is none yet.
    """
    with explained():
        models = {model.name: model for model in client.models()}
        aliases = client.aliases()
    wish = st.query_params.get(key)
    if wish in aliases:
        st.query_params[key] = wish = aliases[wish]
    if wish is not None and wish not in models:
        st.warning(_("There is no model {name}; choose another.").format(name=plain(wish)))
    current = next((name for name, model in models.items() if model.current), None)
    if current is None and wish not in models:
        _refused(client, any_models=bool(models))
    if not models:
        return None
    asked(key, list(models), current)
    name = st.selectbox(
        label,
        list(models),
        index=None,
        format_func=lambda each: _("{name} (current)").format(name=each) if each == current else each,
        key=key,
        placeholder=_("Choose the model's ID"),
        on_change=keep,
        args=(key,),
    )
    return models.get(name) if name else None


def _refused(client: Client, *, any_models: bool) -> None:
    """What the server says to who wants a prediction of the current model, and the way to have one."""
    with explained():
        try:
            client.current()
        except NoCurrentModel as refusal:
            show(refusal)
    if any_models:
        link(Place.MODELS, _("List of models"), icon=":material/list:")
    else:
        link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:")
