"""The first page of the report: what was explored, what is on which page, and the features that say most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from eventsieve.palette import INK, MUTED, RULE, SIGNAL
from eventsieve.records import Exploration, TableCounts
from eventsieve.report.looks import class_legend, looks, table_legend
from eventsieve.report.pages import verdict_of
from eventsieve.report.panels import agreement_panel, contrast_panel, plain_panel
from eventsieve.report.style import HEIGHT, LEFT, RIGHT, WIDTH, Box, integer, legend, percent, subheading, write
from eventsieve.report.tables import wrap

__all__ = ["Imprint", "draw_cover"]


_TITLE_LINES = 2
_NAMED_CLASSES = 6
"""Classes up to which each is counted on the title page."""


@dataclass(frozen=True)
class Imprint:
    """What the report says about itself.

    Attributes:
        title: headline of the report.
        tables: names of the first and the second table (files), as far as they are known.
        simulated: whether the events are simulated and no data.
        day: when the report was made; not printed if ``None``.
    """

    title: str
    tables: tuple[str, ...] = ()
    simulated: bool = False
    day: date | None = None


def draw_cover(figure: Figure, found: Exploration, imprint: Imprint, contents: Sequence[tuple[str, int]]) -> None:
    """Draw the title page; ``contents`` holds each section's title and first page."""
    y = HEIGHT - 1.1
    # Bold letters are wider than those that wrap measures.
    lines = wrap(imprint.title, 0.9 * (RIGHT - LEFT), 27)
    for line in lines if len(lines) <= _TITLE_LINES else [*lines[: _TITLE_LINES - 1], f"{lines[_TITLE_LINES - 1]} …"]:
        write(figure, LEFT, y, line, size=27, weight="bold")
        y -= 0.45
    subtitle = "Exploratory analysis of collision events before any classifier sees them"
    write(figure, LEFT, y + 0.07, subtitle, size=12, color=MUTED)
    if imprint.day is not None:
        write(figure, RIGHT, y + 0.07, imprint.day.isoformat(), size=12, color=MUTED, ha="right")
    y -= 0.15
    if imprint.simulated:
        y = _banner(figure, y)
    ends = [LEFT / WIDTH, RIGHT / WIDTH]
    figure.add_artist(Line2D(ends, [y / HEIGHT] * 2, color=INK, linewidth=1.2))
    _facts(figure, found, imprint, y - 0.38)
    _contents(figure, contents, y - 0.38)
    _best(figure, found)


def _banner(figure: Figure, y: float) -> float:
    height = 0.42
    box = Rectangle((LEFT / WIDTH, (y - height) / HEIGHT), (RIGHT - LEFT) / WIDTH, height / HEIGHT)
    box.set(facecolor=SIGNAL, edgecolor="none")
    figure.add_artist(box)
    text = "SIMULATED EVENTS: made by a generator, not recorded by a detector. Nothing here is data."
    write(figure, LEFT + 0.18, y - height / 2, text, size=12, weight="bold", color="white", va="center_baseline")
    return y - height - 0.2


def _facts(figure: Figure, found: Exploration, imprint: Imprint, y: float) -> None:
    titles = ["Table"] if found.against is None else ["First table", "Second table"]
    names = dict(zip(titles, imprint.tables, strict=False))
    facts = [(titles[0], _table_fact(names.get(titles[0]), found, found.table))]
    if found.against is not None:
        facts.append((titles[1], _table_fact(names.get(titles[1]), found, found.against)))
    facts.append(("Features", f"{len(found.features)}, undefined values {percent(_undefined(found))}"))
    schema = found.event_schema
    facts.append(("Event schema", f"{schema.name}: {schema.title}" if schema.title else schema.name))
    if schema.source:
        facts.append(("Source of the schema", schema.source))
    if found.drift is not None:
        facts.append(("Second against first", verdict_of(found.drift)))
    subheading(figure, LEFT, y, "What was explored")
    y -= 0.3
    for name, text in facts:
        write(figure, LEFT, y, name, size=10, color=MUTED)
        for line in _cut(wrap(text, 4.8, 10), 3):
            write(figure, LEFT + 1.65, y, line, size=10)
            y -= 0.2
        y -= 0.08


def _cut(lines: list[str], limit: int) -> list[str]:
    return lines if len(lines) <= limit else [*lines[: limit - 1], f"{lines[limit - 1]} …"]


def _table_fact(name: str | None, found: Exploration, table: TableCounts) -> str:
    events = f"{integer(table.events)} events"
    classes = looks(found)
    if not table.classes:
        events += ", without labels"
    elif table is found.table and len(classes) <= _NAMED_CLASSES:
        events += ": " + ", ".join(f"{integer(table.classes[c.position].events)} {c.name}" for c in classes)
    else:
        events += f" of {len(table.classes)} classes"
    weights = "weighted" if table.all.weights is not None else "without weights"
    return f"{f'{name}: ' if name else ''}{events}, {weights}"


def _undefined(found: Exploration) -> float:
    values = found.table.events * len(found.features)
    return found.table.undefined / values if values else 0.0


def _contents(figure: Figure, contents: Sequence[tuple[str, int]], y: float) -> None:
    left = LEFT + 6.9
    subheading(figure, left, y, "Contents")
    y -= 0.3
    for section, page in contents:
        write(figure, left, y, section, size=9)
        write(figure, RIGHT, y, str(page), size=9, ha="right")
        line = [(y - 0.055) / HEIGHT] * 2
        figure.add_artist(Line2D([left / WIDTH, RIGHT / WIDTH], line, color=RULE, linewidth=0.4))
        y -= 0.205


def _best(figure: Figure, found: Exploration) -> None:
    """Three features: those that separate best; without labels those that drift most, or else the first ones."""
    width, bottom, height = (RIGHT - LEFT) / 3, 1.15, 1.5
    boxes = [Box(LEFT + width * i + 0.5, bottom, width - 0.7, height) for i in range(3)]
    top = bottom + height + 0.37
    classes = looks(found)
    if classes:
        subheading(figure, LEFT, top, "The features that separate best")
        legend(figure, class_legend(classes), top - 0.07)
        for box, feature in zip(boxes, found.ranked(), strict=False):
            contrast_panel(figure, box, found.event_schema, feature, classes)
    elif found.drift is not None:
        subheading(figure, LEFT, top, "The features in which the second table differs most")
        legend(figure, table_legend(found), top - 0.07)
        features = {feature.column.name: feature for feature in found.features}
        for box, drift in zip(boxes, found.drift.ranked(), strict=False):
            feature = features[drift.feature]
            if feature.against is not None:
                agreement_panel(figure, box, feature, feature.against, drift)
    else:
        subheading(figure, LEFT, top, "The first features")
        for box, feature in zip(boxes, found.features, strict=False):
            plain_panel(figure, box, feature)
