"""Comparisons: several models on the same events, none of which any of them was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation import Scored, compare
from eventsieve.domain.events import Events
from eventsieve.domain.fingerprints import fingerprints
from eventsieve.domain.predictions import Part, decisions, score_part
from eventsieve.domain.splitting import plan_split
from eventsieve.errors import BadRequest, BadTable, Conflict, DamagedArtefact
from eventsieve.records import Comparison, Model
from eventsieve.service.datasets import Datasets
from eventsieve.service.scoring import Load, load_model
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.storage.tables import map_events

__all__ = ["Comparisons"]

MOST_MODELS: Final = 100

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Comparisons:
    """The room of comparisons.

    Args:
        datasets: the data sets.
        files: the store's files.
        registry: the store's facts.
        load: loads models, and keeps them.
        seed: of the bootstrap.
    """

    def __init__(self, datasets: Datasets, files: Files, registry: Registry, load: Load, *, seed: int) -> None:
        self._datasets = datasets
        self._files = files
        self._registry = registry
        self._load = load
        self._seed = seed

    def compare(self, refs: Sequence[str], dataset: str) -> Comparison:
        """Compare models on the events of a data set that none of them was trained on.

        Args:
            refs: names or aliases; naming a model twice changes nothing.
            dataset: id of the data set; it needs labels, and the columns of every model.

        Raises:
            BadRequest: no model is named, or too many are.
            ModelNotFound, DatasetNotFound, DamagedArtefact
            BadTable: the data set does not have what a model needs.
            Conflict: the models tell different classes apart, or no event is left that none of them was trained on.
        """
        models = self._models(refs)
        views = self._views(dataset, models)
        reference = next((view for view in views if view.weight is not None), views[0])
        if any(not np.array_equal(view.targets, reference.targets) for view in views):
            raise Conflict("The models take different columns for the label; compare those that take the same.")
        seen = np.logical_or.reduce([self._seen(*each) for each in zip(models, views, strict=True)])
        _refuse_nothing_left(~seen, reference, models)
        scored = {
            model.name: self._scored(model, view, reference.weight, ~seen)
            for model, view in zip(models, views, strict=True)
        }
        found = compare(scored, reference.schema, reference.class_sums, self._seed)
        count = int(np.count_nonzero(seen))
        return Comparison(dataset=dataset, seen=count, **found._asdict())

    def _models(self, refs: Sequence[str]) -> list[Model]:
        if not 0 < len(refs) <= MOST_MODELS:
            raise BadRequest(f"{len(refs)} models are named; name 1 to {MOST_MODELS} to compare.")
        models = {model.name: model for model in self._registry.find(refs)}
        classes = {name: model.event_schema.class_names for name, model in models.items()}
        if len(set(classes.values())) > 1:
            listed = "; ".join(f"{name!r}: {', '.join(names)}" for name, names in classes.items())
            raise Conflict(f"The models tell different classes apart ({listed}); compare those of the same classes.")
        return list(models.values())

    def _views(self, dataset: str, models: Sequence[Model]) -> list[Events]:
        """The data set as each of the models sees it; those of the same schema share it."""
        views: dict[str, Events] = {}
        keys = [model.event_schema.model_dump_json() for model in models]
        for key, model in zip(keys, models, strict=True):
            if key not in views:
                views[key] = self._view(dataset, model)
        return [views[key] for key in keys]

    def _view(self, dataset: str, model: Model) -> Events:
        try:
            return self._datasets.events(dataset, "both classes", schema=model.event_schema)
        except BadTable as error:
            raise BadTable(f"The data set does not go with the model {model.name!r}.", *error.faults) from error

    def _seen(self, model: Model, events: Events) -> Bools:
        """Which of the events have the features of one that the model was trained on; bool, shape (events,)."""
        try:
            table = map_events(self._files.tables.path(model.table))
        except DamagedArtefact as error:
            raise Conflict(
                f"The events that {model.name!r} was trained on are gone, so it cannot be told which ones it has seen; "
                f"train it again."
            ) from error
        trained = table.features
        if model.validation.kind == "holdout":
            (part,) = plan_split(model.validation, table.targets, model.seed)
            trained = trained[part.train]
        return np.isin(fingerprints(events.features), fingerprints(trained))

    def _scored(self, model: Model, view: Events, weight: Floats | None, rows: Bools) -> Scored:
        events = view.take(rows)
        part = Part(np.flatnonzero(rows), events.features, events.index)
        scores = score_part(load_model(self._load, model), part, model.event_schema)
        return Scored(
            target=events.targets,
            score=scores,
            predicted=decisions(scores, model).code,
            weight=None if weight is None else weight[rows],
            probabilities=model.probabilities,
        )


def _refuse_nothing_left(fresh: Bools, events: Events, models: Sequence[Model]) -> None:
    """Refuse to compare on events of fewer than two classes.

    Raises:
        Conflict: that is what is left.
    """
    left = np.bincount(events.targets[fresh], minlength=len(events.schema.class_names))
    if np.count_nonzero(left) >= 2:
        return
    names = ", ".join(repr(model.name) for model in models)
    counts = ", ".join(
        f"{count} of {name}" for name, count in zip(events.schema.class_names, left.tolist(), strict=True)
    )
    raise Conflict(
        f"Of the {len(fresh)} events, those that none of {names} was trained on are {counts}: too few to compare on. "
        f"Train the models again with a hold-out, or bring another data set."
    )
