"""What a notebook would do to get the arrays that a classifier takes, unchecked: ``reading.py PATH``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd


def status(name: str) -> int:
    """Bytes of a kind of memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


before = status("VmRSS")
began = time.perf_counter()
frame = pd.read_csv(sys.argv[1])
features = frame.drop(columns=["EventId", "Weight", "Label"]).to_numpy(dtype=np.float64)
features[features == -999.0] = np.nan
arrays = features, frame["EventId"].to_numpy(), frame["Weight"].to_numpy(), (frame["Label"] == "s").to_numpy()
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "megabytes": (status("VmHWM") - before) / 2**20}))
