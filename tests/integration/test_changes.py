"""Whether the registry has changed is known at once, whoever changed it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from eventsieve.storage.changes import Changes
from eventsieve.storage.database import open_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite'}", tmp_path / "lock")
    yield engine
    engine.dispose()


@pytest.fixture
def changes(engine: Engine) -> Iterator[Changes]:
    changes = Changes(engine)
    yield changes
    changes.close()


def write(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO choices (model_id, made_by, created) VALUES ('m', '', '2026-01-01')"))


def test_every_commit_gives_another_stamp(engine: Engine, changes: Changes) -> None:
    stamps = [changes.stamp()]
    for _ in range(3):
        write(engine)
        stamps.append(changes.stamp())
    assert None not in stamps
    assert len(set(stamps)) == 4


def test_reading_and_giving_up_change_nothing(engine: Engine, changes: Changes) -> None:
    before = changes.stamp()
    with engine.begin() as connection:
        connection.execute(text("SELECT * FROM choices")).all()
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO choices (made_by, created) VALUES ('', '2026-01-01')"))
        connection.rollback()
    assert changes.stamp() == before


def test_what_another_process_commits_is_seen(engine: Engine, changes: Changes) -> None:
    before = changes.stamp()
    other = sqlite3.connect(str(engine.url.database))  # shares nothing with the engine but the file
    other.execute("INSERT INTO choices (made_by, created) VALUES ('', '2026-01-01')")
    assert changes.stamp() == before  # not committed
    other.commit()
    assert changes.stamp() != before
    other.close()


def test_a_writer_does_not_keep_anybody_waiting(engine: Engine, changes: Changes) -> None:
    before = changes.stamp()
    with engine.begin() as connection:  # holds the lock for writing
        connection.execute(text("INSERT INTO choices (made_by, created) VALUES ('', '2026-01-01')"))
        assert changes.stamp() == before


def test_it_is_not_known_of_databases_that_do_not_count() -> None:
    memory = create_engine("sqlite://")
    assert Changes(memory).stamp() is None
    assert Changes(create_engine("postgresql+psycopg://nobody@nowhere/none")).stamp() is None


def test_it_is_not_known_of_a_database_that_is_gone(engine: Engine, tmp_path: Path) -> None:
    engine.dispose()
    for path in tmp_path.glob("r.sqlite*"):
        path.unlink()
    assert Changes(engine).stamp() is None
    assert not (tmp_path / "r.sqlite").exists()


def test_a_closed_one_opens_again(changes: Changes) -> None:
    before = changes.stamp()
    changes.close()
    changes.close()
    assert changes.stamp() is not None
    assert before is not None
