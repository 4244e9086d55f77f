"""The page on which models are put together and trained."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

import streamlit as st

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.errors import EventsieveError
from eventsieve.records import ModelSpec
from eventsieve.web.access import barred
from eventsieve.web.faults import explained, show
from eventsieve.web.forms import plan
from eventsieve.web.forms.card import draw_card
from eventsieve.web.forms.check import Checked, check
from eventsieve.web.forms.draft import Draft, free_name
from eventsieve.web.forms.starter import starter
from eventsieve.web.forms.types import ModelType, model_types
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.places import Place, go, link
from eventsieve.web.widgets.datasets import pick_dataset
from eventsieve.web.widgets.quantities import duration

__all__ = ["page"]

PATIENCE = 600.0
"""Seconds for the server to check the events of a job, which it does before it answers."""
SENT = "train:sent"
"""Of the session's state: the job that was begun, until its page is shown."""
LATEST = 20
"""Among so many jobs names are looked for that will be taken when a training ends."""


def page(client: Client) -> None:
    """Draw it."""
    link(Place.ML, _("Back"), icon=":material/arrow_back:")
    st.title(_("Train a model"))
    again = st.query_params.pop("job", None)
    dataset = pick_dataset(client, _("Training data"), key="dataset", labelled=True)
    if dataset is None:
        st.info(_("Models are trained on events with labels: upload a table of them first."))
        link(Place.DATA, _("Data sets"), icon=":material/database:")
        return
    with explained():
        types, taken = model_types(client, dataset), _taken(client)
        draft = Draft(types)
        plan.begin(next(iter(types.values())).limits)
        if again is not None:
            _take_over(client, again, draft, taken)
        elif not draft.begun:
            draft.begin(starter(client, dataset, types, taken), taken)
    _form(client, dataset, types, taken)


def _taken(client: Client) -> set[str]:
    """Names that no new model can have. Others may take more meanwhile, which the server's check then says."""
    running = {
        model.spec.name for job in islice(client.jobs(), LATEST) for model in job.models if not model.state.final
    }
    return {model.name for model in client.models()} | client.aliases().keys() | running


def _take_over(client: Client, job_id: str, draft: Draft, taken: Collection[str]) -> None:
    """Fill the form with what an earlier job was asked for."""
    job = client.job(job_id)
    draft.begin([model.spec for model in job.models], taken)
    plan.put(job.plan, job.limits, job.models[0].seed if job.models else None)


@st.fragment
def _form(client: Client, dataset: Dataset, types: Mapping[str, ModelType], taken: Collection[str]) -> None:
    _leave()
    draft, limits = Draft(types), next(iter(types.values())).limits
    options = plan.options(dataset, limits)
    checked = check(client, dataset, [draft.spec(number) for number in draft.numbers], options)
    wrong = plan.faults(dataset)
    models, settings = st.columns([3, 2], gap="medium")
    with models:
        _models(draft, checked, taken)
    with settings, st.container(border=True):
        st.markdown("## " + _("How to train"))
        plan.draw(client, dataset, limits, wrong)
    with st.bottom:
        _start(client, dataset, draft, options, checked, ready=checked.good and not wrong and bool(draft.numbers))


def _models(draft: Draft, checked: Checked, taken: Collection[str]) -> None:
    numbers = draft.numbers
    for place, number in enumerate(numbers):
        draw_card(
            draft,
            number,
            place=place + 1,
            faults=checked.faults[place],
            estimate=checked.estimates[place],
            taken=taken,
        )
    if not numbers:
        st.info(_("Add a model to train."))
    st.button(
        _("Add a model"),
        icon=":material/add:",
        key="train:add",
        on_click=_add,
        args=(draft, taken),
    )


def _add(draft: Draft, taken: Collection[str]) -> None:
    type_ = next(iter(draft.types))
    used = {draft.name(number) for number in draft.numbers}
    draft.add(ModelSpec(name=free_name(type_, {*taken, *used}), type=type_))


def _start(
    client: Client, dataset: Dataset, draft: Draft, options: Mapping[str, Any], checked: Checked, *, ready: bool
) -> None:
    if checked.refusal is not None:
        show(checked.refusal)
    reason = barred()
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            _("Train"),
            type="primary",
            icon=":material/play_arrow:",
            key="train:start",
            disabled=not ready or reason is not None,
            help=reason,
        )
        st.markdown(_summary(dataset, checked))
    if not clicked:
        return
    specs = [draft.spec(number) for number in draft.numbers]
    try:
        with st.spinner(_("The server checks the events…")):
            job = client.waiting(PATIENCE).train(dataset, specs, wait=False, **options)
    except EventsieveError as error:
        show(error)
        return
    st.session_state[SENT] = job.id
    draft.end()
    _leave()


def _leave() -> None:
    """Go to the job that was just begun; a second click may have cut off the way there."""
    if SENT in st.session_state:
        go(Place.JOBS, id=st.session_state.pop(SENT))


def _summary(dataset: Dataset, checked: Checked) -> str:
    """A line about what will be trained, or what is in the way."""
    faulty = [place + 1 for place, faults in enumerate(checked.faults) if faults]
    if faulty:
        told = ngettext("Correct model {numbers} first.", "Correct the models {numbers} first.", len(faulty))
        return told.format(numbers=", ".join(map(str, faulty)))
    count = len(checked.faults)
    models = ngettext("{count} model", "{count} models", count).format(count=count)
    events = ngettext("{events} event", "{events} events", dataset.events).format(events=decimal(dataset.events))
    longest = max((each.seconds for each in checked.estimates if each is not None), default=None)
    line = _("{models} on {events}").format(models=models, events=events)
    if longest is None:
        return line
    return _("{what}; the longest takes about {time}").format(what=line, time=duration(longest))
