"""Simulations: events that nobody had to bring, stored as a data set like any other."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from eventsieve.errors import BadRequest
from eventsieve.records import Dataset
from eventsieve.service.datasets import Datasets
from eventsieve.service.uploads import Upload

__all__ = ["FIRST_ID", "MOST_EVENTS", "MOST_NUMBER", "Simulations"]

MOST_EVENTS: Final = 1_000_000
MOST_NUMBER: Final = 2**53
"""The largest seed and event number: the last one that JSON carries everywhere."""
FIRST_ID: Final = 100_000


class Simulations:
    """The room of simulations.

    Args:
        datasets: where they are stored.
    """

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    def add(
        self, events: int, *, seed: int = 0, first_id: int = FIRST_ID, unlabelled: bool = False
    ) -> tuple[Dataset, bool]:
        """Store simulated events; the same arguments give the same data set.

        Args:
            events: how many.
            seed: of the pseudo-random numbers.
            first_id: number of the first event.
            unlabelled: whether labels and weights are left out, as in events that are to be predicted.

        Returns:
            The data set, and whether it is new.

        Raises:
            BadRequest: there are none or too many, or the seed is negative.
        """
        if not 1 <= events <= MOST_EVENTS or not 0 <= seed <= MOST_NUMBER or not 0 <= first_id <= MOST_NUMBER:
            raise BadRequest(
                f"There can be 1 to {MOST_EVENTS:,} simulated events with a seed and numbers from 0 on, "
                f"not {events:,} with the seed {seed} from {first_id} on."
            )
        path = self._datasets.new_file()
        try:
            _write(path, events, seed, first_id, unlabelled=unlabelled)
            return self._datasets.add([_upload(path, events, seed)], name=_name(seed, unlabelled=unlabelled))
        finally:
            path.unlink(missing_ok=True)


def _write(path: Path, events: int, seed: int, first_id: int, *, unlabelled: bool) -> None:
    from eventsieve.domain.simulation import simulate  # noqa: PLC0415 - a fifth of a second that starts would wait

    table = simulate(events, seed, first_id=first_id)
    pq.write_table(table.drop_columns(["Weight", "Label"]) if unlabelled else table, path)


def _upload(path: Path, events: int, seed: int) -> Upload:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Upload(path=path, name=f"simulated-{events}-{seed}.parquet", digest=digest, size=path.stat().st_size)


def _name(seed: int, *, unlabelled: bool) -> str:
    return f"simulated events, seed {seed}" + (", unlabelled" if unlabelled else "")
