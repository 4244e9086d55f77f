"""Predictions: parts of a table without labels are checked, and scores become decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.pipeline import Pipeline

from eventsieve.domain.estimators import class_scores, event_scores, score_events
from eventsieve.domain.evaluation import decide
from eventsieve.domain.events import check
from eventsieve.domain.values import Where, integers
from eventsieve.errors import BadTable
from eventsieve.records import Model, Schema

__all__ = ["Decisions", "Part", "check_parts", "decisions", "remarks_on", "score_part", "threshold_of"]

Floats = npt.NDArray[np.float64]

BATCH: Final = 65_536
"""Events that are checked and scored at once, at most."""

LEAST: Final = 32_768
"""Fewer are joined with those that follow: what is done for each call is done for as many events."""

_LARGEST: Final = float(np.finfo(np.float32).max)
"""Trees compare in single precision."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a table that is to be predicted, checked.

    Attributes:
        rows: int64, shape (events,): where they stand in the table, counted from 0.
        features: float64, shape (events, features), in the schema's order, NaN where undefined.
        index: int64, shape (events,): the event numbers, or the rows counted from 0.
    """

    rows: npt.NDArray[np.int64]
    features: Floats
    index: npt.NDArray[np.int64]


class Decisions(NamedTuple):
    """What is said of each event.

    Attributes:
        score: float64, shape (events,).
        code: uint8, shape (events,): the class that is predicted.
        probabilities: float64, shape (events, classes), or ``None`` where the model gives decision values.
    """

    score: Floats
    code: npt.NDArray[np.uint8]
    probabilities: Floats | None


def check_parts(
    batches: Iterable[pa.RecordBatch],
    schema: Schema,
    header: Sequence[str],
    line_of: Callable[[int], int] | None = None,
) -> Iterator[Part]:
    """The rows of a table, batch by batch, as the model takes them.

    Columns may come in any order; weights, labels and columns that the schema does not have are not looked at. Event
    numbers may be missing, and may repeat: predictions are matched by rows.

    Args:
        batches: the rows, at least with those of the schema's index and features that the table has.
        schema: the model's.
        header: the names of all columns of the table.
        line_of: the line of a 1-based row in the text file that the table was read from.

    Raises:
        BadTable: a batch has faults, or there is no row; rows are counted through all batches.
    """
    # As an index its absence, and every number that comes twice, would be a fault.
    columns = [c.model_copy(update={"role": "spectator"}) if c.role == "index" else c for c in schema.columns]
    plain = Schema.model_validate(schema.model_dump() | {"columns": columns})
    index = schema.index_name if header.count(schema.index_name) == 1 and schema.index else None
    before = 0
    for table in _tables(batches):
        events = check(table, plain, labels="ignored", header=header, line_of=line_of, before=before)
        rows = np.arange(before, before + len(events))
        yield Part(rows, events.features, _index(index, table, Where(line_of, before)) if index else rows)
        before += len(events)
    if not before:
        check(pa.table({name: [] for name in set(header)}), plain, labels="ignored", header=header)


def _tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, neither too many nor too few of them at once."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH):
            piece = batch.slice(start, BATCH)
            if waiting and (rows >= LEAST or rows + piece.num_rows > BATCH):
                yield pa.Table.from_batches(waiting)
                waiting, rows = [], 0
            waiting.append(piece)
            rows += piece.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)


def _index(name: str, table: pa.Table, where: Where) -> npt.NDArray[np.int64]:
    values, _, faults = integers(name, table[name], where)
    if faults:
        raise BadTable(*faults)
    return values


def remarks_on(header: Sequence[str], schema: Schema) -> list[str]:
    """What a user may want to know about the columns of a table that is to be predicted."""
    known = {column.name for column in schema.columns}
    remarks = []
    if extra := [name[:40] or "(no name)" for name in header if name not in known]:
        more = f" and {len(extra) - 20} more" if len(extra) > 20 else ""
        remarks.append(f"Columns that the model was not trained with were ignored: {', '.join(extra[:20])}{more}.")
    if schema.index is not None and schema.index.name not in header:
        remarks.append(f"There is no column {schema.index.name}: the rows are numbered from 0.")
    return remarks


def score_part(pipeline: Pipeline, part: Part, schema: Schema) -> Floats:
    """The scores of some events: float64, shape (events,), or (events, classes) of more than two classes.

    Raises:
        BadTable: values are too large for the model to give a finite score.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            binary = len(pipeline.classes_) == 2
            scores = score_events(pipeline, part.features) if binary else class_scores(pipeline, part.features)
    except ValueError as error:  # scikit-learn on numbers that single precision does not hold
        raise BadTable(_too_large(part, schema, str(error))) from error
    finite = np.isfinite(scores).reshape(len(part.index), -1).all(axis=1)
    if not finite.all():
        row = part.rows[np.argmin(finite)] + 1
        raise BadTable(f"The model gives no finite score for row {row}: its values are too large. Correct that row.")
    return scores


def _too_large(part: Part, schema: Schema, otherwise: str) -> str:
    rows, columns = np.nonzero(np.abs(part.features) > _LARGEST)
    if not rows.size:
        return f"The model cannot score these events: {otherwise.partition(chr(10))[0][:200]}"
    name, value = schema.feature_names[columns[0]], part.features[rows[0], columns[0]]
    row = part.rows[rows[0]] + 1
    return f"Column {name}: the value in row {row}, {value:g}, is too large for the model (over {_LARGEST:.2g})."


def threshold_of(model: Model) -> float | None:
    """The score above which an event is taken for signal; ``None`` where the likeliest class is chosen."""
    schema = model.event_schema
    if len(schema.class_names) != 2 or schema.signal_code is None:
        return None
    if model.threshold.value is not None:
        return model.threshold.value
    return 0.5 if model.probabilities else 0.0


def decisions(scores: Floats, model: Model) -> Decisions:
    """What the model says of events by their scores.

    Args:
        scores: shape (events,) of two classes, the score of the second; else shape (events, classes).
        model: says which class is the signal, what the threshold is, and whether scores are probabilities.
    """
    code = decide(scores, model.probabilities, model.threshold, model.event_schema)
    if scores.ndim == 1:
        return Decisions(scores, code, np.column_stack([1.0 - scores, scores]) if model.probabilities else None)
    score = event_scores(scores, model.event_schema.signal_code)
    return Decisions(score, code, scores if model.probabilities else None)
