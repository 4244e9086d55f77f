"""The first pages of a report: what there is in the tables, and what to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from matplotlib.figure import Figure

from eventsieve.palette import INK
from eventsieve.records import ClassEvents, Exploration, TableCounts
from eventsieve.report.looks import class_legend, class_name, looks, table_names
from eventsieve.report.pages import Page
from eventsieve.report.style import (
    BOTTOM,
    DASH,
    LEFT,
    RIGHT,
    TOP,
    Box,
    heading,
    integer,
    legend,
    number,
    percent,
    subheading,
    write,
)
from eventsieve.report.tables import Row, TableColumn, draw_table, split_rows, table_height, wrap

__all__ = ["overview"]

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
_LINE = 0.165
"""Distance of two lines of a sentence, inches."""
_EVENTS_HEIGHT, _EXPLAINED = 3.15, 0.8
"""What the table of events with the heading of the next one, and the explanation below that, take at most, inches."""
_EXPLANATION = (
    "Effective events: (sum of weights)² / (sum of squared weights), the number of unweighted events with the same "
    "relative uncertainty. Scale: what the weights of this part must be multiplied by, class by class, "
    "to stand for the full sample."
)


def overview(found: Exploration) -> Iterator[Page]:
    """Counts of events, duplicates, undefined values; classes and their weights."""
    title = "Overview"
    columns, rows = _classes_table(found)
    first, *more = split_rows(columns, rows, TOP - _EVENTS_HEIGHT - _EXPLAINED - BOTTOM)
    fit = _fit(found, table_height(columns, first))

    def draw(figure: Figure) -> None:
        heading(figure, title, "What there is in the tables. Duplicates are events with the same features.")
        subheading(figure, LEFT, TOP - 0.1, "Events")
        left = _events_table(figure, found)
        _class_bars(figure, found)
        y = min(left, TOP - 2.35) - 0.45
        subheading(figure, LEFT, y, "Classes and weights")
        y = draw_table(figure, LEFT, y - 0.12, columns, first)
        y = _write_down(figure, y - 0.3, [_EXPLANATION])
        if found.findings and fit:
            subheading(figure, LEFT, y - 0.2, "Findings")
            _write_down(figure, y - 0.45, found.findings)

    yield Page(title, draw)
    yield from _more_classes(columns, more)
    if not fit:
        yield from _findings(found)


def _more_classes(columns: Sequence[TableColumn], more: Sequence[Sequence[Row]]) -> Iterator[Page]:
    for part in more:

        def draw(figure: Figure, part: Sequence[Row] = part) -> None:
            heading(figure, "Overview: classes and weights", "")
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Overview", draw)


def _fit(found: Exploration, classes: float) -> bool:
    """Whether the findings have room on the overview, below a table of classes of that height."""
    lines = sum(len(wrap(sentence, RIGHT - LEFT, 8)) + 0.4 for sentence in found.findings)
    return _LINE * lines < TOP - BOTTOM - _EVENTS_HEIGHT - classes - _EXPLAINED - 0.45


def _events_table(figure: Figure, found: Exploration) -> float:
    tables = [found.table] if found.against is None else [found.table, found.against]
    features = [len(found.features), len(found.features) - len(found.only_first) + len(found.only_second)]

    def row(name: str, text: Callable[[TableCounts], str]) -> list[str]:
        return [name, *(text(table) for table in tables)]

    values = dict(zip(map(id, tables), features, strict=False))
    rows = [
        row("Events", lambda t: integer(t.events)),
        row("Features", lambda t: str(values[id(t)])),
        row("Events with every feature defined", lambda t: _of(t.complete, t.events)),
        row("Undefined values", lambda t: _of(t.undefined, t.events * values[id(t)])),
    ]
    same = {id(table): table.duplicates for table in tables if table.duplicates is not None}
    if len(same) == len(tables):
        rows += [
            row("Duplicate events: same features as another", lambda t: _of(same[id(t)].events, t.events)),
            row("Copies: duplicates that could be dropped", lambda t: _of(same[id(t)].surplus, t.events)),
        ]
    if any(duplicates.equal_index is not None for duplicates in same.values()):
        rows.append(row("Events whose number another has too", lambda t: _of(same[id(t)].equal_index or 0, t.events)))
    if found.against is not None and found.shared is not None:
        rows.append(["Events of the second table that are in the first", "", _of(found.shared, found.against.events)])
    rows += [
        row("Labels", lambda t: "yes" if t.classes else "no"),
        row("Event weights", lambda t: "yes" if t.all.weights else "no"),
    ]
    columns = [TableColumn("", 2.9, "left"), *(TableColumn(name, 1.35) for name in table_names(found))]
    return draw_table(figure, LEFT, TOP - 0.25, columns, rows)


def _of(count: int, total: int) -> str:
    return f"{integer(count)}  ({percent(count / total)})" if count and total else "0"


def _class_bars(figure: Figure, found: Exploration) -> None:
    bars, classes = _class_shares(found), looks(found)
    if not bars:
        return
    left = LEFT + 6.3
    subheading(figure, left, TOP - 0.1, "Class balance")
    legend(figure, class_legend(classes))
    axes = Box(left + 1.15, TOP - 2.3, RIGHT - left - 1.15, 1.9).axes(figure)
    for row, (_, shares) in enumerate(bars):
        start = 0.0
        for look, share in zip(classes, shares, strict=True):
            axes.barh(row, share, left=start, color=look.colour, height=0.55)
            if share > 0.14:  # a short piece has no room for its share
                text = percent(share)
                axes.text(start + share / 2, row, text, color="white", va="center", ha="center")
            start += share
    axes.set_yticks(range(len(bars)), [name for name, _ in bars], size=7.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xticks([])
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _class_shares(found: Exploration) -> list[tuple[str, list[float]]]:
    """What is drawn of the class balance: a bar's name and the share of each class in it."""
    bars: list[tuple[str, Sequence[float]]] = []
    order = [look.position for look in looks(found)]
    for name, table in zip(table_names(found), (found.table, found.against), strict=False):
        if table is None or len(table.classes) != len(order):
            continue
        word = name.removesuffix(" table")
        if table.events:
            bars.append((f"{word}, events".removeprefix("all events, "), [table.classes[i].events for i in order]))
        sums = [table.classes[i].weights for i in order]
        weights = [part.total for part in sums if part is not None]
        if sums and len(weights) == len(sums) and min(weights) >= 0 < max(weights):
            bars.append((f"{word}, weights".removeprefix("all events, "), weights))
    return [(name, [part / sum(parts) for part in parts]) for name, parts in bars if sum(parts) > 0]


