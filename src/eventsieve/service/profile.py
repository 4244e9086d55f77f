"""The profile of a data set: its classes, and what a physicist should know before training on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eventsieve.domain.facts import Facts
from eventsieve.domain.findings import findings
from eventsieve.domain.leaks import MOST_EVENTS, leaks
from eventsieve.domain.tally import Tally, class_codes
from eventsieve.records import ClassCount, Schema
from eventsieve.storage import columns

__all__ = ["profile"]


def profile(
    path: Path, schema: Schema, facts: Sequence[Facts], events: int
) -> tuple[tuple[ClassCount, ...], tuple[str, ...]]:
    """The classes of a stored table of columns, and warnings; read in a stream.

    Args:
        path: a file that `columns.write` wrote.
        schema: what its columns are for.
        facts: what there is in each of them.
        events: how many rows it has.

    Returns:
        Counts in the order of the class codes, none without labels, and sentences.

    Raises:
        DamagedArtefact: the file is missing or damaged.
    """
    if schema.label is None:
        return (), findings(schema, facts)
    tally = Tally(schema)
    sample = _Sample(schema, events)
    roles = [column for column in (schema.label, schema.weight) if column is not None]
    for batch in columns.batches(path, [*(column.name for column in roles), *schema.feature_names]):
        codes = class_codes(batch.column(0), schema)
        tally.add(codes, None if schema.weight is None else _numbers(batch.column(1)))
        sample.add(codes, batch, len(roles))
    counts = tally.counts()
    return counts, (*findings(schema, facts), *_weightless(counts), *sample.leaks())


def _weightless(counts: Sequence[ClassCount]) -> tuple[str, ...]:
    """A sentence if events of a class weigh nothing together."""
    wrong = [each.label for each in counts if each.events and each.weight is not None and each.weight <= 0]
    if not wrong:
        return ()
    return (f"The weights do not sum to more than 0 in {', '.join(wrong)}; mend them, or use no weight (weight='').",)


def _numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    # Whole numbers beyond 2^53 are rounded, as they are where somebody trains on them.
    filled = column.cast(pa.float64(), safe=False).fill_null(float("nan"))
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.float64)


class _Sample:
    """Events spread evenly over a table, for the leak guard."""

    def __init__(self, schema: Schema, events: int) -> None:
        self._schema = schema
        self._step = -(-events // MOST_EVENTS)
        self._seen = 0
        self._features: list[npt.NDArray[np.float64]] = []
        self._codes: list[npt.NDArray[np.int8]] = []

    def add(self, codes: npt.NDArray[np.int8], batch: pa.RecordBatch, first: int) -> None:
        """Take some events of a batch whose features begin at a column."""
        rows = np.arange(-self._seen % self._step, len(codes), self._step)
        self._seen += len(codes)
        rows = rows[codes[rows] >= 0]
        names = range(first, batch.num_columns)
        self._features.append(np.stack([_numbers(batch.column(place).take(pa.array(rows))) for place in names], axis=1))
        self._codes.append(codes[rows])

    def leaks(self) -> tuple[str, ...]:
        """What the leak guard says."""
        features = np.concatenate(self._features)
        features[features == self._schema.undefined] = np.nan
        return leaks(features, np.concatenate(self._codes), self._schema.feature_names, self._schema.class_names)
