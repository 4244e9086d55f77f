"""Models on the same events, and whether one is better than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventsieve import records
from eventsieve.client.grids import Grid, figure, interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison"]


class Comparison(records.Comparison):
    """The figures of merit of models on the same events, with tests of their differences."""

    def table(self, *, weighted: bool | None = None) -> Grid:
        """The figures of merit, best model first, with their standard deviations.

        Args:
            weighted: those with event weights or those without; default: with weights where there are any.
        """
        if weighted is None:
            weighted = any(score.weighted for row in self.scores.values() for score in row)
        rows = {name: {s.name: s for s in row if s.weighted == weighted} for name, row in self.scores.items()}
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        cells = [
            (model, *(interval(s.value, s.uncertainty) if (s := rows[model].get(name)) else "" for name in names))
            for model in self.ranking
        ]
        title = f"{self.events:,} events, {'weighted' if weighted else 'each counted once'}"
        return Grid(("model", *names), cells, title=title)

    def differences_table(self, name: str = "roc_auc", *, weighted: bool | None = None) -> Grid:
        """The differences of one figure of merit, pair by pair, with 95 % intervals of the same bootstrap replicas."""
        found = [d for d in self.differences if d.name == name]
        if weighted is None:
            weighted = any(difference.weighted for difference in found)
        rows = [
            (
                d.first,
                d.second,
                figure(d.value, 4),
                figure(d.low, 4),
                figure(d.high, 4),
                figure(d.p_value),
                d.better or "\N{EN DASH}",
            )
            for d in found
            if d.weighted == weighted
        ]
        return Grid(("first", "second", "difference", "from", "to", "p", "better"), rows, title=name)

    def plot(self, name: str = "roc_auc") -> Figure:
        """Draw one figure of merit of all models with its interval.

        Raises:
            BadRequest: there is no such figure of merit.
        """
        from eventsieve.charts import plot_comparison  # noqa: PLC0415 - Matplotlib takes long to load

        return plot_comparison(self, name)

    def __repr__(self) -> str:
        return f"{self.table()!r}\n{self.verdict}"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        verdict = Grid((self.verdict,), ())
        return self.table()._repr_html_() + verdict._repr_html_()
