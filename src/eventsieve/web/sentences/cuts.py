"""Sentences about cuts on events, and about thresholds on scores."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # domain/cuts: what is wrong with a cut
    N_("The cut {cut} is a {kind:words} and no condition; compare it, such as with > 0."),
    N_("In the cut {part} behind {function} is a {kind:words} and no {wanted:words}; {cure:words}."),
    N_("In the cut {part} beside {sign} is a {kind:words} and no {wanted:words}; {cure:words}."),
    N_(
        "The cut asks for {name}, which is left out and not read; make it a feature to cut on it, or cut on "
        "another column."
    ),
    N_("The cut asks for {name}, which is no column of the table; {hint:words}"),
    N_("The cut compares a {one:words} with a {other:words}: {said}; compare columns with numbers."),
    N_("The cut has {said}; labels are compared by == or != with one of {classes}."),
    N_("The cut has {said}; there is no such class, only {classes}."),
    N_("The cut has {said}, which stands for undefined here and equals nothing; write not defined({column})."),
    N_("The cut has {count:number} characters; {most:number} are the most."),
    N_("Shorten it."),
    N_("The cut is empty; write one, such as PRI_jet_num >= 2, or leave it out."),
    N_("The cut is more than {levels:number} levels deep at character {place:number}; use fewer brackets or signs."),
    N_("The cut ends too early; write what belongs behind its last word, as a column or a number."),
    N_("In the cut {part} at character {place:number} {what:words}."),
    N_("The cut asks for {name}, which the events do not have; cut on another column."),
    N_("The cut fits the first table and not the second: {fault:words}"),
    N_("Or explore the first table alone."),
    # service/modeledits.py and service/scoring.py: thresholds
    N_("The model {name} chooses the likeliest class; only signal and background have a threshold."),
    N_("Leave it out."),
    N_("A threshold of kind 'value' needs its value."),
    N_("The scores of {name} are probabilities; choose a threshold from 0 to 1, not {value:number}."),
    N_(
        "The model {name} has no AMS to take the cut from; train it again with a validation (holdout, folds or "
        "another data set), or give a value."
    ),
    N_(
        "The threshold {kind} has no value, so no event can be decided by it; give its value, or choose the "
        "threshold 'natural'."
    ),
)

PARTS = (
    # domain/cuts
    N_("condition"),
    N_("number"),
    N_("text"),
    N_("label"),
    N_("compare it, such as with > 0"),
    N_("put a {wanted:words} there"),
    N_("do you mean {names:words}?"),
    N_("there is {names:words}."),
    N_("others"),
    N_("is not expected there; put and, or, or an operator before it"),
    N_("is not expected there; a column, a number or a bracket is"),
    N_("is not closed, or what follows it is incomplete; add the bracket ) that is missing"),
    N_("compares nothing; write == for equal, and >= or <= with = behind"),
    N_("begins a name that is not closed; put ` on both sides of it"),
    N_('begins text that is not closed; put " on both sides of it'),
    N_("begins text that is not closed; put ' on both sides of it"),
    N_("is not known; decimals have a point"),
    N_("is not known; multiply instead"),
    N_("is not known; put ` on both sides of a name that has a point in it"),
    N_("is not known; a cut has columns, numbers, brackets, + - * /, < <= > >= == !=, and, or, not, abs, defined"),
    N_("is larger than any number can be; write a smaller one"),
)
