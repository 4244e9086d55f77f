"""The parts that a card is made of, all of them text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Section", "Table", "Verbatim", "amount", "bytes_text", "number"]


class Verbatim(str):
    """Text that we wrote ourselves, which Markdown takes as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A section of a card; what is empty is not there."""

    title: str
    paragraphs: tuple[str, ...] = ()
    quote: tuple[str, ...] = ()
    """Lines in the words of a user."""
    items: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    code: Verbatim | None = None
    drawn: bool = False
    """Whether the figures belong here."""


def number(value: float) -> str:
    """A number with four significant digits."""
    return f"{value:.4g}"


def amount(value: float) -> str:
    """A sum of weights, with seven significant digits."""
    return f"{value:,.7g}"


def bytes_text(size: int) -> str:
    """A number of bytes in MB."""
    return f"{size / 2**20:,.0f} MB"
