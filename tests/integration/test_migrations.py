"""Stores as each released revision wrote them are opened by today's code, and the way there is whole or not gone."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from conftest import TESTS
from databases import Postgresql
from eventsieve.errors import NotFound
from eventsieve.records import State
from eventsieve.service import Service
from eventsieve.settings import Settings
from eventsieve.storage import migrating
from eventsieve.storage.backup import back_up
from eventsieve.storage.database import newest_revision, open_database
from eventsieve.storage.files import Files
from eventsieve.storage.restoring import restore
from eventsieve.storage.snapshot import take

RELEASED = ["0001", "0002"]


def old_store(revision: str, folder: Path) -> Path:
    """A copy of a store as that revision wrote it."""
    source = TESTS / "data" / f"store-{revision}"
    shutil.copytree(source, folder)
    with closing(sqlite3.connect(folder / "registry.sqlite")) as database:
        database.executescript((source / "registry.sql").read_text(encoding="utf-8"))
    return folder


@pytest.fixture(params=RELEASED)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(revision: str, tmp_path: Path) -> Settings:
    folder = old_store(revision, tmp_path / "models")
    url = f"sqlite:///{folder / 'registry.sqlite'}"
    return Settings(MODEL_DIR=folder, LOG_DIR=tmp_path / "logs", PDF_PATH=None, NUM_CPUS=2, DATABASE_URL=url)


def rows_of(url: str, folder: Path) -> dict[str, str]:
    """All rows of a database as text."""
    folder.mkdir(exist_ok=True)
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = take(connection, folder).rows
    engine.dispose()
    return {table: path.read_text(encoding="utf-8") for table, path in rows.items()}


def revision_in(path: Path) -> str | None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return found


def everything_is_there(service: Service, revision: str, store: Path) -> None:
    names = {"line", "forest"} | ({"second"} if revision == "0002" else set())
    models = {model.name: model for model in service.list_models()}
    assert set(models) == names
    assert service.current().name == "forest"
    assert [choice.model for choice in service.models.history().items] == ["forest", "line"]
    assert models["forest"].hyperparameters["n_estimators"] == 3
    assert (models["line"].validation.kind, models["line"].validation.fraction) == ("holdout", 0.25)
    for name in ("line", "forest"):
        assert {"accuracy", "f1"} <= {score.name for score in models[name].scores}
    jobs = service.jobs.page().items
    states = sorted(each.state for job in jobs for each in job.models)
    assert states == sorted([State.FAILED, *[State.TRAINED] * len(names)])
    if revision == "0002":
        assert [(alias.name, alias.model) for alias in service.models.aliases()] == [("best", "line")]
        assert (models["line"].tags, models["line"].note) == (("old",), "of revision 0002")
        assert [each.name for each in service.datasets.page().items] == ["train.csv"]
        assert service.models.evaluation("line").model_dump()
    expected = {
        name: [float.fromhex(each) for each in scores]
        for name, scores in json.loads((store / "scores.json").read_text()).items()
    }
    assert set(expected) == names
    for name, scores in expected.items():
        assert service.predict(store / "test.csv", name).score.tolist() == pytest.approx(scores, rel=1e-12, abs=1e-12)


def test_a_store_of_each_released_revision_is_opened(old: Settings, revision: str) -> None:
    with Service.open(old) as service:
        everything_is_there(service, revision, old.MODEL_DIR)
        service.remove("line")
        with pytest.raises(NotFound):
            service.models.get("line")
    assert revision_in(old.MODEL_DIR / "registry.sqlite") == newest_revision()


@pytest.mark.slow
def test_it_is_opened_on_postgresql_too(old: Settings, revision: str, postgresql: Postgresql, tmp_path: Path) -> None:
    files = Files(old.MODEL_DIR)
    made = back_up(files, old.database_url, tmp_path / "b.tar")
    files.close()
    assert (made.revision, made.absent) == (revision, {})
    url = postgresql.fresh(empty=True)
    new = old.model_copy(update={"MODEL_DIR": tmp_path / "new", "DATABASE_URL": url})
    files = Files(new.MODEL_DIR)
    restore(tmp_path / "b.tar", files, url, movable=False)
    files.close()
    with Service.open(new) as service:
        everything_is_there(service, revision, old.MODEL_DIR)
        service.unset()  # the numbers of new rows go on after those that are there
    assert not (new.MODEL_DIR / "registry.sqlite").exists()


def test_the_registry_of_before_is_kept_beside_the_new_one(old: Settings, revision: str, tmp_path: Path) -> None:
    before = rows_of(old.database_url, tmp_path / "before")
    Service.open(old).close()
    copy = old.MODEL_DIR / f"registry.sqlite.before-{newest_revision()}"
    assert revision_in(copy) == revision
    assert rows_of(f"sqlite:///{copy}", tmp_path / "after") == before
    copy.unlink()
    Service.open(old).close()
    assert not copy.exists()  # there was nothing to bring


def test_the_way_back_keeps_what_the_older_revision_knows(old: Settings, revision: str, tmp_path: Path) -> None:
    before = rows_of(old.database_url, tmp_path / "before")
    open_database(old.database_url, tmp_path / "lock").dispose()
    engine = create_engine(old.database_url)
    with engine.begin() as connection:
        config = migrating._config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()
    after = rows_of(old.database_url, tmp_path / "after")
    assert after.keys() == before.keys()
    for table in before:
        # 0002 does not say in one number what is held out, as 0001 did.
        if (revision, table) != ("0001", "jobs"):
            assert as_sets(after[table]) == as_sets(before[table]), table
    with Service.open(old) as service:  # and there again
        assert len(service.list_models()) >= 2


def as_sets(lines: str) -> list[dict[str, Any]]:
    """Rows by the names of their columns, whose order a way there and back may change."""
    names, *rows = map(json.loads, lines.splitlines())
    return [dict(zip(names, row, strict=True)) for row in rows]


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from eventsieve.storage.database import open_database

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *_):
    if "deeds" in statement and statement.lstrip().startswith("CREATE TABLE"):
        os.kill(os.getpid(), signal.SIGKILL)

open_database(sys.argv[1], Path(sys.argv[2]))
"""


def test_a_migration_that_is_killed_has_changed_nothing(old: Settings, revision: str, tmp_path: Path) -> None:
    before = rows_of(old.database_url, tmp_path / "before")
    words = [sys.executable, "-c", KILLED, old.database_url, str(tmp_path / "lock")]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert revision_in(old.MODEL_DIR / "registry.sqlite") == revision
    assert rows_of(old.database_url, tmp_path / "after") == before
    with Service.open(old) as service:
        everything_is_there(service, revision, old.MODEL_DIR)


def test_a_backup_of_an_old_store_is_taken_without_bringing_it_up(old: Settings, revision: str, tmp_path: Path) -> None:
    files = Files(old.MODEL_DIR)
    back_up(files, old.database_url, tmp_path / "b.tar.zst")
    files.close()
    assert revision_in(old.MODEL_DIR / "registry.sqlite") == revision
    new = old.model_copy(update={"MODEL_DIR": tmp_path / "new", "DATABASE_URL": None})
    files = Files(new.MODEL_DIR)
    assert restore(tmp_path / "b.tar.zst", files, new.database_url).counts["models"] >= 2
    files.close()
    with Service.open(new) as service:
        everything_is_there(service, revision, old.MODEL_DIR)
