"""Lines of text: read in blocks, checked to be UTF-8, and numbered, so that a fault can be found in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import IO, NamedTuple

import numpy as np

from eventsieve.errors import BadTable, TooLarge

__all__ = [
    "BLOCK",
    "BYTE_ORDER_MARK",
    "FirstLine",
    "Notes",
    "blocks_of_lines",
    "first_line",
    "line_ends",
    "rows",
    "without_blanks",
]

BLOCK = 1 << 20
"""Bytes that are read at once, and the longest line there may be."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

MOST_NOTED = 100_000
"""How many lines that are no rows are noted: a few compressed kilobytes may hold millions, and each takes memory."""


@dataclass
class Notes:
    """What the slow reading notes about lines that are no rows, by their 1-based numbers."""

    skipped: list[int] = field(default_factory=list)
    """The header, blank lines and `unclosed`: what the parser never sees."""
    unclosed: list[int] = field(default_factory=list)
    ragged: list[tuple[int, int]] = field(default_factory=list)
    """Number among the lines that the parser sees, and how many values that line has."""

    @property
    def full(self) -> bool:
        """Whether so much has been noted that reading on would tell nobody more."""
        return len(self.skipped) + len(self.ragged) >= MOST_NOTED

    def faults(self, expected: int) -> list[str]:
        """A sentence for each kind of line that is no row."""
        faults = []
        if self.unclosed:
            lines = _listed([str(line) for line in islice(self.unclosed, 3)], len(self.unclosed))
            faults.append(f"A quotation mark must close on the line where it opens; it does not on line {lines}.")
        if self.ragged:
            line = _numbering(self.skipped)
            lines = _listed([f"{line(row)} has {count}" for row, count in self.ragged[:3]], len(self.ragged))
            faults.append(f"Each line must have {expected} values, as the header has; line {lines}.")
        if self.full:
            faults.append(f"{MOST_NOTED} lines are blank or no rows of the table; it was read no further.")
        return faults

    def line_of(self) -> Callable[[int], int]:
        """The line number of a 1-based row of the table."""
        line = _numbering(self.skipped)
        return _numbering([*self.skipped, *(line(row) for row, _ in self.ragged)])


def blocks_of_lines(stream: IO[bytes], max_bytes: int) -> Iterator[bytes]:
    """The text in blocks of whole lines, checked to be UTF-8; none is longer than twice `BLOCK`.

    Raises:
        BadTable: a line is not UTF-8, or too long for a table.
        TooLarge: there are more than ``max_bytes``.
    """
    size = above = 0
    rest = b""
    while block := stream.read(BLOCK):
        size += len(block)
        if size > max_bytes:
            raise TooLarge(f"The text is longer than {max_bytes} bytes; send it in parts.")
        # A carriage return at the very end may be half of a line end.
        cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
        if not cut and len(rest) + len(block) > BLOCK:
            raise BadTable(f"Line {above + 1} is longer than {BLOCK} bytes: this is no table of events.")
        if cut:
            whole = rest + block[:cut]
            yield _utf8(whole, above)
            above += line_ends(whole)
            rest = b""
        rest += block[cut:]
    if rest:
        yield _utf8(rest, above)


def _utf8(block: bytes, above: int) -> bytes:
    """The block itself, if it is UTF-8; ``above`` is the number of lines above it."""
    if block.isascii():  # as tables of numbers are, and told in a tenth of the time
        return block
    try:
        block.decode()
    except UnicodeDecodeError as exc:
        line = above + line_ends(block[: exc.start]) + 1
        raise BadTable(
            f"Line {line} is not UTF-8 text (byte 0x{block[exc.start]:02x}); save the file as UTF-8."
        ) from exc
    return block


class FirstLine(NamedTuple):
    """The first line of a text with something in it, and what stands below."""

    text: str
    number: int
    below: Iterator[bytes]
    """In blocks of whole lines."""


def first_line(blocks: Iterator[bytes]) -> FirstLine:
    """The first line with something in it; a byte-order mark and blank lines above it do not count.

    Raises:
        BadTable: there is none.
    """
    above = 0
    for block in blocks:
        text = block.removeprefix(BYTE_ORDER_MARK).lstrip(b" \r\n")
        if text:
            line = re.split(rb"[\r\n]", text, maxsplit=1)[0]
            rest = re.sub(rb"\A\r?\n|\A\r", b"", text[len(line) :])
            above += line_ends(block[: len(block) - len(text)])
            return FirstLine(line.decode(), above + 1, chain([rest] if rest else [], blocks))
        above += line_ends(block)
    raise BadTable("The file holds nothing but blanks.")


def line_ends(text: bytes) -> int:
    """How many lines end in the text, in LF, CRLF or CR."""
    if b"\r" not in text:  # told at once, where counting takes its time
        return text.count(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def without_blanks(block: bytes, delimiter: str) -> bytes:
    """The block without blanks between delimiters and quotation marks, which a CSV parser would take for text."""
    if b'"' not in block:
        return block
    if b' "' in block:
        block = re.sub(rb'(?m)(^|[\r%b]) +"' % delimiter.encode(), rb'\1"', block)
    if b'" ' in block:
        block = re.sub(rb'" +(?=[\r\n%b]|\Z)' % delimiter.encode(), b'"', block)
    return block


def rows(blocks: Iterable[bytes], delimiter: str, notes: Notes) -> Iterator[bytes]:
    """The blocks without lines that would confuse the parser: blank ones, and those whose quotes do not close.

    They end where the notes are full.
    """
    closed = _closed(delimiter)
    number = len(notes.skipped)
    for block in blocks:
        kept = []
        for number, line in enumerate(block.splitlines(), number + 1):  # noqa: B020 - it goes on where it was
            if line.strip() and (b'"' not in line or closed.fullmatch(line)):
                kept.append(line)
                continue
            notes.skipped.append(number)
            if line.strip():
                notes.unclosed.append(number)
            if notes.full:
                return
        if kept:
            yield b"\n".join([*kept, b""])


def _closed(delimiter: str) -> re.Pattern[bytes]:
    """What a line is whose values all end on it: a quotation mark opens a value where it is its first character."""
    value = b'(?:"(?:[^"]++|"")*+"[^,]*+|[^",][^,]*+)?+'
    return re.compile((value + b"(?:," + value + b")*+").replace(b",", delimiter.encode()))


def _numbering(skipped: Sequence[int]) -> Callable[[int], int]:
    """From the 1-based number of a line among those that are not skipped to its number among all."""
    # Before the k-th skipped line (from 0) stand as many lines as its number says, less k skipped ones and itself.
    starts = np.sort(np.asarray(skipped, dtype=np.int64)) - np.arange(len(skipped))

    def line(number: int) -> int:
        return number + int(np.searchsorted(starts, number, side="right"))

    return line


def _listed(some: Sequence[str], total: int) -> str:
    rest = f" and {total - len(some)} more" if total > len(some) else ""
    return ", line ".join(some) + rest
