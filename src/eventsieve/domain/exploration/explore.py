"""Exploration: tables of events -> findings: counts, histograms, correlations and separations, never figures.

What comes out is small (kilobytes), however many events went in: everything that is drawn or sent later works on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from eventsieve.domain.events import Events
from eventsieve.domain.exploration.findings import (
    Agreement,
    ClassName,
    Contrast,
    Correlations,
    EventCounts,
    Exploration,
    Feature,
    Multiplicity,
    Summary,
    TableCounts,
    Weights,
)
from eventsieve.domain.exploration.histograms import Histogram, common_edges, separation
from eventsieve.domain.exploration.statistics import (
    coefficients,
    fingerprints,
    kolmogorov_smirnov,
    ordered,
    pair_sums,
    roc_auc,
    sorted_quantiles,
)
from eventsieve.domain.schema import Schema
from eventsieve.errors import BadTable

__all__ = ["explore"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def explore(train: Events, test: Events | None = None, *, bins: int = 50) -> Exploration:
    """Explore a table of events, and how another agrees with it.

    Labels of ``test`` are counted and otherwise left alone.

    Args:
        train: the events to look at.
        test: events to compare with them.
        bins: number of bins of each feature's histograms; features that count something get one bin per value.

    Raises:
        BadTable: the two tables have different features.
    """
    if test is not None and test.schema.feature_names != train.schema.feature_names:
        differing = sorted(set(test.schema.feature_names) ^ set(train.schema.feature_names))
        raise BadTable(
            f"Training and test table have different features ({', '.join(differing) or 'in another order'}): "
            f"read both with the same schema."
        )
    prints = fingerprints(train.features)
    test_prints = None if test is None else fingerprints(test.features)
    # Values near the largest float64 overflow in sums of squares: their statistics are then infinite or NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        features = tuple(_explore_feature(i, train, test, bins) for i in range(len(train.schema.features)))
        return Exploration(
            schema=train.schema,
            train=_count_table(train, prints),
            test=None if test is None or test_prints is None else _count_table(test, test_prints),
            shared=None if test_prints is None else int(np.isin(test_prints, prints).sum()),
            features=features,
            multiplicities=tuple(_multiplicities(train, bins)),
            correlations=_correlate(train, features),
        )


def _count_table(events: Events, prints: npt.NDArray[np.uint64]) -> TableCounts:
    missing = np.isnan(events.features)
    _, repeats = np.unique(prints, return_counts=True)
    full = _full_sums(events.schema)
    classes: tuple[EventCounts, ...] = ()
    if events.label is not None:
        members: tuple[tuple[ClassName, Flags], ...] = (("signal", events.label), ("background", ~events.label))
        classes = tuple(_count_events(name, events, member, full[name]) for name, member in members)
    return TableCounts(
        events=len(events),
        complete=int(np.count_nonzero(~missing.any(axis=1))),
        undefined=int(np.count_nonzero(missing)),
        duplicated=int(repeats[repeats > 1].sum()),
        surplus=int((repeats - 1).sum()),
        all=_count_events("all", events, np.ones(len(events), dtype=np.bool_), full["all"]),
        classes=classes,
        remarks=events.remarks,
    )


def _full_sums(schema: Schema) -> dict[ClassName, float | None]:
    """Sum of each class's weights in the experiment's full sample, ``None`` where the schema lacks a part of it."""
    sums = schema.class_weight_sums
    parts: dict[ClassName, tuple[str, ...]] = {
        "all": (schema.signal, *schema.background),
        "signal": (schema.signal,),
        "background": schema.background,
    }
    known = {name: bool(schema.background) and all(label in sums for label in labels) for name, labels in parts.items()}
    known["signal"] = schema.signal in sums
    return {name: sum(sums[label] for label in labels) if known[name] else None for name, labels in parts.items()}


def _count_events(name: ClassName, events: Events, member: Flags, full: float | None) -> EventCounts:
    count = int(np.count_nonzero(member))
    if events.weight is None:
        return EventCounts(name, count, None)
    weight = events.weight[member]
    total, squares = float(weight.sum()), float(np.square(weight).sum())
    return EventCounts(
        name,
        count,
        Weights(
            total=total,
            full=full,
            effective=total**2 / squares if squares else 0.0,
            negative=int(np.count_nonzero(weight < 0)),
            minimum=float(weight.min(initial=np.inf)) if count else float("nan"),
            maximum=float(weight.max(initial=-np.inf)) if count else float("nan"),
        ),
    )


def _explore_feature(position: int, train: Events, test: Events | None, bins: int) -> Feature:
    column = train.schema.features[position]
    values = np.ascontiguousarray(train.features[:, position])
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]  # NaN sorts to the end
    values = values[order]
    others = None if test is None else ordered(test.features[:, position])
    samples = [values] if others is None else [values, others]
    edges = common_edges(samples, bins=bins, whole=column.dtype == "int64")
    return Feature(
        column=column,
        summary=_summarise(values, len(train)),
        counts=Histogram.fill(edges, values),
        contrast=None if train.label is None else _contrast(train, train.label, order, values, edges),
        agreement=None if test is None or others is None else _agree(values, others, len(test), edges),
    )


def _summarise(ordered: Floats, events: int) -> Summary:
    count = len(ordered)
    mean, std = (float(ordered.mean()), float(ordered.std())) if count else (float("nan"), float("nan"))
    quantiles = sorted_quantiles(ordered, 0, 0.25, 0.5, 0.75, 1)
    return Summary(events, count, mean, std, *(float(q) for q in quantiles))


def _contrast(train: Events, label: Flags, order: Counts, values: Floats, edges: Floats) -> Contrast:
    signal = label[order]
    weight = np.ones(len(order)) if train.weight is None else train.weight[order]
    histograms = [Histogram.fill(edges, values[side], weight[side]) for side in (signal, ~signal)]
    power, chance = separation(*histograms)
    signals, defined = np.count_nonzero(label), np.count_nonzero(signal)
    backgrounds = len(label) - signals
    return Contrast(
        signal=histograms[0],
        background=histograms[1],
        undefined_signal=float(1 - defined / signals) if signals else 0.0,
        undefined_background=float(1 - (len(signal) - defined) / backgrounds) if backgrounds else 0.0,
        separation=power,
        chance=chance,
        auc=roc_auc(values, signal, weight),
    )


def _agree(values: Floats, others: Floats, events: int, edges: Floats) -> Agreement:
    distance, p_value = kolmogorov_smirnov(values, others)
    return Agreement(_summarise(others, events), Histogram.fill(edges, others), distance, p_value)


def _multiplicities(train: Events, bins: int) -> Iterator[Multiplicity]:
    for position, column in enumerate(train.schema.features):
        values = train.features[:, position]
        defined = ~np.isnan(values)
        if column.dtype != "int64" or not defined.any():
            continue
        first, last = int(values[defined].min()), int(values[defined].max())
        if last - first >= bins:
            continue
        steps = values[defined].astype(np.int64) - first
        counts = np.bincount(steps)
        signal = None
        if train.label is not None:
            signal = np.bincount(steps[train.label[defined]], minlength=len(counts)).astype(np.int64)
        yield Multiplicity(column, np.arange(first, last + 1), counts.astype(np.int64), signal)


def _correlate(train: Events, features: Sequence[Feature]) -> Correlations:
    centre = np.nan_to_num([feature.summary.median for feature in features])
    if train.label is None:
        return Correlations(coefficients(pair_sums(train.features, centre)), None, None)
    signal, background = (pair_sums(train.features, centre, member) for member in (train.label, ~train.label))
    return Correlations(coefficients(signal + background), coefficients(signal), coefficients(background))
