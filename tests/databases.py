"""A PostgreSQL server of our own, with a fresh database for each test that wants one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from eventsieve.storage.database import open_database
from eventsieve.storage.rows import Base

ADMIN = "postgres"
TEMPLATE = "migrated"

_END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
_EMPTY = [f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)]

only_sqlite = pytest.mark.skipif(
    os.environ.get("EVENTSIEVE_TEST_DATABASE") == "postgresql", reason="it is about SQLite itself"
)
"""Marks what does not hold of any other database."""


def database_url(folder: Path) -> str:
    """The URL of the database of a store that a test puts together itself: of this test's own, or in a folder."""
    return os.environ.get("EVENTSIEVE_DATABASE_URL") or f"sqlite:///{folder / 'registry.sqlite'}"


def rows_of(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the database of the store in a folder, beside a server that may run."""
    engine = create_engine(database_url(folder))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]
    finally:
        engine.dispose()


def programs() -> Path:
    """Where its programs are."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if on_path := shutil.which("pg_isready"):
        folders.append(Path(on_path).parent)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready")):
            return folder
    pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")


def user() -> str | None:
    """PostgreSQL refuses to run as root; its package brings a user for it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody; run the tests as a user")


class Postgresql:
    """A running server.

    Args:
        port: on which it listens, here only.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._made: dict[Path, str] = {}
        self._spare: list[str] = []
        self._ready = False

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://eventsieve@127.0.0.1:{self._port}/{database}"

    def fresh(self, *, empty: bool = False) -> str:
        """The URL of a new database: a copy of one that was migrated once, or an empty one."""
        if not self._ready and not empty:
            self._make_template()
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {TEMPLATE}"))
        return self.url(name)

    def of(self, folder: Path) -> str:
        """The URL of the database that belongs to a test's folder: the same whenever it is asked for."""
        if folder not in self._made:
            self._made[folder] = self._spare.pop() if self._spare else self.fresh()
        return self._made[folder]

    def drop(self, folder: Path) -> None:
        """Let go of the databases of a folder and of those in it: emptied, others may have them."""
        for known in [each for each in self._made if each.is_relative_to(folder)]:
            url = self._made.pop(known)
            # To make one takes fifteen times as long, and dropping it another five.
            self._execute(f"{_END_OTHERS} AND pid <> pg_backend_pid()", *_EMPTY, url=url)
            self._spare.append(url)

    def _make_template(self) -> None:
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        with tempfile.TemporaryDirectory() as folder:
            open_database(self.url(TEMPLATE), Path(folder) / "lock").dispose()
        self._ready = True

    def _execute(self, *statements: str, url: str | None = None) -> None:
        engine = create_engine(url or self.url(ADMIN), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        finally:
            engine.dispose()


@contextmanager
def run_postgresql() -> Iterator[Postgresql]:
    """A server that runs within the block, on a folder of its own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed; pip install 'eventsieve[postgresql]'")
    folder_of_programs, runner = programs(), user()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # Not tmp_path: the other user could not enter it.
    with tempfile.TemporaryDirectory() as folder:
        if runner is not None:
            shutil.chown(folder, runner)
        data = Path(folder) / "data"
        words = [folder_of_programs / "initdb", "-D", data, "-U", "eventsieve", "-A", "trust", "--no-sync"]
        subprocess.run(words, user=runner, check=True, capture_output=True, cwd=folder)
        words = [folder_of_programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
        words += ["-c", "max_connections=200", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"]
        with subprocess.Popen(words, user=runner, stderr=subprocess.DEVNULL, cwd=folder) as process:
            try:
                ready = [folder_of_programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "30"]
                for _ in range(100):
                    if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
                        break
                yield Postgresql(port)
            finally:
                process.terminate()
