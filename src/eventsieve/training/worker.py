"""What a child does: train one model on a stored table, evaluate it, and leave both where it was told."""

from __future__ import annotations

import errno
import hashlib
import platform
import time
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from eventsieve.domain import estimators, persist
from eventsieve.domain.estimators import CATALOGUE, Fitted, NothingToKeep, Watch
from eventsieve.domain.evaluation import evaluation_cost
from eventsieve.domain.events import Events
from eventsieve.domain.splitting import Part, plan_split
from eventsieve.errors import EventsieveError
from eventsieve.records import Limits, Means, ModelSpec, OnLimit, Outcome, Plan, Record, State
from eventsieve.storage.tables import map_events
from eventsieve.training.channel import Channel
from eventsieve.training.folds import Folds
from eventsieve.training.pace import SAMPLE, Budget, Clock, Costs, FinalFit, Steps
from eventsieve.training.validation import MOST_TRAIN_EVENTS, Validated, Validator

__all__ = ["Training", "train"]

LIBRARIES = ("eventsieve", "numpy", "scipy", "scikit-learn", "skops")
"""What a model depends on, beside Python and what its fit says that it used."""

ESSENTIAL_SECONDS = 0.3
ESSENTIAL_SECONDS_PER_EVENT = 4e-6
"""What figures and curves of a class take without uncertainties."""

IMPORTANCE_SECONDS = 10.0
"""What is kept back for permutation importance beside the rest, where the limit is long enough."""

FOLDS_SLACK = 1.1
"""The last fold should be done in time even if it takes a little longer than the first."""


class Training(Record):
    """The arguments of `train`."""

    spec: ModelSpec
    seed: int
    table: Path
    """The stored table, an Arrow file that is mapped, not read."""
    artefact: Path
    """Where to write the artefact."""
    evaluation: Path
    """Where to write the evaluation, if there is one."""
    plan: Plan = Plan()
    validation: Path | None = None
    """The stored table to validate on; for ``kind: dataset``."""
    limits: Limits = Limits()
    """What the server will enforce."""
    means: Means = Means()
    """What the fits may use of the machine."""


def train(arguments: Mapping[str, Any], channel: Channel) -> None:
    """Train as told, then send the outcome.

    Everything after the message "ready" counts against the time limit: mapping the table, the fits, writing the
    artefact, and the evaluation.
    """
    task = Training.model_validate(arguments)
    clock = Clock(task.limits.seconds)
    channel.ready(if_late=_if_late(task))
    try:
        outcome = _train(task, channel, clock)
    except MemoryError:
        outcome = Outcome(
            state=State.OUT_OF_MEMORY,
            reason="Needed more memory than one slot may use; choose smaller parameters or fewer events.",
        )
    except NothingToKeep:
        outcome = Outcome(state=State.CANCELLED, reason="Stopped by request before there was anything to keep.")
    except OSError as error:
        outcome = Outcome(state=State.DIED, reason=_of_disk(error))
    except EventsieveError as error:
        outcome = Outcome(state=State.FAILED, reason=_first_line(error))
    except Exception as error:  # noqa: BLE001 - the edge of the process: any estimator may raise anything
        outcome = Outcome(state=State.FAILED, reason=f"{type(error).__name__}: {_first_line(error)}")
    channel.answer(outcome)


def _if_late(task: Training) -> str:
    """What to add to the reason if the limit strikes although the model was to be kept."""
    if task.plan.on_limit is OnLimit.DISCARD:
        return ""
    if _can_keep(task.spec):
        return "Its fit had too little time to be ended and kept."
    return f"What {CATALOGUE[task.spec.type].title} has by then cannot be kept: its fit does not tell how far it is."


def _can_keep(spec: ModelSpec) -> bool:
    entry = CATALOGUE[spec.type]
    return entry.can_keep({each.name: each.default for each in entry.parameters} | spec.hyperparameters)


def _train(task: Training, channel: Channel, clock: Clock) -> Outcome:
    events = map_events(task.table)
    names = events.schema.class_names
    parts = plan_split(task.plan.validation, events.targets, task.seed, names)
    folds = parts if task.plan.validation.kind == "folds" else ()
    known, new = _samples(task, events, parts)
    steps = Steps(channel, 1 + len(folds))
    pipeline = _build(task, events)
    costs = _costs(clock, known, new)
    sample = known.features[:SAMPLE]
    budget = Budget(
        clock,
        costs,
        measure=lambda done: costs.measure(pipeline, done, sample),
        shares=FOLDS_SLACK * len(folds) if folds else 1.0,
    )
    watch = FinalFit(channel, steps, budget if task.plan.on_limit is OnLimit.KEEP else None)
    start = time.monotonic()
    fitted, remarks = _fit(task, pipeline, known, watch)
    seconds = time.monotonic() - start
    steps.ended(fitted)
    if fitted.kept_early:
        remarks = _with_cause(watch, fitted, remarks)
    digest = _store(task, pipeline)
    validated = Validated(probabilities=estimators.has_probabilities(pipeline))
    if new is not None:
        validator = Validator(events.schema, task.seed, events.class_sums, channel, clock, costs)
        if folds:
            fit = partial(_fit_fold, task, events)
            keep = task.plan.on_limit is OnLimit.KEEP
            validated = Folds(validator, steps, events, folds, fit, keep=keep).validate(pipeline, fitted, seconds)
        else:
            validated = validator.validate(pipeline, known, new)
    return Outcome(
        state=State.TRAINED,
        digest=digest,
        versions=_versions(fitted),
        features=events.schema.feature_names,
        scores=validated.scores,
        remarks=(*remarks, *validated.remarks),
        probabilities=validated.probabilities,
        evaluation=_write(task, validated),
        kept_early=fitted.kept_early,
    )


def _versions(fitted: Fitted) -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in (*LIBRARIES, *fitted.libraries)}


def _samples(task: Training, events: Events, parts: tuple[Part, ...]) -> tuple[Events, Events | None]:
    """The events that the model is trained on, and those that it is validated on."""
    match task.plan.validation.kind:
        case "none":
            return events, None
        case "holdout":
            return events.take(parts[0].train), events.take(parts[0].validation)
        case "folds":
            return events, events
    if task.validation is None:
        raise ValueError("a validation on another data set needs its table")
    return events, map_events(task.validation)


def _build(task: Training, events: Events) -> Pipeline:
    return estimators.build(task.spec.type, task.spec.hyperparameters, task.seed, events.schema.class_names)


def _costs(clock: Clock, known: Events, new: Events | None) -> Costs:
    if new is None:
        return Costs(clock, scored=0, essential=0.0, optional=0.0)
    classes = len(new.schema.class_names)
    train = min(len(known), MOST_TRAIN_EVENTS)
    return Costs(
        clock,
        scored=len(new) + train,
        essential=ESSENTIAL_SECONDS + ESSENTIAL_SECONDS_PER_EVENT * (len(new) + train) * (classes - 1),
        optional=evaluation_cost(len(new), classes) + IMPORTANCE_SECONDS,
    )


def _fit(task: Training, pipeline: Pipeline, events: Events, watch: Watch) -> tuple[Fitted, tuple[str, ...]]:
    """Fit in place; how it ended, and all remarks."""
    rows, weight, remarks = estimators.training_weights(
        task.plan.weights, task.plan.negative_weights, events.weight, events.targets
    )
    kept = events if rows is None else events.take(rows)
    fitted = estimators.fit(pipeline, kept.features, kept.targets, weight=weight, watch=watch, means=task.means)
    return fitted, (*fitted.remarks, *remarks)


def _with_cause(watch: FinalFit, fitted: Fitted, remarks: tuple[str, ...]) -> tuple[str, ...]:
    """The remarks on a model that was kept early; the first of its fit says the same without the cause."""
    kept = f"Stopped {watch.cause} after {fitted.done} of {fitted.total} {watch.unit}."
    return (kept, *(remark for remark in remarks if remark not in fitted.remarks[:1]))


def _fit_fold(task: Training, events: Events, part: Part, watch: Watch) -> Pipeline:
    pipeline = _build(task, events)
    _fit(task, pipeline, events.take(part.train), watch)
    return pipeline


def _store(task: Training, pipeline: Pipeline) -> str:
    data = persist.dumps(pipeline)
    task.artefact.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _write(task: Training, validated: Validated) -> str | None:
    if validated.evaluation is None:
        return None
    data = validated.evaluation.model_dump_json().encode()
    task.evaluation.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _of_disk(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The server's disk is full, so the model could not be written; make room and train it again."
    return f"The model could not be written ({_first_line(error)}); train it again."


def _first_line(message: object) -> str:
    return str(message).strip().partition("\n")[0]
