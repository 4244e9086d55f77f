"""The classifiers that can be trained: a catalogue, their hyperparameters, and the pipelines made of them."""

from eventsieve.domain.estimators.catalogue import CATALOGUE, Estimator, Rule, resolve
from eventsieve.domain.estimators.parameters import Interval, Parameter
from eventsieve.domain.estimators.pipeline import build, fit, natural_cut, score_events

__all__ = [
    "CATALOGUE",
    "Estimator",
    "Interval",
    "Parameter",
    "Rule",
    "build",
    "fit",
    "natural_cut",
    "resolve",
    "score_events",
]
