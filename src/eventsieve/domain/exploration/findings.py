"""Findings: what a physicist should know of an exploration, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from eventsieve.domain.exploration.statistics import proportions_differ
from eventsieve.records import Correlations, Exploration, ExploredFeature, Selection, TableCounts

__all__ = ["findings"]

TELLTALE = 0.99
"""A single feature with an AUC beyond it separates the classes almost alone."""
ALIKE = 0.999
"""Features that are correlated more strongly carry the same."""
_LISTED = 10


def findings(found: Exploration) -> Iterator[str]:
    """The sentences: on the tables, the features, and the two tables together."""
    names = ("The first table", "The second table") if found.against else ("The table",)
    if found.selection is not None:
        yield from _of_selection(found, found.selection)
    for name, table in zip(names, (found.table, found.against), strict=False):
        if table is not None:
            yield from _of_table(name, table)
    if not found.table.classes:
        yield f"{names[0]} has no labels: classes are not compared."
    yield from _of_features(found.features)
    if found.correlations is not None:
        yield from _alike(found.correlations)
    if found.against is not None:
        yield from _of_both(found, found.against)


def _of_selection(found: Exploration, selection: Selection) -> Iterator[str]:
    passed = f"{found.table.events:,} of {selection.table[0].events:,}"
    if found.against is not None and selection.against is not None:
        passed += f" in the first table, {found.against.events:,} of {selection.against[0].events:,} in the second"
    yield f"Only events that pass the cut {selection.cut} are looked at: {passed}."


def _of_table(name: str, table: TableCounts) -> Iterator[str]:
    same = table.duplicates
    if same is not None and same.events:
        yield (
            f"{name} has {same.events:,} events that equal another in all features, in {same.groups:,} groups: "
            f"{same.surplus:,} could be dropped."
        )
    if same is not None and same.equal_index:
        yield f"{name} has {same.equal_index:,} events whose number another event has too."
    if table.all.weights and table.all.weights.negative:
        yield f"{name} has {table.all.weights.negative:,} events of negative weight."
    for part in table.classes:
        if not part.events:
            yield f"{name} has no events of class {part.label}."
    yield from (f"{name}: {remark}" for remark in table.remarks)


def _of_features(features: tuple[ExploredFeature, ...]) -> Iterator[str]:
    never = [f.column.name for f in features if f.all.statistics.events and not f.all.statistics.defined]
    if never:
        yield f"Defined for no event: {_listed(never)}; leave out what says nothing."
    constant = [f.column.name for f in features if _is_constant(f)]
    if constant:
        yield f"The same value for every event: {_listed(constant)}; leave out what says nothing."
    for feature in features:
        apart = feature.separation
        if apart is not None and apart.auc is not None and max(apart.auc, 1 - apart.auc) > TELLTALE:
            yield (
                f"{feature.column.name} alone tells {apart.second} from {apart.first} (AUC {apart.auc:.4f}): "
                f"leave it out if it gives the label away."
            )


def _is_constant(feature: ExploredFeature) -> bool:
    values = feature.all.statistics
    return values.defined > 1 and values.minimum == values.maximum


def _alike(correlations: Correlations) -> Iterator[str]:
    pairs = [
        f"{first} and {correlations.features[column]}"
        for row, first in enumerate(correlations.features)
        for column in range(row)
        if abs(correlations.all[row][column] or 0.0) > ALIKE
    ]
    if pairs:
        yield f"Features that carry the same (correlation beyond ±{ALIKE}): {_listed(pairs)}."


def _of_both(found: Exploration, against: TableCounts) -> Iterator[str]:
    if found.only_first:
        yield f"Only the first table has {_listed(list(found.only_first))}: not compared."
    if found.only_second:
        yield f"Only the second table has {_listed(list(found.only_second))}: not looked at."
    if found.shared:
        left_out = found.drift is not None and found.drift.left_out
        end = "they were left out of the drift test" if left_out else "the drift test counts them as others"
        yield f"{found.shared:,} events of the second table have the features of an event of the first; {end}."
    for ours, theirs in zip(found.table.classes, against.classes, strict=False):
        p = proportions_differ(ours.events, found.table.events, theirs.events, against.events)
        if ours.label == theirs.label and p < 0.001:
            yield (
                f"The share of {ours.label} is {ours.events / found.table.events:.1%} in the first table and "
                f"{theirs.events / against.events:.1%} in the second: features drift by that alone."
            )
            return
    if found.drift is not None:
        yield found.drift.reason


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest
