"""What a child does: train one model on a stored table and leave the artefact where it was told."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eventsieve.domain import estimators, persist
from eventsieve.domain.evaluation import score_model
from eventsieve.domain.metrics import METRICS
from eventsieve.domain.splitting import split
from eventsieve.records import ModelSpec, Outcome, Record, State
from eventsieve.storage.tables import map_events

__all__ = ["Training", "train"]

LIBRARIES = ("eventsieve", "numpy", "scipy", "scikit-learn", "skops")
"""What a model depends on, beside Python."""

Send = Callable[[dict[str, Any]], None]


class Training(Record):
    """The arguments of `train`."""

    spec: ModelSpec
    seed: int
    table: Path
    """The stored table, an Arrow file that is mapped, not read."""
    artefact: Path
    """Where to write the artefact."""
    holdout: float = 0.0
    """Fraction of the events, of each class, that is not trained on but scored; 0 for none."""


def train(arguments: Mapping[str, Any], send: Send) -> None:
    """Train as told, then send the outcome.

    Everything after the message "ready" counts against the time limit: mapping the table, the fit, the scores, and
    writing the artefact.
    """
    task = Training.model_validate(arguments)
    send({"ready": True})
    try:
        outcome = _train(task)
    except MemoryError:
        outcome = Outcome(
            state=State.OUT_OF_MEMORY,
            reason="Needed more memory than one slot may use; choose smaller parameters or fewer events.",
        )
    except Exception as error:  # noqa: BLE001 - the edge of the process: any estimator may raise anything
        outcome = Outcome(state=State.FAILED, reason=f"{type(error).__name__}: {_first_line(error)}")
    send({"outcome": outcome.model_dump(mode="json")})


def _train(task: Training) -> Outcome:
    events = map_events(task.table)
    kept, held_out = events, None
    if task.holdout:
        rows, others = split(events.labels, task.holdout, seed=task.seed)
        kept, held_out = events.take(rows), events.take(others)
    pipeline = estimators.build(task.spec.type, task.spec.hyperparameters, task.seed)
    remarks = estimators.fit(pipeline, kept.features, kept.labels)
    data = persist.dumps(pipeline)
    task.artefact.write_bytes(data)
    scores = score_model(pipeline, held_out, tuple(METRICS), seed=task.seed) if held_out else ()
    return Outcome(
        state=State.TRAINED,
        digest=hashlib.sha256(data).hexdigest(),
        versions={"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        features=events.schema.feature_names,
        scores=scores,
        remarks=remarks,
    )


def _first_line(message: object) -> str:
    return str(message).strip().partition("\n")[0]
