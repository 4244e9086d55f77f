"""Data sets: all of them, or one: what is in it, and how it is read."""

from __future__ import annotations

from functools import partial

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.errors import DatasetNotFound, EventsieveError
from eventsieve.web import places
from eventsieve.web.access import barred_from
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, moment
from eventsieve.web.places import Place
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import act, attempt, report, tell
from eventsieve.web.widgets.data.schema import schema_form
from eventsieve.web.widgets.data.table import classes_table, columns_table, datasets_table
from eventsieve.web.widgets.datasets import add_dataset
from eventsieve.web.widgets.owners import only_mine, say_whose
from eventsieve.web.widgets.quantities import size

__all__ = ["page"]


def page(client: Client) -> None:
    """Draw the page."""
    id_ = st.query_params.get("id")
    if not id_:
        _all(client)
        return
    places.link(Place.DATA, _("All data sets"), icon=":material/arrow_back:")
    with explained():
        try:
            dataset = client.dataset(id_)
        except DatasetNotFound:
            told = _("There is no data set {id}; it was removed, or the link is wrong. Choose another one.")
            st.warning(told.format(id=plain(id_)), icon=":material/link_off:")
            _all(client)
            return
        except EventsieveError:
            st.title(_("Data sets"), anchor=False)
            raise
    _one(dataset)


def _all(client: Client) -> None:
    st.title(_("Data sets"), anchor=False)
    tell()
    if added := add_dataset(client, key="data"):
        places.go(Place.DATA, id=added.id)
    with explained():
        datasets = list(client.datasets())
    if datasets:
        shown = only_mine(datasets)
        if shown:
            datasets_table(shown)
    else:
        st.info(
            _("There is no data set yet. Upload a table of events, or begin with the simulated sample."),
            icon=":material/database:",
        )


def _one(dataset: Dataset) -> None:
    st.title(plain(dataset.name), anchor=False)
    tell()
    with st.container(horizontal=True):
        places.link(Place.EDA, _("Look at it"), icon=":material/monitoring:", dataset=dataset.id)
        if dataset.event_schema.label is not None:
            places.link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:", dataset=dataset.id)
        places.link(Place.PREDICT, _("Make a prediction"), icon=":material/online_prediction:", dataset=dataset.id)
    with st.container(horizontal=True):
        st.metric(_("Events"), decimal(dataset.events), width="content")
        st.metric(_("Features"), decimal(len(dataset.event_schema.features)), width="content")
        st.metric(_("Size"), size(dataset.size), width="content")
        st.metric(_("Uploaded"), moment(dataset.created), width="content")
    st.caption(_("Id {id}, format {format}").format(id=f"`{dataset.id}`", format=plain(dataset.format)))
    say_whose(dataset.by)
    for warning in dataset.warnings:
        st.warning(plain(translated_sentence(warning)), icon=":material/warning:")
    _contents(dataset)


def _contents(dataset: Dataset) -> None:
    st.header(_("Classes"), anchor=False)
    if dataset.classes:
        classes_table(dataset)
    else:
        st.info(_("No labels: it can be looked at and predicted, but not trained on."), icon=":material/label_off:")
    st.header(_("Columns"), anchor=False)
    columns_table(dataset)
    reason = barred_from(dataset.by)
    with st.expander(_("Change how it is read"), icon=":material/edit:"):
        schema_form(dataset, reason)
    with st.container(horizontal=True):
        if reason:
            st.button(_("Rename"), key="rename", icon=":material/edit_note:", disabled=True, help=reason)
        else:
            with st.popover(_("Rename"), icon=":material/edit_note:"):
                _rename(dataset)
        if st.button(_("Remove"), key="remove", icon=":material/delete:", disabled=reason is not None, help=reason):
            _ask_removal(dataset)


def _rename(dataset: Dataset) -> None:
    with st.form("rename", border=False):
        st.text_input(_("Name"), value=dataset.name, max_chars=256, key="new name")

        def rename() -> None:
            name = st.session_state["new name"].strip()
            if name:
                act(partial(dataset.rename, name), _("It is called {name} now.").format(name=plain(name)))

        st.form_submit_button(_("Save"), on_click=rename, type="primary")


def _ask_removal(dataset: Dataset) -> None:
    def remove() -> None:
        refusal = attempt(dataset.delete)
        report(refusal or _("{name} is removed.").format(name=plain(dataset.name)))
        if refusal is None:
            places.go(Place.DATA)
        st.rerun()  # the whole page, without the dialog

    def body() -> None:
        st.markdown(
            _("{name} and its {events} events are gone then. Models that were trained on it stay.").format(
                name=f"**{plain(dataset.name)}**", events=decimal(dataset.events)
            )
        )
        with st.container(horizontal=True):
            st.button(_("Remove"), key="accept", type="primary", on_click=remove)
            if st.button(_("Back"), key="back"):
                st.rerun()

    st.dialog(_("Remove the data set"))(body)()
