"""The registry's tests again, on PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from eventsieve.records import ModelSpec
from eventsieve.service import Service
from eventsieve.settings import Settings
from eventsieve.storage.database import open_database
from eventsieve.storage.rows import Base
from integration.test_registry import *  # noqa: F403 - these very tests, with another `database`

pytestmark = pytest.mark.slow


def _programs() -> Path:
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if on_path := shutil.which("pg_isready"):
        folders.append(Path(on_path).parent)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready")):
            return folder
    pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")


def _user() -> str | None:
    """PostgreSQL refuses to run as root; its package brings a user for it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody; run the tests as a user")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed; pip install 'eventsieve[postgresql]'")
    programs, user = _programs(), _user()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # Not tmp_path: the other user could not enter it.
    with tempfile.TemporaryDirectory() as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = Path(folder) / "data"
        words = [programs / "initdb", "-D", data, "-U", "eventsieve", "-A", "trust", "--no-sync"]
        subprocess.run(words, user=user, check=True, capture_output=True, cwd=folder)
        words = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
        with subprocess.Popen(words, user=user, stderr=subprocess.DEVNULL, cwd=folder) as process:
            try:
                ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "30"]
                for _ in range(100):
                    if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
                        break
                yield f"postgresql+psycopg://eventsieve@127.0.0.1:{port}/postgres"
            finally:
                process.terminate()


@pytest.fixture
def database(server: str, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(server, tmp_path / "lock")
    assert engine.dialect.name == "postgresql"
    yield engine
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()


def test_the_whole_service_works_over_it(
    server: str, database: Engine, settings: Settings, events_csv: Path, unlabelled_csv: Path
) -> None:
    with Service.open(settings.model_copy(update={"DATABASE_URL": server})) as service:
        specs = [ModelSpec(name=name, type="LogReg") for name in ("m", "n")]
        service.wait(service.train(events_csv, specs, holdout=0.25))
        service.choose("m")
        assert len(service.predict(unlabelled_csv).index) == 500
        assert service.remove_all() == ["m", "n"]
    assert not (settings.MODEL_DIR / "registry.sqlite").exists()
