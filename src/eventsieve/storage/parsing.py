"""Parsing: blocks of whole lines become record batches, side by side where no value can span two of them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from itertools import chain, islice

import pyarrow as pa
import pyarrow.csv as pacsv

from eventsieve.storage.ahead import in_order
from eventsieve.storage.lines import BLOCK, BYTE_ORDER_MARK, Notes

__all__ = ["parsed"]

_END = 4096
"""Bytes at the end of a text that are looked at for a quotation mark; more blank lines than that follow no table."""
_CLOSED = re.compile(rb'[\r\n]"[\r\n]*\Z')


def parsed(
    blocks: Iterable[bytes],
    *,
    width: int,
    delimiter: str,
    convert: pacsv.ConvertOptions,
    notes: Notes | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows below a header, parsed as they are read.

    Columns are named by their places, "0" and so on: the names of a header may repeat, places do not.

    Args:
        blocks: whole lines.
        width: how many columns there are.
        delimiter: what parts them.
        convert: which columns are kept, and as what; all types are given.
        notes: where lines of another width are noted and left out, until they are full; without, they are an error.

    Raises:
        pyarrow.ArrowInvalid: the text does not parse, or a value is not of its column's type.
    """
    names = [str(place) for place in range(width)]
    blocks = iter(blocks)
    quoted: list[bytes] = []

    def unquoted() -> Iterator[bytes]:
        for block in blocks:
            if b'"' in block:
                quoted.append(block)
                return
            yield block

    if notes is None:
        for batches in in_order(partial(_block, names=names, delimiter=delimiter, convert=convert), unquoted()):
            yield from batches
    # In quotation marks there may be line ends, so from the first of them on the text is one stream.
    first = quoted or list(islice(blocks, 1))
    if first:
        yield from _streamed(chain(first, blocks), names, delimiter, convert, notes)


def _block(block: bytes, *, names: list[str], delimiter: str, convert: pacsv.ConvertOptions) -> list[pa.RecordBatch]:
    if block.isspace():  # the parser would call it empty
        return []
    if block.startswith(BYTE_ORDER_MARK):  # the parser would take it for the beginning of a file
        raise pa.ArrowInvalid("There is a byte-order mark in the middle of the text.")
    table = pacsv.read_csv(
        pa.BufferReader(block),
        read_options=pacsv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
        parse_options=pacsv.ParseOptions(delimiter=delimiter),
        convert_options=convert,
    )
    batches: list[pa.RecordBatch] = table.to_batches()
    return batches


def _streamed(
    blocks: Iterator[bytes], names: list[str], delimiter: str, convert: pacsv.ConvertOptions, notes: Notes | None
) -> Iterator[pa.RecordBatch]:
    def note(row: pacsv.InvalidRow) -> str:
        if notes is None or notes.full:
            return "error"
        notes.ragged.append((row.number, row.actual_columns))
        return "skip"

    feed = _Feed(blocks)
    kept = convert.include_columns or names
    if names[-1] not in kept:
        convert = copy(convert)
        convert.include_columns = [*kept, names[-1]]
        convert.column_types = convert.column_types | {names[-1]: pa.binary()}
    last: pa.Array | None = None
    for batch in pacsv.open_csv(
        pa.PythonFile(feed, mode="r"),
        read_options=pacsv.ReadOptions(column_names=names, block_size=4 * BLOCK, use_threads=notes is None),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            invalid_row_handler=None if notes is None else note,
            newlines_in_values=notes is None,
        ),
        convert_options=convert,
    ):
        last = batch.column(names[-1]) if len(batch) else last
        yield batch.select(kept)
    if last is not None and feed.is_open(last[-1].as_py()):
        raise pa.ArrowInvalid("A quotation mark opens and never closes.")


class _Feed(io.RawIOBase):
    """Blocks of bytes as the file that Arrow reads; a block is never longer than what is asked for at once."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._end = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002 - Arrow takes less than it asked for
        """The next block, with a line end where the last line has none; nothing at the end."""
        block = next(self._blocks, b"")
        if block and not block.endswith((b"\n", b"\r")):
            block += b"\n"
        self._end = (self._end + block)[-_END:]
        return block

    def is_open(self, last: object) -> bool:
        """Whether the very last value opened with a quotation mark that does not close, and took what is below it.

        Arrow lets that pass. Such a value ends with the last line end of the text; of others only one whose
        quotation mark closes right behind a line end does.
        """
        text = last.encode() if isinstance(last, str) else last
        return isinstance(text, bytes) and text.endswith((b"\n", b"\r")) and not _CLOSED.search(self._end)
