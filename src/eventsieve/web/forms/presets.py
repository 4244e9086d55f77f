"""Presets of hyperparameters, for tables of the size of HiggsML's: some 10,000 to 250,000 events of 30 features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from eventsieve.web.i18n import N_

__all__ = ["DEFAULTS", "PRESETS", "STARTER", "presets_of"]

FAST, STANDARD, THOROUGH = N_("Fast"), N_("Standard"), N_("Thorough")
DEFAULTS = N_("Defaults")
"""The preset that changes nothing; every type has it."""

PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # With so many events per feature regularisation hardly matters; what may lack is iterations.
        "LogReg": {
            FAST: {"max_iter": 50, "tol": 0.001},
            STANDARD: {"max_iter": 1000},
            THOROUGH: {"max_iter": 5000, "tol": 1e-06, "C": 10.0},
        },
        # Time grows with the square of the events. A bound on iterations is what ends it in time.
        "SVM": {
            FAST: {"max_iter": 2000, "tol": 0.01},
            STANDARD: {"max_iter": 20000, "cache_size": 500.0},
            THOROUGH: {"C": 10.0, "cache_size": 500.0},
        },
        # Leaves of some events keep the scores smooth and the forest small.
        "RandomForest": {
            FAST: {"n_estimators": 50, "max_depth": 12, "min_samples_leaf": 10},
            STANDARD: {"n_estimators": 200, "min_samples_leaf": 5},
            THOROUGH: {"n_estimators": 500, "min_samples_leaf": 3},
        },
        # Some of the events and of the features for each tree: faster, and less overtrained.
        "GradientBoosting": {
            FAST: {"n_estimators": 50, "learning_rate": 0.2, "subsample": 0.5, "max_features": "sqrt"},
            STANDARD: {
                "n_estimators": 200,
                "max_depth": 4,
                "subsample": 0.5,
                "min_samples_leaf": 50,
                "max_features": "sqrt",
            },
            THOROUGH: {
                "n_estimators": 600,
                "learning_rate": 0.05,
                "max_depth": 5,
                "subsample": 0.5,
                "min_samples_leaf": 50,
            },
        },
        # Stages are cheap: many small steps, and an end to them where they no longer help.
        "HistGradientBoosting": {
            FAST: {"max_iter": 50, "learning_rate": 0.2, "max_leaf_nodes": 16},
            STANDARD: {"max_iter": 500, "learning_rate": 0.05, "early_stopping": True, "min_samples_leaf": 50},
            THOROUGH: {
                "max_iter": 2000,
                "learning_rate": 0.02,
                "early_stopping": True,
                "min_samples_leaf": 50,
                "l2_regularization": 1.0,
            },
        },
        "LightGBM": {
            FAST: {"n_estimators": 50, "learning_rate": 0.2, "num_leaves": 16},
            STANDARD: {
                "n_estimators": 300,
                "learning_rate": 0.05,
                "min_child_samples": 50,
                "subsample": 0.7,
                "colsample_bytree": 0.7,
            },
            THOROUGH: {
                "n_estimators": 1000,
                "learning_rate": 0.02,
                "min_child_samples": 50,
                "subsample": 0.7,
                "colsample_bytree": 0.7,
                "reg_lambda": 1.0,
            },
        },
    }
)
"""By the type's name and the preset's: the values that differ from the defaults, the least effort first."""

STARTER = ("LogReg", "RandomForest", "GradientBoosting")
"""The types that a form begins with: a linear reference and the two that usually do best."""


def presets_of(type_name: str) -> dict[str, Mapping[str, Any]]:
    """The presets of a type by their names, the least effort first and the defaults last."""
    return {**PRESETS.get(type_name, {}), DEFAULTS: {}}
