"""Looking at a database as it is, without changing anything in it: no migration, no lock, one moment of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from eventsieve.errors import BadConfiguration

__all__ = ["looking_at", "shown", "sqlite_file"]


@contextmanager
def looking_at(url: str) -> Iterator[Connection]:
    """A connection in one transaction that reads; all of it sees the database as it was at its first query.

    Args:
        url: as SQLAlchemy writes it.

    Raises:
        BadConfiguration: the URL means nothing, nothing answers there, or what is there is no database.
    """
    try:
        path = sqlite_file(url)
        options: dict[str, Any] = {"poolclass": NullPool}
        if path is not None:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            options["creator"] = lambda: sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10.0)
        elif make_url(url).get_backend_name() == "postgresql":
            reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            options |= {"execution_options": reading, "connect_args": {"connect_timeout": 5}}
        engine = create_engine(url, **options)
        if path is not None:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        with engine.connect() as connection:
            yield connection
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, SQLAlchemyError) as error:
        why = str(error).partition("\n")[0]
        raise BadConfiguration(
            f"The database {shown(url)} cannot be read ({why}); see that it runs, or correct DATABASE_URL."
        ) from error


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; ``None`` for any other, and for one in memory."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    in_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if in_file and not parsed.query else None


def shown(url: str) -> str:
    """A database's URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "that DATABASE_URL names"
