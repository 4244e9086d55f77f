"""A data set, with what can be asked and changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from eventsieve import records
from eventsieve.client.answers import record
from eventsieve.client.bound import Bound
from eventsieve.client.edits import SchemaChanges, schema_edit
from eventsieve.client.grids import Grid, figure, named
from eventsieve.client.transport import segment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Dataset", "datasets_grid"]


class Dataset(Bound, records.Dataset):
    """A stored table of events: what came, how it is read, and what can be asked of it."""

    def edit(self, **changes: Unpack[SchemaChanges]) -> Dataset:
        """Change how it is read; what is not given stays.

        Args:
            **changes: ``label``, ``signal``, ``classes``, ``index``, ``weight``, ``undefined``, ``leave_out``,
                ``units`` as in `records.SchemaEdit`, and ``schema``, the name of one that comes with Eventsieve.

        Returns:
            The data set as it is read then.

        Raises:
            BadInput: it cannot be read so.
            Conflict: a job uses it.
        """
        body = schema_edit(changes).model_dump(mode="json", exclude_unset=True)
        return Dataset.bind(self._client.http.json("PATCH", f"{self._path}/schema", body=body), self._client)

    def rename(self, name: str) -> Dataset:
        """Give it another name."""
        return Dataset.bind(self._client.http.json("PATCH", self._path, body={"name": name}), self._client)

    def delete(self) -> None:
        """Remove it.

        Raises:
            Conflict: a job uses it.
        """
        self._client.http.send("DELETE", self._path)

    def explore(
        self,
        against: Dataset | str | None = None,
        *,
        bins: int = 50,
        cut: str | None = None,
        detail: records.Detail = "all",
    ) -> records.Exploration:
        """What its features look like, feature by feature and pair by pair.

        Args:
            against: another data set, for tests of drift.
            bins: of each histogram.
            cut: a condition on the events of both, such as ``"PRI_jet_num >= 2 and DER_mass_MMC > 0"``; the others are
                not looked at.
            detail: ``"histograms"`` leaves out what takes longer: correlations, duplicates, drift.

        Raises:
            BadInput, NotFound
        """
        query = {"against": _id(against), "bins": bins, "cut": cut, "detail": detail}
        answer = self._client.http.json("GET", f"{self._path}/exploration", query=query)
        return record(records.Exploration, answer)

    def report(self, path: Path | str, against: Dataset | str | None = None, *, cut: str | None = None) -> Path:
        """Write the report of exploratory analysis, a PDF, to a file; returns its path.

        Args:
            path: of the file.
            against: another data set, for tests of drift.
            cut: as for `explore`.
        """
        query = {"against": _id(against), "cut": cut}
        target = Path(path)
        self._client.http.download("GET", f"{self._path}/exploration.pdf", target, query=query)
        return target

    def plot(self, feature: str, against: Dataset | str | None = None, *, bins: int = 50) -> Figure:
        """Draw a feature's distribution by class, or against another data set.

        Raises:
            BadRequest: there is no such feature.
        """
        from eventsieve.charts import plot_feature  # noqa: PLC0415 - Matplotlib takes long to load

        return plot_feature(self.explore(against, bins=bins), feature)

    def plot_correlations(self) -> Figure:
        """Draw how the features are correlated, over all events."""
        from eventsieve.charts import plot_correlations  # noqa: PLC0415

        return plot_correlations(self.explore())

    def train(self, models: Any, **options: Any) -> Any:
        """Train on it: `Client.train` with this data set."""
        return self._client.train(self, models, **options)

    @property
    def _path(self) -> str:
        return f"/datasets/{segment(self.id)}"

    def _grid(self) -> Grid:
        schema = self.event_schema
        counts = {row.label: row for row in self.classes}
        rows: list[tuple[str, ...]] = [("events", f"{self.events:,}")]
        for label, row in counts.items():
            weight = "" if row.weight is None else f", weights sum to {figure(row.weight)}"
            rows.append((f"  {label}", f"{row.events:,}{weight}"))
        rows += [
            ("features", named(schema.feature_names)),
            ("index", schema.index_name if schema.index else "none, rows are counted"),
            ("label", _label(schema)),
            ("weight", schema.weight.name if schema.weight else "none"),
            ("left out", named([column.name for column in schema.columns if column.role == "spectator"])),
        ]
        rows += [("warning", text) for text in self.warnings]
        return Grid(("data set", self.name), rows, title=f"{self.id} ({self.format})")

    def __repr__(self) -> str:
        return repr(self._grid())

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()


def _label(schema: records.Schema) -> str:
    if schema.label is None:
        return "none"
    signal = f", signal is {schema.signal}" if schema.signal is not None else ""
    return f"{schema.label.name}{signal}" + (f", classes {', '.join(schema.classes)}" if schema.classes else "")


def _id(dataset: Dataset | str | None) -> str | None:
    return dataset.id if isinstance(dataset, Dataset) else dataset


def datasets_grid(datasets: list[Dataset]) -> Grid:
    """Data sets, a row each."""
    rows = [
        (
            each.id,
            each.name,
            f"{each.events:,}",
            len(each.event_schema.features),
            ", ".join(f"{row.label} {row.events:,}" for row in each.classes) or "no labels",
            f"{each.created.astimezone():%Y-%m-%d %H:%M}",
        )
        for each in datasets
    ]
    return Grid(("id", "name", "events", "features", "classes", "uploaded"), rows)
