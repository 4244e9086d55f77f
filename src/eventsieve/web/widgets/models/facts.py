"""What is known of a model's training, in words."""

from __future__ import annotations

import streamlit as st

from eventsieve.records import EventWeights, Model, NegativeWeights, Threshold, Validation
from eventsieve.web.i18n import N_, _, decimal, moment, ngettext, percent

__all__ = ["facts", "facts_table", "seen_whole", "validated"]

DIGEST = 12
"""Digits of a digest that are enough to tell models apart."""
WEIGHTS = {
    EventWeights.NONE: N_("none: every event counts the same"),
    EventWeights.EVENT: N_("as they are"),
    EventWeights.BALANCED: N_("scaled so that all classes have the same sum"),
}
NEGATIVE = {
    NegativeWeights.REFUSE: N_("refused"),
    NegativeWeights.DROP: N_("dropped"),
    NegativeWeights.ABSOLUTE: N_("absolute values"),
}
THRESHOLDS = {
    "natural": N_("{value} (the classifier's own)"),
    "best_ams": N_("{value} (the cut of the best AMS)"),
    "value": N_("{value} (set by hand)"),
}


def facts_table(model: Model, datasets: dict[str, str]) -> None:
    """Draw them as a table; ``datasets`` are the names of data sets by their ids."""
    found = facts(model, datasets)
    st.dataframe(
        {_("Training"): list(found), _("Value"): list(found.values())},
        hide_index=True,
        height="content",
        alt=_("How model {name} was trained").format(name=model.name),
    )


def facts(model: Model, datasets: dict[str, str]) -> dict[str, str]:
    """What a reader wants to know of how a model came to be."""
    unlimited = _("no limit")
    limits = model.limits
    found = {
        _("Trained"): moment(model.created),
        _("Took"): _seconds(model.seconds) + (f", {_megabytes(model.peak_memory)}" if model.peak_memory else ""),
        _("Time limit"): _seconds(limits.seconds) if limits.seconds else unlimited,
        _("Memory limit"): _megabytes(limits.memory) if limits.memory else unlimited,
        _("Seed"): str(model.seed),
        _("Validation"): validated(model.validation, datasets),
        _("Event weights in training"): _(WEIGHTS[model.weights]),
    }
    if model.weights is not EventWeights.NONE:
        found[_("Negative weights")] = _(NEGATIVE[model.negative_weights])
    if model.threshold.value is not None:
        found[_("Threshold")] = _threshold(model.threshold)
    versions = ", ".join(f"{name} {version}" for name, version in model.versions.items())
    return found | {
        _("Features"): decimal(len(model.features)),
        _("Digest"): model.digest[:DIGEST],
        _("Versions"): versions,
    }


def validated(validation: Validation, datasets: dict[str, str]) -> str:
    """On which events a model was evaluated."""
    match validation.kind:
        case "holdout":
            return _("hold-out of {share}").format(share=percent(validation.fraction, 0))
        case "folds":
            return ngettext("{count} fold", "{count} folds", validation.folds).format(count=validation.folds)
        case "dataset":
            other = validation.dataset or ""
            return _("on data set {name}").format(name=datasets.get(other, other))
        case "none":
            return _("none: it was trained on all events")


def seen_whole(model: Model, dataset: str) -> bool:
    """Whether a model was trained on all events of a data set."""
    return model.dataset == dataset and model.validation.kind != "holdout"


def _threshold(threshold: Threshold) -> str:
    return _(THRESHOLDS[threshold.kind]).format(value=decimal(threshold.value, 4))


def _seconds(seconds: float) -> str:
    return _("{seconds} s").format(seconds=decimal(seconds, 1))


def _megabytes(count: int) -> str:
    return _("{size} MB").format(size=decimal(count / 2**20))
