"""When the registry's database does not answer: how long it is waited for, and what is said then.

The drivers' errors become ours here and nowhere else. What a client reads holds no SQL and no URL; the log has the
driver's own first line.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from typing import Any, Final

from sqlalchemy import URL, ExceptionContext, PoolProxiedConnection, QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from eventsieve.errors import NotFound, StoreUnavailable

__all__ = ["BUSY_MILLISECONDS", "options_for", "prepare_postgresql", "translate"]

BUSY_MILLISECONDS: Final = 10_000
"""How long one process waits for another's transaction in SQLite; ours last milliseconds."""

POOL_SECONDS: Final = 10
"""How long a thread waits for a connection that another one of this process has."""

POSTGRESQL: Final = {
    "connect_timeout": 3,
    # A machine that is gone says nothing at all; the kernel gives up for us.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""Parameters of libpq; those in DATABASE_URL come first."""

SESSION: Final = {"statement_timeout": "15s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "120s"}
"""What PostgreSQL ends by itself, so that a process that hangs holds nobody up."""

_LOST_TABLES: Final = frozenset({"42P01", "42501"})
"""SQLSTATE of a table that is not there or not for us: the database was replaced, or the rights were taken away."""

_DISK_FULL: Final = "53100"

_NO_ANSWER: Final = (
    "The registry's database does not answer, so nothing was changed. Ask again soon; who runs the server "
    "sees to it that the database runs and can be reached. The server goes on by itself then."
)

_SENTENCES: Final = {
    sqlite3.SQLITE_BUSY: "The registry is locked by another process, so nothing was changed. Ask again soon; if it "
    "stays locked, end the process that holds registry.sqlite.",
    sqlite3.SQLITE_READONLY: "The registry's file cannot be written, so nothing was changed. Who runs the server gives "
    "it the right to write registry.sqlite and its folder; the server goes on by itself then.",
    sqlite3.SQLITE_CORRUPT: "The registry's file is damaged, so nothing was changed. Who runs the server stops it, "
    "restores the last backup (eventsieve restore) and starts it again.",
}
_SENTENCES[sqlite3.SQLITE_LOCKED] = _SENTENCES[sqlite3.SQLITE_BUSY]
_SENTENCES[sqlite3.SQLITE_PERM] = _SENTENCES[sqlite3.SQLITE_READONLY]
_SENTENCES[sqlite3.SQLITE_NOTADB] = _SENTENCES[sqlite3.SQLITE_CORRUPT]

_UNREADABLE: Final = (
    "The registry's file cannot be read, so nothing was changed. Who runs the server sees to it that the folder "
    "MODEL_DIR is there and can be read and written; the server goes on by itself then."
)

_log = logging.getLogger(__name__)


class _Pool(QueuePool):
    __module__ = QueuePool.__module__  # SQLAlchemy names its log by it
    _is_over = False

    def dispose(self) -> None:
        self._is_over = True
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if self._is_over:  # a thread had it when the registry was closed; nobody else would close it
            super().dispose()

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except PoolTimeout as error:
            _log.warning("no connection to the registry became free within %d s", POOL_SECONDS)
            raise StoreUnavailable(
                "The registry is asked for more than it answers, so nothing was changed. Ask again soon."
            ) from error


def options_for(url: URL) -> dict[str, Any]:
    """How an engine for that URL is made, so that nobody waits for long when the database does not answer."""
    backend, driver = url.get_backend_name(), url.get_driver_name()
    if backend == "sqlite":
        in_memory = url.database in (None, "", ":memory:") or bool(url.query)
        return {} if in_memory else {"poolclass": _Pool, "pool_timeout": POOL_SECONDS}
    options: dict[str, Any] = {
        "poolclass": _Pool,
        "pool_timeout": POOL_SECONDS,
        "pool_pre_ping": True,
        "max_overflow": 15,
    }
    if backend == "postgresql" and driver in ("psycopg", "psycopg2"):
        options["connect_args"] = {name: value for name, value in POSTGRESQL.items() if name not in url.query}
    return options


def prepare_postgresql(connection: Any, _record: object) -> None:
    """Set what ends statements, waits and forgotten transactions on a new connection."""
    before, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        for name, value in SESSION.items():
            cursor.execute(f"SET {name} = '{value}'")
    connection.autocommit = before


def translate(context: ExceptionContext) -> Exception | None:
    """What is raised in the place of a driver's error; ``None`` where it is none of the database's own troubles.

    A full disk is the same to everyone above, whether a file or the database is written: an `OSError`.
    """
    error = context.original_exception
    if context.is_pre_ping or not isinstance(error, context.dialect.loaded_dbapi.Error):
        return None  # a ping that fails makes a new connection
    found = _of_sqlite(context, error) if isinstance(error, sqlite3.Error) else _of_server(context, error)
    if isinstance(found, StoreUnavailable):
        _log.warning("the registry does not answer: %s", (str(error).splitlines() or [""])[0])
    return found


def _of_sqlite(context: ExceptionContext, error: sqlite3.Error) -> Exception | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    kind = code & 0xFF
    if kind == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return OSError(errno.ENOSPC, str(error))
    if kind == sqlite3.SQLITE_ERROR and str(error).startswith("no such table"):
        kind = sqlite3.SQLITE_CORRUPT  # the file was replaced by another
    if kind in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE):
        return None
    if kind not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        context.is_disconnect = True  # what comes next opens the file again, which may be whole by then
    return StoreUnavailable(_SENTENCES.get(kind, _UNREADABLE))


def _of_server(context: ExceptionContext, error: Exception) -> Exception | None:
    driver: Any = context.dialect.loaded_dbapi
    state = getattr(error, "sqlstate", None)
    if state == _DISK_FULL:
        return OSError(errno.ENOSPC, "the database's disk is full")
    if isinstance(error, driver.DataError) and "NUL" in str(error):
        # Nobody can be called so, and on SQLite nobody is found either.
        return NotFound("No name has the character NUL in it, so there is nothing of that name; leave it out.")
    outages = (driver.OperationalError, driver.InterfaceError, driver.InternalError)
    return StoreUnavailable(_NO_ANSWER) if isinstance(error, outages) or state in _LOST_TABLES else None
