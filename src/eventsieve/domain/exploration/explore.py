"""Exploration: tables of events -> values: counts, histograms, correlations, separations, drift, never figures.

What comes out is small (some hundred kilobytes), however many events went in: everything that is drawn or sent later
works on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.buckets import ranked
from eventsieve.domain.exploration.classifier import tell_apart
from eventsieve.domain.exploration.correlations import correlate
from eventsieve.domain.exploration.counts import count_classes, count_table, shared_rows
from eventsieve.domain.exploration.drift import compare_feature, judge
from eventsieve.domain.exploration.features import explore_feature
from eventsieve.domain.exploration.findings import findings
from eventsieve.domain.exploration.ordered import Ordered
from eventsieve.domain.exploration.selection import select
from eventsieve.domain.fingerprints import fingerprints
from eventsieve.errors import BadTable
from eventsieve.machine import cores
from eventsieve.records import (
    ClassifierTest,
    Detail,
    Exploration,
    ExploredFeature,
    FeatureDrift,
    Schema,
    Selection,
    TableCounts,
)

__all__ = ["explore"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Prints = npt.NDArray[np.uint64]

THREADS = 4
"""Features that are explored at once: each takes memory of a few columns."""


def explore(
    events: Events, against: Events | None = None, *, bins: int = 50, detail: Detail = "all", cut: str | None = None
) -> Exploration:
    """Explore a table of events, and how another compares with it.

    Classes are compared with the event weights where the table has them; whatever compares the two tables is
    unweighted, and over the features that both have, whatever the order of their columns. Labels of the second table
    are counted and otherwise left alone.

    Args:
        events: the table to look at.
        against: events to compare with it.
        bins: number of bins of each feature's histograms; features that count something get one bin per value.
        detail: "histograms" leaves out what takes longer: correlations, duplicates, drift.
        cut: a condition on the events of both tables, see `eventsieve.domain.cuts`; the others are not looked at.

    Raises:
        BadRequest: the cut is none, or none on both tables.
        BadTable: the two tables have no feature in common.
    """
    _refuse_strangers(events.schema, None if against is None else against.schema)
    selection = None
    if cut is not None:
        before = count_classes(events), None if against is None else count_classes(against)
        cut, events, against = select(events, against, cut)
        selection = Selection(cut=cut, table=before[0], against=before[1])
    with ThreadPoolExecutor(min(cores(), THREADS)) as pool:
        if detail == "histograms":
            found = _histograms(events, against, bins, selection, pool)
        elif against is None:
            found = _alone(events, bins, selection, pool)
        else:
            found = _compared(events, against, bins, selection, pool)
    return found.model_copy(update={"findings": tuple(findings(found))})


def _refuse_strangers(schema: Schema, other: Schema | None) -> None:
    if other is not None and not set(schema.feature_names) & set(other.feature_names):
        raise BadTable(
            f"The two tables have no feature in common: the first has {_some(schema)}, the second has {_some(other)}. "
            f"Compare tables of the same experiment, or give their columns the same names."
        )


def _histograms(
    events: Events, against: Events | None, bins: int, selection: Selection | None, pool: Executor
) -> Exploration:
    features, _ = _explore_features(events, against, None, bins, pool)
    ours = events.schema.feature_names
    theirs = ours if against is None else against.schema.feature_names
    selected = selection is not None
    return Exploration(
        event_schema=events.schema,
        bins=bins,
        detail="histograms",
        selection=selection,
        table=count_table(events, None, selected=selected),
        against=None if against is None else count_table(against, None, selected=selected),
        shared=None,
        only_first=tuple(name for name in ours if name not in theirs),
        only_second=tuple(name for name in theirs if name not in ours),
        features=features,
        correlations=None,
        drift=None,
    )


def _alone(events: Events, bins: int, selection: Selection | None, pool: Executor) -> Exploration:
    counted = pool.submit(
        lambda: count_table(events, np.sort(fingerprints(events.features)), selected=selection is not None)
    )
    features, _ = _explore_features(events, None, None, bins, pool)
    return Exploration(
        event_schema=events.schema,
        bins=bins,
        selection=selection,
        table=counted.result(),
        against=None,
        shared=None,
        features=features,
        correlations=correlate(events, features, None, pool),
        drift=None,
    )


def _compared(events: Events, against: Events, bins: int, selection: Selection | None, pool: Executor) -> Exploration:
    theirs = {name: position for position, name in enumerate(against.schema.feature_names)}
    ours = {name: position for position, name in enumerate(events.schema.feature_names)}
    common = [name for name in ours if name in theirs]
    first = _columns(events.features, [ours[name] for name in common])
    second = _columns(against.features, [theirs[name] for name in common])
    prints = _both(pool.map(fingerprints, (first, second)))
    ascending = _both(pool.map(np.sort, prints))
    shared = shared_rows(*ascending, prints[1])
    kept = _kept(prints[0], shared)
    # What takes longest begins first. It is one thread's work, and the features are that of the others meanwhile.
    told = pool.submit(_told, (first, second), prints, kept)

    def count(table: Events, ordered: Prints) -> TableCounts:
        if len(common) < len(table.schema.features):
            ordered = np.sort(fingerprints(table.features))
        return count_table(table, ordered, selected=selection is not None)

    counted = pool.map(count, (events, against), ascending)
    features, drifts = _explore_features(events, against, kept, bins, pool)
    table, other = counted
    correlations = correlate(events, features, second if len(common) == len(ours) else None, pool)
    tested = int(np.count_nonzero(kept))
    return Exploration(
        event_schema=events.schema,
        bins=bins,
        selection=selection,
        table=table,
        against=other,
        shared=int(np.count_nonzero(shared)),
        only_first=tuple(name for name in ours if name not in theirs),
        only_second=tuple(name for name in theirs if name not in ours),
        features=features,
        correlations=correlations,
        drift=judge(drifts, told.result(), (len(events), tested), len(kept) - tested),
    )


def _both(found: Iterable[Prints]) -> tuple[Prints, Prints]:
    ours, theirs = found
    return ours, theirs


def _columns(values: Floats, positions: list[int]) -> Floats:
    return values if positions == list(range(values.shape[1])) else values[:, positions]


def _some(schema: Schema) -> str:
    names = schema.feature_names
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _kept(prints: Prints, shared: Flags) -> Flags:
    """Which events of the second table are tested.

    Those of the first that came along are not, for they say nothing. In tables of few, coarse values different events
    are equal by chance, and no less often within a table than between two: these are tested.
    """
    if not shared.any():
        return ~shared
    _, counts = np.unique(prints, return_counts=True)
    by_chance = counts[counts > 1].sum() / len(prints)
    return ~shared if shared.mean() > 2 * by_chance else np.ones_like(shared)


def _explore_features(
    events: Events, against: Events | None, kept: Flags | None, bins: int, pool: Executor
) -> tuple[tuple[ExploredFeature, ...], dict[str, FeatureDrift]]:
    """Explore each feature, and test it against those events of the second table, if any, that are ``kept``."""
    theirs = {} if against is None else {name: at for at, name in enumerate(against.schema.feature_names)}

    # Values near the largest float64 overflow in sums of squares: their statistics are then unknown.
    @np.errstate(over="ignore", invalid="ignore")
    def one(position: int) -> tuple[ExploredFeature, FeatureDrift | None]:
        column = events.schema.features[position]
        ours = Ordered.with_rows(np.ascontiguousarray(events.features[:, position]))
        others = drift = None
        if against is not None and column.name in theirs:
            raw = np.ascontiguousarray(against.features[:, theirs[column.name]])
            others = ranked(raw, ours[0])
            if kept is not None:
                drift = compare_feature(column.name, ours[0], others if kept.all() else ranked(raw[kept], ours[0]))
        return explore_feature(events, column, ours, others, bins), drift

    # Sorting is most of the work, and NumPy sorts beside other threads.
    found = list(pool.map(one, range(len(events.schema.features))))
    return tuple(feature for feature, _ in found), {drift.feature: drift for _, drift in found if drift is not None}


@np.errstate(over="ignore", invalid="ignore")
def _told(tables: tuple[Floats, Floats], prints: tuple[Prints, Prints], kept: Flags) -> ClassifierTest | None:
    """Whether a classifier tells the first table from those events of the second that are kept."""
    (first, second), (ours, theirs) = tables, prints
    if kept.all():
        return tell_apart(first, second, prints)
    return tell_apart(first, second[kept], (ours, theirs[kept]))
