"""A store, a real server over it, and what the server has acknowledged: it must hold whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import httpx2
import psutil

from conftest import Server, run_server
from eventsieve.domain.simulation import simulate
from eventsieve.storage.tables import write_table
from faults.postgres import Postgres

API = "/api/v2"

PATIENCE_SECONDS = 40.0
"""No answer may take longer: ten seconds for a connection, ten for a lock, and the work itself on a busy machine."""

FINAL = ("trained", "failed", "timed_out", "out_of_memory", "died", "cancelled", "interrupted")

TYPES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("LogReg", {}),
    ("RandomForest", {"n_estimators": 8, "max_depth": 5}),
    ("HistGradientBoosting", {"max_iter": 8}),
    ("RandomForest", {"n_estimators": 60}),
)


@dataclass
class Acknowledged:
    """What the server said had happened, and what nobody can know because its answer never came."""

    datasets: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    ends: dict[tuple[str, str], str] = field(default_factory=dict)
    """How the training of a model of a job ended."""
    models: dict[str, str] = field(default_factory=dict)
    """Trained models with the digests of their artefacts; empty where it was not seen yet."""
    scores: dict[str, bytes] = field(default_factory=dict)
    """What each model answered to the first prediction, byte for byte."""
    notes: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """Names and ids that may be gone: their removal was asked for, and how it went is not known."""
    unsure_notes: set[str] = field(default_factory=set)


class Violation(AssertionError):
    """Something that must hold does not."""


class World:
    """All that a run needs; made by `world`."""

    def __init__(self, folder: Path, seed: int, database: Postgres | None, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.random = Random(seed)
        self.database = database
        self.settings = settings
        self.known = Acknowledged()
        self.damaged: set[str] = set()
        """Digests of files that were damaged on purpose."""
        self.violations: list[str] = []
        self.answers: dict[str, int] = {}
        """How many answers of each status there were."""
        self.table = folder / "train.csv"
        self.events = folder / "test.csv"
        write_table(simulate(600, seed=3), self.table)
        write_table(simulate(100, seed=4, first_id=350_000).drop_columns(["Weight", "Label"]), self.events)
        self.models = folder / "room" / "models"
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._number = 0
        self.key = ""
        """Over PostgreSQL, as a server that many use has it."""
        self.server: Server
        self.start()

    # the server

    def start(self) -> None:
        """Start the server."""
        settings = {
            "MODEL_DIR": self.models,
            "LOG_DIR": self.folder / "logs",
            "NUM_CPUS": 2,
            "TIME_LIMIT": 60,
        } | self.settings
        if self.database is not None:
            settings["DATABASE_URL"] = self.database.url
            settings["AUTH"] = "true"
            self.key = self.key or _new_key(settings)
        self.server = self._stack.enter_context(run_server(self.folder, **settings))
        if self.key:
            self.server.http.headers["Authorization"] = f"Bearer {self.key}"

    def stop(self) -> None:
        """Stop the server in order."""
        self._stack.close()

    def kill(self) -> None:
        """Kill the server, and see that all that descends from it goes with it."""
        family = self.server.family()
        self.server.kill()
        # Whoever inherits the dead may never ask for them: a zombie is as good as gone.
        self.until(lambda: not [each for each in family if _lives(each)], 30, "all of a killed server's family is gone")
        self._stack.close()

    def nursery(self) -> psutil.Process | None:
        """The process that forks the children, if it is there."""
        found = psutil.Process(self.server.process.pid).children()
        return found[0] if found else None

    # asking

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response | None:
        """An answer, or None where the connection broke; what no client should ever get is a violation."""
        began = time.monotonic()
        try:
            answer = self.server.http.request(method, path, timeout=PATIENCE_SECONDS, **options)
        except httpx2.TimeoutException:
            self.wrong(f"{method} {path}: no answer within {PATIENCE_SECONDS:g} s")
            return None
        except httpx2.TransportError:
            return None
        with self._lock:
            self.answers[str(answer.status_code)] = self.answers.get(str(answer.status_code), 0) + 1
        if answer.status_code == 500 or answer.status_code > 507:
            self.wrong(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code == 503 and "retry-after" not in answer.headers:
            self.wrong(f"{method} {path}: 503 without Retry-After")
        if answer.status_code >= 500 and any(word in answer.text for word in ("SELECT", "sqlalchemy", "sesame")):
            self.wrong(f"{method} {path}: the answer tells too much: {answer.text[:300]}")
        if time.monotonic() - began > PATIENCE_SECONDS:
            self.wrong(f"{method} {path}: took {time.monotonic() - began:.0f} s")
        return answer

    def wrong(self, what: str) -> None:
        """Note a violation."""
        with self._lock:
            self.violations.append(what)

    def require(self, holds: object, what: str) -> None:
        """Note a violation unless something holds."""
        if not holds:
            self.wrong(what)

    # what clients do; each returns whether it was acknowledged

    def upload(self) -> bool:
        """Send a table that nobody has sent before."""
        with self._lock:
            self._number += 1
            content = self.table.read_bytes() + b"\n" * self._number
        answer = self.call("POST", f"{API}/datasets", params={"filename": "a.csv"}, content=content)
        if answer is None or answer.status_code not in (200, 201):
            return False
        with self._lock:
            self.known.datasets.add(answer.json()["id"])
        return True

    def train(self, random: Random, *, long: bool = False) -> str | None:
        """Start a job of one or two models; its id."""
        with self._lock:
            datasets = sorted(self.known.datasets - self.known.unsure)
            self._number += 1
            number = self._number
        if not datasets:
            return None
        models = []
        for place in range(random.choice((1, 1, 2))):
            kind, values = random.choice(TYPES)
            models.append({"name": f"m{number}.{place}", "type": kind, "hyperparameters": values})
        if long:
            models = [{"name": f"m{number}.0", "type": "RandomForest", "hyperparameters": {"n_estimators": 1500}}]
        plan = random.choice(({"kind": "none"}, {"kind": "holdout", "fraction": 0.25}))
        job = {"dataset": random.choice(datasets), "models": models, "validation": plan}
        answer = self.call("POST", f"{API}/jobs", json=job)
        if answer is None or answer.status_code != 202:
            return None
        with self._lock:
            self.known.jobs.add(answer.json()["id"])
        return str(answer.json()["id"])

    def look(self, job: str) -> dict[str, Any] | None:
        """The job, and a note of how its models have ended."""
        answer = self.call("GET", f"{API}/jobs/{job}")
        if answer is None or answer.status_code == 503:
            return None
        self.require(answer.status_code == 200, f"the job {job} is lost: {answer.status_code} {answer.text[:200]}")
        if answer.status_code != 200:
            return None
        found = answer.json()
        for model in found["models"]:
            self._note_end(job, model["spec"]["name"], model["state"], model["reason"])
        return dict(found)

    def _note_end(self, job: str, name: str, state: str, reason: str) -> None:
        if state not in FINAL:
            return
        with self._lock:
            before = self.known.ends.setdefault((job, name), state)
            if state == "trained":
                self.known.models.setdefault(name, "")
        self.require(before == state, f"{name} of job {job} ended as {before} and is {state} now")
        self.require(state == "trained" or reason, f"{name} of job {job} is {state} without a reason")

    def predict(self, name: str) -> httpx2.Response | None:
        """Predict, and compare with what the model said before."""
        path = f"{API}/models/{quote(name, safe='')}/predictions"
        answer = self.call("POST", path, content=self.events.read_bytes())
        if answer is None or answer.status_code != 200:
            return answer
        scores = answer.json()
        text = repr((scores["index"], scores["score"])).encode()
        with self._lock:
            before = self.known.scores.setdefault(name, text)
        self.require(before == text, f"the model {name} gives other scores than before")
        return answer

    def annotate(self, name: str, note: str) -> bool:
        """Write a note on a model."""
        with self._lock:
            self.known.unsure_notes.add(name)
        answer = self.call("PATCH", f"{API}/models/{name}", json={"note": note})
        if answer is None or answer.status_code != 200:
            return False
        with self._lock:
            self.known.notes[name] = note
            self.known.unsure_notes.discard(name)
        return True

    def remove(self, name: str) -> bool:
        """Remove a model."""
        with self._lock:
            self.known.unsure.add(name)
        answer = self.call("DELETE", f"{API}/models/{name}")
        if answer is None or answer.status_code != 204:
            return False
        with self._lock:
            self.known.models.pop(name, None)
        return True

    def remove_dataset(self, dataset: str) -> bool:
        """Remove a data set."""
        with self._lock:
            self.known.unsure.add(dataset)
        answer = self.call("DELETE", f"{API}/datasets/{dataset}")
        if answer is not None and answer.status_code == 409:  # a job uses it
            with self._lock:
                self.known.unsure.discard(dataset)
        if answer is None or answer.status_code != 204:
            return False
        with self._lock:
            self.known.datasets.discard(dataset)
        return True

    # the load

    def step(self, random: Random) -> None:
        """One thing that a client does."""
        with self._lock:
            models = sorted(set(self.known.models) - self.known.unsure)
            ended = {job for job, _ in self.known.ends}
            jobs = sorted(self.known.jobs - ended)
            datasets = sorted(self.known.datasets - self.known.unsure)
        if not datasets:
            self.upload()
        elif not models:
            self.train(random)
        else:
            model, dataset = random.choice(models), random.choice(datasets)
            exploration = f"{API}/datasets/{dataset}/exploration?detail=histograms&bins=20"
            read = random.choice((f"{API}/models", f"{API}/jobs", "/api/model_service/models_list"))
            deeds: list[tuple[int, Callable[[], object]]] = [
                (10, self.upload),
                (15, lambda: self.train(random)),
                (35, lambda: self.predict(model)),
                (20 if jobs else 0, lambda: self.look(random.choice(jobs))),
                (6, lambda: self.annotate(model, f"note {random.random()}")),
                (4 if len(models) > 4 else 0, lambda: self.remove(model)),
                (2 if len(datasets) > 4 else 0, lambda: self.remove_dataset(dataset)),
                (3, lambda: self.call("GET", exploration)),
                (5, lambda: self.call("GET", read)),
            ]
            (chosen,) = random.choices([deed for _, deed in deeds], [often for often, _ in deeds])
            chosen()

    @contextmanager
    def load(self, clients: int = 2) -> Iterator[None]:
        """Clients at work within the block."""
        over = threading.Event()

        def work(seed: int) -> None:
            random = Random(seed)
            while not over.is_set():
                try:
                    self.step(random)
                except Exception as error:  # noqa: BLE001 - the edge of the thread; it is told
                    self.wrong(f"a client failed: {error!r}")
                if not self.server_is_there():
                    over.wait(0.1)
                over.wait(0.02)

        threads = [threading.Thread(target=work, args=(self.random.randrange(2**32),)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def server_is_there(self) -> bool:
        """Whether its process is."""
        return self.server.process.poll() is None

    def until(self, holds: Callable[[], object], seconds: float, what: str) -> bool:
        """Wait until something holds; a violation where it does not come to that."""
        give_up = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > give_up:
                self.wrong(f"not within {seconds:g} s: {what}")
                return False
            time.sleep(0.1)
        return True


@contextmanager
def world(folder: Path, seed: int, database: Postgres | None = None, **settings: Any) -> Iterator[World]:
    """A store with some data sets and models, and a server over it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = World(folder, seed, database, settings)
    try:
        made.upload()
        made.upload()
        jobs = [made.train(Random(seed + place)) for place in range(2)]
        for job in jobs:
            made.until(lambda job=job: job and _ended(made.look(job)), 120, "the first models are trained")
        for name in list(made.known.models):
            made.predict(name)
        yield made
    finally:
        made.stop()


def _new_key(settings: dict[str, Any]) -> str:
    command = [sys.executable, "-m", "eventsieve", "keys", "create", "somebody", "--role", "admin", "--json"]
    environment = os.environ | {f"EVENTSIEVE_{name}": str(value) for name, value in settings.items()}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return str(json.loads(done.stdout)["key"])


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ended(job: dict[str, Any] | None) -> bool:
    return job is not None and all(model["state"] in FINAL for model in job["models"])
