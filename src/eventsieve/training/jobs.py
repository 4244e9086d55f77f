"""Jobs: models that are trained together, from the spec to the registry."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from eventsieve.acting import actor
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.events import Events
from eventsieve.errors import Conflict, ModelNotFound
from eventsieve.records import Job, Limits, ModelSpec, ModelState, Outcome, Plan, Progress, Schema, State, Table
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.worker import Training

__all__ = ["Jobs", "Order", "Started"]

CANCEL_SECONDS = 2.0
"""How long `Jobs.cancel` waits for the ends of what it has cancelled to be written down."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Order:
    """What a job is to train, all of it checked.

    Attributes:
        events: what the models are trained on.
        models: the models; those that are not queued have failed already.
        limits: of each model.
        plan: how the models are trained and validated.
        validation: the events that they are validated on, where these are another table's.
        dataset: id of the data set of the events.
        warnings: what a physicist should know before the job ends.
    """

    events: Events
    models: Sequence[ModelState]
    limits: Limits
    plan: Plan = field(default_factory=Plan)
    validation: Events | None = None
    dataset: str | None = None
    warnings: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Started:
    """A job under way: its record when it started, and a future for each model that is being trained."""

    job: Job
    futures: tuple[Future[Outcome], ...]
    remarks: tuple[str, ...] = ()


