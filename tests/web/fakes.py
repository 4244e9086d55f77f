"""A client for tests of pages: the real `Client`, spoken to by the real application over a small store in this process.

``FakeClient.filled()`` has a labelled and an unlabelled data set, trained models of which one is current, a finished
job and a running one; ``FakeClient.empty()`` has nothing; ``FakeClient(failing=ServerUnreachable(...))`` refuses all.
What is false is only that nobody trains: a training goes one step further each time that its job is asked for, and what
comes of it is a copy of a model that was trained before. Every request is written down::

    fake = FakeClient.filled()
    app = open_page(Place.MODELS, client=fake)
    app.button(key="set").click().run()
    assert fake.changes == [Asked("PUT", "/current", {}, {"model": "forest", "by": ""})]

The fixture `_fakes_are_closed` of ``conftest.py`` ends them. Test modules say ``from web.fakes import FakeClient``:
``tests`` is on the path, and ``web`` is a package without an ``__init__``.
"""

from __future__ import annotations

import atexit
import json
import shutil
import ssl
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch
from urllib.parse import unquote

import httpx2

from eventsieve.api.app import create_app
from eventsieve.client import Client, EventsWarning
from eventsieve.client.transport import PREFIX
from eventsieve.domain.simulation import simulate
from eventsieve.embedded import _Server
from eventsieve.errors import EventsieveError
from eventsieve.records import Outcome, State
from eventsieve.settings import read_settings
from eventsieve.storage.tables import write_table
from web.trainings import ScriptedEngine, Templates, trained_here

__all__ = ["EVENTS", "MODELS", "RUNNING", "Asked", "FakeClient"]

EVENTS = 3_000
UNLABELLED = 500
MODELS = {
    "logistic": {"type": "LogReg"},
    "forest": {"type": "RandomForest", "hyperparameters": {"n_estimators": 30, "max_depth": 6}},
    "boosting": {"type": "GradientBoosting", "hyperparameters": {"n_estimators": 20}},
}
"""The trained models of a filled store; the last is the current one."""
TIMED_OUT, FAILED, RUNNING = "svm", "wrong", "running"
"""The models of a filled store that were not trained, or not yet."""
_UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here, and httpx would load all authorities of the machine for each client."""


@dataclass(frozen=True)
class Asked:
    """A request: method, path below the interface's prefix, query, and JSON body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class FakeClient(Client):
    """See the head of this module.

    Args:
        failing: what every request is answered with instead; may be set and taken back later.
        outcomes: by the name of a model, how its training will end, where that is not "trained".
        store: a folder to begin with a copy of.
    """

    def __init__(
        self,
        *,
        failing: EventsieveError | None = None,
        outcomes: Mapping[str, Outcome] | None = None,
        store: Path | None = None,
    ) -> None:
        self.failing = failing
        self.asked: list[Asked] = []
        self._folder = Path(tempfile.mkdtemp(prefix="eventsieve-fake-"))
        if store is not None:
            shutil.copytree(store, self._folder / "models")
        self.engine = ScriptedEngine(_templates, dict(outcomes or {}))
        self._server = _serve(self._folder, lambda *_: self.engine)
        transport = _Recorder(self, _to(self._server))
        self._through = httpx2.Client(transport=transport, trust_env=False, timeout=60)
        super().__init__("http://localhost", http=self._through)
        _open.append(self)

    @classmethod
    def empty(cls) -> Self:
        """Over a store with nothing in it."""
        return cls()

    @classmethod
    def filled(cls, **given: Any) -> Self:
        """Over a store with all that a page may want to show, and a model that is being trained."""
        fake = cls(store=_filled_store(), **given)
        fake.engine.waits.add(RUNNING)
        with warnings.catch_warnings(action="ignore", category=EventsWarning):
            fake.train(fake.labelled, [{"name": RUNNING, **MODELS["forest"]}], seconds=60, wait=False)
        fake.engine.step(RUNNING)
        fake.asked.clear()
        return fake

    @property
    def changes(self) -> list[Asked]:
        """The requests that may have changed something: all but GET."""
        return [asked for asked in self.asked if asked.method != "GET"]

    @property
    def labelled(self) -> Any:
        """The data set with labels, as it is now."""
        return next(each for each in self.datasets() if each.event_schema.label is not None)

    @property
    def unlabelled(self) -> Any:
        """The data set without labels."""
        return next(each for each in self.datasets() if each.event_schema.label is None)

    @property
    def finished_job(self) -> Any:
        """The job that has ended: three models trained, one interrupted by the limit, one with wrong parameters."""
        return next(each for each in self.jobs() if each.final)

    @property
    def running_job(self) -> Any:
        """The job of the model that is being trained; it goes on by ``fake.advance()`` only."""
        return next(each for each in self.jobs() if not each.final)

    def advance(self, model: str = RUNNING) -> None:
        """Let a training go one step further: begun, half done, ended."""
        self.engine.step(model)

    def finish(self, model: str = RUNNING) -> None:
        """Let a training end."""
        self.engine.finish(model)

    def close(self) -> None:
        """End the application and remove its store."""
        if self in _open:
            _open.remove(self)
            self._through.close()
            self._server.stop()
            shutil.rmtree(self._folder, ignore_errors=True)


