"""The classifiers that can be trained: a catalogue, their hyperparameters, and the pipelines made of them."""

from eventsieve.domain.estimators.catalogue import CATALOGUE, Estimator, Rule, resolve
from eventsieve.domain.estimators.parameters import Interval, Parameter
from eventsieve.domain.estimators.pipeline import build, fit, score_events, select

__all__ = [
    "CATALOGUE",
    "Estimator",
    "Interval",
    "Parameter",
    "Rule",
    "build",
    "fit",
    "resolve",
    "score_events",
    "select",
]
