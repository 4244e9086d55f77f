"""The first page of the report: what was explored, what is on which page, and the features that separate best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from eventsieve.domain.exploration.findings import Exploration, TableCounts
from eventsieve.palette import INK, MUTED, RULE, SIGNAL
from eventsieve.report.panels import agreement_panel, contrast_legend, contrast_panel
from eventsieve.report.style import HEIGHT, LEFT, RIGHT, WIDTH, Box, integer, legend, percent, subheading, write
from eventsieve.report.tables import wrap

__all__ = ["Imprint", "draw_cover"]


_TITLE_LINES = 2


@dataclass(frozen=True)
class Imprint:
    """What the report says about itself.

    Attributes:
        title: headline of the report.
        tables: names of the training and the test table (files), as far as they are known.
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
    _tables(figure, found, imprint, y - 0.38)
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


def _tables(figure: Figure, found: Exploration, imprint: Imprint, y: float) -> None:
    names = dict(zip(("Training table", "Test table"), imprint.tables, strict=False))
    facts = [("Training table", _table_fact(names.get("Training table"), found.train))]
    if found.test is not None:
        facts.append(("Test table", _table_fact(names.get("Test table"), found.test)))
    facts.append(("Features", f"{len(found.features)}, undefined values {percent(_undefined(found))}"))
    schema = found.schema
    facts.append(("Event schema", f"{schema.name}: {schema.title}" if schema.title else schema.name))
    if schema.source:
        facts.append(("Source of the schema", schema.source))
    subheading(figure, LEFT, y, "What was explored")
    y -= 0.3
    for name, text in facts:
        write(figure, LEFT, y, name, size=10, color=MUTED)
        for line in wrap(text, 4.8, 10)[:3]:
            write(figure, LEFT + 1.65, y, line, size=10)
            y -= 0.2
        y -= 0.08


def _table_fact(name: str | None, table: TableCounts) -> str:
    events = f"{integer(table.events)} events"
    if table.classes:
        signal, background = table.classes
        events += f": {integer(signal.events)} signal, {integer(background.events)} background"
    else:
        events += ", without labels"
    weights = "weighted" if table.all.weights is not None else "without weights"
    return f"{f'{name}: ' if name else ''}{events}, {weights}"


def _undefined(found: Exploration) -> float:
    values = found.train.events * len(found.features)
    return found.train.undefined / values if values else 0.0


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
    """The three features that separate best; without labels, those in which test and training differ most."""
    width, bottom, height = (RIGHT - LEFT) / 3, 1.15, 1.5
    boxes = [Box(LEFT + width * i + 0.5, bottom, width - 0.7, height) for i in range(3)]
    if found.train.classes:
        subheading(figure, LEFT, bottom + height + 0.37, "The features that separate best")
        legend(figure, contrast_legend(), bottom + height + 0.3)
        for box, (feature, contrast) in zip(boxes, found.contrasts(), strict=False):
            contrast_panel(figure, box, feature, contrast)
    elif found.test is not None:
        subheading(figure, LEFT, bottom + height + 0.37, "The features in which the test table differs most")
        for box, (feature, agreement) in zip(boxes, found.agreements(), strict=False):
            agreement_panel(figure, box, feature, agreement)
