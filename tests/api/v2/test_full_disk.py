"""A full disk is told as one, wherever it is met, and nothing half-written stays."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from calls_v2 import PREFIX
from databases import only_sqlite
from eventsieve.settings import Settings
from eventsieve.storage.files import Shelf


@only_sqlite
def test_a_registry_that_cannot_grow_is_a_full_disk(client: TestClient, events_csv: Path, settings: Settings) -> None:
    engine = client.app.state.service._registry._engine  # type: ignore[attr-defined]

    def no_room(connection: object, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    event.listen(engine, "checkout", no_room)
    answers = []
    for number in range(60):  # rows fit into the pages that are there for a while
        content = events_csv.read_bytes() + b"\n" * number
        answers.append(client.post(f"{PREFIX}/datasets", params={"filename": "a.csv"}, content=content))
        if answers[-1].status_code != 201:
            break
    assert answers[-1].status_code == 507, answers[-1].text
    assert "make room" in answers[-1].json()["detail"]
    known = client.get(f"{PREFIX}/datasets").json()["total"]
    assert known == len(answers) - 1
    assert [path for path in (settings.MODEL_DIR / "incoming").rglob("*") if path.is_file()] == []


def test_an_exploration_for_which_there_is_no_room_leaves_nothing(
    client: TestClient, events_csv: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = client.post(f"{PREFIX}/datasets", params={"filename": "a.csv"}, content=events_csv.read_bytes())
    exploration = f"{PREFIX}/datasets/{posted.json()['id']}/exploration"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "settle", full)
        assert client.get(exploration).status_code == 507
    assert [path for path in (settings.MODEL_DIR / "incoming").rglob("*") if path.is_file()] == []
    assert client.get(exploration).status_code == 200


def test_jobs_can_be_read_while_there_is_no_room_for_the_end_of_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    written = []
    room = threading.Event()

    def write() -> None:
        if not room.is_set():
            raise OSError(errno.ENOSPC, "database or disk is full")
        written.append("the end")

    monkeypatch.setattr("eventsieve.training.unwritten.RETRY_SECONDS", 600.0)
    service._jobs._unwritten.later("a job", "the end", write)
    assert client.get(f"{PREFIX}/jobs").status_code == 200
    assert written == []
    room.set()
    assert client.get(f"{PREFIX}/jobs").status_code == 200
    assert written == ["the end"]
