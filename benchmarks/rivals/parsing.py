"""Seconds to parse a table and do nothing with it, after one warming reading: ``parsing.py pyarrow|polars PATH``."""

from __future__ import annotations

import importlib
import json
import sys
import time

LIBRARY, PATH = sys.argv[1:]

read = importlib.import_module("pyarrow.csv" if LIBRARY == "pyarrow" else LIBRARY).read_csv
read(PATH)
began = time.perf_counter()
table = read(PATH)
print(json.dumps({"seconds": time.perf_counter() - began, "rows": len(table)}))
