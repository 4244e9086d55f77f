"""The service: the store, the verbs of the specification, and the rooms of the native API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from eventsieve.acting import actor, touch
from eventsieve.domain import estimators, persist
from eventsieve.domain.evaluation import score_model
from eventsieve.domain.events import Events, Labels
from eventsieve.domain.metrics import METRICS
from eventsieve.errors import (
    BadConfiguration,
    BadHyperparameters,
    BadRequest,
    Conflict,
    DamagedArtefact,
    DuplicateIds,
    NoModels,
    UnknownModelType,
)
from eventsieve.records import Job, Limits, Means, Model, ModelSpec, ModelState, Plan, Schema, Score, State, Validation
from eventsieve.sample import SampleReport
from eventsieve.service.access import Access
from eventsieve.service.comparisons import Comparisons
from eventsieve.service.datasets import Datasets
from eventsieve.service.explorations import Explorations
from eventsieve.service.exports import Exports
from eventsieve.service.heart import Heart
from eventsieve.service.jobs import Trainings
from eventsieve.service.models import Models
from eventsieve.service.names import LONGEST_NAME, fault_of_name
from eventsieve.service.predictions import Predicting
from eventsieve.service.quotas import Allowances
from eventsieve.service.retention import Keep, Retention
from eventsieve.service.scores import Scores
from eventsieve.service.simulations import Simulations
from eventsieve.service.tables import score_table
from eventsieve.service.vitals import Vitals
from eventsieve.settings import Settings
from eventsieve.storage.database import open_database
from eventsieve.storage.files import Files
from eventsieve.storage.identity import claim_for
from eventsieve.storage.readers import read_events
from eventsieve.storage.registry import Registry
from eventsieve.storage.tables import map_events
from eventsieve.training.engine import LocalEngine
from eventsieve.training.jobs import Jobs, Order, Started

__all__ = ["Predictions", "Service", "Started"]

CACHED_MODELS = 8


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of a table, event by event, in the table's order.

    Attributes:
        model: id of the model.
        index_name: name of the column of event numbers.
        index: int64, shape (events,): the event numbers.
        signal: bool, shape (events,): True where the model selects the event as signal.
        score: float64, shape (events,): the larger, the more like signal.
        remarks: sentences about the table that are no faults.
    """

    model: str
    index_name: str
    index: npt.NDArray[np.int64]
    signal: npt.NDArray[np.bool_]
    score: npt.NDArray[np.float64]
    remarks: tuple[str, ...] = ()


