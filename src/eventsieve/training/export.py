"""What a child does to export: write a stored model in ONNX, and whether that gives the same scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eventsieve.domain import onnx, persist
from eventsieve.records import Outcome, Record, State
from eventsieve.storage.tables import map_events
from eventsieve.training.channel import Channel

__all__ = ["Export", "export"]

MOST_EVENTS = 10_000
"""Events of the model's table on which both are compared."""


class Export(Record):
    """The arguments of `export`."""

    artefact: Path
    table: Path
    """The stored table that the model was trained on."""
    classes: tuple[str, ...]
    cut: float | None
    """The score above which an event is signal; ``None`` to take the likeliest class."""
    onnx: Path
    """Where to write the model, if it gives the same scores."""
    check: Path
    """Where to write the `OnnxCheck`."""


def export(arguments: Mapping[str, Any], channel: Channel) -> None:
    """Export as told, then send the outcome."""
    task = Export.model_validate(arguments)
    channel.ready()
    try:
        _export(task)
        outcome = Outcome(state=State.TRAINED)
    except MemoryError:
        outcome = Outcome(state=State.OUT_OF_MEMORY, reason="It needs more memory than one slot may use.")
    except Exception as error:  # noqa: BLE001 - the edge of the process: a converter may raise anything
        outcome = Outcome(state=State.FAILED, reason=f"{type(error).__name__}: {str(error).strip()[:200]}")
    channel.answer(outcome)


def _export(task: Export) -> None:
    events = map_events(task.table)
    rows = np.unique(np.linspace(0, len(events) - 1, MOST_EVENTS).astype(np.intp))
    data, check = onnx.export(
        persist.loads(task.artefact.read_bytes()),
        events.features[rows],
        task.cut,
        features=events.schema.feature_names,
        classes=task.classes,
    )
    if data is not None:
        task.onnx.write_bytes(data)
    task.check.write_text(check.model_dump_json(), encoding="utf-8")
