"""Examining a store as it is: its registry and its files are looked at, and nothing in them is changed."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from eventsieve.errors import DamagedArtefact, StoreUnavailable
from eventsieve.storage import columns
from eventsieve.storage.files import DURABLE, folder_of
from eventsieve.storage.lookingon import looking_at, sqlite_file
from eventsieve.storage.objects import Objects
from eventsieve.storage.shelves import ORPHAN_SECONDS, digest_of
from eventsieve.storage.snapshot import needed, revision_of

__all__ = ["Facts", "FileFault", "examine", "faults_of_files", "is_locked"]

LOCK_SECONDS: Final = 2.0
MOMENTS: Final = (("jobs", "created"), ("models", "created"), ("choices", "created"), ("deeds", "moment"))


@dataclass(frozen=True)
class Facts:
    """What a registry says of itself.

    Attributes:
        kind: of database.
        revision: of its tables; ``None`` in an empty database.
        faults: what the database itself finds wrong with its file; empty where nothing is, or where it is not asked.
        journal: how SQLite writes; ``None`` for others.
        files: the keys of the files that it speaks of, by their shelves.
        models: how many there are.
        versions: of the packages that its models were trained with, each with how many.
        keys: that somebody can sign in with.
        newest: the last moment that it speaks of.
    """

    kind: str
    revision: str | None
    faults: tuple[str, ...]
    journal: str | None
    files: dict[str, frozenset[str]]
    models: int
    versions: dict[tuple[str, str], int]
    keys: int
    newest: datetime | None


@dataclass(frozen=True)
class FileFault:
    """A file that is not as it should be: "missing", "empty", "damaged", or an "orphan" that nothing speaks of."""

    name: str
    what: str


def examine(url: str, *, deep: bool) -> Facts:
    """What the registry says of itself.

    Args:
        url: of its database, as SQLAlchemy writes it.
        deep: whether SQLite looks at each page and row of its file, and not only at how they hang together.

    Raises:
        BadConfiguration: it cannot be read.
    """
    with looking_at(url) as connection:
        kind = connection.dialect.name
        faults, journal = _of_sqlite(connection, deep=deep) if kind == "sqlite" else ((), None)
        there = set(sa.inspect(connection).get_table_names())
        versions = _versions(connection) if "models" in there else {}
        return Facts(
            kind=kind,
            revision=revision_of(connection),
            faults=faults,
            journal=journal,
            files=needed(connection),
            models=sum(count for (name, _), count in versions.items() if name == "scikit-learn"),
            versions=versions,
            keys=_usable_keys(connection) if "keys" in there else 0,
            newest=_newest(connection, there),
        )


def is_locked(url: str) -> bool:
    """Whether another process keeps a SQLite registry from being written; asked for as long as `LOCK_SECONDS`."""
    path = sqlite_file(url)
    if path is None or not path.exists():
        return False
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=LOCK_SECONDS)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return False


def faults_of_files(
    files: dict[str, frozenset[str]], root: Path, url: str | None, *, deep: bool
) -> Iterator[FileFault]:
    """What is wrong with the files that a registry speaks of, and which others there are.

    Args:
        files: the keys of those it speaks of, by their shelves.
        root: the store's folder.
        url: where its files are, if not there.
        deep: whether to read all of each file.

    Raises:
        StoreUnavailable, BadConfiguration: the files' own store does not answer.
    """
    if url is not None and not url.startswith("file:"):
        yield from _faults_of_objects(files, Objects(url), deep=deep)
        return
    folder = root if url is None else folder_of(url)
    for shelf, suffix in DURABLE.items():
        keys = files.get(shelf, frozenset())
        for key in sorted(keys):
            what = _fault(folder / shelf / f"{key}{suffix}", key, shelf, deep=deep)
            if what:
                yield FileFault(f"{shelf}/{key}{suffix}", what)
        yield from _orphans(folder / shelf, {f"{key}{suffix}" for key in keys})


def _fault(path: Path, key: str, shelf: str, *, deep: bool) -> str:
    try:
        if not path.stat().st_size:
            return "empty"
        if deep and shelf == "datasets":
            for _ in columns.batches(path):
                pass
        elif deep and digest_of(path) != key:
            return "damaged"
    except FileNotFoundError:
        return "missing"
    except DamagedArtefact:
        return "damaged"
    return ""


def _orphans(folder: Path, known: set[str]) -> Iterator[FileFault]:
    if not folder.is_dir():
        return
    horizon = time.time() - ORPHAN_SECONDS
    for path in sorted(folder.iterdir()):
        if path.name not in known and path.is_file() and path.stat().st_mtime < horizon:
            yield FileFault(f"{folder.name}/{path.name}", "orphan")


def _faults_of_objects(files: dict[str, frozenset[str]], objects: Objects, *, deep: bool) -> Iterator[FileFault]:
    with tempfile.TemporaryDirectory() as folder:
        for shelf, suffix in DURABLE.items():
            stored = {name for name, _ in objects.listed(shelf)}
            for key in sorted(files.get(shelf, ())):
                name = f"{key}{suffix}"
                if name not in stored:
                    yield FileFault(f"{shelf}/{name}", "missing")
                elif deep and _is_damaged(objects, f"{shelf}/{name}", Path(folder), key, shelf):
                    yield FileFault(f"{shelf}/{name}", "damaged")


def _is_damaged(objects: Objects, name: str, folder: Path, key: str, shelf: str) -> bool:
    path = folder / "file"
    try:
        objects.fetch(name, path, None if shelf == "datasets" else key)
        return bool(_fault(path, key, shelf, deep=True))
    except DamagedArtefact:
        return True
    except StoreUnavailable:
        raise
    finally:
        path.unlink(missing_ok=True)


def _of_sqlite(connection: Connection, *, deep: bool) -> tuple[tuple[str, ...], str]:
    said = connection.exec_driver_sql(f"PRAGMA {'integrity_check' if deep else 'quick_check'}(10)").scalars().all()
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() if deep else ()
    faults = [each for each in said if each != "ok"]
    faults += [f"a row of {each[0]} speaks of one that is not there" for each in broken]
    return tuple(faults), str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())


def _versions(connection: Connection) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    query: Any = sa.select(sa.column("versions", sa.JSON)).select_from(sa.table("models"))
    for versions in connection.scalars(query):
        for pair in versions.items():
            found[pair] = found.get(pair, 0) + 1
    return found


def _usable_keys(connection: Connection) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    revoked, expires = sa.column("revoked", sa.DateTime), sa.column("expires", sa.DateTime)
    lasting = revoked.is_(None) & (expires.is_(None) | (expires > now))
    return connection.scalar(sa.select(sa.func.count()).select_from(sa.table("keys")).where(lasting)) or 0


def _newest(connection: Connection, there: set[str]) -> datetime | None:
    found = [
        connection.scalar(sa.select(sa.func.max(sa.column(column, sa.DateTime))).select_from(sa.table(table)))
        for table, column in MOMENTS
        if table in there
    ]
    return max((moment.replace(tzinfo=UTC) for moment in found if moment is not None), default=None)
