"""The verbs about data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Unpack

from eventsieve import records
from eventsieve.client import sources
from eventsieve.client.answers import record
from eventsieve.client.bound import Listing
from eventsieve.client.datasets import Dataset, datasets_grid
from eventsieve.client.edits import SchemaChanges, schema_edit
from eventsieve.client.grids import Grid
from eventsieve.client.transport import segment
from eventsieve.client.uploads import upload
from eventsieve.client.verbs import Verbs, warn

__all__ = ["Storing"]


class Storing(Verbs):
    """Data sets: store, list, get; and the schemas by which they may be read."""

    def upload(
        self,
        source: sources.Source,
        *,
        name: str | None = None,
        tree: str | Sequence[str] | Mapping[str, str] | None = None,
        branches: Sequence[str] | None = None,
        header: Literal["auto", "yes", "no"] = "auto",
        **schema: Unpack[SchemaChanges],
    ) -> Dataset:
        """Store a table of events; the same bytes, read the same way, are one data set.

        Args:
            source: a path of a CSV (also compressed), Parquet, Arrow or ROOT file, streamed from disk; a data frame
                of pandas, polars or Arrow; ``{column: array}``; or several of them, ``{"s": "sig.root", "b":
                "bkg.root"}`` with the label of each, or a list of those that hold their labels themselves.
            name: what to call it; default: the file's name.
            tree: the tree of a ROOT file, or several; ``{"s": "sig_tree", "b": "bkg_tree"}`` labels them.
            branches: the columns to keep, names or patterns such as ``jet*``; default: all.
            header: whether a CSV begins with the names of its columns.
            **schema: what is not to be inferred: ``label``, ``signal``, ``classes``, ``index``, ``weight``,
                ``undefined``, ``leave_out``, ``units``; or ``schema``, the name of one that comes with Eventsieve.

        Returns:
            The data set. What it warns of (columns left out, a feature that gives the label away) is warned of as
            `EventsWarning` too.

        Raises:
            BadInput: the table has faults; all are named.
            TooLarge
            OSError: there is no such file.
        """
        reading = sources.reading(tree=tree, branches=branches, header=header)
        edit = schema_edit(schema) if schema else None
        dataset = self._bind(Dataset, upload(self.http, source, name, reading, edit))
        warn(dataset.warnings)
        return dataset

    def simulate(
        self, events: int = 20_000, seed: int = 0, *, first_id: int | None = None, unlabelled: bool = False
    ) -> Dataset:
        """Store simulated events, for who has none at hand; the same arguments give the same data set.

        Args:
            events: how many, up to 1,000,000.
            seed: of the pseudo-random numbers.
            first_id: number of the first event; default: 100000.
            unlabelled: whether labels and weights are left out, as in events that are to be predicted.

        Raises:
            BadInput: there are too many, or none.
        """
        body = {"events": events, "seed": seed, "unlabelled": unlabelled}
        body |= {} if first_id is None else {"first_id": first_id}
        return self._bind(Dataset, self.http.json("POST", "/simulations", body=body))

    def report(self, path: Path | str) -> Path:
        """Write the report that the server has been given, or that of a simulated sample, a PDF, to a file.

        Returns:
            The path.

        Raises:
            NotReady: it is being made; ask again.
            NoReport: there is none, and none will come by waiting.
        """
        target = Path(path)
        self.http.download("GET", "/report.pdf", target)
        return target

    def dataset(self, dataset: str) -> Dataset:
        """A data set by its id."""
        return self._bind(Dataset, self.http.json("GET", f"/datasets/{segment(dataset)}"))

    def datasets(self) -> Listing[Dataset]:
        """All data sets."""
        return self._listing("/datasets", Dataset, datasets_grid)

    def schemas(self) -> Listing[records.Schema]:
        """The schemas that come with Eventsieve."""
        return self._listing(
            "/schemas",
            records.Schema,
            lambda found: Grid(("name", "title", "features"), [(s.name, s.title, len(s.features)) for s in found]),
        )

    def schema(self, name: str) -> records.Schema:
        """A schema that comes with Eventsieve."""
        return record(records.Schema, self.http.json("GET", f"/schemas/{segment(name)}"))

    def _stored(self, data: sources.Source) -> str:
        """The id of the data set that is meant; what is none yet is stored."""
        if isinstance(data, Dataset):
            return data.id
        if not isinstance(data, str) or Path(data).expanduser().is_file():
            return self.upload(data).id
        if Path(data).suffix or Path(data).name != data:
            raise FileNotFoundError(2, "There is no such file", data)
        return data
