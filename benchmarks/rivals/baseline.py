"""A service as a decent engineer writes it in an hour with FastAPI, pandas and scikit-learn; pickles and all.

``MODELS`` names a folder of ``NAME.pickle``: the very pipelines that ours predicts with. Run by uvicorn.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import FastAPI, File, Response, UploadFile
from pydantic import BaseModel

UNDEFINED = -999.0
NO_FEATURES = ["EventId", "Weight", "Label"]
PARQUET = "application/vnd.apache.parquet"

app = FastAPI()
models = {path.stem: pickle.loads(path.read_bytes()) for path in Path(os.environ["MODELS"]).glob("*.pickle")}


class Event(BaseModel):
    """One event: the values of its features by their names."""

    features: dict[str, float | None]


class Prediction(BaseModel):
    """What the model says of it."""

    score: float
    label: str


class Labels(BaseModel):
    """Predictions as the first version of the interface answered them."""

    predictions: list[float]
    index: list[float]
    index_name: str


@app.get("/")
def ready() -> dict[str, str]:
    return {"message": "ready"}


@app.post("/models/{name}/predict_file")
def predict_file(name: str, file: Annotated[UploadFile, File()]) -> Response:
    """A CSV or Parquet file in, a CSV with event numbers, scores and labels out."""
    frame = _read(file)
    scores = _scores(models[name], _features(frame).to_numpy(dtype=float))
    answer = pd.DataFrame({"EventId": frame["EventId"], "score": scores, "label": _labels(models[name], scores)})
    return Response(answer.to_csv(index=False), media_type="text/csv")


@app.post("/models/{name}/predict_labels")
def predict_labels(name: str, file: Annotated[UploadFile, File()]) -> Labels:
    """The same with nothing but labels, in JSON."""
    frame = _read(file)
    predictions = models[name].predict(_features(frame).to_numpy(dtype=float))
    return Labels(predictions=predictions.tolist(), index=frame["EventId"].tolist(), index_name="EventId")


@app.post("/models/{name}/predict")
def predict(name: str, event: Event) -> Prediction:
    """One event."""
    row = np.array([[np.nan if value is None else value for value in event.features.values()]], dtype=float)
    row[row == UNDEFINED] = np.nan
    scores = _scores(models[name], row)
    return Prediction(score=scores[0], label=_labels(models[name], scores)[0])


def _read(file: UploadFile) -> pd.DataFrame:
    is_parquet = file.content_type == PARQUET or (file.filename or "").endswith(".parquet")
    return pd.read_parquet(file.file) if is_parquet else pd.read_csv(file.file)


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    features = frame.drop(columns=NO_FEATURES, errors="ignore")
    return features.mask(features == UNDEFINED)


def _scores(pipeline: Any, features: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if hasattr(pipeline, "predict_proba"):
        return np.asarray(pipeline.predict_proba(features)[:, 1])
    return np.asarray(pipeline.decision_function(features))


def _labels(pipeline: Any, scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(scores > (0.5 if hasattr(pipeline, "predict_proba") else 0.0), "s", "b")
