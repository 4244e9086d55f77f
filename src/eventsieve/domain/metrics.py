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

from eventsieve.domain.schema import Schema
from eventsieve.errors import BadConfiguration, BadTable
from eventsieve.records import Score

__all__ = [
    "B_REG",
    "LEAST_BACKGROUND",
    "METRICS",
    "REPLICAS",
    "ClassSums",
    "Figure",
    "Metric",
    "Sample",
    "ams",
    "best_ams",
    "class_sums",
    "evaluate",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

B_REG: Final = 10.0
"""Background that the challenge adds to that of a selection, against empty selections."""

LEAST_BACKGROUND: Final = 10
"""Background events that a cut must leave for its AMS to count (a tenth of them, if there are less than 100).

With less the background is a guess: of thousands of cuts the best would be the one that by luck leaves none.
"""

_CANCELLED: Final = 1e-9
"""The sum of a class's weights, as a part of the sum of their sizes, up to which they cancel each other out."""

REPLICAS: Final = 100
"""Bootstrap replicas: the uncertainty itself is known to 7 %."""


class ClassSums(NamedTuple):
    """Sums of the event weights of the two classes in an experiment's full sample."""

    signal: float
    background: float


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


def ams(s: npt.ArrayLike, b: npt.ArrayLike, b_reg: float = B_REG) -> Floats:
    """The approximate median significance of a selection with signal ``s`` and background ``b``.

    sqrt(2 ((s + b + b_reg) ln(1 + s / (b + b_reg)) - s)), from C. Adam-Bourdarios et al., "The Higgs boson machine
    learning challenge", PMLR 42 (2015) 19-55. Negative event weights can make the sums negative: no signal is no
    significance, and a background below zero counts as none.

    Args:
        s: sums of the weights of the selected signal events, any shape.
        b: sums of the weights of the selected background events, of a shape that goes with it.
        b_reg: not negative; with 0, signal without any background is infinitely significant.

    Returns:
        float64, in the shape of the two together, not negative.
    """
    signal = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    background = np.maximum(np.asarray(b, dtype=np.float64), 0.0) + b_reg
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = 2.0 * ((signal + background) * np.log1p(signal / background) - signal)
    return np.sqrt(np.maximum(np.where(signal > 0.0, squared, 0.0), 0.0))


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


def class_sums(schema: Schema) -> ClassSums | None:
    """The weight sums of the full sample as the schema gives them, or ``None`` where it does not."""
    known = dict(schema.class_weight_sums)
    signal = known.pop(schema.signal, 0.0)
    background = sum(known.values())
    return ClassSums(signal, background) if signal > 0.0 and background > 0.0 else None


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
    """The probability that a signal event scores higher than a background event, ties counting half."""
    falling, ends = _falling(sample.score)
    label = sample.label[falling]

    def value(weight: Floats) -> float:
        ordered = weight[falling]
        true = np.cumsum(ordered * label)[ends]
        false = np.cumsum(ordered * ~label)[ends]
        area = np.trapezoid(np.append(0.0, true), np.append(0.0, false))
        return _ratio(float(area), float(true[-1] * false[-1]))

    return Figure(value)


def _best_ams(sample: Sample, weight: Floats) -> Figure:
    falling, ends = _falling(sample.score)
    label = sample.label[falling]
    to_signal, to_background = _scales(sample, weight)
    ordered = weight[falling]
    s = to_signal(np.cumsum(ordered * label)[ends])
    b = to_background(np.cumsum(ordered * ~label)[ends])
    left = np.cumsum(~label)[ends]
    enough = left >= min(LEAST_BACKGROUND, left[-1] // 10)
    last = ends[np.argmax(np.where(enough, ams(s, b), -1.0))]
    lowest = float(sample.score[falling[last]])
    following = float(sample.score[falling[last + 1]]) if last + 1 < len(falling) else np.nextafter(lowest, -np.inf)
    between = lowest + 0.5 * (following - lowest)
    # Between neighbouring numbers there is none; "above the cut" then means above the lower one.
    cut = float(between if following <= between < lowest else following)
    selected = sample.score > cut
    signal, background = selected & sample.label, selected & ~sample.label

    def value(weight: Floats) -> float:
        to_signal, to_background = _scales(sample, weight)
        return float(ams(to_signal(_sum(weight, signal)), to_background(_sum(weight, background))))

    return Figure(value, cut)


def _falling(score: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The events by falling score, and the last place of each run of equal scores."""
    falling = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[falling])), len(score) - 1)
    return falling, ends


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
        cancelled = here <= _CANCELLED * _sum(np.abs(weight), mask)
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
