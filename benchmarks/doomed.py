"""Fits that do not end in the time they are given, for both sides of `limits`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from eventsieve.domain import estimators
from eventsieve.records import Outcome, State
from eventsieve.training.channel import Channel

__all__ = ["CASES", "answer", "fit", "run", "warm"]

HOLD = "a C loop that holds the interpreter's lock"
CASES: Mapping[str, Mapping[str, Any]] = {
    "LogReg": {"solver": "saga", "max_iter": 1_000_000, "tol": 1e-15, "C": 1e6},
    "SVM": {},
    "RandomForest": {"n_estimators": 5000},
    "GradientBoosting": {"n_estimators": 5000},
    HOLD: {},
}
"""A name for each case: a type with hyperparameters, or that call."""

EVENTS, FEATURES = 60_000, 30

_random = np.random.default_rng(0)
_features = _random.standard_normal((EVENTS, FEATURES))
_target = (_features[:, 0] + _random.standard_normal(EVENTS) > 0).astype(np.uint8)


def fit(case: str) -> None:
    """Work on, for minutes."""
    if case == HOLD:
        sum(itertools.repeat(0))
    pipeline = estimators.build(case, CASES[case], seed=0)
    estimators.fit(pipeline, _features, _target)


def warm() -> None:
    """Does nothing, in a worker that has loaded this module then."""


def run(arguments: Mapping[str, Any], channel: Channel) -> None:
    """A task for our children: `fit`."""
    channel.ready()
    fit(arguments["case"])


def answer(arguments: Mapping[str, Any], channel: Channel) -> None:  # noqa: ARG001 - a task
    """A task that is done at once."""
    channel.ready()
    channel.answer(Outcome(state=State.TRAINED, digest="0" * 64))
