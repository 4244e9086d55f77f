"""The chronicle of trainings: the log, and whoever counts, are told how each begins and ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from typing import ParamSpec

from eventsieve.acting import concern
from eventsieve.records import Job, ModelSpec, Outcome, State
from eventsieve.training.deadline import Task

__all__ = ["Chronicle"]

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class Chronicle:
    """Follows tasks from outside; what it does never keeps one from ending."""

    def __init__(self) -> None:
        self.training_ended: Callable[[ModelSpec, Outcome], None] = lambda *_: None
        """Called when a training has ended and that is written down."""
        self.job_ended: Callable[[Sequence[State]], None] = lambda _: None
        """Called with the states of its models when the last of a job has ended."""
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[list[State], int]] = {}
        """The states of what has ended of each job, and how many have not."""

    def follow(self, job: Job, position: int, task: Task) -> Task:
        """The same task, told of.

        Its lines in the log know who asked for it, in which request, and of which job and model they are, whichever
        thread they come from.
        """
        spec = job.models[position].spec
        context = copy_context()
        context.run(concern, job=job.id, model=spec.name)
        with self._lock:
            waiting = sum(model.state is State.QUEUED for model in job.models)
            self._jobs.setdefault(job.id, ([each.state for each in job.models if each.state.final], waiting))

        def started() -> None:
            _log.info("training of %r (%s) has begun", spec.name, spec.type)
            task.started()

        def done(outcome: Outcome) -> None:
            task.done(outcome)
            self._end(job.id, spec, outcome)

        def lost(error: Exception) -> None:
            task.lost(error)
            self._end(job.id, spec, Outcome(state=State.DIED, reason="How it ended could not be written down."))

        return replace(
            task,
            started=_within(context, started),
            progress=_within(context, task.progress),
            done=_within(context, done),
            lost=_within(context, lost),
        )

    def _end(self, job_id: str, spec: ModelSpec, outcome: Outcome) -> None:
        why = f": {outcome.reason}" if outcome.reason else ""
        memory = f", {outcome.peak_memory / 2**20:,.0f} MB" if outcome.peak_memory else ""
        state, seconds = outcome.state.value, outcome.seconds
        _log.info("training of %r (%s): %s in %.1f s%s%s", spec.name, spec.type, state, seconds, memory, why)
        self.training_ended(spec, outcome)
        with self._lock:
            states, waiting = self._jobs.pop(job_id, ([], 1))
            states.append(outcome.state)
            if waiting > 1:
                self._jobs[job_id] = (states, waiting - 1)
        if waiting == 1:
            self.job_ended(states)


def _within(context: Context, call: Callable[P, None]) -> Callable[P, None]:
    # A context can be entered once at a time; a copy of it costs nothing, and callbacks may come at once.
    def inside(*args: P.args, **options: P.kwargs) -> None:
        context.copy().run(call, *args, **options)

    return inside
