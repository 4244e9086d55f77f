"""Scores of models on stored data sets: computed once and kept, then counted, cut and looked at row by row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final, TypeVar

from eventsieve.domain.predictions import score_part
from eventsieve.errors import BadRequest, Conflict
from eventsieve.records import Dataset, Model, PredictionPage, ScoreSummary
from eventsieve.service.datasets import Datasets
from eventsieve.service.scoreviews import page, summary
from eventsieve.service.scoring import Load, load_model, parts_of, stored, with_threshold
from eventsieve.service.truth import Truth
from eventsieve.storage.files import Files
from eventsieve.storage.once import Once
from eventsieve.storage.registry import Registry
from eventsieve.storage.scores import ScoredRows, ScoreFile, ScoreFiles, Unkept

__all__ = ["BINS", "MOST_BINS", "Scores", "key_of"]

T = TypeVar("T")

VERSION: Final = 1
"""To be raised when the same models give other scores: what older versions have kept is not found then."""
BINS: Final = 400
MOST_BINS: Final = 1_000
MOST_ROWS: Final = 1_000
ATTEMPTS: Final = 3
"""What was kept may be gone again, where others keep more than there is room for."""


def key_of(model: Model, dataset: Dataset) -> str:
    """Under which scores are kept: what they depend on, which is not the threshold and none of the names."""
    schemas = [VERSION, model.event_schema.model_dump(), dataset.event_schema.model_dump()]
    known = hashlib.sha256(json.dumps(schemas).encode()).hexdigest()[:32]
    return f"{model.digest}-{dataset.id}-{known}"


class Scores:
    """The room of scores; everywhere ``ref`` is a model's name or an alias, and ``dataset`` the id of a data set.

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
        self._once: Once[None] = Once()

    def summary(self, ref: str, dataset: str, *, bins: int = BINS, threshold: float | None = None) -> ScoreSummary:
        """The scores of all events, counted: by class where the data set has labels.

        Args:
            ref: the model.
            dataset: the data set.
            bins: of probabilities, so many from 0 to 1; of decision values about so many.
            threshold: the score above which an event is predicted to be signal; default: the model's.

        Raises:
            ModelNotFound, DatasetNotFound, DamagedArtefact
            BadRequest: there can be no such threshold, or no such number of bins.
            BadTable: the data set does not have what the model needs.
        """
        if not 1 <= bins <= MOST_BINS:
            raise BadRequest(f"Scores cannot be counted in {bins} bins; ask for 1 to {MOST_BINS}.")
        return self._using(ref, dataset, threshold, partial(summary, bins=bins))

    def page(
        self, ref: str, dataset: str, *, offset: int = 0, limit: int = 100, threshold: float | None = None
    ) -> PredictionPage:
        """The predictions of some events, in the order of the data set.

        Args:
            ref: the model.
            dataset: the data set.
            offset: how many events are left out first.
            limit: how many there are at most.
            threshold: the score above which an event is predicted to be signal; default: the model's.

        Raises:
            ModelNotFound, DatasetNotFound, DamagedArtefact
            BadRequest: there can be no such threshold, or no such page.
            BadTable: the data set does not have what the model needs.
        """
        if offset < 0 or not 1 <= limit <= MOST_ROWS:
            raise BadRequest(f"A page cannot have {limit} events from {offset} on; ask for 1 to {MOST_ROWS} from 0 on.")
        return self._using(ref, dataset, threshold, partial(page, offset=offset, limit=limit))

    def forget(self, *, model: str = "", dataset: str = "") -> None:
        """Remove what is kept of a model, by its digest, or of a data set that is removed or read in another way."""
        self._files.scores.drop_where(lambda key: bool({model, dataset} & set(key.split("-")[:2])))

    def sweep(self, models: Collection[str], datasets: Collection[str]) -> None:
        """Remove old files of other models than those with these digests, and of other data sets than these."""
        digests, ids = set(models), set(datasets)
        keys = [path.stem for path in self._files.scores.folder.iterdir()]
        self._files.scores.sweep(
            {key for key in keys if {*key.split("-")[:1]} <= digests and {*key.split("-")[1:2]} <= ids}
        )

    def _using(
        self, ref: str, dataset_id: str, threshold: float | None, use: Callable[[Model, Dataset, ScoreFile], T]
    ) -> T:
        model = with_threshold(self._registry.find([ref])[0], threshold)
        dataset = self._datasets.get(dataset_id)
        key = key_of(model, dataset)
        for _ in range(ATTEMPTS):
            try:
                with self._kept.open(key) as file:
                    return use(model, dataset, file)
            except Unkept:
                self._once(key, partial(self._make, key, model, dataset))
        raise Conflict(
            f"The scores of {model.name!r} on {dataset.name!r} were removed while they were read; ask again."
        )

    def _make(self, key: str, model: Model, dataset: Dataset) -> None:
        pipeline = load_model(self._load, model)
        truth = Truth(self._datasets, dataset)

        def parts() -> Iterator[ScoredRows]:
            for part in parts_of(stored(self._datasets, dataset.id, model), model):
                scores = score_part(pipeline, part, model.event_schema)
                yield ScoredRows(part.index, scores, *truth.next(len(part.index)))

        self._kept.keep(key, self._files.new(".parquet"), parts())
