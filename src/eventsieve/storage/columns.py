"""Columns of events as one Arrow file: written once from a source, then mapped into memory by whoever needs some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.domain.facts import MOST_VALUES, Facts
from eventsieve.domain.roles import is_candidate_index
from eventsieve.domain.values import canonical
from eventsieve.errors import BadTable, DamagedArtefact, TooLarge
from eventsieve.records import ColumnSummary, Dtype
from eventsieve.storage.sources import Parted, Retyped

__all__ = ["ROWS", "batches", "column", "describe", "write"]

ROWS = 1 << 16
"""Rows of a batch; the last one may be shorter, and those of a table of very wide rows are."""

MOST_WAITING = 1 << 28
"""Bytes of rows that are kept in memory until they make a batch."""

_DTYPES: dict[pa.DataType, Dtype] = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "object"}

_NUMBER = r"^\s*[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?\s*$"
"""Text that is a number, with a decimal point or comma."""


def write(source: Parted, path: Path, *, max_bytes: int) -> tuple[Parted, tuple[int, ...]]:
    """Write all events of a source to a file; the same events are the same bytes.

    Args:
        source: what is written.
        path: the file; one that is there is overwritten. It is not whole before this returns.
        max_bytes: how many the columns may take.

    Returns:
        The source with the types that held to the end, and the number of events of each of its pieces.

    Raises:
        BadTable: the source is damaged, or has no events.
        TooLarge: the columns take more than ``max_bytes``.
    """
    while True:
        place = 0
        counts = []
        try:
            with _writer(path, source.schema, max_bytes) as rows:
                for place in range(len(source.pieces)):
                    before = rows.count
                    for batch in source.batches(place):
                        rows.add(batch)
                    counts.append(rows.count - before)
        except Retyped as again:
            source = source.retyped(place, again.source)
            continue
        if not sum(counts):
            raise BadTable("The table has columns but no events.")
        return source, tuple(counts)


class _Rows:
    """Batches of any length, written in batches of `ROWS`, or of fewer where they are wide."""

    def __init__(self, writer: pa.ipc.RecordBatchFileWriter, max_bytes: int) -> None:
        self.count = 0
        self._writer = writer
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Write the events of a batch, or keep them until there are enough."""
        self.count += batch.num_rows
        self._left -= batch.nbytes
        if self._left < 0:
            raise TooLarge(f"The columns take more than {self._max_bytes} bytes; send the events in parts.")
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROWS:
            self._write(self._rows - self._rows % ROWS)
        elif self._bytes >= MOST_WAITING:
            self._write(self._rows)

    def finish(self) -> None:
        """Write what was kept."""
        if self._rows:
            self._write(self._rows)

    def _write(self, rows: int) -> None:
        table = pa.Table.from_batches(self._waiting).combine_chunks()
        for batch in table.slice(0, rows).to_batches(ROWS):
            self._writer.write_batch(batch)
        rest = table.slice(rows)
        self._waiting, self._rows, self._bytes = rest.to_batches(), rest.num_rows, rest.nbytes


