"""Figures of merit of a classifier on events that it was not trained on, each with its uncertainty.

Accuracy, F1 and the area under the ROC curve count events, each once. The approximate median significance (AMS) is
about the experiment: it uses the event weights, scaled class by class to the full sample.

Every uncertainty is the standard deviation of the figure over `REPLICAS` bootstrap replicas of the events, in each of
which an event counts a Poisson(1) number of times. A cut is chosen once, on the events themselves, and kept: the
uncertainty does not include that the best of many cuts tends to be a little lucky.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsieve.domain.metrics.ranking import Ranking
from eventsieve.domain.metrics.ranking import roc_auc as area
from eventsieve.domain.metrics.significance import CANCELLED, ClassSums, ams, best_place
from eventsieve.errors import BadConfiguration, BadTable
from eventsieve.records import Score

__all__ = ["METRICS", "REPLICAS", "Figure", "Metric", "Sample", "best_ams", "evaluate"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

REPLICAS: Final = 100
"""Bootstrap replicas: the uncertainty itself is known to 7 %."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled events with what a classifier says of them; all arrays have shape (events,).

    Attributes:
        label: bool, True for signal.
        predicted: bool, True where the classifier says signal.
        score: float64, larger for signal.
        sums: what the weights of each class are scaled to, or ``None``: they stay as they are.
    """

    label: Bools
    predicted: Bools
    score: Floats
    sums: ClassSums | None = None


class Figure(NamedTuple):
    """A figure of merit of one sample, ready for any weights of its events."""

    value: Callable[[Floats], float]
    """From event weights, float64, shape (events,)."""
    cut: float | None = None
    """The score above which an event is selected, for figures that depend on a cut."""


@dataclass(frozen=True)
class Metric:
    """One entry of the catalogue of metrics.

    Attributes:
        name: the metric's name in the interfaces.
        title: its name for people.
        weighted: whether it uses the event weights; if not, each event counts once.
        figure: from a sample and its weights (shape (events,)) to what depends on the weights alone.
    """

    name: str
    title: str
    weighted: bool
    figure: Callable[[Sample, Floats], Figure]


def best_ams(
    label: Bools, score: Floats, *, weight: Floats | None = None, sums: ClassSums | None = None, seed: int = 0
) -> Score:
    """The largest AMS that any cut on the score gives, with that cut and the uncertainty at it.

    Cuts that leave less background than `LEAST_BACKGROUND` says do not count.

    Args:
        label: bool, shape (events,), True for signal.
        score: float64, shape (events,), larger for signal; events of equal score are selected together or not at all.
        weight: float64, shape (events,); ``None`` counts each event once.
        sums: what the weights of each class are scaled to, so that a part of a sample stands for the whole.
        seed: of the bootstrap.

    Raises:
        BadTable: one of the classes is missing.
    """
    (best,) = evaluate(("ams",), label, label, score, weight=weight, sums=sums, seed=seed)
    return best


def evaluate(
    names: Iterable[str],
    label: Bools,
    predicted: Bools,
    score: Floats,
    *,
    weight: Floats | None = None,
    sums: ClassSums | None = None,
    seed: int = 0,
) -> tuple[Score, ...]:
    """Figures of merit with their uncertainties, in the order of their names.

    Args:
        names: names in `METRICS`.
        label: bool, shape (events,), True for signal.
        predicted: bool, shape (events,), True where the classifier says signal.
        score: float64, shape (events,), larger for signal.
        weight: float64, shape (events,), event weights; ``None`` counts each event once.
        sums: what the weights of each class are scaled to for the AMS, see `class_sums`.
        seed: of the bootstrap; the same seed gives the same uncertainties.

    Raises:
        BadConfiguration: there is no metric of one of the names.
        BadTable: one of the classes is missing.
    """
    names = tuple(names)
    if unknown := [name for name in names if name not in METRICS]:
        raise BadConfiguration(f"There is no metric {', '.join(unknown)}; there are: {', '.join(METRICS)}.")
    if label.all() or not label.any():
        raise BadTable("Figures of merit need signal and background events, and the table has only one of them.")
    sample = Sample(label, predicted, score, sums)
    ones = np.ones(len(label))
    metrics = [METRICS[name] for name in names]
    weights = [weight if metric.weighted and weight is not None else ones for metric in metrics]
    figures = [metric.figure(sample, each) for metric, each in zip(metrics, weights, strict=True)]
    replicas = np.empty((REPLICAS, len(names)))
    random = np.random.default_rng(seed)
    for row in replicas:
        times = random.poisson(1.0, len(label))
        row[:] = [figure.value(each * times) for figure, each in zip(figures, weights, strict=True)]
    return tuple(
        Score(name=name, value=figure.value(each), uncertainty=_spread(column), cut=figure.cut)
        for name, figure, each, column in zip(names, figures, weights, replicas.T, strict=True)
    )


def _spread(values: Floats) -> float | None:
    """The standard deviation of the replicas that have a value: of a few events, some lack a whole class."""
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else None


def _accuracy(sample: Sample, _: Floats) -> Figure:
    right = sample.label == sample.predicted
    return Figure(lambda weight: _ratio(_sum(weight, right), _sum(weight)))


def _f1(sample: Sample, _: Floats) -> Figure:
    both = sample.label & sample.predicted

    def value(weight: Floats) -> float:
        # 2 TP + FP + FN is what is labelled signal and what is predicted signal, taken together.
        either = _sum(weight, sample.label) + _sum(weight, sample.predicted)
        return _ratio(2.0 * _sum(weight, both), either, empty=0.0)

    return Figure(value)


def _roc_auc(sample: Sample, _: Floats) -> Figure:
    ranking = Ranking.of(sample.score, sample.label)
    return Figure(lambda weight: area(*ranking.selected(weight)))


def _best_ams(sample: Sample, weight: Floats) -> Figure:
    ranking = Ranking.of(sample.score, sample.label)
    to_signal, to_background = _scales(sample, weight)
    s, b = ranking.selected(weight)
    best = best_place(ranking, to_signal(s), to_background(b))
    cut = float(ranking.cuts(np.array(best)))
    selected = sample.score > cut
    signal, background = selected & sample.label, selected & ~sample.label

    def value(weight: Floats) -> float:
        to_signal, to_background = _scales(sample, weight)
        return float(ams(to_signal(_sum(weight, signal)), to_background(_sum(weight, background))))

    return Figure(value, cut)


class _Scale(NamedTuple):
    """From sums of the weights at hand to sums of the full sample's weights."""

    here: float
    full: float

    def __call__(self, sums: npt.ArrayLike) -> Floats:
        return np.asarray(sums) / self.here * self.full


