"""Train or predict in a running H2O server: ``h2o_work.py train PORT TABLE TYPE ID`` or ``... predict PORT TABLE ID``.

Imports read a file of this machine, so that H2O is spared the upload. The time of a prediction is that of importing,
predicting and downloading the predictions as a CSV, without starting Python or Java.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h2o
from h2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator, H2ORandomForestEstimator

TYPES = {
    "LogReg": lambda name: H2OGeneralizedLinearEstimator(model_id=name, family="binomial", seed=0),
    # Full depth: its trees are cut off at 20 by default.
    "RandomForest": lambda name: H2ORandomForestEstimator(model_id=name, ntrees=100, max_depth=0, min_rows=1, seed=0),
    "GradientBoosting": lambda name: H2OGradientBoostingEstimator(model_id=name, ntrees=100, max_depth=3, seed=0),
}
NO_FEATURES = {"EventId", "Weight", "Label"}


def read(path: str) -> Any:
    return h2o.import_file(path, na_strings=["-999.0", "-999"])


def train(table: str, kind: str, name: str) -> dict[str, Any]:
    frame = read(table)
    features = [column for column in frame.columns if column not in NO_FEATURES]
    TYPES[kind](name).train(x=features, y="Label", training_frame=frame)
    h2o.remove(frame)
    return {"trained": name}


def predict(table: str, name: str) -> dict[str, Any]:
    model = h2o.get_model(name)
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        frame = read(table)
        scores = model.predict(frame)
        target = h2o.download_csv(scores, str(Path(folder) / "scores.csv"))
        seconds = time.perf_counter() - began
        size = Path(target).stat().st_size
    rows = scores.nrow
    h2o.remove(frame)
    h2o.remove(scores)
    return {"seconds": seconds, "rows": rows, "bytes": size}


verb, port, *arguments = sys.argv[1:]
h2o.connect(url=f"http://127.0.0.1:{port}", verbose=False)
h2o.no_progress()
print(json.dumps(train(*arguments) if verb == "train" else predict(*arguments)))
