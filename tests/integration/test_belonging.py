"""A registry and its files belong together: neither is opened with another's, which would be lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eventsieve.cli.app import app
from eventsieve.domain.simulation import simulate
from eventsieve.errors import BadConfiguration
from eventsieve.records import ModelSpec
from eventsieve.service import Service
from eventsieve.settings import Settings
from eventsieve.storage.files import HOLDER
from eventsieve.storage.tables import write_table


def settings(folder: Path, database: Path | None = None) -> Settings:
    url = None if database is None else f"sqlite:///{database}"
    return Settings(MODEL_DIR=folder, DATABASE_URL=url, PDF_PATH=None, NUM_CPUS=1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a model; only to be copied."""
    folder = tmp_path_factory.mktemp("store")
    write_table(simulate(60, seed=1), folder / "train.csv")
    with Service.open(settings(folder / "models")) as service:
        service.wait(service.train(folder / "train.csv", [ModelSpec(name="m", type="LogReg")]))
    return folder / "models"


@pytest.fixture
def models(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "models"))


@pytest.fixture
def database(models: Path, tmp_path: Path) -> Path:
    """Its registry, elsewhere."""
    return (models / "registry.sqlite").rename(tmp_path / "registry.sqlite")


def artefacts(folder: Path) -> int:
    return len(list((folder / "artefacts").iterdir()))


def test_a_folder_of_another_registry_is_not_opened_and_keeps_its_files(models: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"models are those of another registry .* MODEL_DIR"):
        Service.open(settings(models, tmp_path / "other.sqlite"))
    assert artefacts(models) == 1
    with Service.open(settings(models)) as service:
        assert [each.name for each in service.models.page().items] == ["m"]


def test_a_registry_whose_files_are_elsewhere_is_not_opened(models: Path, database: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"speaks of 1 models and \d data sets; .*forgotten has no file of them"):
        Service.open(settings(tmp_path / "forgotten", database))
    assert not (tmp_path / "forgotten" / HOLDER).exists()
    with Service.open(settings(models, database)) as service:
        assert service.models.page().total == 1


def test_a_store_that_says_nothing_of_whose_it_is_is_taken_as_it_is(models: Path, tmp_path: Path) -> None:
    (models / HOLDER).write_text("")  # of a disk that was full, or of a version before it
    with Service.open(settings(models)) as service:
        assert service.models.page().total == 1
    assert (models / HOLDER).read_text().strip()
    with pytest.raises(BadConfiguration, match="another registry"):
        Service.open(settings(models, tmp_path / "other.sqlite"))


def test_what_is_damaged_is_still_opened_by_its_own(models: Path, database: Path) -> None:
    for name in ("artefacts", "tables", "evaluations", "datasets"):
        for path in (models / name).iterdir():
            path.unlink()
    with Service.open(settings(models, database)) as service:
        assert service.models.page().total == 1


def test_a_folder_that_only_caches_is_of_one_registry_too(models: Path, tmp_path: Path) -> None:
    elsewhere = {"FILES_URL": f"file://{tmp_path}/shared"}
    with pytest.raises(BadConfiguration, match=r"models are those of another registry"):
        Service.open(settings(models, tmp_path / "other.sqlite").model_copy(update=elsewhere))
    assert not (tmp_path / "shared" / HOLDER).exists()
    Service.open(settings(tmp_path / "new", tmp_path / "other.sqlite").model_copy(update=elsewhere)).close()
    with pytest.raises(BadConfiguration, match=r"shared are those of another registry"):
        Service.open(settings(tmp_path / "third", tmp_path / "third.sqlite").model_copy(update=elsewhere))
    assert artefacts(models) == 1


def test_a_store_moves_to_another_database_by_a_backup(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = settings(models, tmp_path / "other.sqlite")
    where = ["--model-dir", str(models)]
    saved = CliRunner().invoke(app, ["backup", str(tmp_path / "saved.tar"), *where])
    assert saved.exit_code == 0, saved.output
    monkeypatch.setenv("EVENTSIEVE_DATABASE_URL", str(new.DATABASE_URL))
    kept = CliRunner().invoke(app, ["restore", str(tmp_path / "saved.tar"), *where])
    assert (kept.exit_code, "--force" in kept.output) == (5, True), kept.output
    moved = CliRunner().invoke(app, ["restore", str(tmp_path / "saved.tar"), *where, "--force"])
    assert moved.exit_code == 0, moved.output
    with Service.open(new) as service:
        assert [each.name for each in service.models.page().items] == ["m"]
    assert artefacts(models) == 1
