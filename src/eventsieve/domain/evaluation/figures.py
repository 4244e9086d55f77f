"""Figures of merit of one model, ready to be computed for many bootstrap replicas of the same events.

Accuracy, F1, log loss, Brier score and AMS are functions of sums over the events, so that the replicas are one matrix
product; ROC AUC and average precision need the events in the order of their scores, replica by replica.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.scaling import Scaling, best_cut, full_sums, significance
from eventsieve.domain.evaluation.scored import Scored
from eventsieve.domain.metrics import Ranking, average_precision, roc_auc
from eventsieve.records import Schema

__all__ = ["LOWER_IS_BETTER", "NAMES", "Figures", "Key", "Selection", "rankings", "ranks", "selection"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NAMES: Final = ("accuracy", "f1", "roc_auc", "average_precision", "log_loss", "brier", "ams")
"""The figures of merit in the order in which they are listed."""

LOWER_IS_BETTER: Final = frozenset({"log_loss", "brier"})

_SURE: Final = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does."""


class Key(NamedTuple):
    """Which figure of merit it is."""

    name: str
    weighted: bool


class Selection(NamedTuple):
    """The events above the best-AMS cut."""

    place: int
    """Which selection of the signal's ranking it is."""
    cut: float
    chosen: Bools
    """Shape (events,)."""
    scaling: Scaling


def rankings(scored: Scored) -> dict[int, Ranking]:
    """The events by their score for each class that counts as signal in turn."""
    return {code: Ranking.of(scored.score_of(code), scored.target == code) for code in scored.signals()}


def ranks(ranked: Mapping[int, Ranking], weight: Floats) -> tuple[float, float]:
    """ROC AUC and average precision; of several classes their means over the classes, each against all others.

    Args:
        ranked: what `rankings` gave.
        weight: float64, shape (events,), of any sign.
    """
    selected = [ranking.selected(weight) for ranking in ranked.values()]
    areas = [roc_auc(*sums) for sums in selected]
    precisions = [average_precision(*sums) for sums in selected]
    return sum(areas) / len(areas), sum(precisions) / len(precisions)


