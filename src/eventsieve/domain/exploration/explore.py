"""Exploration: tables of events -> values: counts, histograms, correlations, separations, drift, never figures.

What comes out is small (some hundred kilobytes), however many events went in: everything that is drawn or sent later
works on it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.classifier import tell_apart
from eventsieve.domain.exploration.counts import count_classes, count_table, shared_rows
from eventsieve.domain.exploration.drift import compare_feature, judge
from eventsieve.domain.exploration.features import explore_feature
from eventsieve.domain.exploration.findings import findings
from eventsieve.domain.exploration.selection import select
from eventsieve.domain.exploration.statistics import coefficients, pair_sums
from eventsieve.domain.fingerprints import fingerprints
from eventsieve.errors import BadTable
from eventsieve.machine import cores
from eventsieve.records import (
    ClassCorrelations,
    Correlations,
    Detail,
    Drift,
    Exploration,
    ExploredFeature,
    FeatureDrift,
    Schema,
    Selection,
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
    if detail == "histograms":
        found = _histograms(events, against, bins, selection)
    elif against is None:
        found = _alone(events, bins, selection)
    else:
        found = _compared(events, against, bins, selection)
    return found.model_copy(update={"findings": tuple(findings(found))})


def _refuse_strangers(schema: Schema, other: Schema | None) -> None:
    if other is not None and not set(schema.feature_names) & set(other.feature_names):
        raise BadTable(
            f"The two tables have no feature in common: the first has {_some(schema)}, the second has {_some(other)}. "
            f"Compare tables of the same experiment, or give their columns the same names."
        )


def _histograms(events: Events, against: Events | None, bins: int, selection: Selection | None) -> Exploration:
    features, _ = _explore_features(events, against, None, bins)
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


def _alone(events: Events, bins: int, selection: Selection | None) -> Exploration:
    features, _ = _explore_features(events, None, None, bins)
    return Exploration(
        event_schema=events.schema,
        bins=bins,
        selection=selection,
        table=count_table(events, fingerprints(events.features), selected=selection is not None),
        against=None,
        shared=None,
        features=features,
        correlations=_correlate(events, features, None),
        drift=None,
    )


def _compared(events: Events, against: Events, bins: int, selection: Selection | None) -> Exploration:
    theirs = {name: position for position, name in enumerate(against.schema.feature_names)}
    ours = {name: position for position, name in enumerate(events.schema.feature_names)}
    common = [name for name in ours if name in theirs]
    first = _columns(events.features, [ours[name] for name in common])
    second = _columns(against.features, [theirs[name] for name in common])
    prints = fingerprints(first), fingerprints(second)
    shared = shared_rows(*prints)
    kept = _kept(prints[0], shared)
    features, drifts = _explore_features(events, against, kept, bins)
    all_ours = prints[0] if len(common) == len(ours) else fingerprints(events.features)
    all_theirs = prints[1] if len(common) == len(theirs) else fingerprints(against.features)
    selected = selection is not None
    return Exploration(
        event_schema=events.schema,
        bins=bins,
        selection=selection,
        table=count_table(events, all_ours, selected=selected),
        against=count_table(against, all_theirs, selected=selected),
        shared=int(np.count_nonzero(shared)),
        only_first=tuple(name for name in ours if name not in theirs),
        only_second=tuple(name for name in theirs if name not in ours),
        features=features,
        correlations=_correlate(events, features, second if len(common) == len(ours) else None),
        drift=_drift(drifts, (first, second), prints, kept),
    )


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
    events: Events, against: Events | None, kept: Flags | None, bins: int
) -> tuple[tuple[ExploredFeature, ...], dict[str, FeatureDrift]]:
    """Explore each feature, and test it against those events of the second table, if any, that are ``kept``."""
    theirs = {} if against is None else {name: at for at, name in enumerate(against.schema.feature_names)}

    # Values near the largest float64 overflow in sums of squares: their statistics are then unknown.
    @np.errstate(over="ignore", invalid="ignore")
    def one(position: int) -> tuple[ExploredFeature, FeatureDrift | None]:
        column = events.schema.features[position]
        values = np.ascontiguousarray(events.features[:, position])
        order = np.argsort(values)  # NaN goes to the end
        ascending = values[order]
        others = drift = None
        if against is not None and column.name in theirs:
            raw = against.features[:, theirs[column.name]]
            others = np.sort(raw)
            if kept is not None:
                drift = compare_feature(column.name, ascending, others if kept.all() else np.sort(raw[kept]))
        return explore_feature(events, column, (ascending, order), others, bins), drift

    # Sorting is most of the work, and NumPy sorts beside other threads.
    with ThreadPoolExecutor(min(cores(), THREADS)) as pool:
        found = list(pool.map(one, range(len(events.schema.features))))
    return tuple(feature for feature, _ in found), {drift.feature: drift for _, drift in found if drift is not None}


@np.errstate(over="ignore", invalid="ignore")
def _drift(
    drifts: dict[str, FeatureDrift], tables: tuple[Floats, Floats], prints: tuple[Prints, Prints], kept: Flags
) -> Drift:
    (first, second), (ours, theirs) = tables, prints
    whole = bool(kept.all())
    told = tell_apart(first, second if whole else second[kept], (ours, theirs if whole else theirs[kept]))
    tested = int(np.count_nonzero(kept))
    return judge(drifts, told, (len(first), tested), len(kept) - tested)


@np.errstate(over="ignore", invalid="ignore")
def _correlate(events: Events, features: tuple[ExploredFeature, ...], others: Floats | None) -> Correlations:
    centre = np.array([feature.all.statistics.median or 0.0 for feature in features])
    sums = _class_sums(events, centre)
    whole = sum(sums) if sums else pair_sums(events.features, centre)
    return Correlations(
        features=events.schema.feature_names,
        all=_matrix(np.asarray(whole)),
        classes=tuple(
            ClassCorrelations(label=label, matrix=_matrix(part))
            for label, part in zip(events.schema.class_names, sums, strict=False)
        ),
        against=None if others is None else _matrix(pair_sums(others, centre)),
    )


def _class_sums(events: Events, centre: Floats) -> list[Floats]:
    if events.target is None:
        return []
    codes = range(len(events.schema.class_names))
    return [pair_sums(events.features, centre, events.target == code) for code in codes]


def _matrix(sums: Floats) -> tuple[tuple[float | None, ...], ...]:
    rows = coefficients(sums).round(4).tolist()
    return tuple(tuple(None if np.isnan(value) else value for value in row) for row in rows)
