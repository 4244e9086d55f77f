"""Milliseconds of ``predict_proba`` of one row, in process, call by call: ``one_call.py PICKLE CALLS``."""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path

import numpy as np

pipeline = pickle.loads(Path(sys.argv[1]).read_bytes())
row = np.ones((1, 30))
took = []
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    pipeline.predict_proba(row)
    took.append(1e3 * (time.perf_counter() - began))
print(json.dumps({"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99))}))
