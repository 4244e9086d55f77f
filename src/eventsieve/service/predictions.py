"""Predictions: what a model says of a file, of a data set, or of rows, batch by batch."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsieve.domain.predictions import check_parts, decisions, score_part
from eventsieve.domain.rows import table_of
from eventsieve.errors import BadRequest
from eventsieve.records import Dataset, Model, PredictionFormat, Predictions, Reading
from eventsieve.service.datasets import Datasets
from eventsieve.service.ready import ReadyModels, predictions_of
from eventsieve.service.scores import key_of
from eventsieve.service.scoring import Load, Loaded, Unscored, heading_of, load_model, needed, parts_of, with_threshold
from eventsieve.storage.files import Files
from eventsieve.storage.outputs import MEDIA_TYPES, Batch, Heading, open_output
from eventsieve.storage.registry import Registry
from eventsieve.storage.scores import ScoreFiles, Unkept
from eventsieve.storage.sources import Retyped, Source, open_source

__all__ = ["Predicted", "Predicting"]

MOST_ROWS: Final = 100_000
"""Rows of JSON that are predicted at once; more come faster as a file."""

Floats = npt.NDArray[np.float64]
Scored = Iterable[tuple[npt.NDArray[np.int64], Floats]]
"""Event numbers and scores, some events at a time."""


@dataclass(frozen=True)
class Predicted:
    """A finished file of predictions; who asked for it removes it.

    Attributes:
        path: where it is.
        media_type: what it is.
        filename: a name for it.
        events: how many events it has.
        counts: how many are predicted to be of each class.
        remarks: sentences about the table that are no faults.
    """

    path: Path
    media_type: str
    filename: str
    events: int
    counts: dict[str, int]
    remarks: tuple[str, ...]


class _Run(NamedTuple):
    """Where predictions are written, as what, and what ends it."""

    path: Path
    kind: PredictionFormat
    stopped: threading.Event


class Predicting:
    """The room of predictions; everywhere ``ref`` is a model's name or an alias.

    Args:
        datasets: the data sets.
        files: the store's files.
        registry: the store's facts.
        load: loads models, and keeps them.
    """

    def __init__(self, datasets: Datasets, files: Files, registry: Registry, load: Load) -> None:
        self._datasets = datasets
        self._files = files
        self._kept = ScoreFiles(files.scores)
        self._registry = registry
        self._load = load
        self.ready = ReadyModels(registry.changes.stamp)

    def predict(
        self,
        ref: str,
        source: Path | str,
        *,
        kind: PredictionFormat,
        reading: Reading | None = None,
        threshold: float | None = None,
        stopped: threading.Event | None = None,
    ) -> Predicted:
        """Predict a whole table into a file; the memory that it takes does not grow with the table.

        Args:
            ref: the model.
            source: path of a file in any format that is read, or id of a data set, whose scores are not computed again
                where they are kept.
            kind: the format of the predictions.
            reading: how the file is read.
            threshold: the score above which an event is predicted to be signal; default: the model's.
            stopped: ends the work between two batches when it is set.

        Raises:
            ModelNotFound, DatasetNotFound, DamagedArtefact
            BadRequest: there can be no such threshold.
            BadRequest, BadTable, TooLarge: the table cannot be read, or does not have what the model needs.
            CancelledError: it was stopped.
        """
        loaded = self._loaded(ref, threshold)
        path = self._files.new()
        run = _Run(path, kind, stopped or threading.Event())
        try:
            if isinstance(source, str):
                return self._predict_stored(run, loaded, self._datasets.get(source))
            return _write_file(run, loaded, open_source(source, reading or Reading()))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def rows(self, ref: str, rows: Sequence[Mapping[str, Any]], *, threshold: float | None = None) -> Predictions:
        """Predict rows of JSON, in their order.

        Args:
            ref: the model.
            rows: a value for each of the model's features, by its name; ``None`` where it is not defined.
            threshold: the score above which an event is predicted to be signal; default: the model's.

        Raises:
            ModelNotFound, DamagedArtefact
            BadRequest: there can be no such threshold.
            BadRequest: there are none or too many, or features are missing or no numbers; each has its place.
            BadTable: the values are not what the model was trained with.
        """
        stamp = self.ready.stamp()
        loaded = model, pipeline = self._loaded(ref, threshold)
        if threshold is None:
            self.ready.keep(stamp, ref, loaded)
        if not 0 < len(rows) <= MOST_ROWS:
            raise BadRequest(
                f"{len(rows)} events were sent; send 1 to {MOST_ROWS:,} as JSON rows, and more of them as a file."
            )
        table = table_of(rows, model.event_schema)
        parts = list(check_parts(table.to_batches(), model.event_schema, table.column_names))
        decided = [decisions(score_part(pipeline, part, model.event_schema), model) for part in parts]
        heading = heading_of(model, table.column_names)
        return predictions_of(heading, parts, decided)

    def _loaded(self, ref: str, threshold: float | None) -> Loaded:
        model = with_threshold(self._registry.find([ref])[0], threshold)
        return Loaded(model, load_model(self._load, model))

    def _predict_stored(self, run: _Run, loaded: Loaded, dataset: Dataset) -> Predicted:
        header = tuple(column.name for column in dataset.columns)
        heading = heading_of(loaded.model, header, dataset.id)
        try:
            with self._kept.open(key_of(loaded.model, dataset)) as file:
                return _write(run, loaded.model, heading, ((part.index, part.scores) for part in file.parts()))
        except Unkept:  # or found to be damaged: what was written is written anew
            run.path.unlink(missing_ok=True)
        events = Unscored(header, self._datasets.batches(dataset.id, needed(header, loaded.model)))
        return _write(run, loaded.model, heading, _scored(loaded, events))


def _write_file(run: _Run, loaded: Loaded, source: Source) -> Predicted:
    header = tuple(source.schema.names)
    events = Unscored(header, source.batches(needed(header, loaded.model)), notes=source.warnings)
    try:
        return _write(run, loaded.model, heading_of(loaded.model, header), _scored(loaded, events))
    except Retyped as again:
        return _write_file(run, loaded, again.source)


def _scored(loaded: Loaded, events: Unscored) -> Scored:
    for part in parts_of(events, loaded.model):
        yield part.index, score_part(loaded.pipeline, part, loaded.model.event_schema)


def _write(run: _Run, model: Model, heading: Heading, scored: Scored) -> Predicted:
    counts = np.zeros(len(heading.classes), dtype=np.int64)
    with open_output(run.kind, run.path, heading) as write:
        for index, scores in scored:
            if run.stopped.is_set():
                raise CancelledError
            decided = decisions(scores, model)
            write(Batch(index, *decided))
            counts += np.bincount(decided.code, minlength=len(counts))
    return Predicted(
        path=run.path,
        media_type=MEDIA_TYPES[run.kind],
        filename=f"{re.sub(r'[^A-Za-z0-9._-]+', '_', model.name)[:80]}-predictions.{run.kind}",
        events=int(counts.sum()),
        counts=dict(zip(heading.classes, counts.tolist(), strict=True)),
        remarks=heading.remarks,
    )
