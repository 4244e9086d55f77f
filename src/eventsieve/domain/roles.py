"""What a column is for, as its name and its values tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eventsieve.domain.facts import Facts

__all__ = [
    "find_index",
    "find_label",
    "find_weight",
    "is_background",
    "is_bookkeeping",
    "is_candidate_index",
    "is_label_like",
    "is_weight_like",
    "looks_like_label",
    "signal_of",
]

# In the order in which they are believed; names are compared in small letters, without what is no letter or digit.
_LABELS = ("label", "labels", "target", "targets", "class", "classname", "classlabel", "issignal", "truthlabel")
_PERHAPS_LABELS = ("signal", "issig", "truth", "y", "ytrue", "category", "process", "type", "classid")
_LABEL_ENDINGS = ("label", "labels", "target", "targets", "class", "truth")
_INDICES = (
    *("eventid", "eventnumber", "eventno", "eventnr", "event", "evtid", "evtnumber", "evt", "entry", "entryid"),
    *("index", "id", "idx", "row", "rowid", "rownumber", "uid", "eventindex"),
)
_BOOKKEEPING = (
    *("run", "runnumber", "runid", "lumi", "lumiblock", "luminosityblock", "ls", "lbn", "bunchcrossing", "bx", "bcid"),
    *("fileid", "filenumber", "dsid", "mcchannelnumber", "timestamp", "kaggleset"),
)
_WEIGHTS = ("weight", "weights", "eventweight", "evtweight", "eventweights", "mcweight", "genweight", "totalweight")
_SIGNAL = ("s", "sig", "signal")
_TRUE = ("1", "true", "yes")
_BACKGROUND = ("b", "bg", "bkg", "bkgd", "back", "background", "0", "-1", "false", "no")


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _words(name: str) -> list[str]:
    """The words of a name in small letters: ``mcEventWeight_up`` is mc, event, weight, up."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def is_candidate_index(name: str) -> bool:
    """Whether a column of that name may number the events."""
    return _bare(name) in _INDICES


def is_bookkeeping(name: str) -> bool:
    """Whether a column of that name says where and when an event was taken, and nothing of its physics."""
    return _bare(name) in _INDICES or _bare(name) in _BOOKKEEPING


def is_weight_like(facts: Facts) -> bool:
    """Whether a column may be a weight, by its name."""
    words = _words(facts.name)
    weight = any(word in ("weight", "weights", "wgt") or word.endswith("weight") for word in words)
    return not facts.is_text and (weight or _bare(facts.name) == "w")


def is_label_like(facts: Facts) -> bool:
    """Whether a column may say what an event is, by its name."""
    words = _words(facts.name)
    named = looks_like_label(facts.name) or bool(words and words[-1] in _LABEL_ENDINGS)
    return named and len(facts.values) > 0


def looks_like_label(name: str) -> bool:
    """Whether a column of that name would hold labels, if its values were few."""
    return _bare(name) in (*_LABELS, "classid")


def find_label(table: Sequence[Facts], *, named: bool) -> Facts | None:
    """The column that says what an event is, if one surely does.

    Without names it is the first column of two values; with them, the one whose name says so, or the only column of
    text that speaks of signal and background.
    """
    if not named:
        return next((facts for facts in table if len(facts.values) == 2), None)
    sure = {_bare(facts.name): facts for facts in reversed(table) if facts.values}
    perhaps = {name: facts for name, facts in sure.items() if len(facts.values) > 1}
    for names, found in ((_LABELS, sure), (_PERHAPS_LABELS, perhaps)):
        if name := next((name for name in names if name in found), None):
            return found[name]
    telling = [facts for facts in table if facts.is_text and _speaks(facts.values)]
    return telling[0] if len(telling) == 1 else None


def _speaks(values: Sequence[str]) -> bool:
    small = [value.lower() for value in values]
    return any(value in _SIGNAL for value in small) and any(value in _BACKGROUND for value in small)


def find_index(table: Sequence[Facts]) -> Facts | None:
    """The column that numbers the events: named so, whole and unique."""
    found = {_bare(facts.name): facts for facts in reversed(table) if facts.unique and is_candidate_index(facts.name)}
    return next((found[name] for name in _INDICES if name in found), None)


def find_weight(table: Sequence[Facts]) -> Facts | None:
    """The column of event weights, by its name."""
    found = {_bare(facts.name): facts for facts in reversed(table) if is_weight_like(facts) and not facts.empty}
    others = [name for name in found if name not in (*_WEIGHTS, "w")]
    # Of several names that are none of the usual ones, none is more likely than the next.
    return next((found[n] for n in (*_WEIGHTS, *(others if len(others) == 1 else ()), "w") if n in found), None)


def signal_of(values: Sequence[str]) -> str | None:
    """The value of a label that unmistakably is the signal; ``None`` where none is."""
    small = {value.lower(): value for value in values}
    for words in (_SIGNAL, _TRUE) if len(values) <= 2 else (_SIGNAL,):
        if found := [small[word] for word in words if word in small]:
            return found[0] if len(found) == 1 else None
    others = [value for word, value in small.items() if word not in _BACKGROUND]
    if len(values) == 2 and len(others) == 1:
        return others[0]
    for beginning in ("sig", "h"):
        found = [value for word, value in small.items() if word.startswith(beginning)]
        if len(found) == 1 and len(values) > 1:
            return found[0]
    return None


def is_background(value: str) -> bool:
    """Whether a value of a label speaks of background."""
    return value.lower() in _BACKGROUND
