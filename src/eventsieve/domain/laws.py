"""What trainings cost: how time and memory grow with events, features and hyperparameters.

The powers are those of the algorithms; the constants were measured with scikit-learn 1.9 on 1,000 to 16,000 events of
the ATLAS Higgs challenge's training sample (30 features, 11 of them with gaps), on one core of a server. Other machines
and other events differ by a factor, which past trainings correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2
from types import MappingProxyType
from typing import Any, Final

__all__ = ["LAWS", "Cost", "Law", "Size"]

MEBIBYTE: Final = 1 << 20

_ACCELERATED_PARALLEL: Final = 0.9
"""Share of the work of an accelerated fit that threads divide among them."""


@dataclass(frozen=True)
class Size:
    """What is trained on."""

    events: int
    features: int
    classes: int = 2


@dataclass(frozen=True)
class Cost:
    """What one fit costs.

    Attributes:
        fit: seconds.
        each: seconds to score one event.
        memory: bytes beside the tables of events.
    """

    fit: float
    each: float
    memory: float


@dataclass(frozen=True)
class Law:
    """The cost of a type.

    Attributes:
        cost: of one fit, from resolved hyperparameters.
        spread: standard deviation of the logarithm of true over foreseen seconds, for events never seen before.
        variant: the hyperparameter that chooses the algorithm.
        parallel: share of the work of a fit that threads divide among them.
        accelerated: processor seconds of an accelerated fit over those of a plain one; 1 where there is none.
    """

    cost: Callable[[Mapping[str, Any], Size], Cost]
    spread: float
    variant: str = ""
    parallel: float = 0.0
    accelerated: float = 1.0

    def share(self, threads: int, *, accelerated: bool) -> float:
        """The seconds of a fit over those of a plain one on one thread."""
        # Support vectors are found by one thread, unless it is the accelerator that finds them.
        parallel = _ACCELERATED_PARALLEL if accelerated else self.parallel
        return (self.accelerated if accelerated else 1.0) * (1.0 - parallel + parallel / threads)


def _number(value: Any, most: float) -> float:
    """A number of the hyperparameters, where null and infinity are the most."""
    return most if value is None or isinstance(value, str) else min(float(value), most)


def _share(value: Any, whole: float) -> float:
    """A count, or a fraction of the whole, as scikit-learn reads it."""
    if value is None:
        return whole
    return float(value * whole) if isinstance(value, float) else min(float(value), whole)


def _logistic(values: Mapping[str, Any], size: Size) -> Cost:
    """Passes over the table; for Newton's method also the square of the features."""
    table = size.events * size.features * (1 if size.classes == 2 else size.classes)
    most = values["max_iter"]
    seconds = {
        "lbfgs": 6e-9 * table * min(most, 45),
        "newton-cg": 2e-8 * table * min(most, 30),
        "newton-cholesky": 1e-9 * table * size.features * size.classes * min(most, 8),
        "liblinear": 1.5e-8 * table * min(most, 35),
        "sag": 1.5e-8 * table * most,
        "saga": 1.5e-8 * table * most,
    }[values["solver"]]
    return Cost(seconds, 1.3e-6, 8.0 * size.events * size.features)


def _vectors(values: Mapping[str, Any], size: Size) -> Cost:
    """Events squared while libsvm's cache holds the kernel, and more when it no longer does; a problem per pair."""
    n, f, k = size.events, size.features, size.classes
    kernel = 1.6 if values["kernel"] == "linear" else 1.0
    wide = max(1.0, n / 20_000) ** 0.3
    hard = max(1.0, _number(values["C"], 1e9)) ** 0.25
    seconds = 7e-10 * f * n * n * kernel * wide * hard * 2 * (k - 1) / k
    if values["max_iter"] >= 0:
        seconds = min(seconds, 3e-9 * f * n * values["max_iter"] * k * (k - 1) / 2)
    if values["probability"] is True:
        seconds *= 5  # it fits five more times on four fifths
    vectors = 0.5 * n
    cache = min(values["cache_size"] * MEBIBYTE, 4.0 * n * n)
    return Cost(seconds, 1.3e-6 + 1.6e-9 * vectors * f, cache + 16.0 * vectors * f)


