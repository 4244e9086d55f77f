from __future__ import annotations

import json
import logging
import logging.config
import re
import threading
from collections.abc import Iterator
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from calls import ROUTE, model, refused, train
from calls_v2 import PREFIX
from eventsieve.acting import Call, concern, serving
from eventsieve.api.app import create_app
from eventsieve.api.logs import configure_logs
from eventsieve.api.masking import masked
from eventsieve.errors import BadConfiguration
from eventsieve.records import AccessRole, Actor
from eventsieve.settings import Settings
from eventsieve.storage.keybook import open_keybook

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJldmVudHNpZXZlIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
"""As a provider of identities signs them."""
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    eventsieve\.requests: "
    r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d{3}) (?P<ms>\d+\.\d) ms id=(?P<id>\S+) client=testclient"
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


# lines for machines, and what stands in every line


def json_log(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log(settings)]


def test_json_has_a_document_on_each_line_with_its_request_and_who_asks(settings: Settings, tmp_path: Path) -> None:
    signed = settings.model_copy(update={"LOG_FORMAT": "json", "AUTH": True})
    key = a_key(signed, "ann ж")
    app = create_app(signed)

    @app.get("/broken")
    def broken() -> None:
        logging.getLogger("eventsieve.test").warning("on the way\nto %s", "it")
        raise ZeroDivisionError("on purpose")

    with TestClient(app, raise_server_exceptions=False) as client:
        client.get("/broken", headers={"X-Request-ID": "r-1", "Authorization": f"Bearer {key}"})
        client.get(f"{PREFIX}/models")
    way, request, failure, refused_ = json_log(settings)[-4:]
    for line in (way, request, failure):
        assert (line["request_id"], line["actor"], line["client"]) == ("r-1", "ann ж", "testclient")
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert (way["level"], way["logger"], way["message"]) == ("WARNING", "eventsieve.test", "on the way\\nto it")
    assert (request["method"], request["path"], request["status"]) == ("GET", "/broken", 500)
    assert request["milliseconds"] > 0
    assert "ZeroDivisionError: on purpose" in failure["exception"]
    assert refused_["status"] == 401
    assert "actor" not in refused_


def test_lines_of_a_training_know_job_model_and_who_asked_for_it(settings: Settings, events_csv: Path) -> None:
    settings = settings.model_copy(update={"LOG_FORMAT": "json", "AUTH": True})
    key = a_key(settings, "tom")
    name = "m\n1 id=forged"
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        dataset = client.post(
            f"{PREFIX}/datasets", content=events_csv.read_bytes(), params={"filename": "t.csv"}
        ).json()
        body = {"dataset": dataset["id"], "models": [{"name": name, "type": "LogReg"}]}
        job = client.post(f"{PREFIX}/jobs", json=body, headers={"X-Request-ID": "train-7"}).json()["id"]
        for _ in range(600):
            if client.get(f"{PREFIX}/jobs/{job}").json()["models"][0]["state"] == "trained":
                break
            threading.Event().wait(0.1)
    lines = [line for line in json_log(settings) if line["logger"] == "eventsieve.training.chronicle"]
    assert len(lines) == 2
    for line in lines:
        assert (line["job"], line["model"], line["actor"], line["request_id"]) == (job, name, "tom", "train-7")
    assert "trained in" in lines[1]["message"]
    (asked,) = (
        line for line in json_log(settings) if line.get("path") == f"{PREFIX}/jobs" and line["method"] == "POST"
    )
    assert f"job:{job}" in asked["objects"]


def test_a_line_for_people_has_its_context_at_its_end(settings: Settings) -> None:
    with TestClient(create_app(settings)):

        def within() -> None:
            with serving(Call(request_id="r-1", actor=Actor(name="ann b", role=AccessRole.READER))):
                concern(job="j1", model="m\n1 id=forged")
                logging.getLogger("eventsieve.test").info("here")

        copy_context().run(within)
        logging.getLogger("eventsieve.test").info("there")
    here, there = log(settings)[-2:]
    assert here.endswith(r"eventsieve.test: here id=r-1 actor='ann b' job=j1 model='m\\n1 id=forged'")
    assert "id=" not in there


