"""Bringing a database to the newest revision; loaded only where there is something to bring."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from eventsieve.errors import BadConfiguration

__all__ = ["migrate"]


def migrate(connection: Connection, shown: str) -> None:
    """Bring the database to the newest revision.

    Args:
        connection: to it, in a transaction.
        shown: its URL, for the sentence.

    Raises:
        BadConfiguration: the database is of a newer Eventsieve.
    """
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    scripts = ScriptDirectory.from_config(config)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise BadConfiguration(
            f"The database {shown} was written by a newer Eventsieve (revision {revision}); "
            f"upgrade Eventsieve, or set MODEL_DIR to another folder."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
