"""Jobs as a list, and what is said of a job as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from eventsieve.client.jobs import Job
from eventsieve.records import EventWeights, OnLimit, Plan, Validation
from eventsieve.web.i18n import _, decimal, moment, ngettext, percent
from eventsieve.web.places import Place, link
from eventsieve.web.texts import plain
from eventsieve.web.widgets.jobs.progress import state_badge
from eventsieve.web.widgets.owners import say_whose
from eventsieve.web.widgets.quantities import duration

__all__ = ["draw_jobs", "job_title", "plan_in_words"]


def draw_jobs(jobs: Sequence[Job], names: Mapping[str, str]) -> None:
    """Draw jobs, a row each: what was trained on, when, and how its models stand.

    Args:
        jobs: in their order.
        names: of data sets, by their ids.
    """
    for job in jobs:
        with st.container(border=True):
            link(Place.JOBS, job_title(job, names), icon=":material/model_training:", id=job.id)
            st.markdown(" ".join(state_badge(model.state, model.spec.name) for model in job.models))
            say_whose(job.by)


def job_title(job: Job, names: Mapping[str, str]) -> str:
    """What is trained on and since when, in Markdown."""
    data = plain(names.get(job.dataset or "", _("a data set that was removed")))
    return _("{dataset}, {when}").format(dataset=data, when=moment(job.created))


def plan_in_words(job: Job) -> str:
    """How the models of a job are trained, in a line."""
    parts = [_validation(job.plan.validation), *_plan(job.plan)]
    if job.limits.seconds:
        parts.append(_("limit {time}").format(time=duration(job.limits.seconds)))
    if job.models:
        parts.append(_("seed {seed}").format(seed=job.models[0].seed))
    return " · ".join(parts)


def _validation(validation: Validation) -> str:
    match validation.kind:
        case "holdout":
            return _("{part} held out").format(part=percent(validation.fraction, 0))
        case "folds":
            count = ngettext("{count} fold", "{count} folds", validation.folds)
            return count.format(count=decimal(validation.folds))
        case "dataset":
            return _("measured on another data set")
        case _:
            return _("not measured")


def _plan(plan: Plan) -> list[str]:
    weights = {EventWeights.EVENT: _("event weights"), EventWeights.BALANCED: _("balanced classes")}
    parts = [weights[plan.weights]] if plan.weights in weights else []
    return [*parts, _("kept at the limit")] if plan.on_limit is OnLimit.KEEP else parts
