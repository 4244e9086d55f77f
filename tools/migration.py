"""Write a new migration from the difference between the migrations and rows.py: ``make migration MESSAGE="..."``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from eventsieve.storage.database import open_database


def main(message: str) -> None:
    """Write the next revision; it is numbered, and named after the message."""
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    number = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/registry.sqlite", Path(folder) / "lock")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()


if __name__ == "__main__":
    if not sys.argv[1:] or not sys.argv[1]:
        sys.exit('Say what it changes: make migration MESSAGE="models have a note"')
    main(sys.argv[1])