@contextmanager
def _writer(path: Path, schema: pa.Schema, max_bytes: int) -> Iterator[_Rows]:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        rows = _Rows(writer, max_bytes)
        yield rows
        rows.finish()


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The events of a file that `write` wrote, in batches; their columns are views of the mapped file.

    Args:
        path: the file.
        columns: names of the columns that are wanted, in this order; all by default.

    Yields:
        Record batches of int64 (null where empty), float64 (NaN where empty) and string (null where empty).

    Raises:
        DamagedArtefact: the file is missing or is not what was written.
    """
    place = 0
    while (batch := _batch(path, place, columns)) is not None:
        yield batch
        place += 1


def _batch(path: Path, place: int, columns: Sequence[str] | None) -> pa.RecordBatch | None:
    """One batch; nothing behind the last."""
    try:
        # Mapped anew each time: pages of one mapping would count as this process' memory until all is read.
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            if place == reader.num_record_batches:
                return None
            batch = reader.get_batch(place)
            return batch if columns is None else batch.select(list(columns))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DamagedArtefact(f"The stored data set {path.name} is damaged or missing; upload it again.") from error


def column(path: Path, name: str) -> pa.ChunkedArray:
    """One column of a file that `write` wrote.

    Raises:
        DamagedArtefact: the file is missing or is not what was written.
    """
    return pa.Table.from_batches(batches(path, [name]))[0]


def describe(path: Path, *, index: str | None = None) -> tuple[Facts, ...]:
    """What there is in each column of a file that `write` wrote.

    Args:
        path: the file.
        index: a column that is to number the events, whatever its name says.

    Raises:
        DamagedArtefact: the file is missing or is not what was written.
    """
    found: list[_Column] = []
    for batch in batches(path):
        found = found or [_Column(field) for field in batch.schema]
        for one, values in zip(found, batch.columns, strict=True):
            one.add(values)
    numbering = {one.name for one in found if one.name == index or is_candidate_index(one.name)}
    return tuple(one.facts(unique=one.name in numbering and _is_unique(path, one.name)) for one in found)


def _is_unique(path: Path, name: str) -> bool:
    """Whether a column holds whole numbers, each of them once."""
    values = column(path, name)
    if pa.types.is_string(values.type) or values.null_count:
        return False
    numbers = np.sort(values.to_numpy())
    whole = numbers.dtype.kind == "i" or bool(np.all(numbers == np.trunc(numbers)))  # never of NaN
    return whole and not np.any(numbers[1:] == numbers[:-1])


class _Column:
    """What has been found in a column so far."""

    def __init__(self, field: pa.Field) -> None:
        self.name: str = field.name
        self._type = field.type
        self._rows = 0
        self._missing = 0
        self._infinite = 0
        self._values: set[object] | None = set()
        self._low: tuple[float, int, float] = (np.inf, 0, np.inf)
        self._high = -np.inf
        self._numbers = 0
        self._stray = ""

    def add(self, values: pa.Array) -> None:
        """Look at the next values."""
        self._rows += len(values)
        if pa.types.is_string(self._type):
            self._missing += values.null_count
            self._add_text(values)
        else:
            values = self._add_numbers(values)
        if self._values is not None:
            self._values.update(pc.unique(values.drop_null()).to_pylist())
            if len(self._values) > MOST_VALUES:
                self._values = None

    def _add_text(self, values: pa.Array) -> None:
        found = pc.match_substring_regex(values, _NUMBER)
        self._numbers += pc.sum(found).as_py() or 0
        if not self._stray:
            plain = pc.and_(found, pc.invert(pc.match_substring(values, ",")))
            strays = values.filter(pc.invert(plain))  # a null is kept by neither
            self._stray = strays[0].as_py() if len(strays) else ""

    def _add_numbers(self, values: pa.Array) -> pa.Array:
        numbers = values.drop_null().to_numpy(zero_copy_only=False)
        kept = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
        missing = int(np.isnan(numbers).sum()) if len(kept) < len(numbers) else 0
        self._missing += len(values) - len(numbers) + missing
        self._infinite += len(numbers) - len(kept) - missing
        if len(kept):
            self._low = _lowest(self._low, _low(kept))
            self._high = max(self._high, float(kept.max()))
        return pa.array(kept) if len(kept) < len(values) else values

    def facts(self, *, unique: bool) -> Facts:
        """All that was found."""
        values: tuple[str, ...] = ()
        if self._values is not None:
            ordered = sorted(self._values)  # type: ignore[type-var]  # all of one type
            values = tuple(dict.fromkeys(canonical(str(value)) for value in ordered))
        return Facts(
            summary=ColumnSummary(name=self.name, dtype=_DTYPES[self._type], missing=self._missing, values=values),
            events=self._rows,
            unique=unique,
            infinite=self._infinite,
            lowest=self._low[0],
            lowest_count=self._low[1],
            second=self._low[2],
            highest=self._high,
            numbers=self._numbers,
            stray=self._stray[:40],
        )


def _low(numbers: np.ndarray) -> tuple[float, int, float]:
    """The lowest value, how often it is there, and the lowest above it."""
    lowest = numbers.min()
    above = numbers[numbers > lowest]
    return float(lowest), len(numbers) - len(above), float(above.min()) if len(above) else np.inf


def _lowest(one: tuple[float, int, float], other: tuple[float, int, float]) -> tuple[float, int, float]:
    """As `_low` of the values of both."""
    if one[0] == other[0]:
        return one[0], one[1] + other[1], min(one[2], other[2])
    low, high = sorted((one, other))
    return low[0], low[1], min(low[2], high[0])
