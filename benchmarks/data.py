"""Tables of the challenge's full size: real events drawn again and jittered, simulated ones where there are none."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from eventsieve.domain.simulation import simulate

__all__ = ["REAL", "table"]

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "higgsml_training_17889.csv.gz"
UNDEFINED = -999.0
JITTER = 0.02
"""Of each value: relative, so that what is positive stays positive."""
KEPT = ("EventId", "Weight", "Label", "PRI_jet_num")
HELD_OUT = 0.25
"""Part of the real events that no training event is drawn from."""


def table(folder: Path, which: str, kind: Literal["csv", "parquet"], events: int) -> Path:
    """The table's file, made where it is not there yet; the same arguments give the same events.

    Args:
        folder: of the files.
        which: ``train`` and ``heldout``, with ``Weight`` and ``Label``, share no real event; others have only features.
        kind: ``csv`` as the challenge's files are, or ``parquet`` as pyarrow writes it by default.
        events: how many.
    """
    origin = "real" if REAL.exists() else "simulated"
    path = folder / f"{which}-{origin}-{events}.{kind}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"making {path}\n")
        made = _drawn(which, events) if REAL.exists() else simulate(events, seed=_seed(which))
        made = made if which in ("train", "heldout") else made.drop_columns(["Weight", "Label"])
        written = path.with_suffix(".part")
        if kind == "csv":
            csv.write_csv(_as_published(made), written, csv.WriteOptions(quoting_style="none", quoting_header="none"))
        else:
            parquet.write_table(made, written)
        written.replace(path)
    return path


def _drawn(which: str, events: int) -> pa.Table:
    real = csv.read_csv(REAL)
    first = int(real.num_rows * (1 - HELD_OUT))
    real = real.slice(0, first) if which == "train" else real.slice(first)
    rng = np.random.default_rng(_seed(which))
    drawn = real.take(rng.integers(0, real.num_rows, events))
    columns: dict[str, Any] = {name: drawn.column(name) for name in drawn.column_names}
    for name in [each for each in drawn.column_names if each not in KEPT]:
        columns[name] = pa.array(_jittered(columns[name].to_numpy(), rng))
    columns["EventId"] = pa.array(np.arange(100_000, 100_000 + events))
    # Weights of the challenge sum to what is expected, however many events there are.
    columns["Weight"] = pa.array(np.round(columns["Weight"].to_numpy() * (real.num_rows / events), 9))
    return pa.table(columns)


def _as_published(made: pa.Table) -> pa.Table:
    """Whole numbers among the features with their ``.0``, which Arrow would leave out: a tenth of the file."""
    for i, column in enumerate(made.schema):
        if pa.types.is_float64(column.type) and column.name not in KEPT:
            text = pc.cast(made.column(i), pa.string())
            whole = pc.binary_join_element_wise(text, pa.scalar(".0"), "")
            made = made.set_column(i, column.name, pc.if_else(pc.match_substring(text, "."), text, whole))
    return made


def _jittered(values: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    # Three decimals, as the published ones.
    moved = np.round(values * (1 + JITTER * rng.standard_normal(len(values))), 3)
    return np.where(values == UNDEFINED, values, moved)


def _seed(which: str) -> int:
    return zlib.crc32(which.encode())
