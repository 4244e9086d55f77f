"""Boosters called directly on arrays in memory, one after another: ``boosters.py JSON``.

The JSON has the paths of a table and of events to score, and the number of trees. What is printed is JSON too: for
each library the seconds of its fit, and the AUC.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from xgboost import XGBClassifier

LEAVES = 31


def read_arrays(table: Path | str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Features, shape (events, features), NaN where they are undefined; 1 for signal, shape (events,)."""
    frame = pd.read_csv(table)
    features = frame.drop(columns=["EventId", "Weight", "Label"]).to_numpy(np.float64)
    return np.where(features == -999.0, np.nan, features), (frame["Label"] == "s").to_numpy(np.int64)


def made(trees: int) -> dict[str, Callable[[], Any]]:
    """One classifier of each library: as many trees, with as many leaves and as many bins, on all cores."""
    return {
        "scikit-learn HistGradientBoosting": lambda: HistGradientBoostingClassifier(
            max_iter=trees, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
        ),
        "LightGBM": lambda: LGBMClassifier(n_estimators=trees, num_leaves=LEAVES, random_state=0, verbose=-1),
        "XGBoost": lambda: XGBClassifier(
            n_estimators=trees,
            max_leaves=LEAVES,
            max_depth=0,
            grow_policy="lossguide",
            max_bin=255,
            learning_rate=0.1,
            random_state=0,
        ),
    }


def main(table: str, held_out: str, trees: int) -> dict[str, dict[str, float]]:
    """Seconds and AUC of each library."""
    features, target = read_arrays(table)
    others, truth = read_arrays(held_out)
    found: dict[str, dict[str, float]] = {}
    for name, make in made(trees).items():
        classifier = make()
        began = time.perf_counter()
        classifier.fit(features, target)
        seconds = time.perf_counter() - began
        auc = float(roc_auc_score(truth, classifier.predict_proba(others)[:, 1]))
        found[name] = {"seconds": seconds, "auc": auc}
    return found


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
