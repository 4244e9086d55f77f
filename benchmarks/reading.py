"""Reading and checking a table of events, against pandas reading it and checking nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.processes import cost_of
from benchmarks.results import Comparison
from eventsieve.domain.events import Events
from eventsieve.domain.schema import load_schema
from eventsieve.storage.readers import read_events

__all__ = ["compare_reading", "ours", "theirs", "without_pandas"]

Arrays = tuple[np.ndarray, ...]


def compare_reading(table: Path, runs: int) -> list[Comparison]:
    """Time and memory of both readers on one file, in turns, each run in a fresh process."""
    costs = [
        (cost_of("benchmarks.reading:ours", table), cost_of("benchmarks.reading:theirs", table)) for _ in range(runs)
    ]
    mine, others = zip(*costs, strict=True)
    rival = f"pandas {version('pandas')} `read_csv`, to the same arrays, unchecked"
    size = f"{table.stat().st_size / 1e6:.0f} MB"
    return [
        Comparison(
            f"read and check a CSV of {size}",
            "s",
            rival,
            tuple(c.seconds for c in mine),
            tuple(c.seconds for c in others),
        ),
        Comparison(
            "memory for that", "MB", rival, tuple(c.megabytes for c in mine), tuple(c.megabytes for c in others)
        ),
    ]


def without_pandas() -> None:
    """Keep pyarrow from loading pandas, which it does wherever there is one; only the rival's environment has it."""
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def ours(table: Path) -> Callable[[], Events]:
    """Our reader, which names every fault there is."""
    without_pandas()
    schema = load_schema("atlas-higgs-2014")
    return lambda: read_events(table, schema, labels="both classes")


def theirs(table: Path) -> Callable[[], Arrays]:
    """What a notebook would do, to the same arrays."""
    import pandas as pd  # noqa: PLC0415 - only the process that measures it loads it

    names = list(load_schema("atlas-higgs-2014").feature_names)

    def read() -> Arrays:
        frame = pd.read_csv(table)
        features = frame[names].to_numpy(dtype=np.float64)
        features[features == -999.0] = np.nan
        return features, frame["EventId"].to_numpy(), frame["Weight"].to_numpy(), (frame["Label"] == "s").to_numpy()

    return read
