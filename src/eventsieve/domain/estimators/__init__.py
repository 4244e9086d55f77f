"""The classifiers that can be trained: a catalogue, their hyperparameters, and the pipelines made of them."""

from eventsieve.domain.estimators.boosting import unfinished
from eventsieve.domain.estimators.catalogue import CATALOGUE, Estimator, Rule, resolve, unknown
from eventsieve.domain.estimators.fitting import Fitted, NothingToKeep, Watch, fit
from eventsieve.domain.estimators.forms import json_schema
from eventsieve.domain.estimators.lightgbm import LightGBM
from eventsieve.domain.estimators.parameters import Interval, Parameter
from eventsieve.domain.estimators.pipeline import build
from eventsieve.domain.estimators.scoring import (
    class_scores,
    event_scores,
    has_probabilities,
    natural_cut,
    predict_codes,
    score_events,
)
from eventsieve.domain.estimators.weighting import training_weights

__all__ = [
    "CATALOGUE",
    "Estimator",
    "Fitted",
    "Interval",
    "LightGBM",
    "NothingToKeep",
    "Parameter",
    "Rule",
    "Watch",
    "build",
    "class_scores",
    "event_scores",
    "fit",
    "has_probabilities",
    "json_schema",
    "natural_cut",
    "predict_codes",
    "resolve",
    "score_events",
    "training_weights",
    "unfinished",
    "unknown",
]
