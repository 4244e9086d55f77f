"""Rows of JSON with nothing unusual in them, straight to arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.predictions import Part
from eventsieve.records import Schema

__all__ = ["PlainRows"]

_NUMBERS: Final = frozenset((int, float))
_NUMBERS_OR_NULL: Final = frozenset((int, float, type(None)))


class PlainRows:
    """Reads rows that have all features as numbers, the event number or not, and nothing else.

    Whatever it reads comes out as it does by way of `eventsieve.domain.rows.table_of` and
    `eventsieve.domain.predictions.check_parts`, which know every other case, and have a sentence for every fault.

    Args:
        schema: what a model was trained with.
    """

    def __init__(self, schema: Schema) -> None:
        names = schema.feature_names
        self._index = None if schema.index is None else schema.index.name
        self._width = len(names)
        # Of a single name it would give the value and no tuple.
        self._values = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        self._undefined = schema.undefined
        self._fill = None if schema.gaps else schema.undefined
        self._types = _NUMBERS_OR_NULL if schema.gaps or schema.undefined is not None else _NUMBERS
        self._whole = [place for place, column in enumerate(schema.features) if column.dtype == "int64"]

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Part | None:
        """The events, or ``None`` where rows are not plain.

        Args:
            rows: one object for each event, at least one; values as JSON has them.
        """
        indexed = self._index is not None and self._index in rows[0]
        if any(len(row) != self._width + indexed for row in rows):
            return None
        try:
            features = self._features(rows)
            places = np.arange(len(rows))
            index = self._numbers(rows) if indexed else places
        except (KeyError, OverflowError):  # a feature is missing, a number is beyond what 64 bits hold
            return None
        return None if features is None or index is None else Part(places, features, index)

    def _features(self, rows: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.float64] | None:
        values = [self._values(row) for row in rows]
        if not all(self._types.issuperset(map(type, each)) for each in values):
            return None
        features = np.array(values, dtype=np.float64)  # null becomes NaN
        if self._fill is not None:
            features[np.isnan(features)] = self._fill
        whole = features[:, self._whole]
        if np.isinf(features).any() or not ((whole == np.trunc(whole)) | np.isnan(whole)).all():
            return None
        if self._undefined is not None:
            features[features == self._undefined] = np.nan
        return features

    def _numbers(self, rows: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.int64] | None:
        numbers = [row[self._index] for row in rows] if self._index is not None else []
        return np.array(numbers, dtype=np.int64) if set(map(type, numbers)) == {int} else None
