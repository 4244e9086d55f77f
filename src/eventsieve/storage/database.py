"""Opening the registry's database: SQLite by default, anything SQLAlchemy speaks by its URL."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from eventsieve.errors import BadConfiguration, StoreUnavailable
from eventsieve.storage.outages import BUSY_MILLISECONDS, options_for, prepare_postgresql, translate
from eventsieve.storage.reading import READS

__all__ = ["REVISIONS", "connect", "newest_revision", "one_at_a_time", "open_database"]

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
REVISIONS = "alembic_version"
"""Alembic's own table."""


def open_database(url: str, lock: Path) -> Engine:
    """The database of that URL, brought to the newest revision.

    Args:
        url: as SQLAlchemy writes it.
        lock: a file that processes lock in turn while they migrate.

    Raises:
        BadConfiguration: the URL means nothing, nothing answers there, or the database is of a newer Eventsieve.
    """
    try:
        engine = connect(url)
        with ExitStack() as stack:
            stack.callback(engine.dispose)
            with one_at_a_time(lock):
                _migrate(engine)
            stack.pop_all()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, DBAPIError, StoreUnavailable) as error:
        why = str(error.__cause__ if isinstance(error, StoreUnavailable) else error).partition("\n")[0]
        raise BadConfiguration(
            f"The database {_shown(url)} cannot be opened ({why}); see that it runs, or correct DATABASE_URL."
        ) from error
    return engine


def connect(url: str) -> Engine:
    """The database of that URL as it is, of which nothing has been asked yet."""
    engine = create_engine(url, **options_for(make_url(url)))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", prepare_postgresql)
    event.listen(engine, "handle_error", translate, retval=True)
    return engine


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy begins transactions itself (below); the driver's own way would begin them too late.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MILLISECONDS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail when another has written in between; this one waits.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Have the store's registry migrated, or replaced, by nobody else within the block."""
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        if _revisions(connection) == [newest_revision()]:
            return
        from eventsieve.storage.migrating import migrate  # noqa: PLC0415 - a tenth of every start, and rarely needed

        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table takes what it takes
        migrate(connection, _shown(str(engine.url)))


def _revisions(connection: Connection) -> list[str]:
    """The revisions that Alembic has noted in the database; none in a new one."""
    if not inspect(connection).has_table(REVISIONS):
        return []
    return list(connection.scalars(select(column("version_num")).select_from(table(REVISIONS))))


def newest_revision() -> str:
    """The newest revision there is: the migrations are numbered by their files' names."""
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("[0-9]*_*.py"))
