"""Simulated events: labelled tables in the schema ``atlas-higgs-2014``, for tests and demonstrations.

A fast parametrised simulation of proton collisions at 8 TeV that end in a lepton and a hadronic tau: production
(`collisions`), tau decays (`decays`), a detector (`detector`) and the features derived from what it sees
(`eventsieve.domain.kinematics`). It is built to be like the published events, and it is not them: no figure that it
gives is a result of physics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eventsieve.domain.kinematics import Floats, derive
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation.collisions import (
    Collision,
    gluon_fusion,
    top_pair,
    vector_boson_fusion,
    w_jets,
    z_boson,
)
from eventsieve.domain.simulation.detector import observe

__all__ = ["PROCESSES", "Process", "simulate"]


@dataclass(frozen=True)
class Process:
    """A kind of collision.

    Attributes:
        name: what happens.
        label: ``s`` for signal, ``b`` for background.
        share: part of a table's events that are of this process.
        expected: events in the data of 2012, to which the weights of a table sum.
        efficiency: about the part of the collisions that is selected; how many to make at a time.
        produce: makes about so many collisions.
    """

    name: str
    label: str
    share: float
    expected: float
    efficiency: float
    produce: Callable[[np.random.Generator, int], Collision]


PROCESSES = (
    Process("gluon fusion", "s", 0.150, 607.57, 0.17, gluon_fusion),
    Process("vector boson fusion", "s", 0.193, 84.42, 0.20, vector_boson_fusion),
    Process("Z boson", "b", 0.205, 46_860.0, 0.09, z_boson),
    Process("top pair", "b", 0.060, 12_330.0, 0.05, top_pair),
    Process("W boson with jets", "b", 0.392, 351_809.85, 0.38, w_jets),
)
"""Shares as in the published training set; what is expected sums to its 691.99 signal and 410,999.85 background events.

The parts are read off the weights of the published events, which come in groups by process.
"""

WEIGHT_SPREAD = 0.1
"""Width of the logarithm of the weights of one process: event weights carry corrections of such a size."""

LARGEST_BATCH = 100_000
"""Collisions made at a time: what bounds memory."""


def simulate(events: int, seed: int = 0, *, first_id: int = 100_000) -> pa.Table:
    """Simulated events.

    The same arguments give the same table. Weights sum to what is expected of each process, however many events there
    are; they are smaller in a larger table.

    Args:
        events: how many.
        seed: of the pseudo-random numbers.
        first_id: ``EventId`` of the first event; the others follow.

    Returns:
        The columns of the schema ``atlas-higgs-2014``, in its order and of its types; -999.0 where a feature is not
        defined, features rounded to three decimals like the published ones.

    Raises:
        ValueError: ``events`` is less than 1, or ``seed`` is negative.
    """
    if events < 1 or seed < 0:
        raise ValueError(f"Simulating takes at least one event and a seed of 0 or more, not {events} and {seed}.")
    counts = _counts(events)
    order, *streams = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(1 + len(PROCESSES)))
    parts = [_columns(rng, process, n) for process, rng, n in zip(PROCESSES, streams, counts, strict=True) if n]
    shuffled = order.permutation(events)
    columns = {name: np.concatenate([part[name] for part in parts])[shuffled] for name in parts[0]}
    columns["EventId"] = np.arange(first_id, first_id + events, dtype=np.int64)
    columns["PRI_jet_num"] = columns["PRI_jet_num"].astype(np.int64)
    return pa.table({column.name: columns[column.name] for column in load_schema("atlas-higgs-2014").columns})


def _counts(events: int) -> list[int]:
    """How many events of each process: its share, rounded so that they sum to ``events``."""
    edges = np.rint(events * np.cumsum([process.share for process in PROCESSES])).astype(int)
    return [int(count) for count in np.diff(edges, prepend=0)]


def _columns(rng: np.random.Generator, process: Process, events: int) -> dict[str, npt.NDArray[Any]]:
    """All columns of the events of one process but their ids."""
    primitives = _select(rng, process, events)
    features = primitives | derive(primitives)
    columns: dict[str, npt.NDArray[Any]] = {name: _published(values) for name, values in features.items()}
    weights = np.exp(rng.normal(0.0, WEIGHT_SPREAD, events))
    columns["Weight"] = weights * process.expected / weights.sum()
    columns["Label"] = np.full(events, process.label, dtype=object)
    return columns


def _select(rng: np.random.Generator, process: Process, events: int) -> dict[str, Floats]:
    """The primitives of that many selected events."""
    batches: list[dict[str, Floats]] = []
    found = 0
    while found < events:
        collisions = min(int(1.1 * (events - found) / process.efficiency) + 100, LARGEST_BATCH)
        batch = observe(rng, process.produce(rng, collisions))
        batches.append(batch)
        found += len(batch["PRI_met"])
    return {name: np.concatenate([batch[name] for batch in batches])[:events] for name in batches[0]}


def _published(values: Floats) -> Floats:
    """Values as the published tables write them: three decimals, -999.0 where not defined."""
    return np.where(np.isnan(values), -999.0, values.round(3))
