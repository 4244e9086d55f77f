"""Whether the server lives and can work: told to everybody, quickly, and without a secret."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from eventsieve.api import health
from eventsieve.api.app import create_app
from eventsieve.errors import StoreUnavailable
from eventsieve.service.vitals import Vitals
from eventsieve.settings import Settings

ALL = ("server", "database", "store", "disk")


@pytest.fixture(autouse=True)
def _look_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)


def ready(client: TestClient) -> dict[str, str]:
    answer = client.get("/readyz")
    document = answer.json()
    faults = {name: said for name, said in document["checks"].items() if said != "ok"}
    assert set(document["checks"]) == set(ALL)
    assert answer.status_code == (503 if faults else 200)
    assert document["status"] == ("not ready" if faults else "ready")
    assert ("retry-after" in answer.headers) == bool(faults)
    return faults


def test_a_server_that_is_well_lives_and_is_ready(client: TestClient) -> None:
    alive = client.get("/livez")
    assert alive.json() == {"status": "alive"}
    assert (alive.headers["cache-control"], alive.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert ready(client) == {}
    assert client.head("/readyz").status_code == 200
    assert client.head("/livez").content == b""
    assert client.post("/livez").status_code in (404, 405)


def test_both_are_answered_without_signing_in_and_whatever_the_host_is_called(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"AUTH": True})), base_url="http://10.0.0.7") as client:
        headers = {"host": "pod-7.cluster.example", "authorization": "Bearer wrong"}
        assert client.get("/livez", headers=headers).status_code == 200
        assert client.get("/readyz", headers=headers).status_code == 200
        assert client.get("/metrics", headers={"host": "10.0.0.7"}).status_code == 401


def fails(error: Exception) -> Any:
    def call(_: Vitals) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("culprit", "method", "error"),
    [
        ("database", "try_database", StoreUnavailable("no answer from postgresql://u:geheim@db.example/r")),
        ("database", "try_database", RuntimeError("geheim")),
        ("store", "try_store", PermissionError(13, "Permission denied", "/srv/geheim")),
        ("disk", "room", FileNotFoundError(2, "geheim")),
    ],
    ids=["database", "database at odds", "store", "disk"],
)
def test_what_is_wrong_is_named_and_nothing_else_is_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, culprit: str, method: str, error: Exception
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Vitals, method, fails(error))
        faults = ready(client)
        assert list(faults) == [culprit]
        assert "geheim" not in str(faults)
        assert client.get("/livez").status_code == 200
    assert ready(client) == {}


def test_a_store_that_cannot_be_written_is_found_out(client: TestClient, settings: Settings) -> None:
    (incoming,) = (settings.MODEL_DIR / "incoming").iterdir()
    incoming.rename(incoming.with_name("away"))
    try:
        assert list(ready(client)) == ["store"]
    finally:
        incoming.with_name("away").rename(incoming)
    assert ready(client) == {}
    assert list(incoming.iterdir()) == []


def test_too_little_room_is_no_readiness(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"MIN_FREE_MB": 1 << 40}))) as client:
        faults = ready(client)
    assert list(faults) == ["disk"]
    assert "MIN_FREE_MB" in faults["disk"]


def test_a_server_that_ends_is_not_ready(client: TestClient) -> None:
    client.app.state.closing.set()
    assert list(ready(client)) == ["server"]


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[int]]]:
    """A database that does not answer before the event is set, and who has asked it."""
    answer, asked = threading.Event(), []

    def call(_: Vitals) -> None:
        asked.append(1)
        assert answer.wait(20)

    monkeypatch.setattr(Vitals, "try_database", call)
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.05)
    yield answer, asked
    answer.set()


def test_a_database_that_hangs_holds_nobody_up_and_is_asked_once(
    client: TestClient, hanging: tuple[threading.Event, list[int]]
) -> None:
    answer, asked = hanging
    for _ in range(3):
        assert list(ready(client)) == ["database"]
    assert len(asked) == 1
    answer.set()
    for _ in range(200):
        if not ready(client):
            break
        threading.Event().wait(0.02)
    assert ready(client) == {}


def test_it_is_looked_once_a_second_however_many_ask(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 60.0)
    asked: list[int] = []
    monkeypatch.setattr(Vitals, "try_database", lambda _: asked.append(1))
    for _ in range(5):
        assert ready(client) == {}
    assert len(asked) <= 1


def test_neither_is_in_the_descriptions_nor_in_the_log(client: TestClient, settings: Settings) -> None:
    client.get("/livez")
    client.get("/readyz")
    client.get("/metrics")
    assert not {"/livez", "/readyz", "/metrics"} & set(client.get("/openapi.json").json()["paths"])
    text = (settings.LOG_DIR / "eventsieve.log").read_text(encoding="utf-8")
    assert "/livez" not in text
    assert "/metrics" not in text
