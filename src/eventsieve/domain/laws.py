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
    """

    cost: Callable[[Mapping[str, Any], Size], Cost]
    spread: float
    variant: str = ""


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


LAWS: Final[Mapping[str, Law]] = MappingProxyType(
    {
        "LogReg": Law(_logistic, spread=0.8, variant="solver"),
        "SVM": Law(_vectors, spread=0.9, variant="kernel"),
        "RandomForest": Law(_forest, spread=0.5),
        "GradientBoosting": Law(_boosting, spread=0.5),
    }
)
"""The laws by the type's name in the catalogue."""
