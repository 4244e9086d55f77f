from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from calls_v2 import V2
from eventsieve.api.app import create_app
from eventsieve.errors import JobNotFound, ModelNotFound
from eventsieve.records import (
    Column,
    Dataset,
    Job,
    Limits,
    Model,
    ModelSpec,
    ModelState,
    Part,
    Predictions,
    Schema,
    State,
    Validation,
)
from eventsieve.service import Service
from eventsieve.service.predictions import Predicted
from eventsieve.service.ready import ReadyModels
from eventsieve.settings import Settings, read_settings

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SCHEMA = Schema(
    name="few", columns=(Column(name="pt", dtype="float64"), Column(name="y", dtype="object", role="label"))
)


def dataset(**changes: Any) -> Dataset:
    known = {
        "id": "d1",
        "name": "few",
        "digest": "0" * 64,
        "format": "csv",
        "size": 3,
        "parts": (Part(file="few.csv", events=3),),
        "events": 3,
        "columns": (),
        "event_schema": SCHEMA,
        "created": NOW,
    }
    return Dataset(**(known | changes))


def a_model(**changes: Any) -> Model:
    known = {
        "name": "m1",
        "job": "j1",
        "type": "LogReg",
        "hyperparameters": {},
        "digest": "ab" * 32,
        "table": "cd" * 32,
        "event_schema": SCHEMA,
        "seed": 0,
        "validation": Validation(kind="none"),
        "seconds": 1.0,
        "peak_memory": None,
        "versions": {},
        "features": ("pt",),
        "scores": (),
        "created": NOW,
    }
    return Model(**(known | changes))


def a_job(*states: State, seconds: float = 0.0) -> Job:
    models = tuple(
        ModelState(spec=ModelSpec(name=f"m{i}", type="LogReg"), seed=0, state=state, seconds=seconds)
        for i, state in enumerate(states or (State.RUNNING,))
    )
    return Job(id="j1", table="cd" * 32, limits=Limits(), created=NOW, models=models)


@dataclass
class FakeDatasets:
    """Keeps what was handed over; ``known`` says that it was there already."""

    folder: Path
    added: list[Any] = field(default_factory=list)
    known: bool = False
    fails: Exception | None = None

    def new_file(self) -> Path:
        return self.folder / f"upload-{threading.get_ident()}-{len(list(self.folder.iterdir()))}-{id(object())}"

    def add(self, uploads: Sequence[Any], **given: Any) -> tuple[Dataset, bool]:
        self.added.append(([(each, each.path.read_bytes()) for each in uploads], given))
        if self.fails:
            raise self.fails
        return dataset(), not self.known


@dataclass
class FakeJobs:
    """One job, which tests change."""

    job: Job = field(default_factory=a_job)
    number: int = 1
    looks: int = 0

    def get(self, name: str) -> Job:
        self.looks += 1
        if name != self.job.id:
            raise JobNotFound(f"There is no job {name!r}; GET /jobs lists them.")
        return self.job

    def version(self, name: str) -> int:
        return self.number

    def become(self, job: Job) -> None:
        self.job = job
        self.number += 1


@dataclass
class FakePredictions:
    """Writes what it was asked, or waits until it is stopped."""

    folder: Path
    asked: list[Any] = field(default_factory=list)
    endless: bool = False
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    ready: ReadyModels = field(default_factory=lambda: ReadyModels(lambda: None))

    def predict(self, ref: str, source: Path | str, *, kind: str, stopped: threading.Event, **given: Any) -> Predicted:
        sent = source.read_bytes() if isinstance(source, Path) else source
        self.asked.append((ref, sent, kind, given))
        path = self.folder / f"answer-{len(self.asked)}"
        path.write_bytes(f"{kind}:{sent!r}".encode())
        self.begun.set()
        if self.endless:
            assert stopped.wait(20)
        self.ended.set()
        return predicted(path, f"predictions.{kind}")

    def rows(self, ref: str, rows: Sequence[Mapping[str, Any]], **_: Any) -> Predictions:
        self.asked.append((ref, rows))
        return Predictions(
            model=ref,
            digest="ab" * 32,
            index_name="row",
            index=(0,),
            label=("s",),
            score=(0.5,),
            remarks=("ω is odd.",),
        )


def predicted(path: Path, filename: str) -> Predicted:
    return Predicted(
        path=path, media_type="text/x-test", filename=filename, events=3, counts={"s": 3}, remarks=("µ is odd.",)
    )


@dataclass
class FakeModels:
    """The model m1, with a file."""

    folder: Path
    model: Model = field(default_factory=a_model)

    def get(self, ref: str) -> Model:
        if ref != self.model.name:
            raise ModelNotFound(f"There is no model {ref!r}; GET /models lists them.")
        return self.model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the fake service keeps files; empty when nothing is left over."""
    path = tmp_path / "files"
    path.mkdir()
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """A service of which tests know and change everything; for what the real one does too seldom or too fast."""
    service = SimpleNamespace(
        model_types=("LogReg",),
        datasets=FakeDatasets(folder),
        jobs=FakeJobs(),
        models=FakeModels(folder),
        predictions=FakePredictions(folder),
        warm=lambda: None,
        close=lambda: None,
        chronicle=SimpleNamespace(),
        retention=SimpleNamespace(start=lambda: None),
        trail=SimpleNamespace(add=lambda *_, **__: None),
    )
    monkeypatch.setattr(Service, "open", classmethod(lambda cls, settings: service))
    return service


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    """Settings that take uploads of one MB."""
    return read_settings(
        MODEL_DIR=tmp_path / "models", LOG_DIR=tmp_path / "logs", PDF_PATH="", NUM_CPUS=4, MAX_UPLOAD_MB=1
    )


@pytest.fixture
def faked(fake: Any, small: Settings) -> Iterator[V2]:
    """A client of a server over the fake service."""
    with TestClient(create_app(small), raise_server_exceptions=False) as client:
        yield V2(client)


@pytest.fixture
def serve(fake: Any, small: Settings) -> Iterator[Callable[[], Any]]:
    """Starts real servers in threads of their own, over the fake service."""
    from calls_v2 import Running

    started: list[Running] = []

    def start() -> Running:
        started.append(Running(create_app(small)))
        return started[-1]

    yield start
    for each in started:
        each.stop()
