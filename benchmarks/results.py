"""What a measurement found: runs of ours and of a rival's, their medians, spreads and ratio."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

__all__ = ["Comparison", "markdown"]


@dataclass(frozen=True)
class Comparison:
    """One quantity of which less is better, measured several times on both sides.

    Attributes:
        what: the quantity.
        unit: of the values, as it is printed.
        rival: who was measured beside us, with its version.
        ours: our values, a run each.
        theirs: the rival's values, a run each.
        ratios: whether a quotient of the medians means anything; it does not where one of them may be near zero.
    """

    what: str
    unit: str
    rival: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ratios: bool = True

    @property
    def ratio(self) -> float | None:
        """The rival's median over ours: above 1 where we need less."""
        ours = statistics.median(self.ours)
        return statistics.median(self.theirs) / ours if self.ratios and ours > 0 else None


def markdown(comparisons: Iterable[Comparison]) -> str:
    """The comparisons, a table for each rival: medians, in brackets the smallest and the largest run."""
    return "\n\n".join(_table(rival, list(group)) for rival, group in groupby(comparisons, lambda each: each.rival))


def _table(rival: str, comparisons: list[Comparison]) -> str:
    rows = [("", "ours", "rival", "rival / ours"), ("---", "---:", "---:", "---:")]
    for each in comparisons:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        rows.append((each.what, _values(each.ours, each.unit), _values(each.theirs, each.unit), ratio))
    return f"Rival: {rival}.\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _values(values: tuple[float, ...], unit: str) -> str:
    spread = f" ({_digits(min(values))} to {_digits(max(values))})" if len(values) > 1 else ""
    return f"{_digits(statistics.median(values))} {unit}{spread}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
