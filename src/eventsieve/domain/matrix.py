"""The matrix of features of a table that has no faults: filled and checked in one pass, block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eventsieve.records import Column, Schema

__all__ = ["plain_matrix"]

Floats = npt.NDArray[np.float64]

_ROWS: Final = 2048
"""Events that are filled at once: 30 features of them stay in a core's own cache while they are turned and checked."""


def plain_matrix(table: pa.Table, schema: Schema) -> Floats | None:
    """The features of a table of numbers, where nothing is wrong with them.

    Args:
        table: has each feature once.
        schema: its features, in their order, and which value is undefined.

    Returns:
        float64, shape (events, features), C-contiguous, NaN where undefined; ``None`` where a column is not of plain
        numbers, or a value is not what it should be: who reads column by column can say what is wrong.
    """
    columns = schema.features
    if not columns:
        return None
    chosen = table.select([column.name for column in columns])
    if not all(pa.types.is_float64(kind) or pa.types.is_int64(kind) for kind in chosen.schema.types):
        return None
    matrix = np.empty((chosen.num_rows, len(columns)))
    filled = 0
    for batch in chosen.to_batches():
        if any(each.null_count for each in batch.columns):
            return None
        values = [each.to_numpy() for each in batch.columns]
        for start in range(0, batch.num_rows, _ROWS):
            part = matrix[filled + start : filled + min(start + _ROWS, batch.num_rows)]
            for place, each in enumerate(values):
                part[:, place] = each[start : start + _ROWS]
            if not _settled(part, columns, schema):
                return None
        filled += batch.num_rows
    return matrix


def _settled(part: Floats, columns: Sequence[Column], schema: Schema) -> bool:
    """Whether all values are as they should be; those that are undefined become NaN."""
    with np.errstate(invalid="ignore"):  # a signalling NaN, which a file may hold, is as good as another
        whole = [place for place, column in enumerate(columns) if column.dtype == "int64"]
        right = np.isfinite(part)
        if not right.all():
            gaps = schema.gaps or (schema.undefined is not None and math.isnan(schema.undefined))
            if not gaps or np.isinf(part).any():
                return False
        for place in whole:
            values = part[:, place]
            if not np.all((values == np.trunc(values)) | np.isnan(values)):
                return False
        if schema.undefined is not None:
            np.copyto(part, np.nan, where=part == schema.undefined)
    return True
