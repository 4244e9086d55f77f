"""A database that does not answer: what is said, by both versions, and that the same server goes on afterwards."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, make_url

from calls_v2 import PREFIX, problem
from eventsieve.api.failures import outage_of
from eventsieve.errors import StoreUnavailable
from eventsieve.settings import Settings
from eventsieve.storage import outages
from eventsieve.storage.database import open_database

ASKED = (f"{PREFIX}/models", f"{PREFIX}/jobs", f"{PREFIX}/datasets", f"{PREFIX}/current")


def engine_of(client: TestClient) -> Engine:
    return client.app.state.service._registry._engine  # type: ignore[attr-defined]


def all_refuse(client: TestClient, *says: str) -> None:
    for path in ASKED:
        answer = client.get(path)
        problem(answer, 503, "StoreUnavailable", "nothing was changed", *says)
        assert int(answer.headers["retry-after"]) >= 1
        assert "SELECT" not in answer.text
    answer = client.get("/api/model_service/models_list")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "nothing was changed" in answer.json()["detail"]
    assert client.get("/").status_code == 200


def test_a_damaged_registry_is_told_and_a_mended_one_is_used_at_once(client: TestClient, settings: Settings) -> None:
    path = settings.MODEL_DIR / "registry.sqlite"
    engine_of(client).dispose()  # else its pages are still in memory
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for damaged in (b"no database" * 400, whole[:4096] + b"\xff" * (len(whole) - 4096)):
        engine_of(client).dispose()
        path.write_bytes(damaged)
        all_refuse(client, "damaged", "eventsieve restore")
        path.write_bytes(whole)
        assert client.get(f"{PREFIX}/models").status_code == 200


def test_a_registry_that_was_emptied_is_told(client: TestClient, settings: Settings) -> None:
    engine_of(client).dispose()
    path = settings.MODEL_DIR / "registry.sqlite"
    path.rename(path.with_suffix(".away"))
    all_refuse(client, "eventsieve restore")


def test_a_registry_that_cannot_be_written_is_told(client: TestClient) -> None:
    def forbid(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    engine = engine_of(client)
    event.listen(engine, "checkout", forbid)
    answer = client.post(f"{PREFIX}/simulations", json={"events": 100})
    problem(answer, 503, "StoreUnavailable", "cannot be written", "the right to write registry.sqlite")
    event.remove(engine, "checkout", forbid)
    engine.dispose()
    assert client.post(f"{PREFIX}/simulations", json={"events": 100}).status_code == 201


def test_a_locked_registry_is_told_to_those_who_write_when_it_has_been_waited_for(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventsieve.storage.database.BUSY_MILLISECONDS", 50)
    engine_of(client).dispose()
    with closing(sqlite3.connect(settings.MODEL_DIR / "registry.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post(f"{PREFIX}/simulations", json={"events": 100})
        problem(answer, 503, "StoreUnavailable", "nothing was changed", "locked by another process")
        assert int(answer.headers["retry-after"]) >= 1
        # Who only reads waits for nobody.
        assert [client.get(path).status_code for path in ASKED] == [200, 200, 200, 404]
        other.execute("ROLLBACK")
    assert client.post(f"{PREFIX}/simulations", json={"events": 100}).status_code == 201


def test_more_threads_than_connections_are_not_kept_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "POOL_SECONDS", 0.05)
    engine = open_database(f"sqlite:///{tmp_path / 'r.sqlite'}", tmp_path / "lock")
    held = [engine.raw_connection() for _ in range(15)]
    with pytest.raises(StoreUnavailable, match="asked for more than it answers"):
        engine.connect()
    held.pop().close()
    engine.connect().close()
    for connection in held:
        connection.close()
    engine.dispose()


def test_who_names_his_own_times_in_the_url_has_them() -> None:
    url = make_url("postgresql+psycopg://u@h/d?connect_timeout=30")
    given = outages.options_for(url)["connect_args"]
    assert "connect_timeout" not in given
    assert given["tcp_user_timeout"] == 10_000
    assert outages.options_for(make_url("sqlite://")) == {}
    assert "connect_args" not in outages.options_for(make_url("postgresql+pg8000://u@h/d"))


@pytest.mark.parametrize(
    ("kind", "state", "becomes"),
    [
        ("OperationalError", "57P01", StoreUnavailable),
        ("OperationalError", None, StoreUnavailable),
        ("InterfaceError", None, StoreUnavailable),
        ("ProgrammingError", "42P01", StoreUnavailable),
        ("OperationalError", "53100", OSError),
        ("ProgrammingError", "42601", type(None)),
        ("IntegrityError", "23505", type(None)),
    ],
)
def test_what_a_server_says_becomes_ours(kind: str, state: str | None, becomes: type) -> None:
    psycopg = pytest.importorskip("psycopg")
    error = getattr(psycopg, kind)("password sesame")
    error.sqlstate = state
    context = SimpleNamespace(
        original_exception=error, is_pre_ping=False, dialect=SimpleNamespace(loaded_dbapi=psycopg), is_disconnect=False
    )
    found = outages.translate(context)  # type: ignore[arg-type]
    assert type(found) is becomes or isinstance(found, becomes)
    assert "sesame" not in str(found)


def test_a_folder_that_is_away_is_told() -> None:
    outage = outage_of(OSError(errno.EROFS, "Read-only file system", "/secret/path"))
    assert outage is not None
    assert "MODEL_DIR" in str(outage)
    assert "secret" not in str(outage)
    assert outage_of(OSError("no number")) is None
    assert outage_of(ConnectionResetError(errno.ECONNRESET, "x")) is None


def test_who_follows_a_job_waits_for_the_database(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    posted = client.post(f"{PREFIX}/simulations", json={"events": 1000}).json()
    models = [{"name": "m", "type": "LogReg"}]
    job = client.post(f"{PREFIX}/jobs", json={"dataset": posted["id"], "models": models}).json()["id"]
    service = client.app.state.service  # type: ignore[attr-defined]
    find, refused = service._registry.job, []

    def away(job_id: str) -> object:
        if len(refused) < 2:
            refused.append(job_id)
            raise StoreUnavailable("away")
        return find(job_id)

    with client.stream("GET", f"{PREFIX}/jobs/{job}/events") as answer:
        assert answer.status_code == 200
        monkeypatch.setattr(service._registry, "job", away)
        text = "".join(answer.iter_text())
    assert refused == [job, job]
    assert "event: end" in text
