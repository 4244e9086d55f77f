"""Scores of a whole table against the settings' schema: in parts where all is well, at once where faults are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.pipeline import Pipeline

from eventsieve.domain.estimators import score_events
from eventsieve.domain.events import Events, remarks_on
from eventsieve.domain.predictions import check_parts
from eventsieve.errors import BadTable
from eventsieve.records import Schema
from eventsieve.storage.readers import streamed_events

__all__ = ["ScoredTable", "score_table"]


@dataclass(frozen=True, eq=False)
class ScoredTable:
    """The events of a table with their scores.

    Attributes:
        index: int64, shape (events,): the event numbers, each of them once.
        score: float64, shape (events,).
        remarks: sentences about the table that are no faults.
    """

    index: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    remarks: tuple[str, ...]


def score_table(
    path: Path, schema: Schema, pipeline: Pipeline, read: Callable[[], Events], *, max_bytes: int
) -> ScoredTable:
    """The scores of all events of a file; a good table is never in memory as a whole.

    Args:
        path: the file.
        schema: what the table should be.
        pipeline: fitted on two classes.
        read: reads the whole table, or names all of its faults.
        max_bytes: how large the table may be.

    Raises:
        TooLarge: the table is larger than that.
        Whatever ``read`` raises.
    """
    try:
        return _in_parts(path, schema, pipeline, max_bytes)
    except (BadTable, pa.ArrowException, OSError, ValueError):
        events = read()
    return ScoredTable(events.index, score_events(pipeline, events.features), events.remarks)


def _in_parts(path: Path, schema: Schema, pipeline: Pipeline, max_bytes: int) -> ScoredTable:
    """As `score_table`, of a table without faults.

    Raises:
        BadTable, pyarrow.ArrowException, OSError, ValueError: it may have some.
        TooLarge: it is larger than it may be.
    """
    index: list[npt.NDArray[np.int64]] = []
    scores: list[npt.NDArray[np.float64]] = []
    with streamed_events(path, schema, labels="ignored", max_bytes=max_bytes) as parts:
        if schema.index_name not in parts.header:
            raise BadTable(f"Column {schema.index_name} is missing.")
        for part in check_parts(parts.batches, schema, parts.header):
            index.append(part.index)
            scores.append(score_events(pipeline, part.features))
    numbers = np.concatenate(index)
    ordered = np.sort(numbers)
    if np.any(ordered[1:] == ordered[:-1]):
        raise BadTable(f"Column {schema.index_name}: event numbers are used more than once.")
    return ScoredTable(numbers, np.concatenate(scores), tuple(remarks_on(parts.header, schema, "ignored")))
