"""A training that is queued or running: how far it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eventsieve.records import Limits, ModelState, State
from eventsieve.web import texts
from eventsieve.web.i18n import N_, _, decimal
from eventsieve.web.texts import plain
from eventsieve.web.widgets.quantities import duration, size

__all__ = ["draw_progress", "rest", "share", "state_badge"]

COLOURS = {
    State.QUEUED: ("gray", "schedule"),
    State.RUNNING: ("blue", "autorenew"),
    State.TRAINED: ("green", "check_circle"),
    State.TIMED_OUT: ("orange", "timer_off"),
    State.OUT_OF_MEMORY: ("orange", "memory"),
    State.CANCELLED: ("gray", "cancel"),
    State.FAILED: ("red", "error"),
    State.DIED: ("red", "error"),
    State.INTERRUPTED: ("orange", "power_off"),
}
STAGES = {"fitting": N_("fitting"), "evaluating": N_("fitted, is being evaluated")}
COUNTS = {
    "trees": N_("{done} of {total} trees"),
    "iterations": N_("{done} of at most {total} iterations"),
    "stages": N_("{done} of at most {total} stages"),
}
"""Iterations and stages may end by themselves before all are done."""


def state_badge(state: State, name: str = "") -> str:
    """A state as a badge in Markdown, with the name of what is in it."""
    colour, icon = COLOURS[state]
    label = f"{plain(name)}: {texts.state(state)}" if name else texts.state(state)
    return f":{colour}-badge[:material/{icon}: {label}]"


def draw_progress(
    model: ModelState,
    limits: Limits,
    *,
    keepable: bool,
    cancel: Callable[[], None],
    stop: Callable[[], None],
    key: str,
    disabled: bool = False,
    reason: str | None = None,
) -> None:
    """Draw a training that has not ended.

    Args:
        model: as it stands.
        limits: of the training.
        keepable: whether it can be stopped and kept.
        cancel: ends it.
        stop: ends it and keeps what it has come to.
        key: with what the keys of the buttons begin.
        disabled: whether nothing can be done now.
        reason: why the reader may do nothing, where he may not.
    """
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            name, badge = plain(model.spec.name), state_badge(model.state)
            st.markdown(f"**{name}** · {plain(model.spec.type)} {badge}", width="content")
            with st.container(horizontal=True, width="content"):
                if keepable and model.state is State.RUNNING:
                    st.button(
                        _("Stop and keep"),
                        key=f"{key}:stop",
                        icon=":material/stop_circle:",
                        help=reason
                        or _("Ends it now and keeps what it has come to; where there is nothing yet, it is cancelled."),
                        on_click=stop,
                        disabled=disabled,
                    )
                st.button(
                    _("Cancel"),
                    key=f"{key}:cancel",
                    icon=":material/cancel:",
                    help=reason,
                    on_click=cancel,
                    disabled=disabled,
                )
        if model.state is State.QUEUED:
            st.caption(_waiting(model))
        else:
            st.progress(share(model, limits), text=_far(model, limits))
            st.caption(_spent(model, limits))


def share(model: ModelState, limits: Limits) -> float:
    """The part that is done: of what is counted, or else of the time that it may take."""
    done, total = model.progress.done, model.progress.total
    if model.progress.stage == "evaluating":
        return 1.0
    if done is not None and total:
        return min(1.0, done / total)
    return min(1.0, model.seconds / limits.seconds) if limits.seconds else 0.0


def rest(model: ModelState) -> str:
    """What its fit will still take, as far as can be told; what is measured afterwards takes longer."""
    done, total = model.progress.done, model.progress.total
    if model.progress.stage == "evaluating":
        return ""
    if done and total:
        left = model.seconds * (total - done) / done
        return _("about {time} of fitting left").format(time=duration(left))
    if model.estimate is not None and model.estimate.seconds > model.seconds:
        return _("estimated to take {time}").format(time=duration(model.estimate.seconds))
    return ""


def _waiting(model: ModelState) -> str:
    waits = _("Waits for a free slot.")
    if model.estimate is None:
        return waits
    return f"{waits} {_('It will take about {time}.').format(time=duration(model.estimate.seconds))}"


def _far(model: ModelState, limits: Limits) -> str:
    """What the bar shows."""
    progress = model.progress
    stage = _(STAGES[progress.stage]) if progress.stage in STAGES else plain(progress.stage) or _("under way")
    if progress.done is not None and progress.total:
        count = COUNTS.get(progress.unit, N_("{done} of {total}"))
        return f"{stage}: {_(count).format(done=decimal(progress.done), total=decimal(progress.total))}"
    if progress.stage == "evaluating" or not limits.seconds:
        return stage
    used = _("{time} of {limit} that it may take").format(time=duration(model.seconds), limit=duration(limits.seconds))
    return f"{stage}: {used}"


def _spent(model: ModelState, limits: Limits) -> str:
    parts = [_("{time} so far").format(time=duration(model.seconds))]
    if limits.seconds:
        parts = [_("{time} of at most {limit}").format(time=duration(model.seconds), limit=duration(limits.seconds))]
    if left := rest(model):
        parts.append(left)
    if model.peak_memory:
        parts.append(size(model.peak_memory))
    return " · ".join(parts)
