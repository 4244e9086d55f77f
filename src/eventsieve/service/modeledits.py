"""Edits of models: what may be changed, and what a threshold becomes."""

from __future__ import annotations

from eventsieve.errors import BadRequest
from eventsieve.records import Model, ModelEdit, Threshold
from eventsieve.service.names import LONGEST_NAME, fault_of_name, is_text

__all__ = ["check_by", "check_edit", "threshold_for"]

LONGEST_TAG = 64


def check_edit(edit: ModelEdit) -> None:
    """Refuse texts that cannot be kept, all of them named.

    Raises:
        BadRequest
    """
    faults = {}
    if edit.name is not None and (fault := fault_of_name(edit.name)):
        faults["/name"] = f"The name {edit.name[:LONGEST_NAME]!r} {fault}; choose another."
    for place, tag in enumerate(edit.tags or ()):
        fault = fault_of_name(tag) or (f"is longer than {LONGEST_TAG} characters" if len(tag) > LONGEST_TAG else "")
        if fault:
            faults[f"/tags/{place}"] = f"The tag {tag[:LONGEST_TAG]!r} {fault}; choose another."
    if edit.note and not is_text(edit.note):
        faults["/note"] = "The note has characters that are no text; leave them out."
    if faults:
        raise BadRequest(faults=faults)


def check_by(by: str) -> None:
    """Refuse what cannot be kept as the name of who chose a model.

    Raises:
        BadRequest
    """
    if len(by) > LONGEST_NAME or not is_text(by):
        sentence = f"Who says so ('by') must be text of at most {LONGEST_NAME} characters."
        raise BadRequest(faults={"/by": sentence})


def threshold_for(model: Model, wish: Threshold) -> Threshold:
    """The threshold with its value.

    Raises:
        BadRequest: the model has none, or not of this kind, or the value is out of range.
    """
    if model.threshold.value is None:
        raise _bad_threshold(
            f"The model {model.name!r} chooses the likeliest class; only signal and background have a threshold."
        )
    match wish.kind:
        case "natural":
            return Threshold()
        case "best_ams":
            return Threshold(kind="best_ams", value=_best_cut(model))
    if wish.value is None:
        raise _bad_threshold("A threshold of kind 'value' needs its value.", "/value")
    if model.probabilities and not 0.0 <= wish.value <= 1.0:
        raise _bad_threshold(
            f"The scores of {model.name!r} are probabilities; choose a threshold from 0 to 1, not {wish.value:g}.",
            "/value",
        )
    return wish


def _best_cut(model: Model) -> float:
    """The cut of the best AMS, that with event weights where there is one."""
    cuts = {score.weighted: score.cut for score in model.scores if score.name == "ams" and score.cut is not None}
    if not cuts:
        raise _bad_threshold(
            f"The model {model.name!r} has no AMS to take the cut from; train it again with a validation "
            f"(holdout, folds or another data set), or give a value."
        )
    return cuts[max(cuts)]


def _bad_threshold(sentence: str, field: str = "/kind") -> BadRequest:
    return BadRequest(faults={f"/threshold{field}": sentence})
