"""How the models of a form are to be trained: validation, weights, limits, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.records import EventWeights, Limits, NegativeWeights, OnLimit, Plan
from eventsieve.web.forms.inputs import fault_below
from eventsieve.web.i18n import N_, _, decimal
from eventsieve.web.widgets.datasets import pick_dataset
from eventsieve.web.widgets.quantities import MEGABYTE, duration, size

__all__ = ["OTHER_DATASET", "begin", "draw", "faults", "options", "put", "raise_limit", "time_limit"]

PREFIX = "train:plan"
OTHER_DATASET = "validation"
"""Of the address and the session's state: the data set to validate on."""
FRACTION, FOLDS = 25.0, 5
"""Per cent that are held out, and folds, where a reader has emptied the field."""
VALIDATIONS = {
    "holdout": (
        N_("Hold out"),
        N_("A random part of the events is kept from training, and the model is measured on it."),
    ),
    "folds": (
        N_("Folds"),
        N_(
            "Each event is scored by a model that was not trained on it; the model itself is trained on all of them. "
            "It takes as many trainings more."
        ),
    ),
    "dataset": (N_("Other data set"), N_("All events are trained on, and the model is measured on another data set.")),
    "none": (
        N_("None"),
        N_("All events are trained on, and nothing is measured: nobody will know how good the model is."),
    ),
}
WEIGHTS = {
    EventWeights.NONE: (N_("None"), N_("In training every event counts the same.")),
    EventWeights.EVENT: (N_("As they are"), N_("In training events count by their weights.")),
    EventWeights.BALANCED: (
        N_("Balanced classes"),
        N_("In training weights are scaled so that all classes have the same sum."),
    ),
}
NEGATIVE = {
    NegativeWeights.REFUSE: N_("Refuse"),
    NegativeWeights.DROP: N_("Leave out"),
    NegativeWeights.ABSOLUTE: N_("Take without sign"),
}


class _Number(NamedTuple):
    low: float
    high: float
    step: float


NUMBERS = {
    "fraction": _Number(1, 95, 5.0),
    "folds": _Number(2, 20, 1),
    "seconds": _Number(1, 1e9, 30.0),
    "memory": _Number(64, 1e9, 256),
    "seed": _Number(0, 2**32 - 1, 1),
}
"""The numbers of the form: what is taken, and how far a click goes."""


def begin(limits: Limits) -> None:
    """Let the form hold the server's defaults, where it holds nothing yet."""
    defaults = _state(Plan(), limits, None) | {"validation": "holdout"}
    for name, value in defaults.items():
        st.session_state.setdefault(f"{PREFIX}:{name}", value)


def put(plan: Plan, limits: Limits, seed: int | None) -> None:
    """Let the form hold the plan of an earlier job."""
    for name, value in _state(plan, limits, seed).items():
        st.session_state[f"{PREFIX}:{name}"] = value
    st.session_state[OTHER_DATASET] = plan.validation.dataset


def _state(plan: Plan, limits: Limits, seed: int | None) -> dict[str, Any]:
    return {
        "validation": plan.validation.kind,
        "fraction": round(100 * plan.validation.fraction, 1),
        "folds": plan.validation.folds,
        "weights": str(plan.weights),
        "negative": str(plan.negative_weights),
        "seconds": limits.seconds,
        "memory": limits.memory and limits.memory // MEGABYTE,
        "keep": plan.on_limit is OnLimit.KEEP,
        "seed": seed,
    }


