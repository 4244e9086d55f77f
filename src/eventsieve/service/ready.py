"""Models that are ready: a few events are predicted with them at once, without a look into the registry."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sklearn.pipeline import Pipeline

from eventsieve.domain.plainrows import PlainRows
from eventsieve.domain.predictions import Decisions, Part, decisions, score_part
from eventsieve.records import Predictions
from eventsieve.service.scoring import Loaded, heading_of
from eventsieve.storage.outputs import Heading

__all__ = ["ReadyModel", "ReadyModels", "predictions_of"]

MOST_READY: Final = 64
"""Names under which models are ready."""

BRIEF_SECONDS: Final = 0.002
"""For so long a server may be kept from everything else."""


class ReadyModel:
    """A model, and all that can be known before the events are.

    Args:
        loaded: the model; its pipeline lives no longer than others hold it.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.model = loaded.model
        self._pipeline = weakref.ref(loaded.pipeline)
        self._plain = PlainRows(loaded.model.event_schema)
        names = loaded.model.event_schema.feature_names
        index = loaded.model.event_schema.index
        self._headings = {False: heading_of(loaded.model, names)}
        if index is not None:
            self._headings[True] = heading_of(loaded.model, (*names, index.name))
        self._fastest: dict[int, float] = {}

    @property
    def pipeline(self) -> Pipeline | None:
        """What scores, while it is kept."""
        return self._pipeline()

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Part | None:
        """The events of plain rows, of which there is at least one; ``None`` where rows are not plain."""
        return self._plain.read(rows)

    def is_brief(self, events: int) -> bool:
        """Whether so many events have been seen to be predicted in no time; what was not tried is not."""
        return self._fastest.get(events.bit_length(), BRIEF_SECONDS) < BRIEF_SECONDS

    def predict(self, pipeline: Pipeline, part: Part) -> Predictions:
        """What the model says of the events.

        Raises:
            BadTable: values are too large for the model to give a finite score.
        """
        began = time.perf_counter()
        decided = decisions(score_part(pipeline, part, self.model.event_schema), self.model)
        size = len(part.rows).bit_length()
        self._fastest[size] = min(time.perf_counter() - began, self._fastest.get(size, BRIEF_SECONDS))
        return predictions_of(self._headings[part.index is not part.rows], [part], [decided])


class ReadyModels:
    """Models by the names and aliases that they were asked for by, for as long as nothing in the registry changes.

    Args:
        stamp: tells the registry's states apart; ``None`` where it cannot.
    """

    def __init__(self, stamp: Callable[[], int | None]) -> None:
        self.stamp = stamp
        self._lock = threading.Lock()
        self._stamp: int | None = None
        self._models: dict[str, tuple[int, ReadyModel]] = {}
        """With the stamp at which each was last found to be still the same."""

    def __len__(self) -> int:
        with self._lock:
            return sum(stamp == self._stamp for stamp, _ in self._models.values())

    def get(self, ref: str) -> ReadyModel | None:
        """The model, if it is ready; does not wait for anything."""
        stamp = self.stamp()
        with self._lock:
            known, ready = self._models.get(ref, (None, None))
        return ready if stamp is not None and stamp == known else None

    def keep(self, stamp: int | None, ref: str, loaded: Loaded) -> None:
        """Keep a model ready.

        Args:
            stamp: of the registry, taken before it was asked for the model.
            ref: the name or alias.
            loaded: the model.
        """
        if stamp is None:
            return
        with self._lock:
            self._stamp = stamp
            _, there = self._models.pop(ref, (None, None))
            if there is None or there.pipeline is not loaded.pipeline or there.model != loaded.model:
                there = ReadyModel(loaded)
            while len(self._models) >= MOST_READY:
                del self._models[next(iter(self._models))]
            self._models[ref] = stamp, there


def predictions_of(heading: Heading, parts: Sequence[Part], decided: Sequence[Decisions]) -> Predictions:
    """Decisions as a record."""
    return Predictions(
        model=heading.model,
        digest=heading.digest,
        threshold=heading.threshold,
        index_name=heading.index_name,
        index=tuple(number for part in parts for number in part.index.tolist()),
        label=tuple(heading.classes[code] for each in decided for code in each.code.tolist()),
        score=tuple(score for each in decided for score in each.score.tolist()),
        probabilities=_by_class(heading, decided),
        remarks=heading.remarks,
    )


def _by_class(heading: Heading, decided: Sequence[Decisions]) -> dict[str, tuple[float, ...]]:
    if not heading.probabilities:
        return {}
    return {
        name: tuple(
            value
            for each in decided
            if each.probabilities is not None
            for value in each.probabilities[:, code].tolist()
        )
        for code, name in enumerate(heading.classes)
    }
