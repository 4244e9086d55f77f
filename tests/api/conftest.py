from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from calls import model, statuses, train
from eventsieve.api.app import create_app
from eventsieve.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A fresh store with four slots and no report: making one would take a core from every test."""
    return read_settings(
        MODEL_DIR=tmp_path / "models", LOG_DIR=tmp_path / "logs", PDF_PATH="", NUM_CPUS=4, TIME_LIMIT=60.0
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, events_csv: Path) -> Iterator[TestClient]:
    """A client of a server that has one model, "m1"; for tests that leave it so."""
    folder = tmp_path_factory.mktemp("trained")
    settings = read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=4)
    with TestClient(create_app(settings)) as client:
        assert statuses(train(client, [model("m1")], events_csv)) == {"m1": "trained"}
        yield client
