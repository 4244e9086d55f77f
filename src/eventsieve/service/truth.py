"""Truth: the classes and weights that a data set itself says its events have, read beside their scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eventsieve.domain.tally import class_codes
from eventsieve.domain.values import Where, numbers
from eventsieve.errors import BadTable
from eventsieve.records import Dataset
from eventsieve.service.datasets import Datasets

__all__ = ["Truth"]


class Truth:
    """Labels and weights of a data set, some rows after others; what is wrong with them is no fault here.

    Args:
        datasets: the data sets.
        dataset: the one that is read; its own schema says which columns these are.
    """

    def __init__(self, datasets: Datasets, dataset: Dataset) -> None:
        self._schema = dataset.event_schema
        columns = [column.name for column in (self._schema.label, self._schema.weight) if column is not None]
        self._batches = datasets.batches(dataset.id, columns)
        self._rest: pa.RecordBatch | None = None

    def next(self, events: int) -> tuple[npt.NDArray[np.int8] | None, npt.NDArray[np.float64] | None]:
        """Of the next events their classes, -1 where a label is none of them, and their weights, NaN where it is none.

        ``None`` where there are no labels, or no weights.
        """
        label, weight = self._schema.label, self._schema.weight
        if label is None and weight is None:
            return None, None
        while self._rest is None or self._rest.num_rows < events:
            more = next(self._batches)
            self._rest = more if self._rest is None else pa.concat_batches([self._rest, more])
        rows, self._rest = self._rest.slice(0, events), self._rest.slice(events)
        codes = None if label is None else class_codes(rows.column(label.name), self._schema)
        return codes, None if weight is None else _weights(weight.name, rows.column(weight.name))


def _weights(name: str, column: pa.Array) -> npt.NDArray[np.float64]:
    try:
        values, _ = numbers(name, pa.chunked_array([column]), Where(None, 0))
    except BadTable:  # a column of something that is no number at all
        return np.full(len(column), np.nan)
    return values
