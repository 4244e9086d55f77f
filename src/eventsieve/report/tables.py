"""Typeset tables: rows of text in columns of given widths, wrapped, split over pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextToPath

from eventsieve.palette import INK, MUTED, RULE, STRIPE
from eventsieve.report.style import FONTS, HEIGHT, WIDTH, write

__all__ = ["Row", "TableColumn", "draw_table", "split_rows", "table_height", "wrap"]

Row = Sequence[str]

_SIZE = 7.5
_LINE = 0.145
"""Distance of two lines of one cell, inches."""
_PADDING = 0.05
"""White space in a row, inches: above and below its lines together."""
_GAP = 0.1
"""White space between the text of neighbouring columns, inches."""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its header, width in inches, and side that its text keeps to."""

    header: str
    width: float
    align: Literal["left", "right"] = "right"


@lru_cache(maxsize=4096)
def _width(text: str, size: float) -> float:
    font = FontProperties(family=FONTS, size=size)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def wrap(text: str, width: float, size: float = _SIZE) -> list[str]:
    """Break ``text`` into lines of at most ``width`` inches, between words or, where a word is too long, inside it."""
    lines = [""]
    for word in text.split():
        grown = f"{lines[-1]} {word}".lstrip()
        if _width(grown, size) <= width:
            lines[-1] = grown
            continue
        *full, rest = _pieces(word, width, size)
        lines = [line for line in (*lines, *full) if line] + [rest]
    return lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and _width(pieces[-1] + letter, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _cells(columns: Sequence[TableColumn], row: Row) -> list[list[str]]:
    return [wrap(text, column.width - _GAP) for column, text in zip(columns, row, strict=True)]


def _row_height(cells: Sequence[list[str]]) -> float:
    return _LINE * max(len(lines) for lines in cells) + _PADDING


def split_rows(columns: Sequence[TableColumn], rows: Sequence[Row], height: float) -> Iterator[list[Row]]:
    """Share the rows out over tables of at most ``height`` inches each, their headers included."""
    room = height - _row_height(_cells(columns, [column.header for column in columns])) - _PADDING
    part: list[Row] = []
    used = 0.0
    for row in rows:
        needed = _row_height(_cells(columns, row))
        if part and used + needed > room:
            yield part
            part, used = [], 0.0
        part.append(row)
        used += needed
    if part:
        yield part


def table_height(columns: Sequence[TableColumn], rows: Sequence[Row]) -> float:
    """The height of a table in inches, its header included."""
    header = [column.header for column in columns]
    return sum(_row_height(_cells(columns, row)) for row in (header, *rows)) + _PADDING


def draw_table(figure: Figure, left: float, top: float, columns: Sequence[TableColumn], rows: Sequence[Row]) -> float:
    """Typeset a table with its upper left corner at ``left``, ``top`` inches.

    Returns:
        The height of its lower edge above the foot of the page, in inches.
    """
    width = sum(column.width for column in columns)
    header = _cells(columns, [column.header for column in columns])
    _rule(figure, left, top, width, INK)
    _draw_row(figure, (left, top - _PADDING / 2), columns, header, MUTED)
    top -= _row_height(header) + _PADDING
    _rule(figure, left, top, width, INK)
    for position, row in enumerate(rows):
        cells = _cells(columns, row)
        height = _row_height(cells)
        if position % 2:
            figure.add_artist(
                Rectangle(
                    (left / WIDTH, (top - height) / HEIGHT),
                    width / WIDTH,
                    height / HEIGHT,
                    facecolor=STRIPE,
                    edgecolor="none",
                    zorder=0,
                )
            )
        _draw_row(figure, (left, top), columns, cells, INK)
        top -= height
    _rule(figure, left, top, width, INK)
    return top


def _rule(figure: Figure, left: float, y: float, width: float, color: str = RULE) -> None:
    ends = [left / WIDTH, (left + width) / WIDTH]
    figure.add_artist(Line2D(ends, [y / HEIGHT] * 2, color=color, linewidth=0.6))


def _draw_row(
    figure: Figure,
    corner: tuple[float, float],
    columns: Sequence[TableColumn],
    cells: Sequence[list[str]],
    color: str,
) -> None:
    left, top = corner
    for column, lines in zip(columns, cells, strict=True):
        x = left + (_GAP / 2 if column.align == "left" else column.width - _GAP / 2)
        for position, line in enumerate(lines):
            y = top - _PADDING / 2 - _LINE * (position + 0.76)
            write(figure, x, y, line, size=_SIZE, ha=column.align, color=color)
        left += column.width