def _classes_table(found: Exploration) -> tuple[list[TableColumn], list[list[str]]]:
    columns = [TableColumn("table", 0.85, "left"), TableColumn("class", 1.75, "left")]
    columns = columns if found.against else columns[1:]
    width = (RIGHT - LEFT - 2.6) / len(_CLASS_COLUMNS)
    columns += [TableColumn(name, width) for name in _CLASS_COLUMNS]
    rows = []
    for name, table in zip(table_names(found), (found.table, found.against), strict=False):
        if table is None:
            continue
        classes = list(table.classes) if found.event_schema.classes else list(reversed(table.classes))
        rows += [_class_row(name, _class_title(found, part), part, table.events) for part in (*classes, table.all)]
    return columns, rows if found.against else [row[1:] for row in rows]


def _class_title(found: Exploration, part: ClassEvents) -> str:
    name = class_name(found.event_schema, part.label)
    return name if name == part.label else f"{name} ({part.label})"


def _class_row(table: str, name: str, count: ClassEvents, events: int) -> list[str]:
    weights = count.weights
    row = [table, name, integer(count.events), percent(count.events / events) if events else DASH]
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


def _write_down(figure: Figure, y: float, sentences: Sequence[str]) -> float:
    """Write sentences one below the other from ``y`` inches; returns where the next line would be."""
    for sentence in sentences:
        for line in wrap(sentence, RIGHT - LEFT, 8):
            write(figure, LEFT, y, line, size=8, color=INK)
            y -= _LINE
        y -= 0.4 * _LINE
    return y


def _findings(found: Exploration) -> Iterator[Page]:
    """The sentences that do not fit into the overview."""
    columns = [TableColumn("", RIGHT - LEFT, "left")]
    for part in split_rows(columns, [[sentence] for sentence in found.findings], TOP - BOTTOM):

        def draw(figure: Figure, part: Sequence[Row] = part) -> None:
            heading(figure, "Findings", "What to know before training. Each is explained by the pages that follow.")
            draw_table(figure, LEFT, TOP, columns, part)

        yield Page("Findings", draw)
