"""Tables for people: aligned text in a terminal, HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Grid", "figure", "interval", "named"]

MINUS = "\N{MINUS SIGN}"


class Grid:
    """Rows of text below a head.

    Args:
        head: the names of the columns.
        rows: the cells, as text; numbers are told by themselves and stand at the right.
        title: a line above.
    """

    def __init__(self, head: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
        self.head = [str(name) for name in head]
        self.rows = [["" if cell is None else str(cell) for cell in row] for row in rows]
        self.title = title

    def __repr__(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        right = self._numeric()
        text = [
            "  ".join(
                cell.rjust(width) if flush else cell.ljust(width)
                for cell, width, flush in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *text] if self.title else text)

    def _repr_html_(self) -> str:
        right = self._numeric()
        head = "".join(_cell("th", name, right=flush) for name, flush in zip(self.head, right, strict=True))
        body = "".join(
            "<tr>" + "".join(_cell("td", cell, right=flush) for cell, flush in zip(row, right, strict=True)) + "</tr>"
            for row in self.rows
        )
        title = f"<caption style='text-align:left'>{escape(self.title)}</caption>" if self.title else ""
        return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _numeric(self) -> list[bool]:
        """Which columns hold numbers."""
        return [
            any(row[column] for row in self.rows) and all(_is_number(row[column]) for row in self.rows)
            for column in range(len(self.head))
        ]


def _is_number(text: str) -> bool:
    return not text or text.lstrip(f"-{MINUS}")[:1].isdigit()


def _cell(tag: str, text: str, *, right: bool) -> str:
    return f"<{tag} style='text-align:{'right' if right else 'left'}'>{escape(text)}</{tag}>"


def figure(value: float | None, digits: int = 3) -> str:
    """A number to so many decimals; large ones with their thousands apart; a dash for none."""
    if value is None:
        return "\N{EN DASH}"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}f}"
    return text.replace("-", MINUS)


def interval(value: float, uncertainty: float | None) -> str:
    """A number with its uncertainty."""
    return figure(value) + (f" ± {figure(uncertainty)}" if uncertainty is not None else "")


def named(names: Sequence[str], most: int = 8) -> str:
    """How many there are, and the first of their names."""
    if not names:
        return "none"
    return f"{len(names)}: {', '.join(names[:most])}" + (", …" if len(names) > most else "")
