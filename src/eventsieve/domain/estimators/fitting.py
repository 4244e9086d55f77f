"""Fitting: a pipeline and events, watched while it goes on and stopped early where the classifier can be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from eventsieve.domain.estimators.acceleration import faster
from eventsieve.domain.estimators.boosting import grow_histograms, grow_leaves
from eventsieve.domain.estimators.catalogue import reports
from eventsieve.domain.estimators.lightgbm import LightGBM
from eventsieve.domain.estimators.watching import TOO_EARLY, Fitted, Nobody, NothingToKeep, Watch, ended
from eventsieve.records import Means

__all__ = ["Fitted", "NothingToKeep", "Watch", "fit"]

Array = npt.NDArray[Any]

_EVENTS_AT_ONCE: Final = 20_000
"""Trees are grown in steps of so many events times trees: what a step costs on top is then some per mille."""


_ALONE: Final = Means()


def fit(
    pipeline: Pipeline,
    features: npt.NDArray[np.float64],
    target: npt.NDArray[np.uint8] | npt.NDArray[np.bool_],
    *,
    weight: npt.NDArray[np.float64] | None = None,
    watch: Watch | None = None,
    means: Means = _ALONE,
) -> Fitted:
    """Fit a pipeline in place.

    Watched or not, the model is the same to the bit, unless it is stopped. Accelerated or not, what it is made of is
    plain scikit-learn; accelerated, a forest or a support vector machine is another one of the same kind. Weights reach
    the classifier only: scaling and medians bring features to one size, and that does not depend on how much an event
    counts.

    Args:
        pipeline: what `build` made.
        features: float64, shape (events, features), NaN where undefined.
        target: shape (events,): codes from 0 up, every one of them there; or bool, True for signal.
        weight: float64, shape (events,), none below 0; best of mean 1, as `training_weights` makes them, because
            regularisation is strong or weak against their sum.
        watch: who follows the fit. Without one it cannot be stopped.
        means: what it may use of the machine.

    Raises:
        NothingToKeep: it was stopped before anything was done.
        ValueError: scikit-learn cannot fit these events with these hyperparameters.
    """
    _check_target(target)
    watch = watch or Nobody()
    classifier = pipeline[-1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prepared = _prepare(pipeline, features)
        if watch.stop():
            raise NothingToKeep(TOO_EARLY)
        codes = target.astype(np.int64)
        step = faster(classifier, prepared, codes, weight, means) or _step(classifier, means)
        fitted = step(classifier, prepared, codes, weight, watch)
    if isinstance(classifier, LightGBM):  # what is kept is scikit-learn's own
        pipeline.steps[-1] = ("classifier", classifier.plain_)
    # A UserWarning is about this fit; the others are about scikit-learn's next version, or arithmetic on columns that
    # are never defined. That a fit which was stopped has not converged is known.
    unwanted = ConvergenceWarning if fitted.kept_early else ()
    texts = (
        str(w.message) for w in caught if issubclass(w.category, UserWarning) and not issubclass(w.category, unwanted)
    )
    remarks = dict.fromkeys(text.partition("\n")[0].rstrip(":") for text in texts)
    return replace(fitted, remarks=(*fitted.remarks, *remarks))


def _prepare(pipeline: Pipeline, features: Array) -> Array:
    """Fit all but the classifier; what it will be fitted to."""
    for _, step in pipeline.steps[:-1]:
        fit_transform = (
            _impute if type(step) is SimpleImputer and step.strategy == "median" else type(step).fit_transform
        )
        features = fit_transform(step, features)
    return features


def _impute(imputer: SimpleImputer, features: Array) -> Array:
    """The same as ``fit_transform``, whose masked median takes longer than a fit of a logistic regression."""
    columns = (values[~np.isnan(values)] for values in features.T)
    medians = [np.median(values) if len(values) else 0.0 for values in columns]
    imputer.set_params(strategy="constant", fill_value=0.0).fit(features)
    imputer.set_params(strategy="median", fill_value=None)
    imputer.statistics_ = np.array(medians)
    imputed: Array = imputer.transform(features)
    return imputed


def _step(classifier: Any, means: Means) -> Callable[[Any, Array, Array, Array | None, Watch], Fitted]:
    if type(classifier) is RandomForestClassifier:
        return partial(_grow, threads=means.threads)
    return _STEPS.get(type(classifier), _at_once)


def _check_target(target: Array) -> None:
    events = np.bincount(target.astype(np.intp))
    if len(events) < 2 or not events.all():
        missing = [code for code in range(max(len(events), 2)) if code >= len(events) or not events[code]]
        raise ValueError(f"There are no events of class {missing[0]}; a training needs some of every class.")


def _grow(
    forest: RandomForestClassifier, features: Array, target: Array, weight: Array | None, watch: Watch, *, threads: int
) -> Fitted:
    """Grow some trees at a time, each the one that a single fit would have grown."""
    asked = {name: getattr(forest, name) for name in ("n_estimators", "oob_score", "warm_start", "n_jobs")}
    total, unit = asked["n_estimators"], "trees"
    step = max(threads, _EVENTS_AT_ONCE // len(features))
    forest.set_params(n_jobs=threads)
    with np.errstate(over="ignore"):  # scikit-learn says which value is too large
        features = features.astype(np.float32)  # what trees work on, once and not at every step
    done, stopped = 0, False
    watch.progress(done, total, unit)
    try:
        with warnings.catch_warnings():
            if not asked["warm_start"]:
                warnings.filterwarnings("ignore", "class_weight presets|Warm-start fitting without", UserWarning)
            while done < total and not stopped:
                # Only the last step may score: a score of every step's trees would take longer than they.
                oob = asked["oob_score"] and done + step >= total
                forest.set_params(
                    n_estimators=min(done + step, total), warm_start=asked["warm_start"] or done > 0, oob_score=oob
                )
                forest.fit(features, target, sample_weight=weight)
                done = len(forest.estimators_)
                watch.progress(done, total, unit)
                stopped = done < total and watch.stop()
            if stopped and asked["oob_score"]:
                forest.set_params(oob_score=True, warm_start=True).fit(features, target, sample_weight=weight)
    finally:
        forest.set_params(**asked)
    return ended(done, total, unit, stopped=stopped)


def _boost(
    booster: GradientBoostingClassifier, features: Array, target: Array, weight: Array | None, watch: Watch
) -> Fitted:
    total, unit = booster.n_estimators, "stages"
    stopped = False

    def monitor(stage: int, *_: object) -> bool:
        nonlocal stopped
        watch.progress(stage + 1, total, unit)
        stopped = stage + 1 < total and watch.stop()
        return stopped

    watch.progress(0, total, unit)
    booster.fit(features, target, sample_weight=weight, monitor=monitor)
    return ended(booster.n_estimators_, total, unit, stopped=stopped)


def _iterate(
    classifier: LogisticRegression, features: Array, target: Array, weight: Array | None, watch: Watch
) -> Fitted:
    if not reports(classifier.get_params(), LogisticRegression):
        return _at_once(classifier, features, target, weight, watch)
    counter = _Counter(watch, classifier.max_iter)
    classifier.set_callbacks(counter)
    try:
        classifier.fit(features, target, sample_weight=weight)
    finally:
        classifier.set_callbacks()
    return ended(int(classifier.n_iter_.max()), counter.total, counter.unit, stopped=counter.stopped)


class _Counter:
    """Counts the iterations of L-BFGS, in the form of scikit-learn's callbacks."""

    unit = "iterations"

    def __init__(self, watch: Watch, total: int) -> None:
        self.watch = watch
        self.total = total
        self.done = 0
        self.stopped = False

    def setup(self, estimator: object, context: object) -> None:
        """The fit begins."""
        del estimator, context
        self.watch.progress(0, self.total, self.unit)

    def on_fit_task_begin(self, estimator: object, context: object) -> None:
        """An iteration begins."""

    def on_fit_task_end(self, estimator: object, context: Any, *, X: object = None) -> None:  # noqa: N803 - theirs
        """An iteration ends, or one without data that never ran."""
        del estimator
        if context.task_name != "lbfgs-iter" or X is None or self.stopped:
            return
        self.done += 1
        self.watch.progress(self.done, self.total, self.unit)
        self.stopped = self.done < self.total and self.watch.stop()
        if self.stopped:
            # SciPy's optimisers end at it with the values of this iteration; scikit-learn itself cannot ask them yet.
            raise StopIteration

    def teardown(self, estimator: object, context: object) -> None:
        """The fit has ended."""


def _at_once(classifier: Any, features: Array, target: Array, weight: Array | None, watch: Watch) -> Fitted:
    """A fit that says nothing until it is over."""
    del watch
    classifier.fit(features, target, sample_weight=weight)
    return Fitted()


_STEPS: Final[Mapping[type, Callable[[Any, Array, Array, Array | None, Watch], Fitted]]] = MappingProxyType(
    {
        GradientBoostingClassifier: _boost,
        LogisticRegression: _iterate,
        HistGradientBoostingClassifier: grow_histograms,
        LightGBM: grow_leaves,
    }
)
