"""The doctor finds what is wrong, says the cure, and changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import run_server
from databases import only_sqlite
from eventsieve.cli.app import app
from eventsieve.domain.simulation import simulate
from eventsieve.records import ModelSpec
from eventsieve.service import Service, diagnosis, fitness
from eventsieve.settings import Settings
from eventsieve.storage import examining
from eventsieve.storage.tables import write_table

pytestmark = only_sqlite  # stores in folders; one elsewhere is looked at in test_stores.py


def findings(folder: Path, *options: str) -> tuple[int, list[dict[str, str]]]:
    answer = CliRunner().invoke(app, ["doctor", "--model-dir", str(folder), "--json", *options])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, json.loads(answer.stdout)


def says(found: list[dict[str, str]], level: str) -> list[str]:
    return [f"{each['place']}: {each['says']}; {each['cure']}" for each in found if each["level"] == level]


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


@pytest.fixture(autouse=True)
def _port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTSIEVE_PORT", "0")  # whatever else runs on this machine


CHILDREN = fitness.Fitness.children


@pytest.fixture(autouse=True)
def _no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    # To start one takes seconds; one test is enough.
    monkeypatch.setattr(fitness.Fitness, "children", lambda _: iter([("ok", "not tried", "")]))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a model; only to be copied."""
    folder = tmp_path_factory.mktemp("store")
    write_table(simulate(200, seed=3), folder / "train.csv")
    settings = Settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=None, NUM_CPUS=1)
    with Service.open(settings) as service:
        service.wait(service.train(folder / "train.csv", [ModelSpec(name="m", type="LogReg")]))
    return folder / "models"


@pytest.fixture
def store(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "models"))


def test_a_store_that_is_well_is_said_to_be_and_stays_as_it_is(store: Path) -> None:
    before = tree(store)
    code, found = findings(store, "--deep")
    assert (code, says(found, "fault")) == (0, [])
    assert {"settings", "store", "registry", "files", "clock", "access", "slots", "memory", "children", "logs"} <= {
        each["place"] for each in found
    }
    assert tree(store) == before
    answer = CliRunner().invoke(app, ["doctor", "--model-dir", str(store)])
    assert "ok      registry: sqlite answers at revision" in answer.stdout


def test_where_nothing_is_yet_nothing_is_made(tmp_path: Path) -> None:
    code, found = findings(tmp_path / "none" / "models")
    assert (code, says(found, "fault")) == (0, [])
    assert list(tmp_path.iterdir()) == []


