"""The start of machine learning: train, predict, look at what there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.places import Place, go, link
from eventsieve.web.texts import plain

__all__ = ["page"]

LATEST = 100
"""Jobs among which those that run are counted; the server keeps all that ever were."""


def page(client: Client) -> None:
    """Draw it."""
    st.title(_("Classic ML. Training and inference"))
    with explained():
        models = list(client.models())
        running = sum(not job.final for job in islice(client.jobs(), LATEST))
        datasets = len(client.datasets())
    if not datasets:
        st.info(_("There are no events yet. Upload a table of them first, or take the simulated sample."))
        link(Place.DATA, _("Data sets"), icon=":material/database:")
    columns = st.columns(3)
    with columns[0], st.container(border=True, height="stretch"):
        _door(
            Place.TRAIN,
            _("Train a model"),
            _("Several models at once, each with a time limit that holds."),
            "play_circle",
        )
        _trainings(running)
    with columns[1], st.container(border=True, height="stretch"):
        _door(
            Place.PREDICT,
            _("Make a prediction"),
            _("Signal or background, event by event, as CSV, Parquet or ROOT."),
            "online_prediction",
        )
        _current(models)
    with columns[2], st.container(border=True, height="stretch"):
        _door(
            Place.MODELS,
            _("List of models"),
            _("Their parameters and figures of merit; compare, remove, choose the current one."),
            "list",
        )
        _models(models)


def _door(place: Place, label: str, text: str, icon: str) -> None:
    if st.button(label, key=f"ml:{place}", icon=f":material/{icon}:", type="primary", width="stretch"):
        go(place)
    st.markdown(text)


def _trainings(running: int) -> None:
    if running:
        text = ngettext("{count} training runs now", "{count} trainings run now", running)
        link(Place.JOBS, text.format(count=decimal(running)), icon=":material/pending_actions:")
    else:
        st.caption(_("No training runs now."))


def _current(models: Sequence[Model]) -> None:
    current = next((model for model in models if model.current), None)
    if current is not None:
        st.caption(_("The current model is {name}.").format(name=plain(current.name)))
    elif models:
        st.caption(_("No model is the current one: choose one there, or set one in the list of models."))
    else:
        st.caption(_("Train a model first."))


def _models(models: Sequence[Model]) -> None:
    text = ngettext("{count} model", "{count} models", len(models))
    st.caption(
        text.format(count=decimal(len(models))) if models else _("No model has been trained yet. Train one first.")
    )