def _levels(values: Mapping[str, Any], events: float) -> float:
    """How deep a tree grows."""
    leaf = max(1.0, _share(values["min_samples_leaf"], events), _share(values["min_samples_split"], events) / 2)
    levels = min(_number(values["max_depth"], 64), max(1.0, log2(max(2.0, events / leaf))))
    leaves = values["max_leaf_nodes"]
    return levels if leaves is None else min(levels, log2(float(leaves)) + 2)


def _columns(values: Mapping[str, Any], features: int) -> float:
    """How many features are looked at for a cut."""
    rule = values["max_features"]
    if isinstance(rule, str):
        return max(1.0, float(features) ** 0.5 if rule == "sqrt" else log2(features))
    return max(1.0, _share(rule, features))


def _trees(number: float, events: float, levels: float, classes: int) -> float:
    """Bytes of trees, in memory and twice more while they are written."""
    nodes = min(2.0 ** (levels + 1), 0.25 * events)
    return float(3 * number * nodes * (64 + 8 * classes))


def _forest(values: Mapping[str, Any], size: Size) -> Cost:
    """Every level of every tree sorts the events by the features that it looks at."""
    number = values["n_estimators"]
    events = _share(values["max_samples"], size.events)
    levels = _levels(values, events)
    seconds = 4.5e-8 * number * events * _columns(values, size.features) * levels
    if values["oob_score"]:
        seconds += 1e-7 * number * size.events
    return Cost(seconds, 1.3e-6 + 1.5e-8 * number * levels, _trees(number, events, levels, size.classes))


def _boosting(values: Mapping[str, Any], size: Size) -> Cost:
    """As the forest, with a tree per class in each stage."""
    number = values["n_estimators"] * (1 if size.classes == 2 else size.classes)
    events = _share(values["subsample"], size.events)
    levels = _levels(values, events)
    seconds = 7.5e-8 * number * events * _columns(values, size.features) * levels
    return Cost(seconds, 1.3e-6 + 1e-8 * number * levels, _trees(number, events, levels, 1))


def _histograms(trees: float, leaves: float, levels: float, size: Size) -> Cost:
    """Every level of a tree counts the events in bins; every leaf looks at all bins of all features."""
    trees *= 1 if size.classes == 2 else size.classes
    levels = max(1.0, min(levels, log2(leaves)))
    seconds = trees * size.features * (1.1e-9 * size.events * levels + 3e-6 * leaves)
    bins = 256 * 20.0 * leaves * size.features
    events = size.events * (2.0 * size.features + 40.0 * size.classes)
    return Cost(seconds, 1.3e-6 + 8e-9 * trees * levels, events + bins + 3 * trees * 2 * leaves * 64)


def _leaves(most: float, events: float, least: float) -> float:
    """How many leaves a tree grows."""
    return max(2.0, min(most, events / max(1.0, least)))


def _histogram_boosting(values: Mapping[str, Any], size: Size) -> Cost:
    leaves = _leaves(_number(values["max_leaf_nodes"], 2.0**16), size.events, values["min_samples_leaf"])
    return _histograms(values["max_iter"], leaves, _number(values["max_depth"], 64), size)


def _lightgbm(values: Mapping[str, Any], size: Size) -> Cost:
    """A part of the events or features saves as much; a depth of 0 or less is no limit."""
    leaves = _leaves(values["num_leaves"], size.events, values["min_child_samples"])
    depth = values["max_depth"] if values["max_depth"] > 0 else 64
    part = values["colsample_bytree"] * (values["subsample"] if values["subsample_freq"] else 1.0)
    cost = _histograms(values["n_estimators"], leaves, depth, size)
    return Cost(cost.fit * max(0.2, part), cost.each, cost.memory)


LAWS: Final[Mapping[str, Law]] = MappingProxyType(
    {
        "LogReg": Law(_logistic, spread=0.8, variant="solver"),
        "SVM": Law(_vectors, spread=0.9, variant="kernel", accelerated=0.32),
        "RandomForest": Law(_forest, spread=0.5, parallel=0.95, accelerated=0.27),
        "GradientBoosting": Law(_boosting, spread=0.5),
        "HistGradientBoosting": Law(_histogram_boosting, spread=0.5, parallel=0.8),
        "LightGBM": Law(_lightgbm, spread=0.5, parallel=0.8),
    }
)
"""The laws by the type's name in the catalogue."""
