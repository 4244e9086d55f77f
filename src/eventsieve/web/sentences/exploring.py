"""Sentences about explorations: findings, and drift between two tables."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # domain/exploration/findings.py
    N_("{table:words} has no labels: classes are not compared."),
    N_("Only events that pass the cut {cut} are looked at: {passed:words}."),
    N_(
        "{table:words} has {events:number} events that equal another in all features, in {groups:number} groups: "
        "{surplus:number} could be dropped."
    ),
    N_("{table:words} has {events:number} events whose number another event has too."),
    N_("{table:words} has {events:number} events of negative weight."),
    N_("{table:words} has no events of class {label}."),
    N_("Defined for no event: {names:words}; leave out what says nothing."),
    N_("The same value for every event: {names:words}; leave out what says nothing."),
    N_("{feature} alone tells {one} from {other} (AUC {auc:number}): leave it out if it gives the label away."),
    N_("Features that carry the same (correlation beyond ±{limit:number}): {pairs:words}."),
    N_("Only the first table has {names:words}: not compared."),
    N_("Only the second table has {names:words}: not looked at."),
    N_("{events:number} events of the second table have the features of an event of the first; {end:words}."),
    N_(
        "The share of {label} is {first:number}% in the first table and {second:number}% in the second: features "
        "drift by that alone."
    ),
    N_("The two tables have no feature in common: the first has {first:words}, the second has {second:words}."),
    N_("Compare tables of the same experiment, or give their columns the same names."),
    N_(
        "Feature {name} alone tells {label} from the rest (AUC {auc:number}); unless physics says why, it gives "
        "the label away: leave it out."
    ),
    # domain/exploration/drift.py
    N_("Every event of the second table is in the first too; compare with other events."),
    N_("A table has no events; there is nothing to compare."),
    N_("No drift seen."),
    N_("No drift seen: the strongest sign is {strongest:words}, corrected p {p:number}."),
    N_("A classifier cannot tell the tables apart (AUC {auc:number})."),
    N_("With so many events, distances below {distance:number} would hardly be noticed."),
    N_("Drift in {features:words}."),
    N_("Slight drift in {features:words}."),
    N_("It is significant with so many events, and small."),
    N_("A classifier tells the tables apart (AUC {auc:number})."),
    N_("No single feature drifts, but a classifier tells the tables apart (AUC {auc:number}): correlations differ."),
)

PARTS = (
    # domain/exploration/findings.py
    N_("The table"),
    N_("The first table"),
    N_("The second table"),
    N_("{passed:number} of {all:number}"),
    N_("{passed:number} of {all:number} in the first table, {others:number} of {rest:number} in the second"),
    N_("the drift test counts them as others"),
    N_("they were left out of the drift test"),
    # domain/exploration/drift.py
    N_("{feature} ({words:words})"),
    N_("KS distance {distance:number}"),
    N_("mean {shift:number} \N{GREEK SMALL LETTER SIGMA}"),
    N_("undefined {shift:number} %"),
)