def options(dataset: Dataset, limits: Limits) -> dict[str, Any]:
    """What the form holds, as arguments of `Client.train`; limits that are the server's own are left to it."""
    weights = EventWeights(_get("weights"))
    if dataset.event_schema.weight is None and weights is EventWeights.EVENT:
        weights = EventWeights.NONE
    seconds, memory = _entered("seconds"), _entered("memory")
    return {
        "validation": _validation(dataset),
        "weights": weights,
        "negative_weights": _get("negative"),
        "seconds": None if seconds == limits.seconds else seconds,
        "memory": None if memory in (None, (limits.memory or 0) // MEGABYTE) else memory * MEGABYTE,
        "on_limit": "keep" if _get("keep") else "discard",
        "seed": _entered("seed"),
    }


def _validation(dataset: Dataset) -> Any:
    match _get("validation"):
        case "folds":
            return {"folds": _entered("folds") or FOLDS}
        case "dataset" if (other := st.session_state.get(OTHER_DATASET)) not in (None, dataset.id):
            return {"dataset": other}
        case "holdout":
            return (_entered("fraction") or FRACTION) / 100
        case _:
            return None


def faults(dataset: Dataset) -> dict[str, str]:
    """What is wrong with the form, by its fields."""
    asked = {"holdout": {"fraction"}, "folds": {"folds"}}.get(_get("validation"), set()) | {"seconds", "memory", "seed"}
    sentence = _("Enter a number from {low} to {high}.")
    found = {
        name: sentence.format(low=f"{number.low:.10g}", high=f"{number.high:.10g}")
        for name, number in NUMBERS.items()
        if name in asked and _get(name) is not None and _entered(name) is None
    }
    other = st.session_state.get(OTHER_DATASET)
    if _get("validation") == "dataset" and other is None:
        found["validation"] = _("Choose the data set to validate on.")
    elif _get("validation") == "dataset" and other == dataset.id:
        found["validation"] = _("These are the events to train on; choose another data set, or hold out a part.")
    if _asks_about_negative(dataset) and _get("negative") == NegativeWeights.REFUSE:
        count = decimal(_negative(dataset))
        sentence = _(
            "{count} events have negative weights, on which classifiers are not defined; say what to do with them."
        )
        found["negative"] = sentence.format(count=count)
    return found


def draw(client: Client, dataset: Dataset, limits: Limits, wrong: Mapping[str, str]) -> None:
    """Draw the form, with what is wrong below each field."""
    _draw_validation(client, wrong)
    _draw_weights(dataset, wrong)
    _draw_limits(limits, wrong)
    about = _("Of everything random: the same seed gives the same models.")
    _draw_number("seed", _("Seed"), None, wrong, about)


def _draw_validation(client: Client, wrong: Mapping[str, str]) -> None:
    _choose("validation", _("Validation"), {kind: title for kind, (title, _about) in VALIDATIONS.items()})
    kind = _get("validation")
    st.caption(_(VALIDATIONS[kind][1]))
    if kind == "holdout":
        _draw_number("fraction", _("Part held out, %"), FRACTION, wrong)
    elif kind == "folds":
        _draw_number("folds", _("Number of folds"), FOLDS, wrong)
    elif kind == "dataset":
        pick_dataset(client, _("Validation data"), key=OTHER_DATASET, labelled=True, optional=True)
    fault_below(wrong.get("validation", ""))


def _draw_weights(dataset: Dataset, wrong: Mapping[str, str]) -> None:
    offered = {
        str(kind): title
        for kind, (title, _about) in WEIGHTS.items()
        if kind is not EventWeights.EVENT or dataset.event_schema.weight is not None
    }
    if _get("weights") not in offered:
        st.session_state[f"{PREFIX}:weights"] = str(EventWeights.NONE)
    _choose("weights", _("Event weights in training"), offered)
    st.caption(f"{_(WEIGHTS[EventWeights(_get('weights'))][1])} {_('The evaluation always has the true weights too.')}")
    if _asks_about_negative(dataset):
        _choose("negative", _("Events of negative weight"), {str(kind): title for kind, title in NEGATIVE.items()})
        fault_below(wrong.get("negative", ""))


def _draw_limits(limits: Limits, wrong: Mapping[str, str]) -> None:
    own = _("The server's own limit is {limit}.")
    about = [_("Of each model, evaluation included.")]
    if limits.seconds:
        about.append(own.format(limit=duration(limits.seconds)))
    _draw_number("seconds", _("Time limit, s"), limits.seconds, wrong, " ".join(about))
    about = [_("Of each model.")]
    if limits.memory:
        about.append(own.format(limit=size(limits.memory)))
    default = limits.memory and limits.memory // MEGABYTE
    _draw_number("memory", _("Memory limit, MB"), default, wrong, " ".join(about))
    st.toggle(
        _("Keep what there is at the time limit"),
        key=f"{PREFIX}:keep",
        help=_(
            "A model that is trained step by step is kept as far as it has come, and says so; others are interrupted."
        ),
        persist_state="session",
    )


def time_limit(limits: Limits) -> float | None:
    """The seconds that each model may take: those entered, or the server's own."""
    return _entered("seconds") or limits.seconds


def raise_limit(seconds: float) -> None:
    """Let the form hold another time limit."""
    st.session_state[f"{PREFIX}:seconds"] = float(seconds)


def _draw_number(name: str, label: str, default: float | None, wrong: Mapping[str, str], about: str = "") -> None:
    """A number that is the default when it is emptied; ``None`` is what the server takes.

    The widget has no bounds: it would keep the number before in silence where another was entered that is beyond them.
    """
    step = NUMBERS[name].step
    st.number_input(
        label,
        value=None,
        step=step,
        format="%d" if isinstance(step, int) else "%g",
        key=f"{PREFIX}:{name}",
        placeholder=_("The server's") if default is None else f"{default:g}",
        help=about or None,
        persist_state="session",
    )
    fault_below(wrong.get(name, ""))


def _choose(name: str, label: str, titles: Mapping[str, str]) -> None:
    st.segmented_control(
        label,
        list(titles),
        format_func=lambda choice: _(titles[choice]),
        key=f"{PREFIX}:{name}",
        required=True,
        persist_state="session",
    )


def _asks_about_negative(dataset: Dataset) -> bool:
    return _get("weights") != EventWeights.NONE and _negative(dataset) > 0


def _negative(dataset: Dataset) -> int:
    return sum(each.negative for each in dataset.classes)


def _entered(name: str) -> Any:
    """A number that is taken; ``None`` where none is entered, or a wrong one."""
    value = _get(name)
    return value if value is not None and NUMBERS[name].low <= value <= NUMBERS[name].high else None


def _get(name: str) -> Any:
    return st.session_state[f"{PREFIX}:{name}"]
