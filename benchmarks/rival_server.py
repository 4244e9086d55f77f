"""The rival of `predicting`: an endpoint as a first version of the same service had it, in a page.

``MODEL`` names a pickle of the very pipeline that ours predicts with. Run by uvicorn.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Annotated

import pandas as pd
from fastapi import FastAPI, File, UploadFile
from pydantic import BaseModel

app = FastAPI()
pipeline = pickle.loads(Path(os.environ["MODEL"]).read_bytes())


class PredictResponse(BaseModel):
    predictions: list[float]
    index: list[float]
    index_name: str


@app.get("/")
async def ready() -> dict[str, str]:
    return {"message": "ready"}


@app.post("/api/model_service/predict_with_file")
async def predict_with_file(file: Annotated[UploadFile, File()]) -> PredictResponse:
    frame = pd.read_csv(file.file, index_col="EventId")
    features = frame.drop(columns=["Weight", "Label"], errors="ignore")
    features = features.mask(features == -999.0)
    predictions = pipeline.predict(features.to_numpy(dtype=float))
    return PredictResponse(
        predictions=[float(value) for value in predictions],
        index=[float(value) for value in frame.index],
        index_name="EventId",
    )
