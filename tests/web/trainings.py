"""Trainings without processes: a step at a time, as the test says."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyarrow as pa

from eventsieve.domain.events import check
from eventsieve.domain.schema import load_schema
from eventsieve.records import Limits, ModelSpec, Outcome, Plan, Progress, State, Validation
from eventsieve.storage.tables import write_events
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.worker import Training, train

__all__ = ["ScriptedEngine", "Templates", "trained_here"]

STEPS = (
    Progress(stage="fitting", done=3, total=10, unit="trees"),
    Progress(stage="fitting", done=8, total=10, unit="trees"),
    Progress(stage="evaluating"),
)
"""What a training tells of itself, one at each step, between its beginning and its end."""


@dataclass(frozen=True)
class Templates:
    """A model that was trained before: how that ended, and the files that it left."""

    outcome: Outcome
    artefact: Path
    evaluation: Path


class ScriptedEngine(LocalEngine):
    """Trains nothing: each task goes a step further when it is told to, in the thread that tells it.

    Args:
        templates: gives what comes of a training; ``None`` trains in earnest, in this process.
        outcomes: how trainings of models of these names end instead.
    """

    def __init__(self, templates: Callable[[], Templates] | None, outcomes: dict[str, Outcome]) -> None:
        super().__init__(slots=2)
        self.outcomes = outcomes
        self.waits: set[str] = set()
        """Models that are not moved by who asks after jobs, only by name."""
        self._templates = templates
        self._under_way: dict[str, tuple[Task, Future[Outcome], int]] = {}

    def submit(self, task: Task) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()
        self._under_way[task.arguments["spec"]["name"]] = (task, future, 0)
        return future

    def step(self, name: str | None = None) -> None:
        """Let one training go a step further, or all that do not wait."""
        for each in [name] if name else [each for each in self._under_way if each not in self.waits]:
            task, future, done = self._under_way[each]
            self._under_way[each] = (task, future, done + 1)
            if done == 0:
                task.started()
            elif done <= len(STEPS):
                task.progress(STEPS[done - 1])
            else:
                self._end(each, self._outcome(task))

    def finish(self, name: str) -> None:
        """Let one training end."""
        while name in self._under_way:
            self.step(name)

    def cancel(self, task: Task) -> None:
        for name in [name for name, (each, *_) in self._under_way.items() if each is task]:
            self._end(name, Outcome(state=State.CANCELLED, reason="Cancelled."))

    def stop(self, task: Task) -> None:
        for name in [name for name, (each, *_) in self._under_way.items() if each is task]:
            kept = self._outcome(task)
            remark = "Stopped by request after 3 of 10 trees."
            self._end(name, kept.model_copy(update={"kept_early": True, "remarks": (remark,)}))

    def close(self) -> None:
        for task, *_ in list(self._under_way.values()):
            self.cancel(task)
        super().close()

    def _end(self, name: str, outcome: Outcome) -> None:
        task, future, _ = self._under_way.pop(name)
        task.done(outcome)
        self.unreserve(1, task.share)
        future.set_result(outcome)

    def _outcome(self, task: Task) -> Outcome:
        name = task.arguments["spec"]["name"]
        if name in self.outcomes:
            return self.outcomes[name]
        if self._templates is None:
            return _train(task.arguments)
        template = self._templates()
        shutil.copy(template.artefact, task.arguments["artefact"])
        shutil.copy(template.evaluation, task.arguments["evaluation"])
        return template.outcome


def trained_here(table: pa.Table, model: dict[str, Any], folder: Path) -> Templates:
    """Train a model in this process and keep its files in a folder."""
    events = check(table, load_schema("atlas-higgs-2014"), labels="both classes")
    path = folder / "template.arrow"
    write_events(events, path)
    training = Training(
        spec=ModelSpec(name="template", **model),
        seed=1,
        table=path,
        artefact=folder / "template.skops",
        evaluation=folder / "template.json",
        plan=Plan(validation=Validation(kind="holdout", fraction=0.25)),
        limits=Limits(seconds=60.0),
    )
    return Templates(_train(training.model_dump(mode="json")), training.artefact, training.evaluation)


def _train(arguments: Any) -> Outcome:
    channel = Mock(**{"stop_asked.return_value": False})
    train(arguments, channel)
    (outcome,) = channel.answer.call_args.args
    assert outcome.state is State.TRAINED, outcome.reason
    assert outcome.digest == hashlib.sha256(Path(arguments["artefact"]).read_bytes()).hexdigest()
    return outcome.model_copy(update={"seconds": 1.5, "peak_memory": 300 << 20})
