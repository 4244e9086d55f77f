"""People at work: what they ask for, what the answers must be, and how long they think between.

Everybody makes, changes and removes only what is his own, under names that nobody else gives, and uses beside it what
`load.ground` has made for all, which nobody changes. So no request may be refused, and every refusal is an error.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from load.ground import API, MODELS, Ground, Table
from load.line import Answer, Line, Seen, Wrong

__all__ = ["DEEDS", "LIGHT", "Person"]

V1 = "/api/model_service"
QUEUE_SECONDS = 300.0
"""No training of these sizes may take longer, with all who wait before it."""
MOST_OWN = 3
"""Data sets that one keeps; then he removes the oldest, with its models."""

LIGHT = frozenset(
    {
        *("GET /", "GET /readyz", "GET /access", "GET /access/usage", "GET /current"),
        *("GET /models", "GET /datasets", "GET /jobs", "GET v1 models_list", "GET v1 get_columns"),
        *("GET /models/{ref}", "GET /datasets/{id}", "GET /jobs/{id}", "POST one event"),
    }
)
"""What is answered at once: health, lists, single things, predictions of single events."""

TRAININGS: tuple[dict[str, Any], ...] = (
    {"type": "LogReg", "hyperparameters": {"C": 0.5}},
    {"type": "LogReg", "hyperparameters": {"C": 2.0, "max_iter": 200}},
    {"type": "RandomForest", "hyperparameters": {"n_estimators": 15, "max_depth": 6}},
    {"type": "HistGradientBoosting", "hyperparameters": {"max_iter": 30}},
)


class Person:
    """One of them.

    Args:
        name: his, which has a key.
        ground: what he finds.
        report: gets every answer.
        seed: of what he chooses.
        haste: what his thinking is multiplied with; 0 for one who never thinks.
    """

    def __init__(
        self, name: str, ground: Ground, report: Callable[[Seen], object], seed: int, haste: float = 1.0
    ) -> None:
        self.name = name
        self.ground = ground
        self.random = Random(seed)
        self.line = Line(ground.port, ground.keys[name], report)
        self._haste = haste
        self._number = 0
        self._own: list[tuple[str, list[str]]] = []
        """His data sets, and the models that he has trained on each."""

    def act(self) -> None:
        """Do one thing, chosen by how often people do it, and think about the next.

        Whatever goes wrong has been reported; he goes on with something else.
        """
        (deed,) = self.random.choices(list(DEEDS), list(DEEDS.values()))
        with suppress(Wrong):
            deed(self)
        self.think(3, 12)

    def think(self, least: float, most: float) -> None:
        """Do nothing for some seconds."""
        time.sleep(self._haste * self.random.uniform(least, most))

    # looking

    def arrive(self) -> None:
        """Open the home page."""
        with self.line.ask("GET /", "/") as answer:
            require(answer.json == {"message": "Ready to work!"}, answer)
        with self.line.ask("GET /readyz", "/readyz") as answer:
            require(answer.json["status"] == "ready", answer)
        with self.line.ask("GET /access", f"{API}/access") as answer:
            actor = answer.json["actor"]
            require((actor["name"], actor["role"]) == (self.name, "trainer"), answer)
        with self.line.ask("GET /access/usage", f"{API}/access/usage") as answer:
            require(bool(answer.json["storage"]["used"]) >= bool(self._own), answer)
        with self.line.ask("GET /current", f"{API}/current") as answer:
            require(answer.json["name"] == next(iter(MODELS)), answer)
        self._lists()

    def _lists(self) -> None:
        with self.line.ask("GET /models", f"{API}/models?limit=50") as answer:
            found = answer.json
            named = {model["name"]: model["digest"] for model in found["items"]}
            shared = {name: named.get(name) for name in self.ground.digests}  # the oldest come first
            require(shared == self.ground.digests and found["total"] >= len(named), answer)
        with self.line.ask("GET /jobs", f"{API}/jobs?limit=20") as answer:
            require(answer.json["total"] >= len(answer.json["items"]) > 0, answer)
        with self.line.ask("GET /datasets", f"{API}/datasets?limit=50") as answer:
            require(answer.json["total"] >= len(self.ground.datasets), answer)

    def study(self) -> None:
        """Look at a model."""
        name = self.random.choice(list(MODELS))
        self._lists()
        self.think(1, 4)
        with self.line.ask("GET /models/{ref}", f"{API}/models/{name}") as answer:
            require(answer.json["digest"] == self.ground.digests[name], answer)
        with self.line.ask("GET /models/{ref}/evaluation", f"{API}/models/{name}/evaluation") as answer:
            require(answer.json["validation_events"] > 0 and answer.json["curves"], answer)
        self.think(2, 8)
        with self.line.ask("GET /models/{ref}/card.md", f"{API}/models/{name}/card.md") as answer:
            require(name.encode() in answer.body and answer.body.startswith(b"#"), answer)

    def explore(self) -> None:
        """Look at a data set."""
        dataset = self.random.choice(list(self.ground.datasets))
        with self.line.ask("GET /datasets/{id}", f"{API}/datasets/{dataset}") as answer:
            require(answer.json["events"] == self.ground.datasets[dataset], answer)
        bins = self.random.choice((10, 20, 40))
        for detail in ("histograms", "all"):
            where = f"{API}/datasets/{dataset}/exploration?bins={bins}"
            where += f"&detail={detail}" if detail == "histograms" else ""
            with self.line.ask("GET /datasets/{id}/exploration", where) as answer:
                require(answer.json["event_schema"]["name"] == "atlas-higgs-2014", answer)
            self.think(2, 8)

    def cut(self) -> None:
        """Move a threshold over the scores of a stored data set."""
        name, dataset = self.random.choice(list(MODELS)), self.random.choice(list(self.ground.datasets))
        events = self.ground.datasets[dataset]
        for threshold in (0.3, 0.5, 0.7):
            where = f"{API}/models/{name}/scores?dataset={dataset}&bins=50&threshold={threshold}"
            with self.line.ask("GET /models/{ref}/scores", where) as answer:
                counted = sum(sum(each["counts"]) for each in answer.json["scores"])
                require(answer.json["events"] == counted == events, answer)
            self.think(1, 3)
        where = f"{API}/models/{name}/predictions?dataset={dataset}&limit=50&offset=100"
        with self.line.ask("GET /models/{ref}/predictions", where) as answer:
            require(answer.json["total"] == events and len(answer.json["score"]) == 50, answer)

    def compare(self) -> None:
        """Compare models on events that none was trained on."""
        asked = {"dataset": self.ground.held_out, "models": list(MODELS)}
        with self.line.ask("POST /comparisons", f"{API}/comparisons", document=asked) as answer:
            require(all(name.encode() in answer.body for name in MODELS), answer)

    def existing(self) -> None:
        """Do what clients of version 1 do."""
        with self.line.ask("GET v1 get_columns", f"{V1}/get_columns") as answer:
            require(answer.json["target"] == "Label", answer)
        with self.line.ask("GET v1 models_list", f"{V1}/models_list") as answer:
            require({model["id"] for model in answer.json["models"]} >= set(MODELS), answer)
        self.think(1, 4)
        content = Path(self.ground.events["events.csv"]).read_bytes()
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="e.csv"\r\n\r\n'
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        where, body = f"{V1}/predict_with_file", head + content + b"\r\n--b--\r\n"
        with self.line.ask("POST v1 predict_with_file", where, content=body, headers=form) as answer:
            require(sorted(answer.json["index"]) == sorted(self.ground.index), answer)

    # predicting

    def predict_events(self) -> None:
        """Ask for single events, as a program does."""
        name = self.random.choice(list(MODELS))
        for _ in range(12):
            place = self.random.randrange(len(self.ground.rows))
            asked = {"events": [self.ground.rows[place]]}
            with self.line.ask("POST one event", f"{API}/models/{name}/predictions", document=asked) as answer:
                (score,) = answer.json["score"]
                require(abs(score - self.ground.scores[name][place]) < 1e-9, answer)
            self.think(0.05, 0.5)

    def predict_table(self) -> None:
        """Send a table, and get what everybody gets."""
        name, shape = self.random.choice(list(MODELS)), self.random.choice(("json", "csv", "parquet"))
        (file,) = self.random.choices(list(self.ground.events), (5, 5, 2))
        where = f"{API}/models/{name}/predictions?format={shape}&filename={file}"
        content = Path(self.ground.events[file]).read_bytes()
        with self.line.ask("POST a table", where, content=content) as answer:
            digest = hashlib.sha256(answer.body).hexdigest()
            require(digest == self.ground.answers[f"{name} {shape} {file}"], answer)

    # one's own

    def upload(self) -> str:
        """Send a table that nobody has sent before, rename it and look at it; its id."""
        if len(self._own) >= MOST_OWN:
            self.remove()
        names = list(self.ground.tables)
        (chosen,) = self.random.choices(names, (8, 4, 2, 1, 2)[: len(names)])
        table = self.ground.tables[chosen]
        where = f"{API}/datasets?filename={chosen}"
        with self.line.ask("POST /datasets", where, status=201, content=self._unique(chosen, table)) as answer:
            found = answer.json
            require((found["events"], found["by"]) == (table.events + 1, self.name), answer)
        self._own.append((found["id"], []))
        self.think(2, 6)
        where, renamed = f"{API}/datasets/{found['id']}", f"{self.name}'s {chosen}, number {self._number}"
        with self.line.ask("PATCH /datasets/{id}", where, document={"name": renamed}) as answer:
            require(answer.json["name"] == renamed, answer)
        with self.line.ask("GET /datasets/{id}/exploration", f"{where}/exploration?detail=histograms") as answer:
            require(answer.json["event_schema"], answer)
        return str(found["id"])

    def _unique(self, name: str, table: Table) -> bytes:
        line = f"{10_000_000 + 10_000 * list(self.ground.keys).index(self.name) + self._next()},{table.line}\n".encode()
        content = Path(table.path).read_bytes()
        # A gzip file may have several members: packing it again would cost the clients' processor, not the server's.
        return content + (gzip.compress(line, 1) if name.endswith(".gz") else line)

    def train(self) -> None:
        """Train some models, follow them, and work with them."""
        if not self._own or self.random.random() < 0.4:
            self.upload()
            self.think(3, 10)
        dataset, models = self._own[-1]
        specs = [
            {"name": f"{self.name}/{self._next()} \N{GREEK SMALL LETTER MU}", **spec}
            for spec in self.random.sample(TRAININGS, self.random.choice((1, 1, 2, 3)))
        ]
        validation = self.random.choice(({"kind": "holdout"}, {"kind": "none"}, {"kind": "folds", "folds": 3}))
        job = {"dataset": dataset, "models": specs, "validation": validation}
        with self.line.ask("POST /jobs/estimate", f"{API}/jobs/estimate", document=job) as answer:
            require(len(answer.body) > 2, answer)
        self.think(2, 6)
        with self.line.ask("POST /jobs", f"{API}/jobs", status=202, document=job) as answer:
            started = answer.json
            require((started["by"], len(started["models"])) == (self.name, len(specs)), answer)
        wait = self._follow if self.random.random() < 0.5 else self._poll
        states = wait(started["id"])
        names = [str(spec["name"]) for spec in specs]
        models += names
        if set(states) != {"trained"}:
            raise Wrong(f"{self.name}'s job {started['id']} ended as {states}")
        self._use(self.random.choice(names), dataset)

    def _poll(self, job: str) -> list[str]:
        give_up = time.monotonic() + QUEUE_SECONDS
        while time.monotonic() < give_up:
            with self.line.ask("GET /jobs/{id}", f"{API}/jobs/{job}") as answer:
                states = _states(answer.json)
            if not set(states) & {"queued", "running"}:
                return states
            time.sleep(0.1)
            self.think(1, 2)
        raise Wrong(f"the job {job} takes more than {QUEUE_SECONDS:g} s")

    def _follow(self, job: str) -> list[str]:
        states: list[str] = []
        for document in self.line.follow("GET /jobs/{id}/events", f"{API}/jobs/{job}/events"):
            states = _states(document)
        return states

    def _use(self, name: str, dataset: str) -> None:
        """Work with a model of one's own."""
        where = f"{API}/models/{quote(name, safe='')}"
        with self.line.ask("GET /models/{ref}", where) as answer:
            require((answer.json["by"], answer.json["dataset"]) == (self.name, dataset), answer)
        self.think(2, 8)
        edit = {"note": f"of {self.name}, \N{GREEK SMALL LETTER MU}\N{GREEK SMALL LETTER TAU}", "tags": ["load"]}
        with self.line.ask("PATCH /models/{ref}", where, document=edit) as answer:
            require((answer.json["note"], answer.json["tags"]) == (edit["note"], edit["tags"]), answer)
        alias = f"best of {self.name}"
        there = f"{API}/aliases/{quote(alias)}"
        with self.line.ask("PUT /aliases/{alias}", there, document={"model": name}) as answer:
            require(answer.json["model"] == name, answer)
        asked = {"events": self.ground.rows[:1]}
        scores = []
        for ref in (where, f"{API}/models/{quote(alias)}"):
            with self.line.ask("POST one event", f"{ref}/predictions", document=asked) as answer:
                scores.append(answer.json["score"])
                require(answer.json["model"] == name, answer)
        if scores[0] != scores[1]:
            raise Wrong(f"{name} and its alias give different scores: {scores}")
        with self.line.ask("DELETE /aliases/{alias}", there, status=204) as answer:
            require(not answer.body, answer)

    def give_up(self) -> None:
        """Start a training and cancel it."""
        name = f"{self.name}/{self._next()}"
        model = {"name": name, "type": "RandomForest", "hyperparameters": {"n_estimators": 2000}}
        job = {"dataset": self.ground.held_out, "models": [model], "validation": {"kind": "none"}}
        with self.line.ask("POST /jobs", f"{API}/jobs", status=202, document=job) as answer:
            where = f"{API}/jobs/{answer.json['id']}"
        self.think(0.5, 2)
        with self.line.ask("DELETE /jobs/{id}", where) as answer:
            require(answer.json["id"] in where, answer)
        states = self._poll(where.rpartition("/")[2])
        if states != ["cancelled"]:
            raise Wrong(f"{self.name}'s cancelled job is {states}")

    def remove(self) -> None:
        """Remove one's oldest data set, with the models that were trained on it."""
        if not self._own:
            return
        dataset, models = self._own.pop(0)
        for name in models:
            where = f"{API}/models/{quote(name, safe='')}"
            with self.line.ask("DELETE /models/{ref}", where, status=204) as answer:
                require(not answer.body, answer)
            self.think(0.2, 1)
        with self.line.ask("DELETE /datasets/{id}", f"{API}/datasets/{dataset}", status=204) as answer:
            require(not answer.body, answer)

    def _next(self) -> int:
        self._number += 1
        return self._number


DEEDS: dict[Callable[[Person], object], float] = {
    Person.arrive: 14,
    Person.study: 14,
    Person.explore: 8,
    Person.cut: 8,
    Person.compare: 2,
    Person.existing: 5,
    Person.predict_events: 14,
    Person.predict_table: 12,
    Person.upload: 6,
    Person.train: 8,
    Person.give_up: 2,
    Person.remove: 3,
}
"""What people do, and how often."""


def require(holds: object, answer: Answer) -> None:
    """Take an answer for wrong unless something holds.

    Raises:
        Wrong: it does not.
    """
    if not holds:
        raise Wrong(f"not what it must be: {answer.body[:400].decode(errors='replace')}")


def _states(job: Any) -> list[str]:
    return [model["state"] for model in job["models"]]