class Service:
    """All that Eventsieve does, over one store; opened by `Service.open`, used as a context manager."""

    def __init__(self, settings: Settings, schema: Schema, files: Files, registry: Registry) -> None:
        self.schema = schema
        self.model_types = _available(settings.MODEL_TYPES)
        self.limits = Limits(seconds=settings.TIME_LIMIT, memory=settings.memory_limit)
        self.scorings = tuple(settings.AVAILABLE_SCORINGS)
        self.seed = settings.SEED
        self._max_table_bytes = settings.max_table_bytes
        self._files = files
        self._registry = registry
        # A registry in the store's own folder is no other machine's, and every beat would be a change to it.
        self._heart = Heart(files, registry, beats=settings.DATABASE_URL is not None)
        self._engine = LocalEngine(settings.NUM_CPUS, Means(threads=settings.THREADS, accelerate=settings.ACCELERATE))
        self.quotas = Allowances(registry, self._engine, settings.quotas)
        self._jobs = Jobs(files, registry, self._engine, self.quotas.share)
        self._report = SampleReport(settings.PDF_PATH, self._engine)
        self._load = lru_cache(CACHED_MODELS)(self._load_uncached)
        self.datasets = Datasets(
            files,
            registry,
            max_table_bytes=settings.max_table_bytes,
            max_dataset_bytes=settings.max_dataset_bytes,
            max_columns=settings.MAX_COLUMNS,
            forget=self._forget,
            most=self.quotas.storage,
        )
        self.simulations = Simulations(self.datasets)
        self.explorations = Explorations(self.datasets, files, self._engine)
        self.jobs = Trainings(
            self.datasets,
            files,
            registry,
            self._jobs,
            types=self.model_types,
            limits=self.limits,
            means=self._engine.means,
            seed=self.seed,
            tidy=self._tidy,
        )
        exports = Exports(files, self._engine, settings.memory_limit)
        self.trail, self.chronicle = registry.trail, self._jobs.chronicle
        keep = Keep(settings.KEEP_DATASETS_DAYS, settings.KEEP_JOBS_DAYS, settings.KEEP_AUDIT_DAYS)
        self.retention = Retention(keep, self.datasets, registry, files.root / "retention.json")
        self.access = Access(registry.keys, registry.changes, session_hours=settings.SESSION_HOURS)
        self.scores = Scores(self.datasets, files, registry, self._load)
        self.models = Models(
            self.datasets, files, registry, exports, forget=lambda each: self.scores.forget(model=each)
        )
        self.predictions = Predicting(self.datasets, files, registry, self._load)
        self.vitals = Vitals(files, registry, self._engine, cache=self._load.cache_info, ready=self.predictions.ready)
        self.comparisons = Comparisons(self.datasets, files, registry, self._load, seed=self.seed)

    @classmethod
    def open(cls, settings: Settings) -> Service:
        """The service over the store that the settings name; what dead processes left undone is cleared up.

        Raises:
            BadConfiguration: a setting cannot be used; the message names it.
        """
        _check_names("MODEL_TYPES", settings.MODEL_TYPES, estimators.CATALOGUE)
        if not _available(settings.MODEL_TYPES):
            raise BadConfiguration(
                "MODEL_TYPES names only types whose package is not installed; install eventsieve[fast], or name others."
            )
        _check_names("AVAILABLE_SCORINGS", settings.AVAILABLE_SCORINGS, METRICS)
        schema = settings.event_schema()
        with ExitStack() as stack:
            files = Files(settings.MODEL_DIR, settings.FILES_URL, settings.cache_bytes)
            stack.callback(files.close)
            registry = Registry(open_database(settings.database_url, files.root / "migration.lock"), files.owner)
            stack.callback(registry.close)
            claim_for(files, registry.owners.store(), registry.digests)
            service = cls(settings, schema, files, registry)
            stack.callback(service._heart.close)
            service._heart.start()
            service._tidy()
            registry.describe(lambda digest: _schema_of(files.tables.path(digest)))
            service.quotas.measure(files)
            digests, datasets = registry.digests(), registry.datasets.ids()
            files.sweep(digests)
            service.explorations.sweep(datasets)
            service.scores.sweep(digests.artefacts, datasets)
            stack.pop_all()
        return service

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ending(self) -> bool:
        """Whether it is about to end, and trains nothing new."""
        return self._jobs.ending

    def finish(self, seconds: float) -> None:
        """Train nothing new, and wait so long for what is being trained; what waits for a slot is interrupted."""
        self._jobs.drain(seconds)

    def close(self) -> None:
        """End what is being trained and let go of the store."""
        self.retention.close()
        self._jobs.close()
        self.quotas.close()
        self._heart.close()
        self._registry.close()
        self._files.close()

    def warm(self) -> None:
        """Begin what the first clients would wait for: to load the libraries of trainings, and to make the report."""
        self._engine.prepare()
        self._report.prepare()

    def new_file(self) -> Path:
        """A path to write an upload to; it goes away with this process at the latest."""
        return self._files.new()

    # looking at events

    def report(self) -> Path:
        """The report of exploratory analysis.

        Raises:
            NotReady: it is being made.
            NoReport: there is none, and none will come by waiting.
        """
        return self._report.path()

    # training

    def train(
        self,
        table: Path,
        specs: Sequence[ModelSpec],
        *,
        holdout: float = 0.0,
        seed: int | None = None,
        limits: Limits | None = None,
        queue: bool = True,
    ) -> Started:
        """Start to train models on a table, each in a process of its own.

        Args:
            table: a file of events.
            specs: the models; hyperparameters as clients send them. One with bad hyperparameters fails at once and
                does not keep the others.
            holdout: fraction of the events that is not trained on but scored, 0 for none.
            seed: of everything random where a model's ``random_state`` is not given.
            limits: of each model; those of the settings by default.
            queue: whether models may wait for a slot.

        Raises:
            BadRequest, UnknownModelType, DuplicateIds, ModelExists, NoFreeSlots, BadTable, TooLarge: nothing is
                trained then.
        """
        ids = [spec.name for spec in specs]
        _check_ids(ids)
        self._tidy()
        self._registry.refuse_taken(ids)
        models = [self._resolve(spec, self.seed if seed is None else seed) for spec in specs]
        if not queue:
            self._engine.refuse_beyond_free(len(models), self.quotas.share())
        order = Order(
            events=self._read(table, "both classes"),
            models=models,
            limits=limits or self.limits,
            plan=Plan(validation=Validation(kind="holdout", fraction=holdout) if holdout else Validation(kind="none")),
        )
        return self._jobs.start(order, queue=queue)

    def wait(self, started: Started, seconds: float | None = None) -> Job:
        """The job when all of its models have ended, or as it stands when the time is up."""
        finished, _ = wait_for(started.futures, seconds)
        for future in finished:
            future.result()
        return self.job(started.job.id)

    def job(self, job_id: str) -> Job:
        """The job of that id as it stands.

        Raises:
            NotFound: there is none.
        """
        return self._registry.job(job_id)

    # models

    def list_models(self) -> list[Model]:
        """All models, in the order in which they were asked for; perhaps none."""
        return self._registry.models()

    def all_models(self) -> list[Model]:
        """All models, of which there must be one at least.

        Raises:
            NoModels: there are none.
        """
        models = self.list_models()
        if not models:
            raise NoModels("No model has been trained yet; train one first.")
        return models

    def compare(self, table: Path, ids: Sequence[str], scorings: Sequence[str] = ()) -> dict[str, tuple[Score, ...]]:
        """Score models on the same events.

        Args:
            table: a file of events with labels, best of events that none of the models was trained on.
            ids: the models; naming one twice changes nothing.
            scorings: names of figures of merit; those of the settings by default.

        Raises:
            BadRequest, ModelNotFound, DamagedArtefact, BadTable, TooLarge
        """
        if not ids:
            raise BadRequest("No model is named; name at least one to compare.")
        models = self._registry.find(dict.fromkeys(ids))
        pipelines = {model.name: self._pipeline(model) for model in models}
        events = self._read(table, "both classes")
        names = tuple(scorings) or self.scorings
        return {name: score_model(pipeline, events, names, seed=self.seed) for name, pipeline in pipelines.items()}

    def current(self) -> Model:
        """The current model.

        Raises:
            NoCurrentModel: none is set.
        """
        return self._registry.current()

    def choose(self, model_id: str) -> None:
        """Make a model current.

        Raises:
            ModelNotFound: there is none of that id.
            AlreadyCurrent: it is current already.
        """
        self._registry.choose(model_id, actor().name)
        touch("model", model_id)

    def unset(self) -> str:
        """Make no model current; returns the id of the one that was.

        Raises:
            NoCurrentModel: none was.
        """
        unset = self._registry.unset(actor().name)
        touch("model", unset)
        return unset

    def remove(self, *ids: str) -> list[str]:
        """Remove models and their artefacts; returns their ids.

        Raises:
            ModelNotFound: naming every id that is none; nothing is removed then.
        """
        return [model.name for model in self.models.drop(ids)]

    def remove_all(self) -> list[str]:
        """Remove all models; returns their ids.

        Raises:
            NoModels: there are none.
        """
        removed = self.models.drop(None)
        if not removed:
            raise NoModels("There are no models to remove.")
        return [model.name for model in removed]

    def predict(self, table: Path, model_id: str | None = None) -> Predictions:
        """What a model says of each event of a table.

        Args:
            table: a file of events; weights and labels in it are ignored.
            model_id: the model; the current one by default.

        Raises:
            NoCurrentModel, ModelNotFound, DamagedArtefact, BadTable, TooLarge
        """
        model = self.current() if model_id is None else self._registry.find([model_id])[0]
        pipeline = self._pipeline(model)
        scored = score_table(
            table, self.schema, pipeline, lambda: self._read(table, "ignored"), max_bytes=self._max_table_bytes
        )
        cut = estimators.natural_cut(pipeline) if model.threshold.value is None else model.threshold.value
        return Predictions(
            model=model.name,
            index_name=self.schema.index_name,
            index=scored.index,
            signal=scored.score > cut,
            score=scored.score,
            remarks=scored.remarks,
        )

    def _read(self, table: Path, labels: Labels) -> Events:
        return read_events(table, self.schema, labels=labels, max_bytes=self._max_table_bytes)

    def _forget(self, dataset: str) -> None:
        self.explorations.forget(dataset)
        self.scores.forget(dataset=dataset)

    def _tidy(self) -> None:
        self._jobs.catch_up()
        self._heart.tidy()

    def _resolve(self, spec: ModelSpec, seed: int) -> ModelState:
        if spec.type not in self.model_types:
            raise UnknownModelType(f"Model {spec.name!r}: {estimators.unknown(spec.type, self.model_types)}")
        try:
            values = estimators.resolve(spec.type, spec.hyperparameters)
        except BadHyperparameters as error:
            return ModelState(spec=spec, seed=seed, state=State.FAILED, reason=str(error))
        return ModelState(spec=spec.model_copy(update={"hyperparameters": values}), seed=seed, state=State.QUEUED)

    def _pipeline(self, model: Model) -> Pipeline:
        if model.features != self.schema.feature_names:
            raise Conflict(
                f"The model {model.name!r} was trained on other columns than the settings name now; "
                f"train it again, or set DATASET_COLS and NON_FEATURE_COLS back."
            )
        if model.event_schema.classes:
            raise Conflict(
                f"The model {model.name!r} tells {len(model.event_schema.classes)} classes apart, and version 1 knows "
                f"signal and background only; use it over /api/v2 or from Python."
            )
        try:
            return self._load(model.digest)
        except DamagedArtefact as error:
            raise DamagedArtefact(
                f"The model {model.name!r} cannot be used; remove it and train it again. {error}"
            ) from error

    def _load_uncached(self, digest: str) -> Pipeline:
        return persist.loads(self._files.read_artefact(digest))


def _check_names(setting: str, names: Sequence[str], known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise BadConfiguration(f"{setting} names {', '.join(unknown)}; there are: {', '.join(known)}.")


def _available(types: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in types if estimators.CATALOGUE[name].available)


def _check_ids(ids: Sequence[str]) -> None:
    if not ids:
        raise BadRequest("No model is named; name at least one to train.")
    for name in ids:
        fault = fault_of_name(name)
        if fault:
            raise BadRequest(f"The model id {name[:LONGEST_NAME]!r} {fault}; choose another.")
    if twice := [repr(name) for name, count in Counter(ids).items() if count > 1]:
        raise DuplicateIds(f"Named more than once: {', '.join(twice)}; give each model an id of its own.")


def _schema_of(table: Path) -> Schema | None:
    try:
        return map_events(table).schema
    except DamagedArtefact:  # the model can be predicted with as long as its columns are those of the settings
        return None
