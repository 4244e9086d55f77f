"""A registry and its files belong together: neither is opened with another's, which would be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def train(settings: Settings, folder: Path, name: str) -> None:
    write_table(simulate(60, seed=1), folder / "train.csv")
    with Service.open(settings) as service:
        service.wait(service.train(folder / "train.csv", [ModelSpec(name=name, type="LogReg")]))


def artefacts(folder: Path) -> int:
    return len(list((folder / "artefacts").iterdir()))


def test_a_folder_of_another_registry_is_not_opened_and_keeps_its_files(tmp_path: Path) -> None:
    own = settings(tmp_path / "models")
    train(own, tmp_path, "m")
    with pytest.raises(BadConfiguration, match=r"models are those of another registry .* MODEL_DIR"):
        Service.open(settings(tmp_path / "models", tmp_path / "other.sqlite"))
    assert artefacts(tmp_path / "models") == 1
    with Service.open(own) as service:
        assert [each.name for each in service.models.page().items] == ["m"]


def test_a_registry_whose_files_are_elsewhere_is_not_opened(tmp_path: Path) -> None:
    database = tmp_path / "registry.sqlite"
    train(settings(tmp_path / "models", database), tmp_path, "m")
    with pytest.raises(BadConfiguration, match=r"speaks of 1 models and \d data sets; .*forgotten has no file of them"):
        Service.open(settings(tmp_path / "forgotten", database))
    assert not (tmp_path / "forgotten" / HOLDER).exists()
    with Service.open(settings(tmp_path / "models", database)) as service:
        assert service.models.page().total == 1


def test_a_store_that_says_nothing_of_whose_it_is_is_taken_as_it_is(tmp_path: Path) -> None:
    own = settings(tmp_path / "models")
    train(own, tmp_path, "m")
    (tmp_path / "models" / HOLDER).write_text("")  # of a disk that was full, or of a version before it
    with Service.open(own) as service:
        assert service.models.page().total == 1
    assert (tmp_path / "models" / HOLDER).read_text().strip()
    with pytest.raises(BadConfiguration, match="another registry"):
        Service.open(settings(tmp_path / "models", tmp_path / "other.sqlite"))


def test_what_is_damaged_is_still_opened_by_its_own(tmp_path: Path) -> None:
    own = settings(tmp_path / "models", tmp_path / "registry.sqlite")
    train(own, tmp_path, "m")
    for name in ("artefacts", "tables", "evaluations", "datasets"):
        for path in (tmp_path / "models" / name).iterdir():
            path.unlink()
    with Service.open(own) as service:
        assert service.models.page().total == 1
