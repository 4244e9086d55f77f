"""Compiling: which scorer a fitted pipeline gets, made once and kept as long as the pipeline lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakKeyDictionary

from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eventsieve.domain.scorers.histograms import histograms
from eventsieve.domain.scorers.linear import linear
from eventsieve.domain.scorers.preparation import Preparation
from eventsieve.domain.scorers.scorer import Scorer
from eventsieve.domain.scorers.trees import boosted, forest
from eventsieve.domain.scorers.vectors import vectors

__all__ = ["scorer_of"]

# To add a type: a function that makes its scorer, or gives None for what it does not know of the type, and an entry
# here; `tests/unit/test_scorers.py` compares it with scikit-learn's own answers.
_MAKERS: Final[Mapping[type, Callable[[Any, Preparation], Scorer | None]]] = MappingProxyType(
    {
        LogisticRegression: linear,
        SVC: vectors,
        RandomForestClassifier: forest,
        GradientBoostingClassifier: boosted,
        HistGradientBoostingClassifier: histograms,
    }
)


@dataclass(frozen=True, eq=False)
class _Made:
    """A scorer with what it was made of: a pipeline that was fitted again, or further, gets another one."""

    scorer: Scorer | None
    state: tuple[tuple[Any, dict[str, Any], int], ...]

    def fits(self, pipeline: Pipeline) -> bool:
        steps = pipeline.steps
        return len(steps) == len(self.state) and all(
            step is known and size == _size(step) and _same(vars(step), values)
            for (_, step), (known, values, size) in zip(steps, self.state, strict=True)
        )


_made: Final[WeakKeyDictionary[Pipeline, _Made]] = WeakKeyDictionary()


def scorer_of(pipeline: Pipeline) -> Scorer | None:
    """The scorer of a fitted pipeline; ``None`` where there is none, and only the pipeline itself can score.

    Arrays of a fitted pipeline must not be changed in place; whatever replaces them is noticed.
    """
    made = _made.get(pipeline)
    if made is None or not made.fits(pipeline):
        state = tuple((step, dict(vars(step)), _size(step)) for _, step in pipeline.steps)
        made = _made[pipeline] = _Made(_make(pipeline), state)
    return made.scorer


def _make(pipeline: Pipeline) -> Scorer | None:
    *steps, classifier = (step for _, step in pipeline.steps)
    make = _MAKERS.get(type(classifier))
    if make is None:
        return None
    prepare = Preparation.of(steps, pipeline.n_features_in_)
    # A classifier that looks at other columns refuses them itself.
    return make(classifier, prepare) if prepare and prepare.columns == classifier.n_features_in_ else None


def _size(step: Any) -> int:
    """How many trees there are: a fit that goes on adds them to the same list."""
    return len(getattr(step, "estimators_", getattr(step, "_predictors", ())))


def _same(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    return now.keys() == then.keys() and all(now[name] is value for name, value in then.items())
