"""Servers with folders of their own over one PostgreSQL and one object store, and their backups."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import run_server
from databases import Postgresql
from eventsieve.cli.app import app
from eventsieve.client import Client
from eventsieve.domain.simulation import simulate
from eventsieve.errors import Conflict, ModelNotFound
from eventsieve.records import ModelSpec, State
from eventsieve.service import Service
from eventsieve.settings import Settings
from eventsieve.storage.tables import write_table
from weed import Weed

pytestmark = pytest.mark.slow

BUCKET = "sieve-stores"
LONG = {"type": "RandomForest", "name": "long", "hyperparameters": {"n_estimators": 100_000}}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "train.csv"
    write_table(simulate(400, seed=3), path)
    return path


@pytest.fixture
def use_database(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Have the servers that are started from now on use another new database."""
    folder = tmp_path / "databases"
    yield lambda name: monkeypatch.setenv("EVENTSIEVE_DATABASE_URL", postgresql.of(folder / name))
    postgresql.drop(folder)


@pytest.fixture(scope="module", autouse=True)
def _bucket(weed: Weed) -> None:
    weed.make_bucket(BUCKET)


@pytest.fixture
def files(weed: Weed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a prefix of this test's own."""
    for name, value in weed.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{BUCKET}/{tmp_path.name}"
    monkeypatch.setenv("EVENTSIEVE_FILES_URL", url)
    return url


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=None, NUM_CPUS=2, **values)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def command(*words: object, code: int = 0) -> Any:
    """What a command of ours answers, as JSON."""
    answer = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert answer.exit_code == code, answer.output
    return json.loads(answer.stdout) if answer.stdout else answer.stderr


def states(service: Service, job: str) -> set[State]:
    return {model.state for model in service.job(job).models}


def test_two_servers_share_what_they_train_and_one_that_is_killed_is_buried(
    use_database: Callable[[str], None], files: str, small: Path, tmp_path: Path
) -> None:
    use_database("ours")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    with run_server(here) as server, Client(str(server.http.base_url)) as client:
        data = client.upload(small)
        (model,) = client.train(data, [{"type": "LogReg", "name": "m"}], progress=False).trained()
        client.train(data, [{"type": "LogReg", "name": "gone"}], progress=False)
        scores = model.predict(small).column("score").to_pylist()
        job = client.train(data, [LONG], wait=False).id
        until(lambda: client.job(job).models[0].state == State.RUNNING)
        with Service.open(settings(there)) as other:
            assert states(other, job) == {State.RUNNING}  # it beats
            assert other.predict(small, "m").score.tolist() == scores
            other.wait(other.train(small, [ModelSpec(name="n", type="LogReg")]))
            other.remove("gone")
            assert len(client.predict(small, model="n")) == 400
            with pytest.raises(ModelNotFound):
                client.predict(small, model="gone")
            with pytest.raises(Conflict, match="another"):
                other.jobs.cancel(job)
        assert client.job(job).models[0].state == State.RUNNING  # after the other has ended
        server.kill()
    with Service.open(settings(there)) as other:
        assert states(other, job) == {State.RUNNING}  # it may live: nobody has waited for its beat
        started = other.train(small, [ModelSpec.model_validate(LONG | {"name": "its own"})])
        with Service.open(settings(here)) as again:
            assert states(again, job) == {State.INTERRUPTED}
            assert again.predict(small, "n").score.shape == (400,)
        assert not states(other, started.job.id) & {State.INTERRUPTED}


def test_the_commands_save_what_lies_on_two_servers_and_restore_it_elsewhere(
    use_database: Callable[[str], None], files: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database("ours")
    with Service.open(settings(tmp_path / "here")) as service:
        service.wait(service.train(small, [ModelSpec(name="m", type="LogReg")]))
        scores = service.predict(small, "m").score.tolist()
        # From a folder whose cache is empty, beside the server.
        (tmp_path / "there").mkdir()
        there = ["--model-dir", tmp_path / "there"]
        saved = tmp_path / "b.tar.zst"
        assert command("backup", saved, *there)["absent"] == {}
        says = {each["place"]: each for each in command("doctor", "--deep", *there)}
        assert "postgresql answers" in says["registry"]["says"]
        assert says["files"]["says"] == "the 2 files that the registry speaks of are what was stored"
        service.remove("m")
        service.wait(service.train(small, [ModelSpec(name="later", type="LogReg")]))

    new = ["--model-dir", tmp_path / "new"]
    assert "holds something" in refused(saved, *new, code=5)
    assert "wholly in its folder" in refused(saved, *new, "--force", code=5)

    use_database("new")
    says = refused(saved, *new, code=5)
    assert "choose another place in MODEL_DIR or FILES_URL" in says
    assert "--force" in says

    monkeypatch.setenv("EVENTSIEVE_FILES_URL", f"{files}/new")
    Service.open(settings(tmp_path / "first")).close()  # the new place is this registry's, which holds nothing
    restored = command("restore", saved, *new)
    assert (restored["models"], restored["jobs"]) == (1, 1)
    with Service.open(settings(tmp_path / "empty")) as service:
        assert service.predict(small, "m").score.tolist() == scores

    # The database is lost, and the files are there.
    use_database("last")
    monkeypatch.setenv("EVENTSIEVE_FILES_URL", f"{files}/new")
    assert "another registry" in refused(saved, *new, code=2)
    monkeypatch.setenv("EVENTSIEVE_FILES_URL", files)
    assert command("restore", saved, *new, "--force")["models"] == 1
    with Service.open(settings(tmp_path / "bare")) as service:
        assert [model.name for model in service.list_models()] == ["m"]
        assert service.predict(small, "m").score.tolist() == scores


def refused(saved: Path, *words: object, code: int) -> str:
    answer = CliRunner().invoke(app, ["restore", str(saved), *map(str, words)])
    assert answer.exit_code == code, answer.output
    return " ".join(answer.stderr.split())