def test_nothing_forges_a_line_not_even_in_an_exception(settings: Settings) -> None:
    forged = "2026-01-01 00:00:00,000 INFO    eventsieve.requests: GET / 200 1.0 ms id=forged client=testclient"
    with TestClient(create_app(settings)):
        before = len(log(settings))
        for text in (f"a\n{forged}", f"a\r{forged}", f"a\u2028{forged}", f"a\x85{forged}", f"a\x0b{forged}"):
            try:
                raise ValueError(text)  # noqa: TRY301 - it is the traceback that is wanted
            except ValueError:
                logging.getLogger("eventsieve.test").exception("%s", text)
            logging.getLogger("eventsieve.test").info(text, stack_info=True)
    lines = log(settings)[before:]
    assert sum("forged" in line for line in lines) >= 15
    assert not [line for line in lines if line.startswith(forged[:10])]
    assert all(line.startswith("    ") or re.match(r"20\d\d-\d\d-\d\d .*eventsieve\.test: a", line) for line in lines)


# no secrets


def a_key(settings: Settings, name: str, role: AccessRole = AccessRole.ADMIN) -> str:
    with open_keybook(settings.database_url, settings.MODEL_DIR) as book:
        return book.issue(name, role)[1]


@pytest.fixture
def everything(settings: Settings, tmp_path: Path) -> Settings:
    """Settings by which every logger there is writes all that it has to say."""
    path = tmp_path / "debug.json"
    handler = {"class": "logging.FileHandler", "filename": "{LOG_DIR}/eventsieve.log", "encoding": "utf-8"}
    root = {"level": "DEBUG", "handlers": ["all"]}
    loggers = {name: {"level": "DEBUG", "propagate": True} for name in ("eventsieve", "uvicorn", "uvicorn.access")}
    config = {"version": 1, "disable_existing_loggers": False, "handlers": {"all": handler}, "root": root}
    path.write_text(json.dumps(config | {"loggers": loggers}))
    return settings.model_copy(update={"LOG_CONFIG_PATH": path, "AUTH": True})


def test_no_log_has_anything_of_a_key(everything: Settings) -> None:
    """A key wherever a client may put it, at DEBUG, with failures and their tracebacks."""
    keys = [a_key(everything, "ann"), "es_0123456789ab_" + "Wr0ng-_" * 6 + "x", "ess_" + "S3ss10n" * 6, TOKEN]
    app = create_app(everything)

    @app.get("/broken/{name}")
    def broken(name: str) -> None:
        secret = {"authorization": f"Bearer {name}", "password": "geheim-1"}
        logging.getLogger("eventsieve.test").debug("headers %s", secret)
        logging.getLogger("eventsieve.test").debug("url %s", f"postgresql://u:geheim-2@db/{name}")
        raise ZeroDivisionError(f"with {name}, s3://k:geheim-3@host, secret_access_key=geheim-4")

    with TestClient(app, raise_server_exceptions=False) as client:
        for key in keys:
            headers = {"Authorization": f"Bearer {key}"}
            client.get(f"{PREFIX}/models", headers=headers)
            client.post(f"{PREFIX}/sessions", headers=headers)
            for place in (f"{PREFIX}/models/{key}", f"{ROUTE}remove/{key}", f"/broken/{key}", f"/x?key={key}"):
                client.get(place, headers=headers)
                client.delete(place, headers={"Authorization": f"Bearer {keys[0]}", "X-Request-ID": key})
            client.get(f"/broken/{key}", headers={"Authorization": f"Bearer {keys[0]}"})
            client.post(f"{PREFIX}/jobs", content=key, headers=headers | {"Content-Type": "application/json"})
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"handlers": []}})
    text = (everything.LOG_DIR / "eventsieve.log").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in text
    assert "es_***" in text
    for key in keys:
        for part in {key[-20:], key[20:32], key[4:16] + key[16:24]}:
            assert part not in text, key
    assert "geheim" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GET /api/v2/models 200", "GET /api/v2/models 200"),
        ("the model 'es_model' is small", "the model 'es_model' is small"),
        ("http://127.0.0.1:8000/docs", "http://127.0.0.1:8000/docs"),
        ("postgresql+psycopg://eve@db:5432/x", "postgresql+psycopg://eve@db:5432/x"),
        ("postgresql+psycopg://eve:a/b:c@db/x", "postgresql+psycopg://eve:***@db/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"authorization": "Basic YWJj"}', '{"authorization": "Basic ***"}'),
        ("password='a b'", "password='*** b'"),
        ("COOKIE_SECRET=abcdef", "COOKIE_SECRET=***"),
    ],
)
def test_secrets_are_masked_and_nothing_else(text: str, kept: str) -> None:
    assert masked(text) == kept
