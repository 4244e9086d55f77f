"""The correlations of the features, in a table, in each class of it and in a second table."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.statistics import coefficients, pair_sums
from eventsieve.records import ClassCorrelations, Correlations, ExploredFeature

__all__ = ["correlate"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

_ROWS = 1 << 16
"""Events that a thread sums over before it takes others. The sums do not depend on how many threads there are."""


def correlate(
    events: Events, features: tuple[ExploredFeature, ...], others: Floats | None, pool: Executor
) -> Correlations:
    """The correlation coefficients of all pairs of features.

    Args:
        events: the table.
        features: what is known of each of its features.
        others: the features of the second table, shape (events, features), NaN where undefined; ``None`` where there
            is none, or where it lacks some of them.
        pool: threads to compute in.
    """
    centre = np.array([feature.all.statistics.median or 0.0 for feature in features])
    names = events.schema.class_names
    sums = _sums(events.features, centre, events.target, len(names), pool)
    against = None if others is None else _sums(others, centre, None, 0, pool)[0]
    return Correlations(
        features=events.schema.feature_names,
        all=_matrix(np.asarray(sum(sums))),
        classes=()
        if events.target is None
        else tuple(
            ClassCorrelations(label=label, matrix=_matrix(part)) for label, part in zip(names, sums, strict=True)
        ),
        against=None if against is None else _matrix(against),
    )


def _sums(values: Floats, centre: Floats, codes: Codes | None, classes: int, pool: Executor) -> list[Floats]:
    """`pair_sums` of each class; of all events where there are no codes."""

    # Values near the largest float64 overflow: their correlations are then unknown.
    @np.errstate(over="ignore", invalid="ignore")
    def part(start: int) -> list[Floats]:
        rows = slice(start, start + _ROWS)
        if codes is None:
            return [pair_sums(values[rows], centre)]
        return [pair_sums(values[rows], centre, codes[rows] == code) for code in range(classes)]

    parts = list(pool.map(part, range(0, max(len(values), 1), _ROWS)))
    with np.errstate(over="ignore", invalid="ignore"):
        return [np.asarray(sum(sums)) for sums in zip(*parts, strict=True)]


@np.errstate(over="ignore", invalid="ignore")
def _matrix(sums: Floats) -> tuple[tuple[float | None, ...], ...]:
    rows = coefficients(sums).round(4).tolist()
    return tuple(tuple(None if np.isnan(value) else value for value in row) for row in rows)
