"""How many events of which class a table has, counted batch by batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eventsieve.domain.values import canonical, texts
from eventsieve.records import ClassCount, Schema

__all__ = ["Tally", "class_codes"]


def class_codes(labels: pa.Array, schema: Schema) -> npt.NDArray[np.int8]:
    """The class of each event.

    Args:
        labels: text or numbers, shape (events,).
        schema: says which labels there are; it has a label.

    Returns:
        int8, shape (events,): codes into ``schema.class_names``, -1 where a label is missing or of no class.
    """
    text = texts("label", pa.chunked_array([labels])).combine_chunks()
    if schema.classes:
        places = pc.index_in(text, value_set=pa.array([canonical(label) for label in schema.classes]))
        return np.asarray(places.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int8)
    background = pa.array([canonical(label) for label in schema.background], pa.string())
    is_background = pc.is_in(text, value_set=background) if len(background) else pc.not_equal(text, "")
    is_signal = pc.equal(text, canonical(str(schema.signal))).to_numpy(zero_copy_only=False)
    codes = np.where(is_background.to_numpy(zero_copy_only=False), 0, -1)
    return np.where(is_signal, 1, codes).astype(np.int8)


class Tally:
    """Events, weights and negative weights by class.

    Args:
        schema: says which column holds labels and which weights; it has a label.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        classes = len(schema.class_names)
        self._events = np.zeros(classes, dtype=np.int64)
        self._negative = np.zeros(classes, dtype=np.int64)
        self._weight = np.zeros(classes)

    def add(self, codes: npt.NDArray[np.int8], weight: npt.NDArray[np.float64] | None) -> None:
        """Count more events.

        Args:
            codes: as `class_codes` gives them.
            weight: float64, shape (events,); ``None`` in a table without.
        """
        for code in range(len(self._events)):
            mask = codes == code
            self._events[code] += mask.sum()
            if weight is not None:
                self._weight[code] += weight[mask].sum()
                self._negative[code] += (weight[mask] < 0).sum()

    def counts(self) -> tuple[ClassCount, ...]:
        """The classes in the order of their codes."""
        weighted = self._schema.weight is not None
        return tuple(
            ClassCount(
                label=label,
                events=int(self._events[code]),
                weight=float(self._weight[code]) if weighted else None,
                negative=int(self._negative[code]),
            )
            for code, label in enumerate(self._schema.class_names)
        )
