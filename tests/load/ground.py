"""What a load begins with: people with keys, tables to send, and data sets and models that all of them use."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eventsieve.domain.simulation import simulate
from eventsieve.records import AccessRole, Quotas
from eventsieve.storage.keybook import open_keybook
from eventsieve.storage.tables import write_table
from load.line import Line, Seen, Wrong

__all__ = ["API", "Ground", "Table", "make_keys", "make_tables", "prepare"]

API = "/api/v2"
TRAIN_SECONDS = 120.0
UNDEFINED = -999
KEPT = ("small.csv", "larger.csv")
"""The tables that are stored for all."""

MODELS = {
    "linear": {"type": "LogReg", "hyperparameters": {}},
    "trees": {"type": "RandomForest", "hyperparameters": {"n_estimators": 30, "max_depth": 8}},
    "boosted": {"type": "HistGradientBoosting", "hyperparameters": {"max_iter": 40}},
}
"""The models that all use; the first is current."""


@dataclass(frozen=True)
class Table:
    """A table to upload: `path` with a line of its own at the end, so that no two uploads are the same."""

    path: str
    events: int
    line: str
    """The last event without its number."""


@dataclass(frozen=True)
class Ground:
    """All that people have to know.

    Attributes:
        port: of the server.
        keys: by the people's names.
        tables: to upload, by name; the larger ones come last.
        datasets: events of the stored data sets, by id.
        held_out: of them, the one on which no model was trained.
        digests: of the models that all use, by name.
        events: files of events to predict, by name.
        rows: events as JSON.
        scores: of `rows`, by model.
        answers: SHA-256 of the whole answer to ``model format file``.
        index: the event numbers of the file ``events.csv``.
    """

    port: int
    keys: dict[str, str]
    tables: dict[str, Table]
    datasets: dict[str, int]
    held_out: str
    digests: dict[str, str]
    events: dict[str, str]
    rows: list[dict[str, Any]]
    scores: dict[str, list[float]]
    answers: dict[str, str]
    index: list[int]

    def write(self, path: Path) -> None:
        """Write it down for other processes."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Ground:
        """What `write` wrote."""
        given = json.loads(path.read_text(encoding="utf-8"))
        given["tables"] = {name: Table(**table) for name, table in given["tables"].items()}
        return cls(**given)


def make_keys(store: Path, people: int) -> dict[str, str]:
    """A key each, of somebody who may train; before the server starts or while it runs."""
    store.mkdir(parents=True, exist_ok=True)
    with open_keybook(f"sqlite:///{store / 'registry.sqlite'}", store) as book:
        names = [f"person {number:02}" for number in range(1, people + 1)]
        return {name: book.issue(name, AccessRole.TRAINER, expires=None, quotas=Quotas())[1] for name in names}


def make_tables(folder: Path, real: Path | None, larger: int = 20_000) -> tuple[dict[str, Table], dict[str, str]]:
    """Tables to upload and files to predict.

    Args:
        folder: where they are written.
        real: a CSV.gz of real labelled events, uploaded as it is and unpacked where there is one.
        larger: events of the largest simulated table.

    Returns:
        the tables by name, and the paths of files to predict by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = {}
    for name, events, seed in (("small.csv", 1_000, 3), ("larger.csv", larger // 4, 5), ("large.csv", larger, 6)):
        write_table(simulate(events, seed=seed), folder / name)
        tables[name] = _table(folder / name, (folder / name).read_bytes(), events)
    if real is not None:
        content = gzip.decompress(real.read_bytes())
        events = content.count(b"\n") - 1
        (folder / "real.csv").write_bytes(content)
        tables["real.csv"] = _table(folder / "real.csv", content, events)
        (folder / "real.csv.gz").write_bytes(real.read_bytes())
        tables["real.csv.gz"] = _table(folder / "real.csv.gz", content, events)
    files = {}
    bare = simulate(400, seed=4, first_id=350_000).drop_columns(["Weight", "Label"])
    many = simulate(larger, seed=8, first_id=400_000).drop_columns(["Weight", "Label"])
    for name, table in {"events.csv": bare, "events.parquet": bare, "many.parquet": many}.items():
        write_table(table, folder / name)
        files[name] = str(folder / name)
    return tables, files


def prepare(port: int, keys: dict[str, str], tables: dict[str, Table], events: dict[str, str]) -> Ground:
    """Store data sets and models that all use, as the first of the people, and note what the models say."""
    seen: list[Seen] = []
    line = Line(port, next(iter(keys.values())), seen.append)
    datasets = {}
    for name in (*KEPT, "held.csv"):
        table = tables.get(name, tables["larger.csv"])
        content = Path(table.path).read_bytes() + (b"" if name in KEPT else b"199999," + table.line.encode() + b"\n")
        with line.ask("POST /datasets", f"{API}/datasets?filename={name}", status=201, content=content) as answer:
            datasets[answer.json["id"]] = answer.json["events"]
    trained_on, held_out = list(datasets)[1:]
    models = [{"name": name, **spec} for name, spec in MODELS.items()]
    job = {"dataset": trained_on, "models": models, "validation": {"kind": "holdout"}}
    with line.ask("POST /jobs", f"{API}/jobs", status=202, document=job) as answer:
        _await(line, answer.json["id"])
    with line.ask("PUT /current", f"{API}/current", document={"model": next(iter(MODELS)), "by": "the runner"}):
        pass
    rows, index = _rows(Path(events["events.csv"]).read_text(encoding="utf-8"))
    digests, scores, answers = {}, {}, {}
    for name in MODELS:
        with line.ask("GET /models/{ref}", f"{API}/models/{name}") as answer:
            digests[name] = answer.json["digest"]
        for shape in ("json", "csv", "parquet"):
            for file, path in events.items():
                where = f"{API}/models/{name}/predictions?format={shape}&filename={file}"
                with line.ask("POST predictions", where, content=Path(path).read_bytes()) as answer:
                    answers[f"{name} {shape} {file}"] = hashlib.sha256(answer.body).hexdigest()
                    if (shape, file) == ("json", "events.csv"):
                        scores[name] = answer.json["score"][: len(rows)]
    line.close()
    return Ground(port, keys, tables, datasets, held_out, digests, events, rows, scores, answers, index)


def _table(path: Path, content: bytes, events: int) -> Table:
    last = content.rstrip(b"\n").rpartition(b"\n")[2].decode()
    return Table(str(path), events, last.partition(",")[2])


def _await(line: Line, job: str) -> None:
    give_up = time.monotonic() + TRAIN_SECONDS
    while True:
        with line.ask("GET /jobs/{id}", f"{API}/jobs/{job}") as answer:
            states = {model["state"] for model in answer.json["models"]}
        if states == {"trained"}:
            return
        if time.monotonic() > give_up or states - {"queued", "running", "trained"}:
            raise Wrong(f"the models that all use were not trained: {states}")
        time.sleep(0.2)


def _rows(text: str, most: int = 20) -> tuple[list[dict[str, Any]], list[int]]:
    """The first events of a table as JSON, and the numbers of all of them."""
    head, *lines = [[field.strip('"') for field in line.split(",")] for line in text.splitlines()]
    rows = [{name: _value(field) for name, field in zip(head, each, strict=True)} for each in lines[:most]]
    return rows, [int(each[0]) for each in lines]


def _value(field: str) -> float | None:
    """As JSON has it, where what is not defined is null."""
    value = json.loads(field)
    return None if value == UNDEFINED else value