def close_all() -> None:
    """End all fakes that are open."""
    while _open:
        _open[-1].close()


_open: list[FakeClient] = []


class _Recorder(httpx2.BaseTransport):
    """Writes requests down, refuses where the fake fails, and lets trainings go on when they are asked after."""

    def __init__(self, fake: FakeClient, below: httpx2.BaseTransport) -> None:
        self._fake = fake
        self._below = below

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.path).removeprefix(PREFIX)
        is_json = request.headers.get("content-type") == "application/json"
        body = json.loads(request.read()) if is_json else None
        self._fake.asked.append(Asked(request.method, path, dict(request.url.params), body))
        if self._fake.failing is not None:
            raise self._fake.failing
        if request.method == "GET" and path.startswith("/jobs"):
            self._fake.engine.step()
        return self._below.handle_request(request)

    def close(self) -> None:
        self._below.close()


def _serve(folder: Path, engine: Callable[..., Any]) -> _Server:
    settings = read_settings(
        MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=_report(), NUM_CPUS=4, TIME_LIMIT=60.0
    )
    with patch("eventsieve.service.core.LocalEngine", engine):
        return _Server(create_app(settings, embedded=True))


def _to(server: _Server) -> httpx2.HTTPTransport:
    return httpx2.HTTPTransport(uds=str(server.socket), verify=_UNUSED)


@cache
def _place() -> Path:
    """A folder for as long as this process lives."""
    folder = Path(tempfile.mkdtemp(prefix="eventsieve-fakes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _report() -> Path:
    """A report of one page."""
    from matplotlib.figure import Figure

    path = _place() / "report.pdf"
    Figure().savefig(path)
    return path


@cache
def _templates() -> Templates:
    """A model of each kind that is trained here, once; all that tests train are copies of it."""
    return trained_here(simulate(EVENTS, seed=3), MODELS["logistic"], _place())


@cache
def _filled_store() -> Path:
    """The store of `FakeClient.filled`, made once: data sets, and a job with three models and two that failed."""
    folder = _place() / "filled"
    folder.mkdir()
    labelled, unlabelled = _place() / "train.csv", _place() / "test.csv"
    write_table(simulate(EVENTS, seed=3), labelled)
    write_table(simulate(UNLABELLED, seed=4, first_id=350_000).drop_columns(["Weight", "Label"]), unlabelled)
    engine = ScriptedEngine(
        None,
        {
            TIMED_OUT: Outcome(
                state=State.TIMED_OUT, reason="Interrupted after 60 s, the time limit; raise it.", seconds=60.0
            ),
            FAILED: Outcome(state=State.FAILED, reason="ValueError: l1_ratio must be between 0 and 1.", seconds=0.1),
        },
    )
    server = _serve(folder, lambda *_: engine)
    through = httpx2.Client(transport=_to(server), trust_env=False, timeout=60)
    client = Client("http://localhost", http=through)
    with warnings.catch_warnings(action="ignore", category=EventsWarning):
        data = client.upload(labelled, name="simulated")
        client.upload(unlabelled, name="to predict")
        models = [{"name": name, **spec} for name, spec in MODELS.items()]
        lost = [{"name": TIMED_OUT, "type": "SVM"}, {"name": FAILED, "type": "LogReg"}]
        client.train(data, models + lost, seed=1, seconds=60, wait=False)
    for name in (*MODELS, TIMED_OUT, FAILED):
        engine.finish(name)
    client.use("logistic", by="tests")
    client.use(next(reversed(MODELS)), by="tests")
    through.close()
    server.stop()
    return folder / "models"
