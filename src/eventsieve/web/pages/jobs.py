"""The page of trainings: all of them, or one as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import streamlit as st

from eventsieve.client import Client
from eventsieve.client.jobs import Job
from eventsieve.errors import EventsieveError, NotFound, NotReady, ServerFailed, ServerUnreachable
from eventsieve.records import State
from eventsieve.web.access import barred_from, is_mine
from eventsieve.web.faults import explained, show
from eventsieve.web.i18n import _
from eventsieve.web.places import Place, link
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.jobs.listing import draw_jobs, job_title, plan_in_words
from eventsieve.web.widgets.jobs.nextsteps import draw_next_steps, draw_together
from eventsieve.web.widgets.jobs.outcomes import draw_outcome
from eventsieve.web.widgets.jobs.progress import draw_progress
from eventsieve.web.widgets.owners import say_whose, wants_mine

__all__ = ["page"]

TICK_SECONDS = 1.0
LIST_TICK_SECONDS = 3.0
PATIENCE = 5.0
"""Seconds for a server to say how a job stands, before the page says that it does not answer."""
SHOWN = 20
LOOKED_AT = 500
"""Among so many jobs, the newest, the reader's own are looked for."""
KEEPABLE = "jobs:keepable"
"""Of the session's state: the types whose trainings can be stopped and kept."""


def page(client: Client) -> None:
    """Draw it."""
    job_id = st.query_params.get("id")
    if job_id:
        link(Place.JOBS, _("Back"), icon=":material/arrow_back:")
    st.title(_("Trainings"))
    if job_id:
        _one(client, job_id)
    else:
        _all(client)


def _all(client: Client) -> None:
    count = st.session_state.setdefault("jobs:shown", SHOWN)
    with explained():
        jobs = list(islice(client.jobs(), count + 1))
    if not jobs:
        st.info(_("Nothing has been trained yet."))
        link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:")
        return
    under_way = not all(job.final for job in jobs)
    mine = wants_mine(job.by for job in jobs)
    st.fragment(_list, run_every=LIST_TICK_SECONDS if under_way else None)(client, count, live=under_way, mine=mine)


def _list(client: Client, count: int, *, live: bool, mine: bool) -> None:
    try:
        found = islice(client.waiting(PATIENCE).jobs(), LOOKED_AT if mine else count + 1)
        jobs = list(islice((job for job in found if not mine or is_mine(job.by)), count + 1))
        names = {each.id: each.name for each in client.datasets()}
    except EventsieveError as error:
        _lost(error, live=live)
        return
    if not jobs:
        st.info(_("None of them is yours."), icon=":material/person_off:")
    draw_jobs(jobs[:count], names)
    if len(jobs) > count and st.button(_("Show older ones"), key="jobs:older"):
        st.session_state["jobs:shown"] = count + SHOWN
        st.rerun()
    if live and all(job.final for job in jobs):
        st.rerun()


def _one(client: Client, job_id: str) -> None:
    ended = f"job:{job_id}:ended"
    job = _known(job_id)
    try:
        job = client.waiting(PATIENCE).job(job_id)
        st.session_state[ended] = job.final
        _head(client, job)
    except (ServerUnreachable, ServerFailed, NotReady):
        pass  # the part below says so, and tries again
    except EventsieveError as error:
        show(error)
        return
    live = not st.session_state.get(ended, False)
    st.fragment(_models, run_every=TICK_SECONDS if live else None)(client, job_id, live=live)


def _head(client: Client, job: Job) -> None:
    names = {}
    if job.dataset:
        with suppress(NotFound):
            names[job.dataset] = client.dataset(job.dataset).name
    st.header(job_title(job, names), anchor=False)
    st.caption(plan_in_words(job))
    say_whose(job.by)
    if job.warnings:
        with st.expander(_("What to know"), icon=":material/warning:"):
            for warning in job.warnings:
                st.markdown(plain(translated_sentence(warning)))


def _models(client: Client, job_id: str, *, live: bool) -> None:
    """The models of a job as they stand now; as last heard of, where the server does not answer."""
    job = _known(job_id)
    lost: EventsieveError | None = None
    try:
        job = client.waiting(PATIENCE).job(job_id)
        st.session_state[f"job:{job_id}"] = job
        _learn(client, job)
    except EventsieveError as error:
        lost = error
        _lost(error, live=live)
    if job is None:
        return
    if live and job.final and lost is None:
        st.session_state[f"job:{job_id}:ended"] = True
        st.rerun()
    keepable, reason = st.session_state.get(KEEPABLE, set()), barred_from(job.by)
    for model in job.models:
        name = model.spec.name
        if model.state.final:
            draw_outcome(model)
            if model.state is State.TRAINED and lost is None:
                draw_next_steps(client, name)
        else:
            draw_progress(
                model,
                job.limits,
                keepable=model.spec.type in keepable,
                cancel=_action(job, job.cancel, name),
                stop=_action(job, job.stop, name),
                key=f"job:{job_id}:{name}",
                disabled=lost is not None or reason is not None,
                reason=reason,
            )
            _refusal(job, name)
    can_keep = any(model.spec.type in keepable for model in job.models if not model.state.final)
    _foot(job, can_keep=can_keep, disabled=lost is not None or reason is not None, reason=reason)


def _foot(job: Job, *, can_keep: bool, disabled: bool, reason: str | None) -> None:
    left = sum(not model.state.final for model in job.models)
    with st.container(horizontal=True, vertical_alignment="center"):
        if left > 1:
            if can_keep:
                st.button(
                    _("Stop all and keep"),
                    key=f"job:{job.id}:stop",
                    icon=":material/stop_circle:",
                    on_click=_action(job, job.stop, None),
                    disabled=disabled,
                    help=reason,
                )
            st.button(
                _("Cancel all"),
                key=f"job:{job.id}:cancel",
                icon=":material/cancel:",
                on_click=_action(job, job.cancel, None),
                disabled=disabled,
                help=reason,
            )
        draw_together(job)
        query = {"dataset": job.dataset} if job.dataset else {}
        link(Place.TRAIN, _("Train again with changes"), icon=":material/edit:", job=job.id, **query)
    _refusal(job, None)


def _action(job: Job, act: Callable[[str | None], object], model: str | None) -> Callable[[], None]:
    """What a button does; its refusal is kept until the next one, for the page redraws itself."""

    def clicked() -> None:
        kept = f"job:{job.id}:refusal"
        st.session_state.pop(kept, None)
        try:
            act(model)
        except EventsieveError as error:
            st.session_state[kept] = (model, error)

    return clicked


def _refusal(job: Job, model: str | None) -> None:
    match st.session_state.get(f"job:{job.id}:refusal"):
        case (refused, EventsieveError() as error) if refused == model:
            show(error)


def _known(job_id: str) -> Job | None:
    found = st.session_state.get(f"job:{job_id}")
    return found if isinstance(found, Job) else None


def _learn(client: Client, job: Job) -> None:
    """Ask which types can be stopped and kept; once in a session, for only a restart of the server changes them."""
    if not job.final and KEEPABLE not in st.session_state:
        st.session_state[KEEPABLE] = {name for name, entry in client.estimators().items() if entry["keepable"]}


def _lost(error: EventsieveError, *, live: bool) -> None:
    if live and isinstance(error, (ServerUnreachable, ServerFailed, NotReady)):
        st.warning(_("The server does not answer. Trying again…"), icon=":material/cloud_off:")
    else:
        show(error)
