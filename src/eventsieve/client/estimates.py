"""What trainings are expected to take, as a table for people."""

from __future__ import annotations

from eventsieve import records
from eventsieve.client.grids import Grid, figure

__all__ = ["Estimates"]


class Estimates(dict[str, records.Estimate]):
    """Estimates by the models' names or types, which print as a table."""

    def _grid(self) -> Grid:
        rows = [
            (
                name,
                f"{figure(each.seconds, 1)} s",
                f"{figure(each.low, 1)} to {figure(each.high, 1)} s",
                f"{each.memory / 1e6:,.0f} MB",
                "yes" if each.fits else "no",
                each.basis,
            )
            for name, each in self.items()
        ]
        return Grid(("model", "time", "two of three end in", "memory", "fits", "why"), rows)

    def __repr__(self) -> str:
        return repr(self._grid())

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()
