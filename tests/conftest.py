"""What the tests share: events to work on, and services, clients and servers over a fresh store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest
from fastapi.testclient import TestClient

from databases import Postgresql, only_sqlite, run_postgresql
from eventsieve.api.app import create_app
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import simulate
from eventsieve.records import Schema
from eventsieve.service import Service
from eventsieve.settings import Settings, read_settings
from eventsieve.storage.tables import write_table
from weed import Weed, run_weed

TESTS = Path(__file__).parent

DATABASE = os.environ.get("EVENTSIEVE_TEST_DATABASE", "sqlite")
"""The database of all tests' stores: sqlite, or postgresql."""

OWN = {"unit", "web", "faults"}
"""Tests that need no database, whose pages know servers by HTTP alone, or that start and stop databases themselves."""

ON_BOTH = {
    "api/test_audit.py",
    "integration/test_datasets.py",
    "integration/test_keys.py",
    "integration/test_models.py",
    "integration/test_owners.py",
    "integration/test_quotas.py",
    "integration/test_registry.py",
    "integration/test_retention.py",
    "integration/test_trainings.py",
}
"""Modules whose tests run on both databases where none was chosen: those of all that a database holds, and that take
most of their time for it. `make test DATABASE=postgresql` runs all."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their length: an archive holds the time it was made, and workers must agree on the names."""
    return f"{len(val)} bytes" if isinstance(val, bytes | bytearray) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the package of an optional type, the tests of that type say so and are skipped."""
    missing = {name for name, entry in CATALOGUE.items() if not entry.available}
    for item in items:
        params = getattr(item, "callspec", None)
        named = [name for name in missing if params is not None and name in map(str, params.params.values())]
        for name in named:
            item.add_marker(pytest.mark.skip(reason=f"{name} needs eventsieve[fast]"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of what is in the database run on SQLite and on PostgreSQL."""
    module = Path(metafunc.module.__file__ or "").relative_to(TESTS).as_posix()
    anywhere = only_sqlite.mark not in metafunc.definition.iter_markers()
    if DATABASE == "sqlite" and module in ON_BOTH and anywhere:
        metafunc.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A server of our own, started once."""
    with run_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weed]:
    """An S3 server of our own, started once."""
    with run_weed(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest) -> str:
    """The database of this test's stores."""
    return getattr(request, "param", DATABASE)


@pytest.fixture(autouse=True)
def _database(
    request: pytest.FixtureRequest, database_kind: str, monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None
) -> Iterator[None]:
    if database_kind == "sqlite" or OWN.intersection(request.path.relative_to(TESTS).parts):
        yield
        return
    server, folder = request.getfixturevalue("postgresql"), request.getfixturevalue("tmp_path")
    # From where settings come that a test does not give itself, and those of the servers that it starts.
    monkeypatch.setenv("EVENTSIEVE_DATABASE_URL", server.of(folder))
    yield
    server.drop(folder)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith("EVENTSIEVE_"):
            monkeypatch.delenv(name)
    # Children of the engine find tests/misbehave.py; a .env of the developer's is not found.
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_is_warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Most tests of the application train nothing; the first training of others loads the libraries then.
    monkeypatch.setattr(Service, "warm", lambda self: None)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema("atlas-higgs-2014")


@pytest.fixture(scope="session")
def real_data(pytestconfig: pytest.Config) -> Path:
    """The folder of real events, which is no part of the project."""
    folder = pytestconfig.rootpath.parent / "shared" / "data"
    if not (folder / "higgsml_training_17889.csv.gz").is_file():
        pytest.skip(f"no real events in {folder}; put higgsml_training_17889.csv.gz of CERN Open Data 328 there")
    return folder


@pytest.fixture(scope="session")
def events_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 simulated events with labels."""
    path = tmp_path_factory.mktemp("events") / "train.csv"
    write_table(simulate(2000, seed=3), path)
    return path


@pytest.fixture(scope="session")
def unlabelled_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 other simulated events without weights and labels."""
    path = tmp_path_factory.mktemp("events") / "test.csv"
    write_table(simulate(500, seed=4, first_id=350_000).drop_columns(["Weight", "Label"]), path)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A fresh store with four slots and no report."""
    return read_settings(
        MODEL_DIR=tmp_path / "models",
        LOG_DIR=tmp_path / "logs",
        PDF_PATH=tmp_path / "no" / "eda.pdf",
        NUM_CPUS=4,
        TIME_LIMIT=60.0,
    )


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with Service.open(settings) as opened:
        yield opened


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    # Every failure that is not an answer would come up here as an exception.
    with TestClient(create_app(settings)) as opened:
        yield opened


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    http: httpx2.Client
    folder: Path

    def kill(self) -> None:
        """As kill -9 does."""
        self.process.kill()
        self.process.wait()

    def family(self) -> list[psutil.Process]:
        """The server's process and all that descend from it."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


@contextmanager
def run_server(folder: Path, **settings: object) -> Iterator[Server]:
    """A server over the store in a folder, ended at the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    values = {"MODEL_DIR": folder / "models", "LOG_DIR": folder / "logs", "PDF_PATH": "", "NUM_CPUS": 4} | settings
    environment = os.environ | {f"EVENTSIEVE_{name}": str(value) for name, value in values.items()}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "eventsieve", "serve", "--port", str(port)], env=environment, stderr=log, stdout=log
        )
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as http:
        try:
            _await(http, process, folder)
            yield Server(process, http, folder)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(http: httpx2.Client, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            http.get("/").raise_for_status()
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the server did not start: {(folder / 'server.log').read_text()}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with run_server(tmp_path) as running:
        yield running
