"""Cuts and detail of explorations over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from calls_v2 import V2, problem
from eventsieve import records
from eventsieve.api.app import create_app
from eventsieve.settings import read_settings

TABLE = "id,mass,jets,Label\n" + "".join(
    f"{row},{(row * 37) % 101},{row % 4},{'s' if row % 3 else 'b'}\n" for row in range(300)
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[V2, str]]:
    folder: Path = tmp_path_factory.mktemp("explorations")
    settings = read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=2)
    with TestClient(create_app(settings)) as http:
        client = V2(http)
        yield client, client.post("/datasets", content=TABLE.encode(), params={"filename": "t.csv"}).json()["id"]


def explored(client: V2, dataset: str, **query: str) -> records.Exploration:
    answer = client.get(f"/datasets/{dataset}/exploration", params=query)
    assert answer.status_code == 200, answer.text
    return records.Exploration.model_validate(answer.json())


def test_a_cut_leaves_the_events_that_pass(stored: tuple[V2, str]) -> None:
    client, dataset = stored
    found = explored(client, dataset, cut="jets >= 2 && 20 < mass < 60")
    rows = [row for row in range(300) if row % 4 >= 2 and 20 < (row * 37) % 101 < 60]
    assert found.table.events == len(rows)
    assert {part.label: part.events for part in found.table.classes} == {
        "b": sum(row % 3 == 0 for row in rows),
        "s": sum(row % 3 != 0 for row in rows),
    }
    assert found.selection is not None
    assert found.selection.cut == "jets >= 2 and 20 < mass < 60"
    assert [part.events for part in found.selection.table] == [300, 100, 200]
    mass = next(feature for feature in found.features if feature.column.name == "mass")
    assert mass.all.statistics.minimum == min((row * 37) % 101 for row in rows)


def test_a_cut_that_nothing_passes_is_no_failure(stored: tuple[V2, str]) -> None:
    client, dataset = stored
    for detail in ("histograms", "all"):
        found = explored(client, dataset, against=dataset, cut="mass > 1000", detail=detail)
        assert found.table.events == 0
        assert all(sum(feature.all.histogram.counts) == 0 for feature in found.features)


def test_histograms_alone(stored: tuple[V2, str]) -> None:
    client, dataset = stored
    found = explored(client, dataset, against=dataset, detail="histograms", bins="9")
    assert (found.correlations, found.drift, found.shared, found.table.duplicates) == (None,) * 4
    assert found.features == explored(client, dataset, against=dataset, bins="9").features


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        ("mas > 1", "do you mean mass"),
        ("mass >", "ends too early"),
        ("mass = 1", "write =="),
        ("", "empty"),
        ("Label == 'x'", "no such class"),
        ("__import__('os')", "not expected"),
    ],
)
def test_a_cut_that_is_none_is_refused(stored: tuple[V2, str], cut: str, says: str) -> None:
    client, dataset = stored
    for kind in ("exploration", "exploration.pdf"):
        problem(client.get(f"/datasets/{dataset}/{kind}", params={"cut": cut}), 422, "BadRequest", says)


def test_what_the_query_cannot_hold_is_refused(stored: tuple[V2, str]) -> None:
    client, dataset = stored
    problem(client.get(f"/datasets/{dataset}/exploration", params={"detail": "some"}), 422)
    problem(client.get(f"/datasets/{dataset}/exploration", params={"cut": "mass > 0" * 200}), 422)
