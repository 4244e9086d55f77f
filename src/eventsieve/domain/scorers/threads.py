"""Threads: the events of one call shared among the cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from threadpoolctl import ThreadpoolController

from eventsieve import machine
from eventsieve.domain.scorers.scorer import Floats, Scorer

__all__ = ["Shared"]

_WORTH: Final = 2e6
"""Nanoseconds of work that are worth a thread; to start and end one takes some 0.1 ms."""


@dataclass(frozen=True, eq=False)
class Shared:
    """A scorer that shares its events among the cores where there are many.

    There are as many threads as cores, and no more than this process grants OpenMP, so that a training keeps to its
    own. They live as long as the call: nothing is left behind that a fork would lose. An event's score does not
    depend on how many there are.

    Attributes:
        score: of some of the events; it gives its interpreter lock back while it works.
        cost: nanoseconds that it takes for an event, roughly.
    """

    score: Scorer
    cost: float

    def __call__(self, features: Floats) -> Floats | None:
        """The scores of these events; see `Scorer`."""
        events = len(features)
        number = int(min(events, events * self.cost / _WORTH))
        number = min(number, _most()) if number > 1 else 1
        if number == 1:
            return self.score(features)
        ends = [events * part // number for part in range(number + 1)]
        with ThreadPoolExecutor(number, thread_name_prefix="score") as pool:
            found = list(pool.map(self.score, (features[start:end] for start, end in pairwise(ends))))
        parts = [part for part in found if part is not None]
        return np.concatenate(parts) if len(parts) == number else None


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all libraries of the process, which takes a millisecond


def _most() -> int:
    granted = (int(each.num_threads) for each in _controller().lib_controllers if each.user_api == "openmp")
    return min(machine.cores(), *granted)
