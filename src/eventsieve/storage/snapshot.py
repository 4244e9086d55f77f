"""Snapshots: all rows of a registry as of one moment, as lines of JSON, out of one database and into another.

The rows are those of the tables as they were at the snapshot's revision, whatever is newer in
`eventsieve.storage.rows`; a value is what the column holds, so that SQLite and PostgreSQL can take each other's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from eventsieve.errors import BadConfiguration, BadInput
from eventsieve.storage import migrating
from eventsieve.storage.database import REVISIONS
from eventsieve.storage.datasets import Kept
from eventsieve.storage.rows import Base, DatasetRow, JobRow, ModelRow

__all__ = ["Snapshot", "check_readable", "fill", "holds_something", "needed", "revision_of", "take"]

MISSED: Final = ("datasets", "jobs", "tables", "models", "choices", "keys", "deeds")
"""Tables whose rows somebody would miss."""

LEFT_OUT: Final = frozenset({"sessions", "owners"})
"""Who has signed in, and which processes live: true of that server at that moment only."""

SPOKEN_OF: Final = (
    ("artefacts", "models", "digest"),
    ("evaluations", "models", "evaluation_digest"),
    ("tables", "tables", "digest"),
    ("datasets", "datasets", "columns_digest"),
)
"""Shelves, and the columns with the keys of their files."""

MOST_ROWS: Final = 500
LONGEST_LINE: Final = 64 << 20


@dataclass(frozen=True)
class Snapshot:
    """What `take` has written.

    Attributes:
        revision: of the database.
        rows: a file of lines for each table, by its name.
        files: the keys of the files that the rows speak of, by their shelves.
    """

    revision: str
    rows: Mapping[str, Path]
    files: Mapping[str, frozenset[str]]


def take(connection: Connection, folder: Path) -> Snapshot:
    """Write all rows into files of a folder.

    Args:
        connection: in a transaction that sees one moment.
        folder: is there.

    Raises:
        BadInput: it is no registry.
    """
    revision = revision_of(connection)
    if revision is None:
        raise BadInput("The database holds no registry of Eventsieve, so there is nothing to back up.")
    metadata = _tables(connection)
    rows = {}
    for table in metadata.sorted_tables:
        if table.name not in LEFT_OUT:
            rows[table.name] = folder / f"{table.name}.jsonl"
            with rows[table.name].open("w", encoding="utf-8") as file:
                _dump(connection, table, file)
    return Snapshot(revision, rows, needed(connection))


def needed(connection: Connection) -> dict[str, frozenset[str]]:
    """The keys of all files that the rows speak of, by their shelves."""
    metadata = _tables(connection)
    found = {}
    for shelf, name, column in SPOKEN_OF:
        if name in metadata.tables and column in metadata.tables[name].c:
            keys = connection.scalars(sa.select(metadata.tables[name].c[column]))
            found[shelf] = frozenset(key for key in keys if key is not None)
    return found


def fill(connection: Connection, revision: str, rows: Mapping[str, Path]) -> None:
    """Make a registry of what a snapshot holds, at the newest revision, in the place of one that holds nothing.

    Args:
        connection: in a transaction.
        revision: of the snapshot.
        rows: a file of lines for each table.

    Raises:
        BadInput: the lines are none that were written by `take`.
        BadConfiguration: the revision is a newer Eventsieve's.
    """
    if not migrating.is_known(revision):
        raise BadConfiguration(
            f"The backup is of a newer Eventsieve (revision {revision}); install that, and restore with it."
        )
    migrating.go(connection, "base")
    migrating.go(connection, revision)
    metadata = _tables(connection)
    if unknown := set(rows) - set(metadata.tables):
        raise BadInput(f"The backup has rows of {', '.join(sorted(unknown))}, which revision {revision} does not have.")
    try:
        for table in metadata.sorted_tables:
            if table.name in rows and table.name not in LEFT_OUT:
                with rows[table.name].open(encoding="utf-8") as file:
                    _load(connection, table, file)
                _count_on(connection, table)
    except (SQLAlchemyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadInput(
            f"The rows of the backup are damaged ({str(error).partition(chr(10))[0]}); take another."
        ) from error
    migrating.go(connection, "head")


def check_readable(connection: Connection) -> dict[str, int]:
    """See that every model, job and data set can be read; returns how many there are.

    Raises:
        BadInput: one cannot.
    """
    kinds = {"models": ModelRow, "jobs": JobRow, "datasets": DatasetRow}
    counts = {}
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for name, kind in kinds.items():
            counts[name] = 0
            for row in session.scalars(sa.select(kind).execution_options(yield_per=MOST_ROWS)):
                try:
                    _read(row)
                except (ValueError, TypeError, LookupError) as error:
                    why = str(error).partition("\n")[0]
                    raise BadInput(f"A row of {name} in the backup cannot be read ({why}); take another.") from error
                counts[name] += 1
    return counts


def holds_something(connection: Connection) -> bool:
    """Whether the registry has any row that somebody would miss."""
    there = set(sa.inspect(connection).get_table_names())
    one = sa.select(sa.literal(1)).limit(1)
    return any(connection.execute(one.select_from(sa.table(name))).first() for name in MISSED if name in there)


def revision_of(connection: Connection) -> str | None:
    """The revision that Alembic has noted in the database; none in a new one."""
    if not sa.inspect(connection).has_table(REVISIONS):
        return None
    query = sa.select(sa.column("version_num", sa.String)).select_from(sa.table(REVISIONS))
    return connection.scalar(query)


def _read(row: object) -> None:
    if isinstance(row, ModelRow):
        row.record(None)
    elif isinstance(row, JobRow):
        row.record()
    else:
        Kept.model_validate(row, from_attributes=True)


def _tables(connection: Connection) -> MetaData:
    """Our tables, with the columns that they have in this database."""
    metadata = MetaData()
    there = set(sa.inspect(connection).get_table_names())
    metadata.reflect(connection, only=sorted(there & set(Base.metadata.tables)))
    return metadata


def _dump(connection: Connection, table: Table, file: IO[str]) -> None:
    # As text, JSON's null is told from none.
    columns = [sa.cast(each, sa.Text) if _is_json(each) else each for each in table.c]
    file.write(json.dumps([each.name for each in table.c]) + "\n")
    query = sa.select(*columns).order_by(*table.primary_key.columns).execution_options(yield_per=MOST_ROWS)
    for row in connection.execute(query):
        values = [each.isoformat() if isinstance(each, datetime) else each for each in row]
        file.write(json.dumps(values, ensure_ascii=False) + "\n")


def _load(connection: Connection, table: Table, file: IO[str]) -> None:
    lines = _lines(file)
    names = next(lines, None)
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(table.c.keys()):
        raise ValueError(f"{table.name} has other columns than {names}")
    for column in table.c:
        if _is_json(column):
            column.type = sa.JSON(none_as_null=True)
    while some := list(islice(lines, MOST_ROWS)):
        connection.execute(sa.insert(table), [_row(table, names, values) for values in some])


def _lines(file: IO[str]) -> Iterator[Any]:
    while line := file.readline(LONGEST_LINE):
        if not line.endswith("\n"):
            raise ValueError("a line is too long, or not whole")
        yield json.loads(line)


def _row(table: Table, names: Iterable[str], values: list[Any]) -> dict[str, Any]:
    return {name: _value(table.c[name], value) for name, value in zip(names, values, strict=True)}


def _value(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if _is_json(column):
        parsed = json.loads(value)
        return sa.JSON.NULL if parsed is None else parsed
    if isinstance(column.type, sa.DateTime):
        return datetime.fromisoformat(value)
    return value


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _count_on(connection: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after those that are there; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        sequence = connection.scalar(sa.func.pg_get_serial_sequence(table.name, column.name))
        if sequence is not None:
            largest = connection.scalar(sa.select(sa.func.max(column)))
            connection.execute(sa.select(sa.func.setval(sequence, largest or 1, largest is not None)))
