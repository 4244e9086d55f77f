"""Bringing a database to another revision; loaded only where there is something to bring."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from eventsieve.errors import BadConfiguration
from eventsieve.storage.database import newest_revision
from eventsieve.storage.lookingon import sqlite_file
from eventsieve.storage.shelves import settle_file

__all__ = ["go", "is_known", "migrate"]


def migrate(connection: Connection, shown: str) -> None:
    """Bring the database to the newest revision; of a SQLite file of an older one a copy is kept beside it.

    Args:
        connection: to it, in a transaction.
        shown: its URL, for the sentence.

    Raises:
        BadConfiguration: the database is of a newer Eventsieve.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and not is_known(revision):
        raise BadConfiguration(
            f"The database {shown} was written by a newer Eventsieve (revision {revision}); "
            f"upgrade Eventsieve, or set MODEL_DIR to another folder."
        )
    path = sqlite_file(connection.engine.url.render_as_string(hide_password=False))
    if revision is not None and path is not None:
        _keep_copy(path, path.with_name(f"{path.name}.before-{newest_revision()}"))
    go(connection, "head")


def is_known(revision: str) -> bool:
    """Whether this Eventsieve has that revision."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def go(connection: Connection, revision: str) -> None:
    """Bring the database up to a revision, or back down to "base", where nothing of ours is left.

    Args:
        connection: to it, in a transaction.
        revision: the number of a known one, "head" or "base".
    """
    config = _config()
    config.attributes["connection"] = connection
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def _keep_copy(path: Path, copy: Path) -> None:
    """Keep a SQLite registry as it is before a migration: the way back for who needs the older Eventsieve again."""
    new = copy.with_name(f"{copy.name}.new")
    new.unlink(missing_ok=True)  # of one that was interrupted
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)
    settle_file(new, copy)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    return config
