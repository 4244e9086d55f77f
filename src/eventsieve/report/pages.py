"""The pages of the report that are mostly text: drift, summary statistics, glossary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from eventsieve.palette import INK
from eventsieve.records import (
    ClassifierTest,
    Drift,
    Exploration,
    ExploredFeature,
    FeatureDrift,
    Sample,
)
from eventsieve.report.style import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    fixed,
    heading,
    integer,
    number,
    parts,
    percent,
    short,
    signed,
    write,
)
from eventsieve.report.tables import Row, TableColumn, draw_table, split_rows, wrap

__all__ = ["Page", "drift", "glossary", "summaries", "verdict_of"]


class Page(NamedTuple):
    """One page: the section it belongs to and how it is drawn."""

    section: str
    draw: Callable[[Figure], None]


def drift(found: Exploration) -> Iterator[Page]:
    """The tests of the second table against the first: the verdict, the classifier, every feature."""
    if found.drift is None or not found.drift.features:
        return
    result = found.drift
    caption = (
        "All events, unweighted, the strongest sign first. p: chance of such a difference between two samples of one "
        f"distribution; corrected by Holm's method for all tests, significant below {number(result.level)}.\n"
        f"Slight: no KS distance, shift of an undefined share or AUC above 0.5 is beyond {number(result.tolerable)}."
    )
    names = ("KS distance", "p", "shift of mean [σ]", "shift of undefined", "p", "corrected p", "drifted")  # noqa: RUF001
    columns = [TableColumn("feature", 3.0, "left")]
    columns += [TableColumn(name, (RIGHT - LEFT - 3.0) / len(names)) for name in names]
    rows = [_drift_row(feature) for feature in result.ranked()]
    verdict = f"{verdict_of(result)} {_told_apart(result.classifier)}"
    lines = wrap(verdict, RIGHT - LEFT, 9)
    room = TOP - BOTTOM - 0.19 * len(lines) - 0.15
    pages = len(list(split_rows(columns, rows, room)))
    for part in parts(rows, -(-len(rows) // pages)):

        def draw(figure: Figure, part: Sequence[Row] = part) -> None:
            heading(figure, "Drift", caption)
            y = TOP - 0.1
            for line in lines:
                write(figure, LEFT, y, line, size=9, color=INK)
                y -= 0.19
            draw_table(figure, LEFT, y, columns, part)

        yield Page("Drift", draw)


def verdict_of(drift: Drift) -> str:
    """The verdict with its reason, which says it itself unless nothing was tested."""
    return f"Not tested. {drift.reason}" if drift.verdict == "not tested" else drift.reason


def _drift_row(found: FeatureDrift) -> list[str]:
    return [
        short(found.feature, 44),
        fixed(found.distance),
        number(found.distance_p, 2),
        signed(found.mean_shift, 2),
        f"{signed(100 * found.undefined_shift, 1)} %" if found.undefined_shift else "0",
        number(found.undefined_p, 2),
        number(found.corrected, 2),
        "yes" if found.drifted else "no",
    ]


def _told_apart(found: ClassifierTest | None) -> str:
    if found is None:
        return "There are too few events to train a classifier to tell the tables apart."
    return (
        f"Classifier: {found.classifier}, {found.folds} folds, {integer(found.first_events)} and "
        f"{integer(found.second_events)} events; AUC {fixed(found.auc)} ± {fixed(found.uncertainty)}, "
        f"p {number(found.p_value, 2)}, corrected {number(found.corrected, 2)}."
    )


def summaries(found: Exploration) -> Iterator[Page]:
    """Summary statistics of every feature in each table."""
    title = "Summary statistics"
    samples = [(feature, feature.all) for feature in found.features]
    yield from _summary_pages(title if found.against is None else f"{title}: first table", samples)
    of_second = [(feature, feature.against) for feature in found.features if feature.against is not None]
    yield from _summary_pages(f"{title}: second table", of_second)


def _summary_pages(title: str, samples: Sequence[tuple[ExploredFeature, Sample]]) -> Iterator[Page]:
    first = TableColumn("feature", 2.35, "left")
    second = TableColumn("unit", 0.55, "left")
    names = ["defined", "undefined", "mean", "std. dev.", "minimum", "lower quartile", "median", "upper quartile"]
    names.append("maximum")
    weighted = any(sample.statistics.weighted_mean is not None for _, sample in samples)
    if weighted:
        names.insert(3, "weighted mean")
    width = (RIGHT - LEFT - first.width - second.width) / len(names)
    columns = [first, second, *(TableColumn(name, width) for name in names)]
    rows = [_summary_row(feature, sample, weighted=weighted) for feature, sample in samples]
    caption = (
        "Over the events for which the feature is defined, unweighted; std. dev. is the root mean square deviation."
    )
    for part in split_rows(columns, rows, TOP - BOTTOM):

        def draw(figure: Figure, part: Sequence[Row] = part) -> None:
            heading(figure, title, caption)
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Summary statistics", draw)


def _summary_row(feature: ExploredFeature, sample: Sample, *, weighted: bool) -> list[str]:
    values = sample.statistics
    moments = (values.mean, values.weighted_mean, values.std) if weighted else (values.mean, values.std)
    quantiles = (values.minimum, values.lower_quartile, values.median, values.upper_quartile, values.maximum)
    return [
        feature.column.name,
        feature.column.unit,
        integer(values.defined),
        percent(values.undefined),
        *(number(value, zeros=True) for value in moments),
        *(number(value) for value in quantiles),
    ]


def glossary(found: Exploration) -> Iterator[Page]:
    """Every column of the schema: what it is called, measured in, used for and means."""
    schema = found.event_schema
    columns = [
        TableColumn("column", 2.35, "left"),
        TableColumn("unit", 0.6, "left"),
        TableColumn("type", 0.75, "left"),
        TableColumn("role", 0.8, "left"),
        TableColumn("meaning", RIGHT - LEFT - 4.5, "left"),
    ]
    rows = [[c.name, c.unit, c.dtype, c.role, c.description] for c in schema.columns]
    caption = f"The columns of the event schema {schema.name}."
    if schema.undefined is not None:
        caption += f" In the tables {number(schema.undefined)} stands for “not defined for this event”."
    if schema.gaps:
        caption += " An empty or NaN value is not defined either."
    for part in split_rows(columns, rows, TOP - BOTTOM):

        def draw(figure: Figure, part: Sequence[Row] = part) -> None:
            heading(figure, "Glossary of the columns", caption)
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Glossary of the columns", draw)