def selection(
    scored: Scored, ranked: Mapping[int, Ranking], schema: Schema, sums: Mapping[str, float] | None
) -> Selection | None:
    """The selection with the largest AMS, or ``None`` where no class is the signal or it has no events."""
    code = schema.signal_code
    if code is None or code not in ranked:
        return None
    scaling = Scaling.of(scored, code, full_sums(schema, sums))
    place, cut = best_cut(scored, ranked[code], scaling)
    return Selection(place, cut, scored.score_of(code) > cut, scaling)


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of merit of one model, as functions of how often each event counts.

    Attributes:
        keys: the figures, those of sums before those of ranks.
        columns: float64, shape (events, columns): what is summed.
        parts: for each weighting, how its columns are read.
        ranked: the events by score for each class.
        weights: float64, shape (events,): ones, and the event weights if there are any.
        best: the selection of the AMS.
    """

    keys: tuple[Key, ...]
    columns: Floats
    parts: tuple[_Part, ...]
    ranked: Mapping[int, Ranking]
    weights: tuple[Floats, ...]
    best: Selection | None

    @classmethod
    def of(cls, scored: Scored, ranked: Mapping[int, Ranking], best: Selection | None) -> Figures:
        """The figures of scored events, with what `rankings` and `selection` gave for them.

        The AMS is one figure: it uses the event weights where there are any, because it is about the experiment.
        """
        weights = (np.ones(len(scored)),) if scored.weight is None else (np.ones(len(scored)), scored.weight)
        cases = _cases(scored)
        losses = _losses(scored) if scored.probabilities else np.empty((len(scored), 0))
        chosen = np.empty((len(scored), 0)) if best is None else cases[:, : scored.classes] * best.chosen[:, None]
        occurs = cases.sum(axis=0).reshape(3, -1).sum(axis=0) > 0
        parts, columns = [], []
        for weighted, weight in enumerate(weights):
            last = weighted == len(weights) - 1
            part = _Part(bool(weighted), scored.score.ndim == 1, occurs, bool(losses.size), best if last else None)
            block = np.hstack([cases, losses, chosen] if last else [cases, losses])
            parts.append(part)
            columns.append(block * weight[:, None])
        keys = [key for part in parts for key in part.keys]
        keys += [Key(name, bool(i)) for i in range(len(weights)) for name in ("roc_auc", "average_precision")]
        return cls(tuple(keys), np.hstack(columns), tuple(parts), ranked, weights, best)

    def of_sums(self, counts: Floats) -> Floats:
        """The figures that are functions of sums.

        Args:
            counts: float64, shape (replicas, events): how often each event counts.

        Returns:
            float64, shape (replicas, figures), NaN where a figure is not defined.
        """
        sums = counts @ self.columns
        found, start = [], 0
        for part in self.parts:
            found.append(part.values(sums[:, start : start + part.width]))
            start += part.width
        return np.hstack(found)

    def of_ranks(self, counts: Floats) -> list[float]:
        """The figures that need the order of the scores; ``counts`` has shape (events,)."""
        return [value for weight in self.weights for value in ranks(self.ranked, weight * counts)]

    def values(self) -> Floats:
        """All figures of the events themselves, in the order of the keys."""
        ones = np.ones(len(self.columns))
        return np.append(self.of_sums(ones[None, :])[0], self.of_ranks(ones))


@dataclass(frozen=True, eq=False)
class _Part:
    """How the sums of one weighting are read.

    They are by class those of true, of predicted and of rightly predicted events; the losses; and by class those of the
    events that the best-AMS cut selects.
    """

    weighted: bool
    binary: bool
    occurs: Bools
    """Shape (classes,): which classes are true or predicted anywhere; F1 is a mean over these."""
    losses: bool
    best: Selection | None

    @property
    def keys(self) -> list[Key]:
        names = ["accuracy", "f1", *(["log_loss", "brier"] if self.losses else []), *(["ams"] if self.best else [])]
        return [Key(name, self.weighted) for name in names]

    @property
    def width(self) -> int:
        k = len(self.occurs)
        return 3 * k + 2 * self.losses + k * (self.best is not None)

    def values(self, sums: Floats) -> Floats:
        """The figures, float64, shape (replicas, figures), from the sums, shape (replicas, width)."""
        k = len(self.occurs)
        true, said, right = sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k : 3 * k]
        total = true.sum(axis=1)
        # 2 TP + FP + FN is what is of the class and what is predicted to be, taken together.
        f1 = _ratio(2.0 * right, true + said, empty=0.0)
        found = [_ratio(right.sum(axis=1), total), f1[:, 1] if self.binary else f1[:, self.occurs].mean(axis=1)]
        if self.losses:
            found += [_ratio(sums[:, 3 * k + i], total) for i in range(2)]
        if self.best is not None:
            found.append(significance(self.best.scaling, sums[:, -k:], true))
        return np.column_stack(found)


def _ratio(part: Floats, whole: Floats, *, empty: float = float("nan")) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, empty), where=whole > 0.0)


def _cases(scored: Scored) -> Floats:
    """By class 1 where an event is of it, is predicted to be, and both; shape (events, 3 classes)."""
    codes = np.arange(scored.classes)
    true = scored.target[:, None] == codes
    said = scored.predicted[:, None] == codes
    return np.hstack([true, said, true & said]).astype(np.float64)


def _losses(scored: Scored) -> Floats:
    """Log loss and squared distance of each event's probabilities, shape (events, 2)."""
    if scored.score.ndim == 1:
        signal = scored.target == 1
        of_true = np.where(signal, scored.score, 1.0 - scored.score)
        squared = (scored.score - signal) ** 2
    else:
        of_true = np.take_along_axis(scored.score, scored.target[:, None].astype(np.intp), axis=1)[:, 0]
        squared = (scored.score**2).sum(axis=1) - 2.0 * of_true + 1.0
    return np.column_stack([-np.log(np.clip(of_true, _SURE, 1.0 - _SURE)), squared])
