"""What a server that is told to end does with what it has begun."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from calls_v2 import V2, problem
from conftest import Server, run_server
from eventsieve.service import Service
from eventsieve.settings import Settings

LONG = {"n_estimators": 100_000}


def job_of(server: Server, table: Path, *models: dict[str, Any]) -> str:
    """A job that trains these models on a table."""
    http = V2(server.http)
    dataset = http.post("/datasets", files={"file": (table.name, table.read_bytes())}).json()["id"]
    answer = http.post("/jobs", json={"dataset": dataset, "models": list(models)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def states(server: Server, job: str) -> list[str]:
    return [each["state"] for each in V2(server.http).get(f"/jobs/{job}").json()["models"]]


def until_states(server: Server, job: str, *wanted: str) -> None:
    give_up = time.monotonic() + 60
    while states(server, job) != list(wanted):
        assert time.monotonic() < give_up, states(server, job)
        time.sleep(0.02)


def model(name: str, kind: str = "RandomForest", **hyperparameters: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "hyperparameters": hyperparameters}


def after(folder: Path, job: str) -> list[tuple[str, str]]:
    """The states of the models of a job, and why, when the server has ended."""
    settings = Settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=None)
    with Service.open(settings) as service:
        return [(each.state.value, each.reason) for each in service.job(job).models]


@pytest.fixture
def finishing(tmp_path: Path) -> Any:
    with run_server(tmp_path, ON_STOP="finish", NUM_CPUS=1, STOP_SECONDS=120, TIME_LIMIT=120) as server:
        yield server


def test_trainings_that_run_are_finished_and_nothing_new_is_begun(finishing: Server, events_csv: Path) -> None:
    slow = model("runs", "GradientBoosting", n_estimators=200)
    job = job_of(finishing, events_csv, slow, model("waits"))
    until_states(finishing, job, "running", "queued")
    finishing.process.send_signal(signal.SIGTERM)
    until_states(finishing, job, "running", "interrupted")  # it answers on
    dataset = V2(finishing.http).get("/datasets").json()["items"][0]["id"]
    refused = V2(finishing.http).post("/jobs", json={"dataset": dataset, "models": [model("new")]})
    problem(refused, 503, "NotReady", "The server is about to end")
    assert 0 < int(refused.headers["Retry-After"]) <= 120
    with V2(finishing.http).http.stream("GET", f"/api/v2/jobs/{job}/events") as followed:
        events = [line for line in followed.iter_lines() if line.startswith("data:")]
    assert [each["state"] for each in json.loads(events[-1][5:])["models"]] == ["trained", "interrupted"]
    assert finishing.process.wait(20) in (0, -signal.SIGTERM)
    assert after(finishing.folder, job) == [
        ("trained", ""),
        ("interrupted", "The server was stopped before it started; train it again."),
    ]


def test_a_second_signal_waits_no_longer(finishing: Server, events_csv: Path) -> None:
    job = job_of(finishing, events_csv, model("runs", "GradientBoosting", **LONG), model("waits"))
    until_states(finishing, job, "running", "queued")
    finishing.process.send_signal(signal.SIGTERM)
    until_states(finishing, job, "running", "interrupted")
    family = finishing.family()
    finishing.process.send_signal(signal.SIGTERM)
    finishing.process.wait(20)  # not the 120 s of STOP_SECONDS
    assert not [each for each in family[1:] if each.is_running()]
    assert [state for state, _ in after(finishing.folder, job)] == ["interrupted", "interrupted"]


def test_who_takes_longer_than_may_be_waited_is_interrupted(tmp_path: Path, events_csv: Path) -> None:
    with run_server(tmp_path, ON_STOP="finish", STOP_SECONDS=0.2, TIME_LIMIT=600) as server:
        job = job_of(server, events_csv, model("runs", "GradientBoosting", **LONG))
        until_states(server, job, "running")
        server.process.send_signal(signal.SIGINT)
        server.process.wait(20)
    reason = "The server was stopped during the training; train it again."
    assert after(tmp_path, job) == [("interrupted", reason)]
