"""Opening the registry's database: SQLite by default, anything SQLAlchemy speaks by its URL."""

from __future__ import annotations

import errno
import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from eventsieve.errors import BadConfiguration

__all__ = ["open_database"]

BUSY_MILLISECONDS = 30_000
"""How long one process waits for another's transaction; ours last milliseconds."""


def open_database(url: str, lock: Path) -> Engine:
    """The database of that URL, brought to the newest revision.

    Args:
        url: as SQLAlchemy writes it.
        lock: a file that processes lock in turn while they migrate.

    Raises:
        BadConfiguration: the URL means nothing, nothing answers there, or the database is of a newer Eventsieve.
    """
    try:
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            event.listen(engine, "handle_error", _tell_full_disk)
        with ExitStack() as stack:
            stack.callback(engine.dispose)
            with _one_at_a_time(lock):
                _migrate(engine)
            stack.pop_all()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, DBAPIError) as error:
        raise BadConfiguration(
            f"The database {_shown(url)} cannot be opened ({str(error).splitlines()[0]}); correct DATABASE_URL."
        ) from error
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
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _tell_full_disk(context: ExceptionContext) -> None:
    # To everyone above, a full disk is the same whether a file or the database is written.
    error = context.original_exception
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        raise OSError(errno.ENOSPC, f"{error}")


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    scripts = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision == scripts.get_current_head():
            return
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise BadConfiguration(
                f"The database {_shown(str(engine.url))} was written by a newer Eventsieve (revision {revision}); "
                f"upgrade Eventsieve, or set MODEL_DIR to another folder."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
