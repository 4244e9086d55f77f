"""Curves of one class against all others: what each cut on its score selects."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.bootstrap import replicas
from eventsieve.domain.evaluation.figures import Selection
from eventsieve.domain.evaluation.scored import Scored
from eventsieve.domain.metrics import B_REG, REPLICAS, Ranking, ams, average_precision, countable, roc_auc
from eventsieve.records import AmsCurve, Calibration, ClassCurves, CutCurve, PrecisionRecallCurve, RocCurve

__all__ = ["ams_curve", "calibrate", "class_curves", "confusion", "thinned"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

POINTS: Final = 490
"""Points of a curve, at most; a few are kept beyond these."""

_BINS: Final = 20
"""Bins of the calibration curve."""

_ROUNDING: Final = 1e-9

_DIGITS: Final = 9
"""Decimals of fractions: what is beyond them is far below every uncertainty, and makes files three times as long."""


def thinned(ranking: Ranking, keep: int | None = None) -> Places:
    """Some hundred of the selections, rising: the ends, and steps of equal length along the ROC curve of counts.

    A third of the steps are equal in the logarithm of the background, where cuts for a rare signal lie.

    Args:
        ranking: the events by score.
        keep: a selection that must be among them.
    """
    signal, background = ranking.counts()
    length = signal / signal[-1] + background / background[-1]
    along = np.searchsorted(length, np.linspace(0.0, 2.0, 2 * POINTS // 3))
    rare = np.searchsorted(background, np.geomspace(1.0, background[-1], POINTS // 3))
    last = len(length) - 1
    places = np.concatenate([along, rare, [0, last], [] if keep is None else [keep]]).astype(np.intp)
    return np.unique(np.minimum(places, last))


def class_curves(scored: Scored, label: str, ranking: Ranking, keep: int | None) -> ClassCurves:
    """The curves of one class against all others.

    Args:
        scored: the events.
        label: name of the class that counts as signal.
        ranking: the events by their score for it.
        keep: the selection of the best AMS, or ``None``.
    """
    weight = scored.weights()
    signal, background = ranking.selected(weight)
    places = thinned(ranking, keep)
    s, b = signal[places], background[places]
    cuts = ranking.cuts(places)
    efficiency, mistakes = s / signal[-1], b / background[-1]
    purity = np.divide(s, s + b, out=np.full_like(s, np.nan), where=s + b > 0.0).clip(0.0, 1.0)
    roc = RocCurve(
        cut=(None, *cuts.tolist()),
        background=(0.0, *_fractions(mistakes)),
        signal=(0.0, *_fractions(efficiency)),
        auc=roc_auc(signal, background),
    )
    precision = PrecisionRecallCurve(
        recall=_fractions(efficiency),
        precision=_fractions(np.nan_to_num(purity)),
        average_precision=average_precision(signal, background),
    )
    events = [count[places][::-1] for count in ranking.counts()]
    selected = CutCurve(
        # From the lowest cut, which selects everything, to the highest score, which selects nothing.
        cut=(*cuts[::-1].tolist(), float(ranking.score[0])),
        signal_efficiency=(*_fractions(efficiency[::-1]), 0.0),
        background_efficiency=(*_fractions(mistakes[::-1]), 0.0),
        purity=(*(None if np.isnan(value) else value for value in _fractions(purity[::-1])), None),
        signal_events=(*events[0].tolist(), 0),
        background_events=(*events[1].tolist(), 0),
    )
    calibration = calibrate(ranking, weight) if scored.probabilities else None
    return ClassCurves(label=label, roc=roc, precision_recall=precision, cuts=selected, calibration=calibration)


def calibrate(ranking: Ranking, weight: Floats, bins: int = _BINS) -> Calibration:
    """Predicted probability against what is observed, in bins of about equally many events, by rising probability.

    Events of equal probability are in one bin. The uncertainty is that of a binomial fraction of as many events as the
    weights are worth, (sum w)^2 / sum w^2, with half an event added to either side so that it is never zero. Bins that
    negative weights make worth less than one event are left out.

    Args:
        ranking: the events by their probability.
        weight: float64, shape (events,), in the sample's order.
        bins: at most so many.
    """
    ordered = weight[ranking.falling]
    steps = np.linspace(0, len(ordered), bins + 1)[1:]
    ends = np.unique(ranking.ends[np.searchsorted(ranking.ends + 1, np.floor(steps))]) + 1
    starts = np.append(0, ends[:-1])
    sums, signal, mass, squares = (
        np.add.reduceat(values, starts)
        for values in (ordered, ordered * ranking.signal, ordered * ranking.score, ordered**2)
    )
    worth = np.divide(sums**2, squares, out=np.zeros_like(sums), where=(sums > 0.0) & (squares > 0.0))
    good = np.flatnonzero(worth > 1.0 - _ROUNDING)[::-1]
    predicted, observed, worth = mass[good] / sums[good], signal[good] / sums[good], worth[good]
    fraction = (observed.clip(0.0, 1.0) * worth + 0.5) / (worth + 1.0)
    return Calibration(
        predicted=_fractions(predicted),
        observed=_fractions(observed),
        uncertainty=_fractions(np.sqrt(fraction * (1.0 - fraction) / worth)),
        events=tuple((ends - starts)[good].tolist()),
    )


def ams_curve(scored: Scored, ranking: Ranking, best: Selection, *, seed: int | None) -> AmsCurve:
    """The AMS against the cut, where a cut leaves enough background to count, with its spread over replicas.

    Args:
        scored: the events.
        ranking: the same events by their score for the signal.
        best: the selection with the largest AMS.
        seed: of the bootstrap; ``None``: no uncertainties.
    """
    allowed = countable(ranking)
    places = np.array([place for place in thinned(ranking, best.place) if allowed[place]])
    # Each event falls into the step between two of the cuts; sums over steps are sums over selections.
    step = np.searchsorted(ranking.ends[places], np.arange(len(scored)))
    cell = np.empty(len(scored), dtype=np.intp)
    cell[ranking.falling] = step
    k = scored.classes
    cell = cell * k + scored.target
    weight = scored.weights()

    def values(counts: Floats) -> tuple[Floats, Floats]:
        sums = np.bincount(cell, weight * counts, (len(places) + 1) * k).reshape(-1, k).cumsum(axis=0)
        return best.scaling.sums(sums[:-1], sums[-1])

    s, b = values(np.ones(len(scored)))
    spread = np.empty(0)
    if seed is not None:
        rows = [ams(*values(row)) for counts in replicas(len(scored), REPLICAS, seed) for row in counts]
        spread = np.std(rows, axis=0, ddof=1)
    total: Floats = np.bincount(scored.target, weight, k).astype(np.float64)
    whole = best.scaling.sums(total, total)
    at = int(np.flatnonzero(places == best.place)[0])
    found = ams(s, b)
    return AmsCurve(
        cut=tuple(ranking.cuts(places)[::-1].tolist()),
        ams=tuple(found[::-1].tolist()),
        uncertainty=tuple(spread[::-1].tolist()),
        best_cut=best.cut,
        best=float(found[at]),
        best_uncertainty=None if seed is None else float(spread[at]),
        signal_sum=float(whole[0]),
        background_sum=float(whole[1]),
        regularisation=B_REG,
    )


def confusion(scored: Scored) -> tuple[tuple[float, ...], ...]:
    """Sums of weights by true class (rows) and predicted class (columns)."""
    k = scored.classes
    cells = scored.target.astype(np.intp) * k + scored.predicted
    return tuple(tuple(row) for row in np.bincount(cells, scored.weights(), k * k).reshape(k, k).tolist())


def _fractions(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(values, _DIGITS).tolist())
