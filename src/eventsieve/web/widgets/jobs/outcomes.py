"""How a training ended: one message, in the words of the specification, with the reason and what can be done."""

from __future__ import annotations

import streamlit as st

from eventsieve.records import ModelState, State
from eventsieve.web.i18n import N_, _
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import plain
from eventsieve.web.widgets.quantities import duration, size

__all__ = ["draw_outcome"]

INTERRUPTED = N_("Training of model {name} interrupted")
CURES = {
    State.TIMED_OUT: N_(
        "Raise the time limit, let what there is be kept at the limit, or ask for less: fewer trees or iterations, or "
        "fewer events."
    ),
    State.OUT_OF_MEMORY: N_("Raise the memory limit, or ask for less: shallower or fewer trees, or fewer events."),
    State.FAILED: N_("Train again with changes: the form marks what does not go together."),
    State.DIED: N_("Train it again; if it happens again, tell who runs the server."),
}


def draw_outcome(model: ModelState) -> None:
    """Draw the message about a training that has ended."""
    name = plain(model.spec.name)
    match model.state:
        case State.TRAINED:
            title = _("Model {name} trained").format(name=name)
            st.success(_trained(model), title=title, icon=":material/check_circle:")
        case State.FAILED:
            title = _("Wrong parameters for model {name}").format(name=name)
            st.error(_why(model), title=title, icon=":material/error:")
        case State.CANCELLED:
            title = _("Training of model {name} cancelled").format(name=name)
            st.info(_why(model), title=title, icon=":material/cancel:")
        case _:
            st.warning(_why(model), title=_(INTERRUPTED).format(name=name), icon=":material/timer_off:")


def _trained(model: ModelState) -> str:
    took = _("It took {time}.").format(time=duration(model.seconds))
    if model.peak_memory:
        needed = _("It took {time} and {memory}.")
        took = needed.format(time=duration(model.seconds), memory=size(model.peak_memory))
    early = _("It was stopped before it was finished, and kept as far as it had come.") if model.kept_early else ""
    return f"{took} {early}".strip()


def _why(model: ModelState) -> str:
    cure = _(CURES[model.state]) if model.state in CURES else ""
    return "\n\n".join(part for part in (plain(translated_sentence(model.reason)), cure) if part)
