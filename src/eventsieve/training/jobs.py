"""Jobs: models that are trained together, from the spec to the registry."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from eventsieve.acting import actor, touch
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.events import Events
from eventsieve.errors import Conflict, ModelNotFound, NotReady
from eventsieve.records import Job, Limits, ModelSpec, ModelState, Outcome, Plan, Progress, Schema, State, Table
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training.chronicle import Chronicle
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.turns import Share
from eventsieve.training.unwritten import OUTAGES, Unwritten
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
    """Starts trainings, follows them, ends them, and writes down how they end.

    Args:
        files: the store's files.
        registry: the store's facts.
        engine: carries out trainings.
        share: what whoever acts now may use of the slots.
    """

    def __init__(
        self, files: Files, registry: Registry, engine: LocalEngine, share: Callable[[], Share] = Share
    ) -> None:
        self._files = files
        self._registry = registry
        self._engine = engine
        self._share = share
        self.chronicle = Chronicle()
        self._closing = False
        self._ending_at: float | None = None
        """By the monotonic clock; nothing is begun any more where it is not None."""
        self._unwritten = Unwritten()
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
        self._unwritten.close()

    @property
    def ending(self) -> bool:
        """Whether nothing is begun any more."""
        return self._ending_at is not None

    def drain(self, seconds: float) -> None:
        """Begin nothing any more, and wait so long for what is being trained; what waits for a slot is interrupted."""
        with self._starting, self._lock:
            self._ending_at = time.monotonic() + seconds
            tasks = [task for of_job in self._tasks.values() for task in of_job.values()]
        self._interrupt(tasks)
        with self._lock:
            self._ended.wait_for(lambda: not self._tasks, seconds)

    def start(self, order: Order, *, queue: bool) -> Started:
        """Start to train every model that is queued.

        Args:
            order: what.
            queue: whether models may wait for a slot.

        Raises:
            NoFreeSlots, ModelExists, QuotaExceeded: nothing is trained then.
            NotReady: nothing is begun any more.
        """
        queued = [position for position, model in enumerate(order.models) if model.state is State.QUEUED]
        share = self._share()
        share.admit()
        self._engine.reserve(len(queued), queue=queue, share=share)
        try:
            job, tasks = self._add(order, queued, share)
        except BaseException:
            self._engine.unreserve(len(queued), share)
            raise
        touch("job", job.id)
        touch("model", *(model.spec.name for model in order.models))
        if not queued:
            self._release(job)
        started = Started(job, tuple(map(self._engine.submit, tasks)), order.events.remarks)
        if self.ending:  # since they were written down
            self._interrupt(tasks)
        return started

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
        """Write down what could not be when it happened: the disk was full, or the database did not answer."""
        self._unwritten.catch_up()

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

    def _add(self, order: Order, queued: Sequence[int], share: Share) -> tuple[Job, list[Task]]:
        tables = [order.events] if order.validation is None else [order.events, order.validation]
        paths = [self._files.new(".arrow") for _ in tables]
        try:
            written = [self._write(events, path) for events, path in zip(tables, paths, strict=True)]

            def settle() -> None:
                for path, table in zip(paths, written, strict=True):
                    if path.exists():  # the two may be the same events
                        self._files.tables.settle(path, table.digest)

            validation = written[1] if order.validation is not None else None
            for path, table in zip(paths, written, strict=True):
                self._files.tables.send(path, table.digest)
            with self._starting:
                self._refuse_at_the_end()
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
                schema = order.events.schema
                tasks = {place: self._task(job, place, schema, validation, share) for place in queued}
                with self._lock:
                    if tasks:
                        self._tasks[job.id], self._versions[job.id] = tasks, 1
            return job, list(tasks.values())
        except OUTAGES:
            # Perhaps it was written down and only the database's answer was lost: then nobody would ever end it.
            self._unwritten.later("", "the start", self._disown)
            raise
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def _refuse_at_the_end(self) -> None:
        if self._ending_at is not None:
            left = max(1, math.ceil(self._ending_at - time.monotonic()))
            raise NotReady(
                f"The server is about to end and begins no trainings; send it again in {left} s, when another may run.",
                left,
            )

    def _interrupt(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._engine.interrupt(task)

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

    def _task(self, job: Job, position: int, schema: Schema, validation: Table | None, share: Share) -> Task:
        model = job.models[position]
        artefact, evaluation = self._files.new(".skops"), self._files.new(".json")
        # Until it begins, which may be long, tables are in nobody's use that an object store's cache would know of.
        table, other = self._files.new(".arrow"), self._files.new(".arrow")
        files = (artefact, evaluation, table, other)
        training = Training(
            spec=model.spec,
            seed=model.seed,
            table=self._files.tables.lend(job.table, table),
            artefact=artefact,
            evaluation=evaluation,
            plan=job.plan,
            validation=validation and self._files.tables.lend(validation.digest, other),
            limits=job.limits,
            means=self._engine.means,
        )
        task = Task(
            run="eventsieve.training.worker:train",
            arguments=training.model_dump(mode="json"),
            limits=job.limits,
            share=share,
            started=lambda: self._start(job.id, position),
            progress=lambda progress: self._advance(job.id, position, progress),
            done=lambda outcome: self._finish(job, position, outcome, files, schema),
            lost=lambda error: self._lose(job, position, error, files),
        )
        return self.chronicle.follow(job, position, task)

    def _start(self, job_id: str, position: int) -> None:
        moment = datetime.now(UTC)
        # The training itself needs no registry.
        with suppress(*OUTAGES):
            write = partial(self._registry.start, job_id, position, moment)
            self._unwritten.now_or_later(job_id, f"the start of training {position}", write)
        self._changed(job_id)

    def _advance(self, job_id: str, position: int, progress: Progress) -> None:
        with self._lock:
            self._progress[job_id, position] = progress
        self._changed(job_id)

    def _changed(self, job_id: str) -> None:
        with self._lock:
            if job_id in self._versions:
                self._versions[job_id] += 1

    def _lose(self, job: Job, position: int, error: Exception, files: tuple[Path, ...]) -> None:
        _log.error("the end of training %d of job %s could not be written down", position, job.id, exc_info=error)
        reason = f"How it ended could not be written down ({error}); train it again."
        died = Outcome(state=State.DIED, reason=reason)
        # Where only an outage was in the way, the true end is written down before this, which changes nothing then.
        write = partial(self._write_down, job, position, died, files)
        self._unwritten.later(job.id, f"the loss of training {position}", write)
        self._forget(job.id, position)

    def _finish(self, job: Job, position: int, outcome: Outcome, files: tuple[Path, ...], schema: Schema) -> None:
        if self._closing and outcome.state is State.CANCELLED:
            reason = "The server was stopped during the training; train it again."
            outcome = outcome.model_copy(update={"state": State.INTERRUPTED, "reason": reason})
        artefact, evaluation, *_ = files
        adopted = set[Path]()

        def adopt() -> None:
            # Where the commit fails after this, it is called again.
            if outcome.evaluation is not None and evaluation not in adopted:
                self._files.adopt_evaluation(evaluation, outcome.evaluation)
                adopted.add(evaluation)
            if artefact not in adopted:
                self._files.adopt_artefact(artefact, outcome.digest or "")
                adopted.add(artefact)

        def write() -> None:
            if outcome.digest is not None:
                self._files.send_trained(artefact, outcome.digest, evaluation, outcome.evaluation)
            self._write_down(job, position, outcome, files, adopt=adopt, schema=schema, stored=stored)

        stored = sum(path.stat().st_size for path in (artefact, evaluation) if path.is_file())
        self._unwritten.now_or_later(job.id, f"the end of training {position}", write)
        self._forget(job.id, position)

    def _write_down(
        self,
        job: Job,
        position: int,
        outcome: Outcome,
        files: tuple[Path, ...],
        *,
        adopt: Callable[[], None] = lambda: None,
        schema: Schema | None = None,
        stored: int = 0,
    ) -> None:
        self._registry.finish(job.id, position, outcome, adopt=adopt, schema=schema, stored=stored)
        for path in files:
            path.unlink(missing_ok=True)
        self._release(job)

    def _disown(self) -> None:
        """End what the registry calls ours and nobody here knows: its request failed when it was written down."""
        with self._starting:
            with self._lock:
                known = set(self._tasks)
            for table in self._registry.disown(known | self._unwritten.jobs()):
                self._registry.release_table(table, self._files.tables.drop)

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
