"""Data sets: converted once when they come, then read by everyone as their schema says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from eventsieve.acting import actor, touch
from eventsieve.domain.edits import edited
from eventsieve.domain.events import Events, Labels, check, needed
from eventsieve.domain.inference import infer
from eventsieve.errors import BadRequest, BadTable, Conflict, TooLarge
from eventsieve.records import Dataset, Page, Reading, Schema, SchemaEdit
from eventsieve.service.access import refuse_others
from eventsieve.service.profile import profile
from eventsieve.service.uploads import CONVERSION, Upload, digest_of, hashed, parts, refuse_featureless, title
from eventsieve.storage import columns
from eventsieve.storage.datasets import Kept
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.storage.sources import Given, Parted, open_parts

__all__ = ["Datasets", "Upload"]

MOST_COLUMNS = 2048
"""Columns of a table, where nothing else is said."""

LONGEST_COLUMN = 512
"""Characters of a column's name."""


class Datasets:
    """The room of data sets.

    Args:
        files: the store's files.
        registry: the store's facts.
        max_table_bytes: how large events may be that are read into memory at once.
        max_dataset_bytes: how large a data set may be when it is unpacked.
        max_columns: how many columns it may have.
        forget: called with the id of a data set that is removed or read in another way from now on.
        most: bytes that whoever acts may keep; ``None``: as many as he likes.
    """

    def __init__(
        self,
        files: Files,
        registry: Registry,
        *,
        max_table_bytes: int,
        max_dataset_bytes: int,
        max_columns: int = MOST_COLUMNS,
        forget: Callable[[str], None] = lambda _: None,
        most: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._files = files
        self._registry = registry
        self._book = registry.datasets
        self._max_table_bytes = max_table_bytes
        self._max_dataset_bytes = max_dataset_bytes
        self._max_columns = max_columns
        self._forget = forget
        self._most = most

    def new_file(self) -> Path:
        """A path to write an upload to; it goes away with this process at the latest."""
        return self._files.new()

    def add(
        self,
        uploads: Sequence[Upload],
        *,
        name: str = "",
        reading: Reading = Reading(),  # noqa: B008 - frozen
        edit: SchemaEdit | None = None,
    ) -> tuple[Dataset, bool]:
        """Store a table of events; the same bytes, read in the same way with the same edit, are one data set.

        Args:
            uploads: one file, or several with the same columns.
            name: what to call it; the name of the first file by default.
            reading: what the files' content alone does not say.
            edit: changes to the schema that is found.

        Returns:
            The data set, and whether it is new.

        Raises:
            BadRequest: the labels, the name or the edit cannot be used.
            BadTable: a file holds no table of events, or is damaged.
            TooLarge: it is larger than a data set may be when it is unpacked.
            QuotaExceeded: whoever acts would keep more than he may.
        """
        if not uploads:
            raise BadRequest("No file came; send one at least.")
        wanted = title(name, uploads[0].name)
        digest = digest_of(uploads)
        key = hashed([CONVERSION, digest, reading.model_dump()])
        identity = hashed([key, None if edit is None else edit.model_dump(exclude_unset=True)])
        if known := self._book.identical(identity):
            touch("dataset", known.id)
            return known.public(), False
        by, most = actor().name, self._most()
        self._registry.holdings.refuse_full(by, most)  # before it is read for nothing
        path = self._files.new(".arrow")
        try:
            content = self._content(uploads, reading, edit, path)
            kept = Kept(
                id=uuid.uuid4().hex,
                name=wanted,
                digest=digest,
                size=sum(upload.size for upload in uploads),
                by=by,
                stored=path.stat().st_size,
                created=datetime.now(UTC),
                columns_digest=key,
                identity=identity,
                **content,
            )
            self._files.datasets.send(path, key)
            kept, new = self._book.add(kept, lambda: self._files.datasets.settle(path, key), most)
        finally:
            path.unlink(missing_ok=True)
        touch("dataset", kept.id)
        return kept.public(), new

    def page(self, *, offset: int = 0, limit: int = 100) -> Page[Dataset]:
        """A part of the list of data sets, the newest first."""
        return self._book.page(offset=offset, limit=limit)

    def get(self, dataset_id: str) -> Dataset:
        """The data set of that id.

        Raises:
            DatasetNotFound: there is none.
        """
        return self._used(dataset_id).public()

    def rename(self, dataset_id: str, name: str) -> Dataset:
        """Give a data set another name.

        Raises:
            DatasetNotFound: there is none of that id.
            BadRequest: the name cannot be one.
            NotAllowed: it is another's.
        """
        _refuse_others(self._book.get(dataset_id))
        return self._book.change(dataset_id, name=title(name, "")).public()

    def edit(self, dataset_id: str, edit: SchemaEdit) -> Dataset:
        """Change how a data set is read; models that were trained on it keep their own schema.

        Raises:
            DatasetNotFound: there is none of that id.
            Conflict: a job that has not ended uses it.
            BadRequest: the changes cannot be made; each fault has its place in the edit.
            NotAllowed: it is another's.
        """
        kept = self._book.get(dataset_id)
        _refuse_others(kept)
        self._refuse_used(kept, "change its schema")
        path = self._path(kept)
        facts = columns.describe(path, index=edit.index)
        schema = edited(kept.event_schema, facts, edit)
        classes, findings = profile(path, schema, facts, kept.events)
        warnings = (*kept.reading["warnings"], *findings)
        changed = self._book.change(dataset_id, event_schema=schema, classes=classes, warnings=warnings)
        self._forget(dataset_id)
        return changed.public()

    def remove(self, dataset_id: str) -> None:
        """Forget a data set; models that were trained on it stay.

        Raises:
            DatasetNotFound: there is none of that id.
            Conflict: a job that has not ended uses it.
            NotAllowed: it is another's.
        """
        kept = self._book.get(dataset_id)
        _refuse_others(kept)
        self._refuse_used(kept, "delete it")
        self._book.remove(dataset_id, self._files.datasets.drop)
        self._forget(dataset_id)

    def events(self, dataset_id: str, labels: Labels, *, schema: Schema | None = None) -> Events:
        """The checked events of a data set.

        Args:
            dataset_id: the data set.
            labels: what the labels are wanted for, see `eventsieve.domain.events.check`.
            schema: how to read the columns; the data set's own schema by default.

        Raises:
            DatasetNotFound: there is none of that id.
            BadTable: the events have faults; all of them are named.
            TooLarge: they do not fit into the memory that a table may take.
            DamagedArtefact: the stored file is missing or damaged.
        """
        kept = self._used(dataset_id)
        schema = schema or kept.event_schema
        header = [column.name for column in kept.columns]
        wanted = [column.name for column in needed(schema, labels=labels) if column.name in header]
        if 8 * kept.events * len(wanted) > self._max_table_bytes:
            raise TooLarge(
                f"The {kept.events:,} events of data set {kept.name!r} take more than "
                f"{self._max_table_bytes >> 20:,} MB of memory; "
                f"send a part of them as a data set, leave columns out, or raise MAX_TABLE_MB."
            )
        table = pa.Table.from_batches(columns.batches(self._path(kept), wanted)) if wanted else pa.table({})
        return check(table, schema, labels=labels, header=header)

    def batches(self, dataset_id: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of a data set in batches, as they came.

        Args:
            dataset_id: the data set.
            names: of columns that it has.

        Raises:
            DatasetNotFound: there is none of that id.
            DamagedArtefact: the stored file is missing or damaged.
        """
        return columns.batches(self._path(self._used(dataset_id)), names)

    def _used(self, dataset_id: str) -> Kept:
        kept = self._book.get(dataset_id)
        self._registry.aging.use(kept.id, kept.used)
        return kept

    def _content(
        self, uploads: Sequence[Upload], reading: Reading, edit: SchemaEdit | None, path: Path
    ) -> dict[str, Any]:
        """Write the columns of the files to a path; returns what is found in them, as fields of `Kept`."""
        source, counts = self._convert(uploads, reading, path)
        facts = columns.describe(path, index=None if edit is None else edit.index)
        schema, guesses = infer(facts, named=source.named, label=source.label)
        if edit is not None:
            schema, guesses = edited(schema, facts, edit), ()
        refuse_featureless(schema)
        classes, findings = profile(path, schema, facts, sum(counts))
        return {
            "format": source.format,
            "parts": parts(source, counts),
            "events": sum(counts),
            "columns": tuple(fact.summary for fact in facts),
            "event_schema": schema,
            "classes": classes,
            "warnings": (*source.warnings, *guesses, *findings),
            "reading": reading.model_dump(mode="json") | {"warnings": source.warnings},
        }

    def _convert(self, uploads: Sequence[Upload], reading: Reading, path: Path) -> tuple[Parted, tuple[int, ...]]:
        given = [Given(upload.path, upload.name, upload.label) for upload in uploads]
        try:
            parted = open_parts(given, reading, max_bytes=self._max_dataset_bytes)
            self._refuse_wide(parted.schema.names)
            return columns.write(parted, path, max_bytes=self._max_dataset_bytes)
        except TooLarge as error:
            raise TooLarge(f"{error} The limit is the setting MAX_DATASET_MB.") from error

    def _refuse_wide(self, names: Sequence[str]) -> None:
        if long := next((name for name in names if len(name) > LONGEST_COLUMN), ""):
            raise BadTable(
                f"The name of column {long[:40]}... has {len(long):,} characters; {LONGEST_COLUMN} are the most. "
                f"Shorten it."
            )
        if len(names) > self._max_columns:
            raise BadTable(
                f"The table has {len(names):,} columns; {self._max_columns:,} are the most. Name those that are needed "
                f"(branches), or raise MAX_COLUMNS."
            )

    def _path(self, kept: Kept) -> Path:
        return self._files.datasets.path(kept.columns_digest)

    def _refuse_used(self, kept: Kept, what: str) -> None:
        if jobs := self._registry.unfinished_jobs(kept.id):
            raise Conflict(
                f"The data set {kept.name!r} is used by job {', '.join(jobs)}; "
                f"wait for its end, or cancel it, to {what}."
            )


def _refuse_others(kept: Kept) -> None:
    refuse_others(f"the data set {kept.name!r}", kept.by)
