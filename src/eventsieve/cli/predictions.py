"""Predictions as files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from eventsieve.service import Predictions
from eventsieve.storage.tables import write_table

__all__ = ["counts", "write_predictions"]


def write_predictions(predictions: Predictions, path: Path | None) -> None:
    """Write event number, prediction (1 signal, 0 background) and score; as CSV to the screen without a path.

    Raises:
        BadRequest: the path ends in none of .csv, .csv.gz, .parquet.
    """
    table = pa.table(
        {
            predictions.index_name: predictions.index,
            "prediction": predictions.signal.astype(np.int8),
            "score": predictions.score,
        }
    )
    if path is None:
        csv.write_csv(table, sys.stdout.buffer)
    else:
        write_table(table, path)


def counts(predictions: Predictions) -> dict[str, int | str]:
    """How many events, and how many of them signal."""
    return {
        "model": predictions.model,
        "events": len(predictions.index),
        "signal": int(np.count_nonzero(predictions.signal)),
    }
