"""The start page: what this is, whether the server is there, and where to begin."""

from __future__ import annotations

import time

import streamlit as st

from eventsieve.client import Client
from eventsieve.errors import EventsieveError
from eventsieve.web import faults, places
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.places import Place
from eventsieve.web.texts import plain
from eventsieve.web.widgets.datasets import add_dataset

__all__ = ["page"]

PATIENCE = 5.0
"""Seconds that the check of the connection waits."""


def page(client: Client, github_link: str = "") -> None:
    """Draw the page.

    Args:
        client: the server.
        github_link: where the project is published; empty: nothing is shown.
    """
    st.title(_("Eventsieve finds the signal in tables of collision events"), anchor=False)
    st.markdown(
        _(
            "You bring a table: one event a row, with features and a label. Several classifiers are trained on it "
            "side by side under a hard time limit, and compared on events that they have not seen. You put one of "
            "them in charge, and it tells signal from background in new tables. Everything runs on your own server; "
            "nothing leaves it."
        )
    )
    if github_link:
        st.link_button(_("The project on GitHub"), github_link, icon=":material/code:")
    if _connection(client):
        st.header(_("Start here"), anchor=False)
        _steps(client)


def _connection(client: Client) -> bool:
    """Say whether the server answers; where it does not, why, and what to do."""
    began = time.perf_counter()
    try:
        version = client.waiting(PATIENCE).version()
    except EventsieveError as error:
        faults.show(error)
        st.button(_("Try again"), icon=":material/refresh:", type="primary")
        return False
    told = _("Connected to the server at {url}: version {version}, answered in {time} ms.").format(
        url=plain(client.http.url), version=plain(version), time=decimal(1000 * (time.perf_counter() - began))
    )
    st.success(told, icon=":material/check_circle:")
    return True


def _steps(client: Client) -> None:
    with explained():
        found = client.datasets()
        datasets, newest = len(found), next(iter(found), None)
        models = client.models()
        trained, current = len(models), next((model.name for model in models if model.current), None)
    one, two = st.columns(2), st.columns(2)
    with one[0], st.container(border=True, height="stretch"):
        _headline(1, _("Get data"), _("Upload a table, or take the simulated sample: one click, no file needed."))
        if added := add_dataset(client, key="start"):
            newest, datasets = added, max(datasets, 1)
        places.link(
            Place.DATA,
            ngettext("{count} data set", "{count} data sets", datasets).format(count=decimal(datasets)),
            icon=":material/database:",
        )
    query = {"dataset": newest.id} if newest else {}
    with one[1], st.container(border=True, height="stretch"):
        _headline(2, _("Look at it"), _("Distributions, correlations, and what separates signal from background."))
        places.link(Place.EDA, _("Look at the newest data set"), icon=":material/monitoring:", **query)
    with two[0], st.container(border=True, height="stretch"):
        _headline(3, _("Train"), _("Several models at once, each with a time limit that holds."))
        places.link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:", **query)
        places.link(
            Place.MODELS,
            ngettext("{count} model", "{count} models", trained).format(count=decimal(trained)),
            icon=":material/list:",
        )
    with two[1], st.container(border=True, height="stretch"):
        told = _("The current model is {name}.").format(name=f"**{plain(current)}**") if current else ""
        _headline(4, _("Predict"), told or _("Signal or background, event by event, as CSV, Parquet or ROOT."))
        places.link(Place.PREDICT, _("Make a prediction"), icon=":material/online_prediction:")


def _headline(number: int, title: str, text: str) -> None:
    st.markdown(f"**{number}. {title}**")
    st.markdown(text)