class Jobs:
    """Starts trainings, follows them, ends them, and writes down how they end."""

    def __init__(self, files: Files, registry: Registry, engine: LocalEngine) -> None:
        self._files = files
        self._registry = registry
        self._engine = engine
        self._closing = False
        self._unwritten: deque[tuple[str, int, Exception]] = deque()
        self._catching_up = threading.Lock()
        # Held while a job is in the registry and its tasks are not known here yet: nobody could end it.
        self._starting = threading.Lock()
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._tasks: dict[str, dict[int, Task]] = {}
        self._progress: dict[tuple[str, int], Progress] = {}
        self._versions: dict[str, int] = {}

    def close(self) -> None:
        """End all trainings; they are interrupted."""
        self._closing = True
        self._engine.close()

    def start(self, order: Order, *, queue: bool) -> Started:
        """Start to train every model that is queued.

        Args:
            order: what.
            queue: whether models may wait for a slot.

        Raises:
            NoFreeSlots, ModelExists: nothing is trained then.
        """
        queued = [position for position, model in enumerate(order.models) if model.state is State.QUEUED]
        self._engine.reserve(len(queued), queue=queue)
        try:
            job, tasks = self._add(order, queued)
        except BaseException:
            self._engine.unreserve(len(queued))
            raise
        if not queued:
            self._release(job)
        return Started(job, tuple(map(self._engine.submit, tasks)), order.events.remarks)

    def get(self, job_id: str) -> Job:
        """The job as it stands, with the progress of what is being trained here.

        Raises:
            JobNotFound: there is none.
        """
        return self.with_progress(self._registry.job(job_id))

    def with_progress(self, job: Job) -> Job:
        """The job with the progress of what is being trained here."""
        with self._lock:
            models = tuple(
                model.model_copy(update={"progress": self._progress.get((job.id, position), model.progress)})
                for position, model in enumerate(job.models)
            )
        return job.model_copy(update={"models": models})

    def version(self, job_id: str) -> int:
        """A number that changes whenever something happens in a job that is trained here; 0 when it has ended."""
        with self._lock:
            return self._versions.get(job_id, 0)

    def cancel(self, job_id: str, name: str | None = None) -> Job:
        """End the trainings of a job, or that of one model; what has ended already stays.

        Raises:
            JobNotFound, ModelNotFound: there is none, or it trains no model of that name.
            Conflict: another process trains it.
        """
        positions = self._end(job_id, name, self._engine.cancel)
        with self._lock:
            self._ended.wait_for(lambda: positions.isdisjoint(self._tasks.get(job_id, ())), CANCEL_SECONDS)
        return self.get(job_id)

    def stop(self, job_id: str, name: str | None = None) -> Job:
        """Ask the trainings of a job, or that of one model, to end soon and to keep what they have.

        Those of a job that cannot be kept unfinished go on.

        Raises:
            JobNotFound, ModelNotFound: there is none, or it trains no model of that name.
            Conflict: another process trains it, or none of them can be kept unfinished.
        """
        job = self._registry.job(job_id)
        asked = [model.spec for model in job.models if name in (None, model.spec.name) and not model.state.final]
        if asked and not any(map(_can_keep, asked)):
            names = ", ".join(f"{spec.name!r} ({spec.type})" for spec in asked)
            raise Conflict(f"What is unfinished of {names} cannot be kept; wait for the end, or cancel.")
        self._end(job_id, name, self._engine.stop, _can_keep)
        return self.get(job_id)

    def catch_up(self) -> None:
        """Write down the ends of trainings that could not be written down when they came (the disk was full)."""
        with self._catching_up:
            while self._unwritten:
                job_id, position, error = self._unwritten[0]
                reason = f"How it ended could not be written down ({error}); train it again."
                try:
                    self._registry.finish(
                        job_id, position, Outcome(state=State.DIED, reason=reason), adopt=lambda: None
                    )
                except OSError as still:  # what is known can be read meanwhile; the next call tries again
                    _log.warning("the end of training %d of job %s still has no room: %s", position, job_id, still)
                    return
                self._unwritten.popleft()

    def _end(
        self,
        job_id: str,
        name: str | None,
        end: Callable[[Task], object],
        which: Callable[[ModelSpec], bool] = lambda _: True,
    ) -> set[int]:
        job = self._registry.job(job_id)
        positions = {place for place, model in enumerate(job.models) if name in (None, model.spec.name)}
        if not positions:
            names = ", ".join(repr(model.spec.name) for model in job.models)
            raise ModelNotFound(f"The job {job_id} trains no model {name!r}; it trains {names}.")
        if not job.final and not self._registry.is_own(job_id):
            raise Conflict(f"The job {job_id} is trained by another process over the same store; end it there.")
        with self._starting, self._lock:
            tasks = self._tasks.get(job_id, {})
            chosen = [tasks[place] for place in positions if place in tasks and which(job.models[place].spec)]
        for task in chosen:
            end(task)
        return positions

    def _add(self, order: Order, queued: Sequence[int]) -> tuple[Job, list[Task]]:
        tables = [order.events] if order.validation is None else [order.events, order.validation]
        paths = [self._files.new(".arrow") for _ in tables]
        try:
            written = [self._write(events, path) for events, path in zip(tables, paths, strict=True)]

            def settle() -> None:
                for path, table in zip(paths, written, strict=True):
                    if path.exists():  # the two may be the same events
                        self._files.tables.settle(path, table.digest)

            validation = written[1] if order.validation is not None else None
            with self._starting:
                job = self._registry.add_job(
                    written[0],
                    order.models,
                    limits=order.limits,
                    settle=settle,
                    plan=order.plan,
                    dataset=order.dataset,
                    validation=validation,
                    warnings=order.warnings,
                    by=actor().name,
                )
                tasks = {place: self._task(job, place, order.events.schema, validation) for place in queued}
                with self._lock:
                    if tasks:
                        self._tasks[job.id], self._versions[job.id] = tasks, 1
            return job, list(tasks.values())
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def _write(self, events: Events, path: Path) -> Table:
        return Table(
            digest=self._files.write_table(events, path),
            schema_name=events.schema.name,
            events=len(events),
            signal=events.signal_count,
            features=len(events.schema.features),
            classes=len(events.schema.class_names),
            created=datetime.now(UTC),
        )

    def _task(self, job: Job, position: int, schema: Schema, validation: Table | None) -> Task:
        model = job.models[position]
        artefact, evaluation = self._files.new(".skops"), self._files.new(".json")
        training = Training(
            spec=model.spec,
            seed=model.seed,
            table=self._files.tables.path(job.table),
            artefact=artefact,
            evaluation=evaluation,
            plan=job.plan,
            validation=validation and self._files.tables.path(validation.digest),
            limits=job.limits,
            means=self._engine.means,
        )
        return Task(
            run="eventsieve.training.worker:train",
            arguments=training.model_dump(mode="json"),
            limits=job.limits,
            started=lambda: self._start(job.id, position),
            progress=lambda progress: self._advance(job.id, position, progress),
            done=lambda outcome: self._finish(job, position, outcome, (artefact, evaluation), schema),
            lost=lambda error: self._lose(job.id, position, error),
        )

    def _start(self, job_id: str, position: int) -> None:
        self._registry.start(job_id, position)
        self._changed(job_id)

    def _advance(self, job_id: str, position: int, progress: Progress) -> None:
        with self._lock:
            self._progress[job_id, position] = progress
        self._changed(job_id)

    def _changed(self, job_id: str) -> None:
        with self._lock:
            if job_id in self._versions:
                self._versions[job_id] += 1

    def _lose(self, job_id: str, position: int, error: Exception) -> None:
        _log.error("the end of training %d of job %s could not be written down", position, job_id, exc_info=error)
        self._unwritten.append((job_id, position, error))
        self._forget(job_id, position)

    def _finish(self, job: Job, position: int, outcome: Outcome, files: tuple[Path, Path], schema: Schema) -> None:
        if self._closing and outcome.state is State.CANCELLED:
            reason = "The server was stopped during the training; train it again."
            outcome = outcome.model_copy(update={"state": State.INTERRUPTED, "reason": reason})
        artefact, evaluation = files

        def adopt() -> None:
            if outcome.evaluation is not None:
                self._files.adopt_evaluation(evaluation, outcome.evaluation)
            self._files.adopt_artefact(artefact, outcome.digest or "")

        try:
            self._registry.finish(job.id, position, outcome, adopt=adopt, schema=schema)
        finally:
            for path in files:
                path.unlink(missing_ok=True)
        self._release(job)
        self._forget(job.id, position)

    def _forget(self, job_id: str, position: int) -> None:
        """Nothing more will happen to this training; how it stands is in the registry alone."""
        with self._lock:
            self._progress.pop((job_id, position), None)
            if not (tasks := self._tasks.get(job_id, {})):
                return
            tasks.pop(position, None)
            if not tasks:
                del self._tasks[job_id], self._versions[job_id]
            self._ended.notify_all()
        self._changed(job_id)

    def _release(self, job: Job) -> None:
        """Drop the tables if nothing came of them and nothing will."""
        self._registry.release_table(job.table, self._files.tables.drop)
        if validation := self._registry.validation_table(job.id):
            self._registry.release_table(validation, self._files.tables.drop)


def _can_keep(spec: ModelSpec) -> bool:
    return CATALOGUE[spec.type].can_keep(spec.hyperparameters)
