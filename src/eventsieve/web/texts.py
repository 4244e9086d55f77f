"""What things are called: states, figures of merit, choices. Text that is not ours never becomes Markdown."""

from __future__ import annotations

import re

from eventsieve.records import State
from eventsieve.web.i18n import N_, _

__all__ = ["metric", "plain", "state"]

STATES = {
    State.QUEUED: N_("queued"),
    State.RUNNING: N_("running"),
    State.TRAINED: N_("trained"),
    State.TIMED_OUT: N_("interrupted by the limit"),
    State.OUT_OF_MEMORY: N_("out of memory"),
    State.CANCELLED: N_("cancelled"),
    State.FAILED: N_("wrong parameters"),
    State.DIED: N_("its process died"),
    State.INTERRUPTED: N_("the server ended"),
}
METRICS = {
    "accuracy": N_("Accuracy"),
    "balanced_accuracy": N_("Balanced accuracy"),
    "precision": N_("Precision"),
    "recall": N_("Recall"),
    "f1": N_("F1"),
    "roc_auc": N_("ROC AUC"),
    "average_precision": N_("Average precision"),
    "log_loss": N_("Log loss"),
    "brier": N_("Brier score"),
    "ams": N_("AMS"),
}
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=])")
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def state(value: State) -> str:
    """What a state of a training is called."""
    return _(STATES[value])


def metric(name: str) -> str:
    """What a figure of merit is called; one that is not known by its own name."""
    return _(METRICS[name]) if name in METRICS else name


def plain(text: object) -> str:
    """Text of a user or a server, to stand in Markdown as it is."""
    # A line that begins with blanks would be code, in which nothing can be escaped.
    shown = INDENT.sub(lambda blanks: "\N{NO-BREAK SPACE}" * len(blanks[0]), str(text))
    return MARKDOWN.sub(r"\\\1", shown)