def test_all_wrong_settings_are_named_and_the_rest_is_looked_at(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTSIEVE_NUM_CPUS", "many")
    monkeypatch.setenv("EVENTSIEVE_TIME_LIMIT", "-1")
    monkeypatch.setenv("EVENTSIEVE_MODEL_TYPES", "LogReg")
    monkeypatch.setenv("EVENTSIEVE_TIME_LIMT", "5")
    monkeypatch.setenv("EVENTSIEVE_QQQQQQ", "5")
    Path(".env").write_text("EVENTSIEVE_MODEL_DIRR=x\nEVENTSIEVE_SEED=minus\n")
    code, found = findings(store)
    assert code == 1
    named = [
        each.partition(":")[0] + each.partition("EVENTSIEVE_")[2].partition(":")[0] for each in says(found, "fault")
    ]
    assert set(named) == {"settingsNUM_CPUS", "settingsTIME_LIMIT", "settingsMODEL_TYPES", "settingsSEED"}
    warnings = " ".join(says(found, "warning"))
    assert "EVENTSIEVE_TIME_LIMT; did you mean EVENTSIEVE_TIME_LIMIT?" in warnings
    assert "EVENTSIEVE_MODEL_DIRR; did you mean EVENTSIEVE_MODEL_DIR?" in warnings
    assert "EVENTSIEVE_QQQQQQ; remove it" in warnings
    assert any(each["place"] == "registry" and each["level"] == "ok" for each in found)


def test_files_that_are_missing_empty_damaged_or_nobodys_are_named(store: Path) -> None:
    (artefact,), (table,) = (list((store / name).iterdir()) for name in ("artefacts", "tables"))
    orphan = store / "tables" / ("0" * 64 + ".arrow")
    orphan.write_bytes(b"x")
    os.utime(orphan, (time.time() - 1e6,) * 2)
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    code, found = findings(store)
    assert (code, says(found, "fault")) == (0, [])  # sizes alone do not tell
    assert f"nothing speaks of tables/{orphan.name}" in says(found, "warning")[0]
    assert f"damaged: tables/{table.name}" in says(findings(store, "--deep")[1], "fault")[0]
    table.write_bytes(b"")
    artefact.unlink()
    code, found = findings(store)
    assert code == 1
    faults = " ".join(says(found, "fault"))
    assert f"empty: tables/{table.name}" in faults
    assert f"missing: artefacts/{artefact.name}" in faults


def test_a_damaged_database_is_a_fault_and_does_not_hide_the_rest(store: Path) -> None:
    with closing(sqlite3.connect(store / "registry.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = store / "registry.sqlite"
    path.write_bytes(path.read_bytes()[:8000] + b"\xff" * 8000)
    code, found = findings(store)
    assert code == 1
    assert any(each.startswith("registry:") and "restore" in each for each in says(found, "fault"))
    assert any(each["place"] == "children" for each in found)
    path.write_bytes(b"no database at all" * 100)
    assert findings(store)[0] == 1


def test_revisions_locks_and_clocks_are_looked_at(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "LOCK_SECONDS", 0.1)
    with closing(sqlite3.connect(store / "registry.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE models SET created = '2999-01-01 00:00:00'")
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("BEGIN IMMEDIATE")
        found = findings(store)[1]
        database.execute("ROLLBACK")
        faults = " ".join(says(found, "fault"))
        assert "another process keeps it from being written" in faults
        assert "newer than ours" in faults
        assert "the registry knows of 2999-01-01" in faults
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        assert "back up first" in " ".join(says(findings(store)[1], "warning"))


def test_a_server_that_everybody_may_reach_or_nobody_can_use_is_a_fault(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSIEVE_HOST", "0.0.0.0")
    assert any(each.startswith("access:") for each in says(findings(store)[1], "fault"))
    monkeypatch.setenv("EVENTSIEVE_AUTH", "1")
    assert any("no key that holds" in each for each in says(findings(store)[1], "fault"))
    assert (
        CliRunner().invoke(app, ["keys", "create", "marie", "--role", "admin", "--model-dir", str(store)]).exit_code
        == 0
    )
    assert says(findings(store)[1], "fault") == []


def looked(look: Any) -> list[str]:
    return [f"{level}: {text}" for level, text, _ in look()]


def test_the_machine_is_compared_with_the_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness.machine, "memory", lambda: 4 << 30)
    monkeypatch.setattr(fitness.machine, "cores", lambda: 2)
    with_ = settings.model_copy
    many = fitness.Fitness(with_(update={"NUM_CPUS": 50, "MEMORY_LIMIT_MB": 1024, "MAX_CONNECTIONS": 10**9}), None)
    assert looked(many.slots)[0].startswith("warning: 50 slots")
    assert looked(many.memory)[0].startswith("warning: 50 slots of 1.1 GB in 4.3 GB")
    assert looked(many.descriptors)[0].startswith("warning")
    assert looked(fitness.Fitness(with_(update={"MEMORY_LIMIT_MB": 8192}), None).memory)[0].startswith("fault")
    lacking = fitness.Fitness(with_(update={"MODEL_TYPES": ["Nonsense"], "AVAILABLE_SCORINGS": ["luck"]}), None)
    assert [each.partition(" names ")[2] for each in looked(lacking.types)[:2]] == ["Nonsense", "luck"]
    old = fitness.Fitness(settings, {("scikit-learn", "0.24.2"): 3, ("scikit-learn", "99.0"): 1, ("numpy", "1.0"): 4})
    assert [each.partition(":")[0] for each in looked(old.versions)] == ["ok", "fault", "warning"]
    assert looked(lambda: CHILDREN(old)) == ["ok: processes can be started and ended"]


def test_what_cannot_be_looked_at_does_not_hide_the_rest(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a surprise")

    monkeypatch.setattr(diagnosis, "is_locked", fail)
    code, found = findings(store)
    assert code == 1
    assert any("a surprise" in each for each in says(found, "fault"))
    assert any(each["place"] == "files" for each in found)


def test_a_server_is_looked_at_from_afar(tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["doctor", *words])

    with run_server(tmp_path) as server:
        url = str(server.http.base_url)
        answer = run("--url", url)
        assert answer.exit_code == 0, answer.output
        assert "ok      readyz: it is ready" in answer.stdout
        assert "as here" in answer.stdout
    answer = run("--url", url)
    assert answer.exit_code == 1
    assert "no answer from" in answer.stdout
    assert run("--url", url, "--deep").exit_code == 2
