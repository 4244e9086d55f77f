"""The pages of the report that are mostly text: overview, summary statistics, glossary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from eventsieve.domain.exploration.findings import EventCounts, Exploration, Feature, Summary, TableCounts
from eventsieve.palette import BACKGROUND, INK, SIGNAL
from eventsieve.report.style import (
    BOTTOM,
    DASH,
    LEFT,
    RIGHT,
    TOP,
    Box,
    fixed,
    heading,
    integer,
    number,
    percent,
    subheading,
    write,
)
from eventsieve.report.tables import TableColumn, draw_table, split_rows, wrap

__all__ = ["Page", "glossary", "overview", "summaries"]


_CLASS_COLUMNS = (
    "events",
    "share",
    "sum of weights",
    "in the full sample",
    "scale",
    "effective events",
    "smallest weight",
    "largest weight",
)


class Page(NamedTuple):
    """One page: the section it belongs to and how it is drawn."""

    section: str
    draw: Callable[[Figure], None]


def overview(found: Exploration) -> Iterator[Page]:
    """Counts of events, duplicates, undefined values; classes and their weights."""

    def draw(figure: Figure) -> None:
        heading(figure, "Overview", "What there is in the tables. Duplicates are events with the same features.")
        subheading(figure, LEFT, TOP - 0.1, "Events")
        left = _events_table(figure, found)
        _class_bars(figure, found)
        y = min(left, TOP - 2.35) - 0.45
        subheading(figure, LEFT, y, "Classes and weights")
        y = _classes_table(figure, found, y - 0.12)
        _draw_remarks(figure, found, y - 0.3)

    yield Page("Overview", draw)


def _events_table(figure: Figure, found: Exploration) -> float:
    tables = [found.train] if found.test is None else [found.train, found.test]
    values = len(found.features)

    def row(name: str, text: Callable[[TableCounts], str]) -> list[str]:
        return [name, *(text(table) for table in tables)]

    rows = [
        row("Events", lambda t: integer(t.events)),
        row("Features", lambda _: str(values)),
        row("Events with every feature defined", lambda t: _of(t.complete, t.events)),
        row("Undefined values", lambda t: _of(t.undefined, t.events * values)),
        row("Duplicate events: same features as another", lambda t: _of(t.duplicated, t.events)),
        row("Copies: duplicates that could be dropped", lambda t: _of(t.surplus, t.events)),
    ]
    if found.test is not None and found.shared is not None:
        rows.append(["Test events that are in the training table too", "", _of(found.shared, found.test.events)])
    rows += [
        row("Labels", lambda t: "yes" if t.classes else "no"),
        row("Event weights", lambda t: "yes" if t.all.weights else "no"),
    ]
    columns = [TableColumn("", 2.9, "left"), TableColumn("training", 1.35), TableColumn("test", 1.35)]
    return draw_table(figure, LEFT, TOP - 0.25, columns[: 1 + len(tables)], rows)


def _of(count: int, total: int) -> str:
    return f"{integer(count)}  ({percent(count / total)})" if count and total else "0"


def _class_bars(figure: Figure, found: Exploration) -> None:
    bars = _class_shares(found)
    if not bars:
        return
    left = LEFT + 6.3
    subheading(figure, left, TOP - 0.1, "Class balance")
    axes = Box(left + 1.15, TOP - 2.3, RIGHT - left - 1.15, 1.9).axes(figure)
    for position, (_, share) in enumerate(bars):
        axes.barh(position, share, color=SIGNAL, height=0.55)
        axes.barh(position, 1 - share, left=share, color=BACKGROUND, height=0.55)
        # A short bar has no room for its name, which then stands in the bar beside it.
        start = 0.015 + (0.0 if share > 0.25 else share)
        axes.text(start, position, f"signal {percent(share)}", color="white", va="center")
        axes.text(0.985, position, f"background {percent(1 - share)}", color="white", va="center", ha="right")
    axes.set_yticks(range(len(bars)), [name for name, _ in bars], size=7.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xticks([])
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _class_shares(found: Exploration) -> list[tuple[str, float]]:
    """What is drawn of the class balance: a bar's name and the share of signal in it."""
    bars = []
    for name, table in (("training", found.train), ("test", found.test)):
        if table is None or not table.classes:
            continue
        if table.events:
            bars.append((f"{name}, events", table.classes[0].events / table.events))
        weights = [count.weights for count in (*table.classes, table.all)]
        if weights[0] is not None and weights[2] is not None and weights[2].total > 0 <= weights[0].total:
            bars.append((f"{name}, weights", weights[0].total / weights[2].total))
    return bars


