from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from calls import model, predict, refused, statuses, train
from eventsieve.api.app import create_app
from eventsieve.api.v2.problems import PREFIX, PROBLEM_JSON
from eventsieve.client import Client
from eventsieve.records import AccessRole, Quotas
from eventsieve.settings import read_settings

MEBIBYTE = 1 << 20

Open = Callable[..., Any]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """A client of a server with these settings, again and again over the same store."""

    @contextmanager
    def run(**settings: object) -> Iterator[TestClient]:
        given = {"MODEL_DIR": tmp_path / "models", "LOG_DIR": tmp_path / "logs", "PDF_PATH": "", "NUM_CPUS": 2}
        with TestClient(create_app(read_settings(**given | settings))) as client:
            yield client

    return run


def problem(answer: Any, status: int, kind: str) -> str:
    """The text of a refusal of version 2."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json()["type"] == f"urn:eventsieve:{kind}"
    return str(answer.json()["detail"])


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size >> 16):
        yield b"\n" * (1 << 16)


# rates


def test_who_asks_too_often_is_told_when_to_ask_again(opened: Open) -> None:
    with opened(QUOTA_REQUESTS=3) as client:
        path = "/api/model_service/get_columns"
        assert [client.get(path).status_code for _ in range(3)] == [200] * 3
        answer = client.get(path)
        assert "3 requests a minute" in refused(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        answer = client.get(f"{PREFIX}/models")
        assert "ask again in" in problem(answer, 429, "TooMany")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert client.get("/nowhere").status_code == 429


def test_who_looks_after_the_server_may_always_ask(opened: Open) -> None:
    with opened(QUOTA_REQUESTS=1) as client:
        for path in ("/", f"{PREFIX}/", "/livez", "/readyz", "/metrics"):
            assert [client.get(path).status_code for _ in range(3)] == [200] * 3
        assert client.get(f"{PREFIX}/models").status_code == 200
        assert client.get(f"{PREFIX}/models").status_code == 429
        assert client.post("/").status_code == 429


def test_a_body_of_who_asks_too_often_is_not_looked_at(opened: Open, events_csv: Path) -> None:
    with opened(QUOTA_REQUESTS=1) as client:
        client.get(f"{PREFIX}/models")
        problem(client.post(f"{PREFIX}/datasets", content=events_csv.read_bytes()), 429, "TooMany")
        refused(train(client, [model("m")], events_csv), 429)
        assert client.app.state.service.datasets.page().total == 0


def test_each_key_has_its_own_rate_and_quotas(opened: Open) -> None:
    with opened(AUTH=True, QUOTA_REQUESTS=2, QUOTA_UPLOAD_MB=1) as client:
        keys = client.app.state.service._registry.keys
        _, poor = keys.issue("poor", AccessRole.TRAINER)
        _, rich = keys.issue("rich", AccessRole.TRAINER, quotas=Quotas(requests=100, upload=2 * MEBIBYTE))
        as_poor, as_rich = ({"Authorization": f"Bearer {token}"} for token in (poor, rich))
        body = b"\n" * (MEBIBYTE + 1)
        problem(client.post(f"{PREFIX}/datasets", content=body, headers=as_poor), 413, "QuotaExceeded")
        assert client.get(f"{PREFIX}/models", headers=as_poor).status_code == 200
        assert client.get(f"{PREFIX}/models", headers=as_poor).status_code == 429
        assert client.post(f"{PREFIX}/datasets", content=body, headers=as_rich).status_code == 422
        used = client.get(f"{PREFIX}/access/usage", headers=as_rich).json()
        assert used["upload"] == {"used": MEBIBYTE + 1, "allowed": 2 * MEBIBYTE}
        assert used["requests"] == {"used": 2, "allowed": 100}
        assert client.get(f"{PREFIX}/access/usage").status_code == 401


# what is sent


def test_what_announces_more_than_is_left_is_refused_in_either_version(opened: Open) -> None:
    with opened(QUOTA_UPLOAD_MB=1) as client:
        body = b"\n" * (2 * MEBIBYTE)
        said = problem(client.post(f"{PREFIX}/datasets", content=body), 413, "QuotaExceeded")
        assert "1.0 MB" in said
        assert "2.0 MB more" in said
        refused(predict(client, body), 413, "have the quota raised")
        assert client.get(f"{PREFIX}/access/usage").json()["upload"] == {"used": 0, "allowed": MEBIBYTE}


def test_what_does_not_say_how_much_it_is_is_cut_off(opened: Open) -> None:
    with opened(QUOTA_UPLOAD_MB=1) as client:
        problem(client.post(f"{PREFIX}/datasets", content=chunks(3 * MEBIBYTE)), 413, "QuotaExceeded")
        assert client.get(f"{PREFIX}/access/usage").json()["upload"]["used"] <= MEBIBYTE
        assert list(client.app.state.service.new_file().parent.iterdir()) == []
        assert client.get(f"{PREFIX}/datasets").json()["total"] == 0


def test_a_form_of_version_1_is_cut_off_too(opened: Open) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'

    def form() -> Iterator[bytes]:
        yield head
        yield from chunks(3 * MEBIBYTE)
        yield b"\r\n--x--\r\n"

    with opened(QUOTA_UPLOAD_MB=1) as client:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = client.post("/api/model_service/predict_with_file", content=form(), headers=kind)
        refused(answer, 413, "have the quota raised")


def test_what_was_sent_is_known_after_a_restart(opened: Open) -> None:
    body = b"\n" * 600_000
    with opened(QUOTA_UPLOAD_MB=1) as client:
        assert client.post(f"{PREFIX}/datasets", content=body).status_code == 422
    with opened(QUOTA_UPLOAD_MB=1) as client:
        assert client.get(f"{PREFIX}/access/usage").json()["upload"]["used"] == 600_000
        problem(client.post(f"{PREFIX}/datasets", content=body), 413, "QuotaExceeded")
    with opened() as client:
        assert client.post(f"{PREFIX}/datasets", content=body).status_code == 422


# what is kept, and slots


def test_a_full_store_trains_nothing_in_either_version(opened: Open, events_csv: Path) -> None:
    with opened(QUOTA_STORAGE_MB=1) as client:
        found = client.post(f"{PREFIX}/datasets", content=events_csv.read_bytes()).json()
        client.app.state.service.quotas.default = Quotas(storage=1)
        job = {"dataset": found["id"], "models": [{"name": "m", "type": "LogReg"}]}
        said = problem(client.post(f"{PREFIX}/jobs", json=job), 413, "QuotaExceeded")
        assert f"data set '{found['id']}'" in said
        refused(train(client, [model("m")], events_csv), 413, found["id"])
        assert client.get(f"{PREFIX}/jobs").json()["total"] == 0
        assert client.delete(f"{PREFIX}/datasets/{found['id']}").status_code == 204
        assert client.get(f"{PREFIX}/access/usage").json()["storage"] == {"used": 0, "allowed": 1}


def test_version_1_counts_the_slots_of_the_quota(opened: Open, events_csv: Path) -> None:
    with opened(QUOTA_SLOTS=1) as client:
        refused(train(client, [model("m1"), model("m2")], events_csv), 409, "1 of the 1 training slots of your quota")
        assert statuses(train(client, [model("m1")], events_csv)) == {"m1": "trained"}


# usage


def test_where_there_is_no_quota_only_what_is_there_is_told(opened: Open) -> None:
    with opened() as client:
        found = Client("http://testserver", http=client).usage()
        assert (found.requests.used, found.upload.used, found.storage.used, found.slots.used) == (None, None, 0, 0)
        assert {each.allowed for each in (found.requests, found.upload, found.storage, found.slots)} == {None}