def _scales(sample: Sample, weight: Floats) -> tuple[_Scale, _Scale]:
    """The scales of signal and of background."""
    scales = []
    for mask, full in zip((sample.label, ~sample.label), sample.sums or (None, None), strict=True):
        here = _sum(weight, mask)
        # Weights that cancel each other out have no scale that means anything.
        cancelled = here <= CANCELLED * _sum(np.abs(weight), mask)
        scales.append(_Scale(1.0, 1.0) if full is None or cancelled else _Scale(here, full))
    return scales[0], scales[1]


def _sum(weight: Floats, mask: Bools | None = None) -> float:
    # Not `weight @ mask`: the threads of a linear algebra library cost more than a sum, where all cores are training.
    return float((weight if mask is None else weight[mask]).sum())


def _ratio(part: float, whole: float, *, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


# To add a metric: an entry here and a function like those above; `figure` may look at the weights only to choose a
# cut, and its `value` takes any weights, because the bootstrap goes through it. Compare it with a formula or library
# that is not ours in tests/unit/test_metrics.py, and add a line to docs/estimators.md.
METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", "Accuracy", weighted=False, figure=_accuracy),
            Metric("f1", "F1", weighted=False, figure=_f1),
            Metric("roc_auc", "Area under the ROC curve", weighted=False, figure=_roc_auc),
            Metric("ams", "Approximate median significance", weighted=True, figure=_best_ams),
        )
    }
)
"""The figures of merit, by name."""
