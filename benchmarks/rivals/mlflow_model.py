"""Log a pickled pipeline as an MLflow model: ``mlflow_model.py PICKLE FOLDER``.

MLflow needs telling three things: that probabilities are wanted, which columns are features (a signature; all other
columns of a table are dropped then), and what the undefined values are, by a step before the pipeline.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

PICKLE, FOLDER, FEATURES = sys.argv[1:]

pipeline = pickle.loads(Path(PICKLE).read_bytes())
# A method of pandas, since a function of this script could not be imported by the server.
undefined = FunctionTransformer(pd.DataFrame.replace, kw_args={"to_replace": -999.0, "value": np.nan})
arrays = FunctionTransformer(pd.DataFrame.to_numpy)
columns = [ColSpec("double", name) for name in json.loads(FEATURES)]
mlflow.sklearn.save_model(
    Pipeline([("undefined", undefined), ("arrays", arrays), *pipeline.steps]),
    FOLDER,
    signature=ModelSignature(inputs=Schema(columns)),
    serialization_format="cloudpickle",
    pyfunc_predict_fn="predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function",
    pip_requirements=[],
)
print(json.dumps({"saved": FOLDER}))
