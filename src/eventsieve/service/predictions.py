"""Predictions: what a model says of a file, of a data set, or of rows, batch by batch."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
from sklearn.pipeline import Pipeline

from eventsieve.domain.predictions import Decisions, Part, check_parts, decisions, remarks_on, score_part, threshold_of
from eventsieve.domain.rows import table_of
from eventsieve.errors import BadRequest, BadTable, Conflict, DamagedArtefact
from eventsieve.records import Model, PredictionFormat, Predictions, Reading
from eventsieve.service.datasets import Datasets
from eventsieve.storage.files import Files
from eventsieve.storage.outputs import MEDIA_TYPES, Batch, Heading, open_output
from eventsieve.storage.registry import Registry
from eventsieve.storage.sources import Retyped, Source, open_source

__all__ = ["Load", "Predicted", "Predicting", "load_model"]

MOST_ROWS: Final = 100_000
"""Rows of JSON that are predicted at once; more come faster as a file."""

Load = Callable[[str], Pipeline]
"""From the digest of an artefact to the model."""


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


@dataclass(frozen=True)
class _Events:
    """Events to predict: the names of all columns, and batches with those that the model needs."""

    header: tuple[str, ...]
    batches: Iterable[pa.RecordBatch]
    notes: tuple[str, ...] = ()
    """What was left out of the file, to be said where a column is missing."""
    dataset: str | None = None


class _Loaded(NamedTuple):
    """A model that is ready to be used."""

    model: Model
    pipeline: Pipeline


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
        self._registry = registry
        self._load = load

    def predict(
        self,
        ref: str,
        source: Path | str,
        *,
        kind: PredictionFormat,
        reading: Reading | None = None,
        stopped: threading.Event | None = None,
    ) -> Predicted:
        """Predict a whole table into a file; the memory that it takes does not grow with the table.

        Args:
            ref: the model.
            source: path of a file in any format that is read, or id of a data set.
            kind: the format of the predictions.
            reading: how the file is read.
            stopped: ends the work between two batches when it is set.

        Raises:
            ModelNotFound, DatasetNotFound, DamagedArtefact
            BadRequest, BadTable, TooLarge: the table cannot be read, or does not have what the model needs.
            CancelledError: it was stopped.
        """
        loaded = self._loaded(ref)
        path = self._files.new()
        run = _Run(path, kind, stopped or threading.Event())
        try:
            if isinstance(source, str):
                return _write(run, loaded, self._stored(source, loaded.model))
            return _write_file(run, loaded, open_source(source, reading or Reading()))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def rows(self, ref: str, rows: Sequence[Mapping[str, Any]]) -> Predictions:
        """Predict rows of JSON, in their order.

        Args:
            ref: the model.
            rows: a value for each of the model's features, by its name; ``None`` where it is not defined.

        Raises:
            ModelNotFound, DamagedArtefact
            BadRequest: there are none or too many, or features are missing or no numbers; each has its place.
            BadTable: the values are not what the model was trained with.
        """
        model, pipeline = self._loaded(ref)
        if not 0 < len(rows) <= MOST_ROWS:
            raise BadRequest(
                f"{len(rows)} events were sent; send 1 to {MOST_ROWS:,} as JSON rows, and more of them as a file."
            )
        table = table_of(rows, model.event_schema)
        parts = list(check_parts(table.to_batches(), model.event_schema, table.column_names))
        decided = [_decided(pipeline, model, part) for part in parts]
        heading = _heading(model, table.column_names)
        return Predictions(
            model=heading.model,
            digest=heading.digest,
            threshold=heading.threshold,
            index_name=heading.index_name,
            index=tuple(number for part in parts for number in part.index.tolist()),
            label=tuple(heading.classes[code] for each in decided for code in each.code.tolist()),
            score=tuple(score for each in decided for score in each.score.tolist()),
            probabilities=_by_class(heading, decided),
            remarks=heading.remarks,
        )

    def _loaded(self, ref: str) -> _Loaded:
        model = self._registry.find([ref])[0]
        return _Loaded(model, load_model(self._load, model))

    def _stored(self, dataset_id: str, model: Model) -> _Events:
        dataset = self._datasets.get(dataset_id)
        header = tuple(column.name for column in dataset.columns)
        return _Events(header, self._datasets.batches(dataset.id, _needed(header, model)), dataset=dataset.id)


def load_model(load: Load, model: Model) -> Pipeline:
    """The model's pipeline.

    Raises:
        DamagedArtefact: its artefact cannot be used.
        Conflict: it is not known which classes it tells apart.
    """
    if not model.event_schema.class_names:
        raise Conflict(f"It is lost which classes {model.name!r} tells apart; remove it and train it again.")
    try:
        return load(model.digest)
    except DamagedArtefact as error:
        raise DamagedArtefact(
            f"The model {model.name!r} cannot be used; remove it and train it again. {error}"
        ) from error


def _of_file(source: Source, model: Model) -> _Events:
    header = tuple(source.schema.names)
    return _Events(header, source.batches(_needed(header, model)), notes=source.warnings)


def _needed(header: Sequence[str], model: Model) -> list[str]:
    wanted = [column.name for column in model.event_schema.columns if column.role in ("index", "feature")]
    return [name for name in wanted if name in header]


def _heading(model: Model, header: Sequence[str], dataset: str | None = None) -> Heading:
    schema = model.event_schema
    return Heading(
        model=model.name,
        digest=model.digest,
        classes=schema.class_names,
        probabilities=model.probabilities,
        index_name=schema.index_name if schema.index is not None and schema.index.name in header else "row",
        dataset=dataset,
        threshold=threshold_of(model),
        remarks=tuple(remarks_on(header, schema)),
    )


def _write_file(run: _Run, loaded: _Loaded, source: Source) -> Predicted:
    try:
        return _write(run, loaded, _of_file(source, loaded.model))
    except Retyped as again:
        return _write_file(run, loaded, again.source)


def _write(run: _Run, loaded: _Loaded, events: _Events) -> Predicted:
    model, pipeline = loaded
    heading = _heading(model, events.header, events.dataset)
    counts: Counter[int] = Counter()
    total = 0
    with open_output(run.kind, run.path, heading) as write:
        for part in _parts(events, model):
            if run.stopped.is_set():
                raise CancelledError
            decided = _decided(pipeline, model, part)
            write(Batch(part.index, *decided))
            counts.update(decided.code.tolist())
            total += len(part.index)
    return Predicted(
        path=run.path,
        media_type=MEDIA_TYPES[run.kind],
        filename=f"{re.sub(r'[^A-Za-z0-9._-]+', '_', model.name)[:80]}-predictions.{run.kind}",
        events=total,
        counts={name: counts[code] for code, name in enumerate(heading.classes)},
        remarks=heading.remarks,
    )


def _parts(events: _Events, model: Model) -> Iterator[Part]:
    """The checked events; where columns are missing, what was left out of the file may say why."""
    missing = set(model.event_schema.feature_names) - set(events.header)
    try:
        yield from check_parts(events.batches if not missing else (), model.event_schema, events.header)
    except BadTable as error:
        raise BadTable(*error.faults, *(events.notes if missing else ())) from error


def _decided(pipeline: Pipeline, model: Model, part: Part) -> Decisions:
    return decisions(score_part(pipeline, part, model.event_schema), model)


def _by_class(heading: Heading, decided: Sequence[Decisions]) -> dict[str, tuple[float, ...]]:
    if not heading.probabilities:
        return {}
    return {
        name: tuple(
            value
            for each in decided
            if each.probabilities is not None
            for value in each.probabilities[:, code].tolist()
        )
        for code, name in enumerate(heading.classes)
    }
