"""Exports: models in other formats, made once in a child and kept."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

from eventsieve.domain.predictions import threshold_of
from eventsieve.records import Limits, Model, OnnxCheck, Outcome, State
from eventsieve.storage.files import Files
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.export import Export

__all__ = ["Exports"]

SECONDS = 120.0


class Exports:
    """What models are in other formats.

    Args:
        files: the store's files.
        engine: what to make them with.
        memory: bytes that making one may use; ``None`` for no limit.
    """

    def __init__(self, files: Files, engine: LocalEngine, memory: int | None = None) -> None:
        self._files = files
        self._engine = engine
        self._limits = Limits(seconds=SECONDS, memory=memory)
        self._lock = threading.Lock()

    def onnx(self, model: Model) -> tuple[Path | None, OnnxCheck]:
        """The model in ONNX where that gives the same scores, and the comparison of both; made at the first call.

        Args:
            model: also its threshold is in the file; with another one it is made again.
        """
        key = _key(model)
        with self._lock:  # others wait for it, rather than make it again
            known = self._known(key)
            return known or self._made(model, key)

    def drop(self, digest: str) -> None:
        """Remove what was made of an artefact."""
        for path in self._files.exports.folder.glob(f"{digest}-*"):
            path.unlink(missing_ok=True)

    def _known(self, key: str) -> tuple[Path | None, OnnxCheck] | None:
        try:
            check = OnnxCheck.model_validate_json(self._files.exports.path(f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        path = self._files.exports.path(f"{key}.onnx")
        if not check.reproduces:
            return None, check
        return (path, check) if path.is_file() else None

    def _made(self, model: Model, key: str) -> tuple[Path | None, OnnxCheck]:
        task = Export(
            artefact=self._files.artefacts.path(model.digest),
            table=self._files.tables.path(model.table),
            classes=model.event_schema.class_names,
            cut=threshold_of(model),
            onnx=self._files.new(".onnx"),
            check=self._files.new(".json"),
        )
        outcome = self._run(task)
        if outcome.state is not State.TRAINED:
            reason = f"It could not be written in ONNX: {outcome.reason or outcome.state}"
            return None, OnnxCheck(reproduces=False, events=0, reason=reason)
        self.drop(model.digest)
        if task.onnx.is_file():
            self._files.exports.settle(task.onnx, f"{key}.onnx")
        self._files.exports.settle(task.check, f"{key}.json")  # last: it says that the other is there
        known = self._known(key)
        return known or (None, OnnxCheck(reproduces=False, events=0, reason="It was removed meanwhile; ask again."))

    def _run(self, task: Export) -> Outcome:
        arguments = task.model_dump(mode="json")
        return self._engine.aside(Task("eventsieve.training.export:export", arguments, self._limits)).result()


def _key(model: Model) -> str:
    """What the file depends on: the artefact, what its classes are called, and the threshold."""
    about = json.dumps([model.features, model.event_schema.class_names, threshold_of(model)])
    return f"{model.digest}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