def _classes_table(figure: Figure, found: Exploration, top: float) -> float:
    columns = [TableColumn("table", 0.75, "left"), TableColumn("class", 0.95, "left")]
    width = (RIGHT - LEFT - 1.7) / len(_CLASS_COLUMNS)
    columns += [TableColumn(name, width) for name in _CLASS_COLUMNS]
    rows = []
    for name, table in (("training", found.train), ("test", found.test)):
        if table is not None:
            rows += [_class_row(name, count, table.events) for count in (*table.classes, table.all)]
    return draw_table(figure, LEFT, top, columns, rows)


def _class_row(table: str, count: EventCounts, events: int) -> list[str]:
    weights = count.weights
    row = [table, count.name, integer(count.events), percent(count.events / events) if events else DASH]
    if weights is None:
        return row + [DASH] * 6
    return [
        *row,
        number(weights.total, 6, zeros=True),
        number(weights.full, 8),
        number(weights.scale),
        number(weights.effective),
        number(weights.minimum),
        number(weights.maximum),
    ]


def _draw_remarks(figure: Figure, found: Exploration, y: float) -> None:
    for remark in _remarks(found):
        for line in wrap(remark, RIGHT - LEFT, 8):
            if y < BOTTOM:
                return
            write(figure, LEFT, y, line, size=8, color=INK)
            y -= 0.165
        y -= 0.07


def _remarks(found: Exploration) -> Iterator[str]:
    yield (
        "Effective events: (sum of weights)² / (sum of squared weights), the number of unweighted events with the same "
        "relative uncertainty. Scale: what the weights of this part must be multiplied by, class by class, "
        "to stand for the full sample."
    )
    if not found.train.classes:
        yield "The training table has no labels: signal and background are not compared."
    if found.test is None:
        yield "There is no test table: nothing is compared with the training table."
    for feature, agreement in found.agreements()[:1]:
        yield (
            f"Test and training table differ most in {feature.column.name}: Kolmogorov-Smirnov distance "
            f"{fixed(agreement.distance)}, p {number(agreement.p_value, 2)}."
        )
    for name, table in (("Training", found.train), ("Test", found.test)):
        if table is None:
            continue
        if table.all.weights and table.all.weights.negative:
            yield f"{name} table: {integer(table.all.weights.negative)} events have a negative weight."
        yield from (f"{name} table: {remark}" for remark in table.remarks)


def summaries(found: Exploration) -> Iterator[Page]:
    """Summary statistics of every feature in each table."""
    yield from _summary_pages(
        "Summary statistics: training table", found.features, [feature.summary for feature in found.features]
    )
    if found.test is not None:
        of_test = [feature.agreement.summary for feature in found.features if feature.agreement is not None]
        yield from _summary_pages("Summary statistics: test table", found.features, of_test)


def _summary_pages(title: str, features: Sequence[Feature], summaries: Sequence[Summary]) -> Iterator[Page]:
    first = TableColumn("feature", 2.35, "left")
    second = TableColumn("unit", 0.55, "left")
    names = ("defined", "undefined", "mean", "std. dev.", "minimum", "lower quartile", "median", "upper quartile")
    width = (RIGHT - LEFT - first.width - second.width) / (len(names) + 1)
    columns = [first, second, *(TableColumn(name, width) for name in (*names, "maximum"))]
    rows = [_summary_row(feature, summary) for feature, summary in zip(features, summaries, strict=True)]
    caption = (
        "Over the events for which the feature is defined, unweighted; std. dev. is the root mean square deviation."
    )
    for part in split_rows(columns, rows, TOP - BOTTOM):

        def draw(figure: Figure, part: Sequence[Sequence[str]] = part) -> None:
            heading(figure, title, caption)
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Summary statistics", draw)


def _summary_row(feature: Feature, summary: Summary) -> list[str]:
    moments = (summary.mean, summary.std)
    quantiles = (summary.minimum, summary.lower_quartile, summary.median, summary.upper_quartile, summary.maximum)
    return [
        feature.column.name,
        feature.column.unit,
        integer(summary.count),
        percent(summary.undefined),
        *(number(value, zeros=True) for value in moments),
        *(number(value) for value in quantiles),
    ]


def glossary(found: Exploration) -> Iterator[Page]:
    """Every column of the schema: what it is called, measured in, used for and means."""
    columns = [
        TableColumn("column", 2.35, "left"),
        TableColumn("unit", 0.6, "left"),
        TableColumn("type", 0.75, "left"),
        TableColumn("role", 0.8, "left"),
        TableColumn("meaning", RIGHT - LEFT - 4.5, "left"),
    ]
    rows = [[c.name, c.unit, c.dtype, c.role, c.description] for c in found.schema.columns]
    caption = f"The columns of the event schema {found.schema.name}."
    if found.schema.undefined is not None:
        caption += f" In the tables {number(found.schema.undefined)} stands for “not defined for this event”."
    for part in split_rows(columns, rows, TOP - BOTTOM):

        def draw(figure: Figure, part: Sequence[Sequence[str]] = part) -> None:
            heading(figure, "Glossary of the columns", caption)
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Glossary of the columns", draw)
