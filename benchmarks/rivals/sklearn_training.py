"""Plain scikit-learn, the least that a user would write: ``sklearn_training.py fit|score JSON``.

``fit`` takes the type of the model as Eventsieve's catalogue names it, its hyperparameters, the path of a table and
where to leave the model; ``score`` takes a model and a table. What is printed is JSON too.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def read_arrays(table: Path | str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Features, shape (events, features), NaN where they are undefined; 1 for signal, shape (events,)."""
    frame = pd.read_csv(table)
    features = frame.drop(columns=["EventId", "Weight", "Label"]).to_numpy(np.float64)
    return np.where(features == -999.0, np.nan, features), (frame["Label"] == "s").to_numpy(np.int64)


def pipeline_of(type_name: str, hyperparameters: dict[str, Any]) -> Any:
    """The preprocessing that Eventsieve documents for the type, and its classifier on all cores."""
    impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True)
    match type_name:
        case "RandomForest":
            return make_pipeline(impute, RandomForestClassifier(n_jobs=-1, **hyperparameters))
        case "GradientBoosting":
            return make_pipeline(impute, GradientBoostingClassifier(**hyperparameters))
        case "SVM":
            return make_pipeline(StandardScaler(), impute, SVC(**hyperparameters))
        case "LogReg":
            return make_pipeline(StandardScaler(), impute, LogisticRegression(**hyperparameters))
    raise ValueError(f"there is no type {type_name}")


def fit(table: str, type: str, hyperparameters: dict[str, Any], model: str) -> dict[str, float]:  # noqa: A002
    """Seconds of fitting and storing."""
    features, target = read_arrays(table)
    pipeline = pipeline_of(type, hyperparameters)
    began = time.perf_counter()
    pipeline.fit(features, target)
    Path(model).write_bytes(pickle.dumps(pipeline))
    return {"seconds": time.perf_counter() - began}


def score(model: str, table: str) -> dict[str, float]:
    """The AUC on a table with labels."""
    pipeline = pickle.loads(Path(model).read_bytes())
    features, truth = read_arrays(table)
    if hasattr(pipeline, "predict_proba"):
        return {"auc": float(roc_auc_score(truth, pipeline.predict_proba(features)[:, 1]))}
    return {"auc": float(roc_auc_score(truth, pipeline.decision_function(features)))}


if __name__ == "__main__":
    task = json.loads(sys.argv[2])
    print(json.dumps(fit(**task) if sys.argv[1] == "fit" else score(**task)))
