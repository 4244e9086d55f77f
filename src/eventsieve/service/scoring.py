"""Scoring: a model at work on events, batch by batch, whatever becomes of its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
from sklearn.pipeline import Pipeline

from eventsieve.domain.predictions import Part, check_parts, remarks_on, threshold_of
from eventsieve.errors import BadRequest, BadTable, Conflict, DamagedArtefact
from eventsieve.records import Model, Threshold
from eventsieve.service.datasets import Datasets
from eventsieve.storage.outputs import Heading

__all__ = ["Load", "Loaded", "Unscored", "heading_of", "load_model", "needed", "parts_of", "stored", "with_threshold"]

Load = Callable[[str], Pipeline]
"""From the digest of an artefact to the model."""


class Loaded(NamedTuple):
    """A model that is ready to be used."""

    model: Model
    pipeline: Pipeline


@dataclass(frozen=True)
class Unscored:
    """Events to score: the names of all columns, and batches with those that the model needs."""

    header: tuple[str, ...]
    batches: Iterable[pa.RecordBatch]
    notes: tuple[str, ...] = ()
    """What was left out of the file, to be said where a column is missing."""


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


def with_threshold(model: Model, threshold: float | None) -> Model:
    """The model with another cut for this time; its own where none is given.

    Raises:
        BadRequest: it has none, or the value is out of range.
    """
    if threshold is None:
        return model
    if threshold_of(model) is None:
        raise BadRequest(
            f"The model {model.name!r} chooses the likeliest class; only signal and background have a threshold. "
            f"Leave it out."
        )
    if model.probabilities and not 0.0 <= threshold <= 1.0:
        raise BadRequest(
            f"The scores of {model.name!r} are probabilities; choose a threshold from 0 to 1, not {threshold:g}."
        )
    return model.model_copy(update={"threshold": Threshold(kind="value", value=threshold)})


def needed(header: Sequence[str], model: Model) -> list[str]:
    """The columns of a table that the model looks at."""
    wanted = [column.name for column in model.event_schema.columns if column.role in ("index", "feature")]
    return [name for name in wanted if name in header]


def stored(datasets: Datasets, dataset: str, model: Model) -> Unscored:
    """The events of a data set."""
    header = tuple(column.name for column in datasets.get(dataset).columns)
    return Unscored(header, datasets.batches(dataset, needed(header, model)))


def heading_of(model: Model, header: Sequence[str], dataset: str | None = None) -> Heading:
    """What holds for all predictions of a table with these columns."""
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


def parts_of(events: Unscored, model: Model) -> Iterator[Part]:
    """The checked events; where columns are missing, what was left out of the file may say why.

    Raises:
        BadTable: the events have faults.
    """
    missing = set(model.event_schema.feature_names) - set(events.header)
    try:
        yield from check_parts(events.batches if not missing else (), model.event_schema, events.header)
    except BadTable as error:
        raise BadTable(*error.faults, *(events.notes if missing else ())) from error
