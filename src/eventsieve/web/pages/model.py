"""One model: what it is, how good it is, what can be done with it."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.errors import ModelNotFound
from eventsieve.records import Evaluation
from eventsieve.web import faults, places
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _
from eventsieve.web.places import Place
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import tell
from eventsieve.web.widgets.metrics import metrics_table
from eventsieve.web.widgets.models.facts import facts_table
from eventsieve.web.widgets.models.head import actions, head
from eventsieve.web.widgets.models.sections import sections
from eventsieve.web.widgets.parameters import parameters_table

__all__ = ["page"]


def page(client: Client) -> None:
    """Draw the page."""
    name = st.query_params.get("name", "")
    st.title(plain(name) or _("Model"))
    tell()
    if not name:
        st.info(_("Choose a model in the list."), icon=":material/info:")
        places.link(Place.MODELS, _("List of models"), icon=":material/list:")
        return
    with explained():
        try:
            model = client.model(name)
        except ModelNotFound as error:
            faults.show(error)
            places.link(Place.MODELS, _("List of models"), icon=":material/list:")
            return
        datasets = {each.id: each.name for each in client.datasets()}
        evaluation = model.get_evaluation() if model.evaluation else None
    head(model, datasets)
    actions(client, model)
    _numbers(model, evaluation, datasets)
    sections(client, model, evaluation)


def _numbers(model: Model, evaluation: Evaluation | None, datasets: dict[str, str]) -> None:
    if model.scores:
        metrics_table(model.scores)
    for sentence in evaluation.left_out if evaluation else ():
        st.caption(plain(translated_sentence(sentence)))
    with st.expander(_("Training and parameters"), icon=":material/tune:"), st.grid(2, min_column_width=340):
        facts_table(model, datasets)
        parameters_table(model)
