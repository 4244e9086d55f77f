"""What is looked at of kept scores: their counts, and some rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eventsieve.domain.predictions import decisions
from eventsieve.domain.scorecounts import ScoreTally, edges_of
from eventsieve.records import Dataset, Model, PredictionPage, ScoreSummary
from eventsieve.service.scoring import heading_of
from eventsieve.storage.scores import ScoredRows, ScoreFile

__all__ = ["page", "summary"]


def page(model: Model, dataset: Dataset, file: ScoreFile, offset: int, limit: int) -> PredictionPage:
    """The predictions of some events."""
    found = file.rows(offset, limit)
    decided = decisions(found.scores, model)
    heading = heading_of(model, [column.name for column in dataset.columns], dataset.id)
    by_class = decided.probabilities
    return PredictionPage(
        model=heading.model,
        digest=heading.digest,
        dataset=heading.dataset,
        threshold=heading.threshold,
        index_name=heading.index_name,
        index=tuple(found.index.tolist()),
        label=tuple(heading.classes[code] for code in decided.code.tolist()),
        score=tuple(decided.score.tolist()),
        probabilities={}
        if by_class is None
        else {name: tuple(by_class[:, code].tolist()) for code, name in enumerate(heading.classes)},
        remarks=heading.remarks,
        offset=offset,
        total=file.events,
    )


def summary(model: Model, dataset: Dataset, file: ScoreFile, bins: int) -> ScoreSummary:
    """The scores of all events, counted."""
    schema = model.event_schema
    heading = heading_of(model, [column.name for column in dataset.columns], dataset.id)
    edges = edges_of(*file.range(), bins, probabilities=model.probabilities)
    groups = _Groups(model, dataset)
    tally = ScoreTally(edges, heading.threshold, len(groups.labels))
    predicted = np.zeros(len(schema.class_names), dtype=np.int64)
    weighted = dataset.event_schema.weight is not None
    for part in file.parts():
        weighted = weighted and part.weight is not None and bool(np.isfinite(part.weight).all())
        for group, score, rows in groups.of(part):
            tally.add(group, score, part.weight[rows] if weighted and part.weight is not None else None)
        predicted += np.bincount(decisions(part.scores, model).code, minlength=len(predicted))
    counted = [
        tally.counts(place, label, score_of, weighted=weighted)
        for place, (label, score_of) in enumerate(zip(groups.labels, groups.scores_of, strict=True))
    ]
    return ScoreSummary(
        model=model.name,
        digest=model.digest,
        dataset=dataset.id,
        dataset_digest=dataset.digest,
        events=file.events,
        classes=schema.class_names,
        signal=None if heading.threshold is None else schema.signal,
        probabilities=model.probabilities,
        threshold=heading.threshold,
        predicted=dict(zip(schema.class_names, predicted.tolist(), strict=True)),
        edges=tuple(edges.tolist()),
        scores=tuple(each for each in counted if each.events),
        remarks=(*heading.remarks, *groups.remarks, *_unweighted(dataset, weighted=weighted)),
    )


def _unweighted(dataset: Dataset, *, weighted: bool) -> Sequence[str]:
    column = dataset.event_schema.weight
    if column is None or weighted:
        return ()
    return (f"Some weights in column {column.name} are no finite numbers, so every event counts the same.",)


class _Groups:
    """Which events are counted together, and which of their scores.

    Attributes:
        labels: of each group the class that its events are of by the data set; ``None`` for all others.
        scores_of: of each group the class whose score is counted.
        remarks: what there is to know of it.
    """

    def __init__(self, model: Model, dataset: Dataset) -> None:
        self._classes = model.event_schema.class_names
        known = dataset.event_schema.class_names
        self._codes: npt.NDArray[np.int_] | None = None
        self.labels: tuple[str | None, ...] = (*known, None)
        self.scores_of = (self._classes[1],) * len(self.labels)
        self.remarks: tuple[str, ...] = ()
        if len(self._classes) == 2:
            return
        self.scores_of = self._classes
        if known and set(known) <= set(self._classes):
            self.labels = self._classes
            self._codes = np.array([self._classes.index(name) for name in known])
        else:
            self.labels = (None,) * len(self._classes)
        if known and self._codes is None:
            theirs, ours = ", ".join(known), ", ".join(self._classes)
            self.remarks = (
                f"The data set has other classes ({theirs}) than the model ({ours}): scores are of all events.",
            )

    def of(
        self, part: ScoredRows
    ) -> list[tuple[npt.NDArray[np.int_], npt.NDArray[np.float64], npt.NDArray[np.bool_] | slice]]:
        """The groups, the scores and the choice of rows to be counted together."""
        if part.scores.ndim == 1:
            code = np.full(len(part.index), -1) if part.code is None else part.code.astype(np.int_)
            return [(np.where(code < 0, len(self.labels) - 1, code), part.scores, slice(None))]
        if self._codes is None or part.code is None:
            return [
                (np.full(len(part.index), place), part.scores[:, place], slice(None))
                for place in range(len(self._classes))
            ]
        rows = part.code >= 0
        code = self._codes[part.code[rows]]
        return [(code, part.scores[rows, code], rows)]
