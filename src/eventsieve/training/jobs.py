"""Jobs: models that are trained together, from the spec to the registry."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eventsieve.domain.events import Events
from eventsieve.records import Job, Limits, ModelState, Outcome, State, Table
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.worker import Training

__all__ = ["Jobs", "Started"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Started:
    """A job under way: its record when it started, and a future for each model that is being trained."""

    job: Job
    futures: tuple[Future[Outcome], ...]
    remarks: tuple[str, ...] = ()


class Jobs:
    """Starts trainings and writes down how they end."""

    def __init__(self, files: Files, registry: Registry, engine: LocalEngine) -> None:
        self._files = files
        self._registry = registry
        self._engine = engine
        self._closing = False
        self._unwritten: deque[tuple[str, int, Exception]] = deque()
        self._catching_up = threading.Lock()

    def close(self) -> None:
        """End all trainings; they are interrupted."""
        self._closing = True
        self._engine.close()

    def start(
        self,
        events: Events,
        models: Sequence[ModelState],
        *,
        holdout: float,
        limits: Limits,
        queue: bool,
    ) -> Started:
        """Start to train on the events every model that is queued.

        Raises:
            NoFreeSlots, ModelExists: nothing is trained then.
        """
        queued = [position for position, model in enumerate(models) if model.state is State.QUEUED]
        self._engine.reserve(len(queued), queue=queue)
        try:
            job = self._add(events, models, holdout=holdout, limits=limits)
        except BaseException:
            self._engine.unreserve(len(queued))
            raise
        if not queued:
            self._release(job)
        futures = tuple(self._submit(job, position) for position in queued)
        return Started(job, futures, events.remarks)

    def catch_up(self) -> None:
        """Write down the ends of trainings that could not be written down when they came (the disk was full)."""
        with self._catching_up:
            while self._unwritten:
                job_id, position, error = self._unwritten[0]
                reason = f"How it ended could not be written down ({error}); train it again."
                self._registry.finish(job_id, position, Outcome(state=State.DIED, reason=reason), adopt=lambda: None)
                self._unwritten.popleft()

    def _add(self, events: Events, models: Sequence[ModelState], *, holdout: float, limits: Limits) -> Job:
        path = self._files.new(".arrow")
        table = Table(
            digest=self._files.write_table(events, path),
            schema_name=events.schema.name,
            events=len(events),
            signal=events.signal_count,
            created=datetime.now(UTC),
        )
        try:
            return self._registry.add_job(
                table,
                models,
                holdout=holdout,
                limits=limits,
                settle=lambda: self._files.settle_table(path, table.digest),
            )
        finally:
            path.unlink(missing_ok=True)

    def _submit(self, job: Job, position: int) -> Future[Outcome]:
        model = job.models[position]
        artefact = self._files.new(".skops")
        training = Training(
            spec=model.spec,
            seed=model.seed,
            table=self._files.table(job.table),
            artefact=artefact,
            holdout=job.holdout,
        )
        return self._engine.submit(
            Task(
                run="eventsieve.training.worker:train",
                arguments=training.model_dump(mode="json"),
                limits=job.limits,
                started=lambda: self._registry.start(job.id, position),
                done=lambda outcome: self._finish(job, position, outcome, artefact),
                lost=lambda error: self._lose(job.id, position, error),
            )
        )

    def _lose(self, job_id: str, position: int, error: Exception) -> None:
        _log.error("the end of training %d of job %s could not be written down", position, job_id, exc_info=error)
        self._unwritten.append((job_id, position, error))

    def _finish(self, job: Job, position: int, outcome: Outcome, artefact: Path) -> None:
        if self._closing and outcome.state is State.CANCELLED:
            reason = "The server was stopped during the training; train it again."
            outcome = outcome.model_copy(update={"state": State.INTERRUPTED, "reason": reason})
        digest = outcome.digest or ""
        try:
            self._registry.finish(job.id, position, outcome, adopt=lambda: self._files.adopt_artefact(artefact, digest))
        finally:
            artefact.unlink(missing_ok=True)
        self._release(job)

    def _release(self, job: Job) -> None:
        """Drop the table if nothing came of it."""
        self._registry.release_table(job.table, self._files.drop_table)
