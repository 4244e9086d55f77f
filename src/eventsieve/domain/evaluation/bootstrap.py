"""The bootstrap: the same figures on replicas of the events, in each of which an event counts Poisson(1) times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from eventsieve.domain.evaluation.figures import NAMES, Figures
from eventsieve.domain.metrics import REPLICAS
from eventsieve.records import Score

__all__ = ["bootstrap", "replicas", "scores"]

Floats = npt.NDArray[np.float64]

_BLOCK: Final = 2_000_000
"""How many counts are drawn at a time: 16 MB."""

_CENTRAL: Final = (0.158655, 0.841345)
"""The quantiles that hold the central 68.3 %, as one standard deviation of a normal distribution does."""


def replicas(events: int, number: int, seed: int) -> Iterator[Floats]:
    """How often each event counts, replica by replica, in blocks: float64, shape (some replicas, events).

    The same seed gives the same counts, however many replicas are asked for.
    """
    random = np.random.default_rng(seed)
    step = max(1, _BLOCK // events)
    for start in range(0, number, step):
        yield random.poisson(1.0, (min(step, number - start), events)).astype(np.float64)


def bootstrap(models: Sequence[Figures], *, seed: int, sums: int = REPLICAS, ranks: int = REPLICAS) -> list[Floats]:
    """The figures of several models on the same replicas of the same events.

    Args:
        models: the figures of each model.
        seed: of the counts.
        sums: replicas for figures that are functions of sums.
        ranks: replicas for figures that need the order of the scores, not more than ``sums``.

    Returns:
        For each model float64, shape (sums, figures), in the order of its keys; NaN where a figure is not defined, as
        where a replica lacks a class, and in replicas beyond ``ranks``.
    """
    found = [np.full((sums, len(model.keys)), np.nan) for model in models]
    row = 0
    for counts in replicas(len(models[0].columns), sums, seed):
        for model, table in zip(models, found, strict=True):
            values = model.of_sums(counts)
            table[row : row + len(counts), : values.shape[1]] = values
            for offset, count in enumerate(counts[: max(0, ranks - row)]):
                table[row + offset, values.shape[1] :] = model.of_ranks(count)
        row += len(counts)
    return found


def scores(figures: Figures, table: Floats | None) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """The figures as records, and a sentence on those that are not defined.

    Args:
        figures: of one model.
        table: its replicas from `bootstrap`, or ``None``: without uncertainties.

    Returns:
        The scores, unweighted before weighted, in the order of `NAMES`; and the sentences.
    """
    columns = [None] * len(figures.keys) if table is None else list(table.T)
    cut = None if figures.best is None else figures.best.cut
    found, undefined = [], []
    for key, value, column in zip(figures.keys, figures.values().tolist(), columns, strict=True):
        if not np.isfinite(value):
            undefined.append(f"{key.name}{' with event weights' if key.weighted else ''}")
            continue
        spread = {} if column is None else _spread(column)
        found.append(
            Score(name=key.name, value=value, weighted=key.weighted, cut=cut if key.name == "ams" else None, **spread)
        )
    found.sort(key=lambda score: (score.weighted, NAMES.index(score.name)))
    return tuple(found), tuple(f"There is no {name}: it is not defined for these events." for name in undefined)


def _spread(values: Floats) -> dict[str, float]:
    """Standard deviation and central interval of the replicas that have a value."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return {}
    low, high = np.quantile(finite, _CENTRAL)
    return {"uncertainty": float(finite.std(ddof=1)), "low": float(low), "high": float(high)}
