from __future__ import annotations

import json
import logging
import logging.config
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from calls import ROUTE, model, refused, train
from eventsieve.api.app import create_app
from eventsieve.api.logs import configure_logs
from eventsieve.errors import BadConfiguration
from eventsieve.settings import Settings

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    eventsieve\.requests: "
    r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d{3}) (?P<ms>\d+\.\d) ms id=(?P<id>\S+)"
)


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("on purpose")

    @app.get("/full")
    def full() -> None:
        raise OSError(28, "No space left on device")

    return app


def log(settings: Settings) -> list[str]:
    return (settings.LOG_DIR / "eventsieve.log").read_text(encoding="utf-8").splitlines()


def requests(settings: Settings) -> list[re.Match[str]]:
    return [match for line in log(settings) if (match := LINE.fullmatch(line))]


def test_a_line_for_each_request(client: TestClient, settings: Settings, events_csv: Path) -> None:
    client.get("/")
    refused(client.get(ROUTE + "nothing"), 404)
    train(client, [model("m1")], events_csv)
    lines = requests(settings)
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/", "200"),
        ("GET", ROUTE + "nothing", "404"),
        ("POST", ROUTE + "train_with_file", "200"),
    ]
    assert len({line["id"] for line in lines}) == 3
    # A training starts a process, which takes longer than this.
    assert float(lines[2]["ms"]) > 10.0


@pytest.mark.parametrize(
    ("sent", "kept"), [("my-request_7", "yes"), ("x" * 65, "no"), ("a b", "no"), ("ы", "no"), ("a\tb", "no")]
)
def test_a_request_has_an_id(client: TestClient, settings: Settings, sent: str, kept: str) -> None:
    answer = client.get("/", headers={"X-Request-ID": sent.encode()})
    name = answer.headers["x-request-id"]
    assert (name == sent) == (kept == "yes")
    assert re.fullmatch(r"[\w-]{1,64}", name, re.ASCII)
    assert requests(settings)[-1]["id"] == name


@pytest.mark.parametrize(
    "path",
    [
        "/a%0A2026-01-01 00:00:00,000 INFO    eventsieve.requests: GET / 200 1.0 ms id=forged",
        "/a%0D%0Aforged",
        "/a%E2%80%A8forged",
        "/%1B[31mred",
        "/%00",
        ROUTE + "remove/m%0Aforged",
    ],
)
def test_no_path_forges_a_line(client: TestClient, settings: Settings, path: str) -> None:
    before = len(log(settings))
    client.delete(path)
    (line,) = log(settings)[before:]
    assert LINE.fullmatch(line)
    assert line.isprintable()


def test_a_failure_of_ours_is_told_with_its_request(app: FastAPI, settings: Settings) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken")
    detail = refused(answer, 500)
    name = answer.headers["x-request-id"]
    assert name in detail
    assert "purpose" not in detail
    assert requests(settings)[-1]["status"] == "500"
    text = "\n".join(log(settings))
    assert f"request {name} failed" in text
    assert "ZeroDivisionError: on purpose" in text


def test_a_full_disk_is_called_that(app: FastAPI, settings: Settings) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        refused(client.get("/full"), 507, "disk is full")
    assert any(" ERROR " in line and "disk is full" in line for line in log(settings))


def test_the_files_rotate_at_half_a_megabyte_and_five_are_kept(client: TestClient, settings: Settings) -> None:
    logger = logging.getLogger("eventsieve.requests")
    console = logging.getLogger("eventsieve").handlers[1]
    logging.getLogger("eventsieve").removeHandler(console)
    for number in range(4000):
        logger.info("%06d %s", number, "x" * 1000)
    files = sorted(settings.LOG_DIR.iterdir())
    assert [path.name for path in files] == ["eventsieve.log", *(f"eventsieve.log.{n}" for n in range(1, 6))]
    for path in files[1:]:
        assert 450_000 < path.stat().st_size <= 500_000
    assert " 003999 x" in log(settings)[-1]


def test_the_configuration_may_be_another(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "log_config.json"
    handler = {"class": "logging.FileHandler", "filename": "{LOG_DIR}/own.log", "formatter": "short"}
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"short": {"format": "own %(message)s"}},
                "handlers": {"own": handler},
                "loggers": {"eventsieve": {"level": "INFO", "handlers": ["own"], "propagate": False}},
            }
        )
    )
    with TestClient(create_app(settings.model_copy(update={"LOG_CONFIG_PATH": path}))) as client:
        client.get("/")
    (line,) = (settings.LOG_DIR / "own.log").read_text().splitlines()
    assert line.startswith("own GET / 200 ")
    assert not (settings.LOG_DIR / "eventsieve.log").exists()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"version": 2}', '{"version": 1, "handlers": {"a": {}}}'])
def test_a_configuration_that_is_none_is_named(settings: Settings, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "log_config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadConfiguration, match="LOG_CONFIG_PATH"):
        configure_logs(settings.model_copy(update={"LOG_CONFIG_PATH": path}))


def test_requests_at_once_do_not_mix(client: TestClient, settings: Settings) -> None:
    threads = [
        threading.Thread(target=client.get, args=("/",), kwargs={"headers": {"X-Request-ID": f"r{n}"}})
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {line["id"] for line in requests(settings)} == {f"r{n}" for n in range(20)}
