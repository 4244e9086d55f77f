"""Whether the registry has changed since it was last read: asked before what was read is used again."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Engine

__all__ = ["Changes"]


class Changes:
    """Tells the states of a database apart, in some microseconds and without waiting.

    SQLite counts, for each connection, the commits of all others, those of other processes too
    (https://sqlite.org/pragma.html#pragma_data_version). This one only looks, so nothing escapes it. Of other databases
    nothing is known that is as cheap and as sure.

    Args:
        engine: the open database.
    """

    def __init__(self, engine: Engine) -> None:
        path = engine.url.database if engine.dialect.name == "sqlite" else None
        # In memory every connection has a database of its own.
        self._path = Path(path) if path and path != ":memory:" and not engine.url.query else None
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def stamp(self) -> int | None:
        """A number that is another one after every change, whoever made it; ``None`` where that cannot be told."""
        if self._path is None:
            return None
        with self._lock:
            try:
                connection = self._connection = self._connection or _open(self._path)
                ((version,),) = connection.execute("PRAGMA data_version").fetchall()
            except sqlite3.Error:  # busy, or damaged: who reads the registry itself finds out
                self._close()  # what comes next opens the file again, which may be another by then
                return None
        return int(version)

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=0.0, isolation_level=None, check_same_thread=False)
