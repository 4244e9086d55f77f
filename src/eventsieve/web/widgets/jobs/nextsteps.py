"""What one does with models that have just been trained."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.client.jobs import Job
from eventsieve.client.models import Model
from eventsieve.errors import EventsieveError, ModelNotFound
from eventsieve.records import State
from eventsieve.web import texts
from eventsieve.web.access import barred
from eventsieve.web.faults import show
from eventsieve.web.i18n import _, decimal
from eventsieve.web.places import Place, link

__all__ = ["draw_next_steps", "draw_together"]

SHOWN = ("roc_auc", "ams", "accuracy")


def draw_next_steps(client: Client, name: str) -> None:
    """Draw what can be done with one model, and how good it is."""
    try:
        model = client.model(name)
    except ModelNotFound:
        st.caption(_("It has been renamed or removed since."))
        return
    except EventsieveError as error:
        show(error)
        return
    if scores := _scores(model):
        st.caption(scores)
    with st.container(horizontal=True, vertical_alignment="center"):
        link(Place.MODEL, _("Open"), icon=":material/deployed_code:", name=name)
        link(Place.PREDICT, _("Make a prediction"), icon=":material/online_prediction:", model=name)
        if model.current:
            st.badge(_("This is the current model"), icon=":material/star:", color="green")
        elif st.button(
            _("Set the current model"),
            key=f"next:{name}:use",
            icon=":material/star:",
            type="tertiary",
            disabled=barred() is not None,
            help=barred(),
        ):
            _use(model)


def draw_together(job: Job) -> None:
    """Draw what can be done with all models of a job that were trained."""
    names = [model.spec.name for model in job.models if model.state is State.TRAINED]
    if len(names) > 1:
        data = {"dataset": job.dataset} if job.dataset else {}
        link(Place.COMPARE, _("Compare models"), icon=":material/compare_arrows:", model=names, **data)


def _use(model: Model) -> None:
    try:
        model.use()
    except EventsieveError as error:
        show(error)
    else:
        st.rerun()


def _scores(model: Model) -> str:
    # Of a figure with and without weights the weighted one counts, and comes last.
    found = {score.name: score for score in sorted(model.scores, key=lambda score: score.weighted)}
    return " · ".join(f"{texts.metric(name)} {decimal(found[name].value, 3)}" for name in SHOWN if name in found)
