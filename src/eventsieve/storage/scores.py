"""Scores as files: what a model says of each event of a data set, to be read whole or by a few rows.

A file is Parquet whose pages have checksums: what was damaged on the disk is noticed where it is read, not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from eventsieve.storage.files import Shelf

__all__ = ["ScoreFile", "ScoreFiles", "ScoredRows", "Unkept"]

MOST_FILES: Final = 64
MOST_BYTES: Final = 2 << 30

Floats = npt.NDArray[np.float64]


class Unkept(Exception):
    """Raised when there is no such file of scores, or it is damaged and gone now."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Some events of a data set in a row, with what a model says of them.

    Attributes:
        index: int64, shape (events,): the event numbers, or the rows counted from 0.
        scores: float64, shape (events,), or (events, classes) of more than two classes; all finite.
        code: int8, shape (events,): the class that the data set says, -1 where it says none; ``None`` without labels.
        weight: float64, shape (events,); ``None`` without weights.
    """

    index: npt.NDArray[np.int64]
    scores: Floats
    code: npt.NDArray[np.int8] | None = None
    weight: Floats | None = None


class ScoreFile:
    """An open file of scores."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self._metadata = file.metadata
        self._names: list[str] = [name for name in file.schema_arrow.names if name.startswith("score")]
        self.events: int = self._metadata.num_rows

    def range(self) -> tuple[float, float]:
        """The lowest and the highest of all scores."""
        places = [self._file.schema_arrow.names.index(name) for name in self._names]
        groups = [self._metadata.row_group(number) for number in range(self._metadata.num_row_groups)]
        found = [group.column(place).statistics for group in groups for place in places]
        return min(each.min for each in found), max(each.max for each in found)

    def parts(self) -> Iterator[ScoredRows]:
        """All rows in their order, piece by piece."""
        for number in range(self._metadata.num_row_groups):
            yield self._rows(self._read([number]))

    def rows(self, offset: int, limit: int) -> ScoredRows:
        """Some rows; fewer where the file ends."""
        counts = [self._metadata.row_group(number).num_rows for number in range(self._metadata.num_row_groups)]
        ends = np.cumsum(counts)
        first = int(np.searchsorted(ends, offset, side="right"))
        last = int(np.searchsorted(ends, offset + limit, side="left"))
        table = self._read(list(range(first, min(last + 1, len(counts)))))
        return self._rows(table.slice(offset - int(ends[first - 1] if first else 0), limit))

    def _read(self, groups: list[int]) -> pa.Table:
        try:
            return self._file.read_row_groups(groups)
        except (OSError, pa.ArrowException) as error:  # a page is not what its checksum says, or is not there
            raise Unkept("The file of scores is damaged.") from error

    def _rows(self, table: pa.Table) -> ScoredRows:
        scores = [table[name].to_numpy() for name in self._names]
        return ScoredRows(
            index=table["index"].to_numpy(),
            scores=scores[0] if len(scores) == 1 else np.column_stack(scores),
            code=table["code"].to_numpy() if "code" in table.column_names else None,
            weight=table["weight"].to_numpy() if "weight" in table.column_names else None,
        )


class ScoreFiles:
    """The files of scores that are kept; those that were used longest ago go when there are too many.

    Args:
        shelf: where they are.
        most_files: how many are kept.
        most_bytes: how large they may be together.
    """

    def __init__(self, shelf: Shelf, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> None:
        self._shelf = shelf
        self._most_files = most_files
        self._most_bytes = most_bytes

    @contextmanager
    def open(self, key: str) -> Iterator[ScoreFile]:
        """A file to be read in the block.

        Raises:
            Unkept: there is none, or it turned out to be damaged; then it is removed.
        """
        try:
            with _opened(self._shelf.path(key)) as file:
                self._shelf.touch(key)
                yield ScoreFile(file)
        except Unkept:
            self._shelf.drop(key)
            raise

    def keep(self, key: str, path: Path, parts: Iterable[ScoredRows]) -> None:
        """Write a file to a new path, and keep it.

        Args:
            key: under which it is found.
            path: a new path; nothing is left there.
            parts: at least one; they have codes and weights all or none.
        """
        try:
            _write(path, parts)
            self._shelf.settle(path, key)
        finally:
            path.unlink(missing_ok=True)
        self._shelf.trim(self._most_files, self._most_bytes)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise Unkept("There is no file of scores, or it is damaged.") from error


def _write(path: Path, parts: Iterable[ScoredRows]) -> None:
    writer: pq.ParquetWriter | None = None
    try:
        for part in parts:
            batch = _batch(part)
            if writer is None:
                writer = pq.ParquetWriter(
                    path, batch.schema, compression="zstd", use_dictionary=["code"], write_page_checksum=True
                )
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()


def _batch(part: ScoredRows) -> pa.RecordBatch:
    columns: dict[str, npt.NDArray[np.generic]] = {"index": part.index}
    if part.scores.ndim == 1:
        columns["score"] = part.scores
    else:
        columns |= {f"score_{place}": np.ascontiguousarray(each) for place, each in enumerate(part.scores.T)}
    if part.code is not None:
        columns["code"] = part.code
    if part.weight is not None:
        columns["weight"] = part.weight
    return pa.record_batch({name: pa.array(values) for name, values in columns.items()})
