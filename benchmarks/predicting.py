"""Predicting a table over HTTP, end to end, against parsing alone and against other servers with the same models."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks.bench import Bench, alternate
from benchmarks.own import Own, own_server
from benchmarks.processes import MEBIBYTE, Server
from benchmarks.results import LIMIT, Measurement, SuiteResult
from benchmarks.sending import Answer, send_file
from benchmarks.serving import MODELS, baseline_server, h2o_server, mlflow_server, train_and_pickle
from benchmarks.venvs import Rival, RivalMissing

__all__ = ["run"]

INTRO = """\
The whole request over HTTP, from the first byte of the file to the last byte of the answer, by the same client, in
turns, on warm servers. *Baseline* is a straightforward service of FastAPI, pandas and scikit-learn
(`benchmarks/rivals/baseline.py`); it and MLflow's model server predict with the very pipelines that were trained in
Eventsieve, pickled. H2O-3 trains its own models on the same table; its time is that of importing the file from the
disk, predicting and downloading the scores, without an upload. *pyarrow* and *polars* only parse the file, the second
time in a process of their own. Eventsieve checks every value and names each fault; the others check nothing."""
SLOW_PART = 10_000
"""Events that are predicted by an SVM, on both sides: the plain one takes five minutes for all of them."""
LABELS_APART = SCORES_APART = 1e-4
TIMES_FASTER = {"baseline": 4.0, "MLflow": 2.0, "H2O": 6.0}
RATIOS = {"RandomForest": 2.0, "SVM": 20.0, "GradientBoosting": 1.5}
"""Times faster than the baseline, where the model costs most."""
COLUMNAR = 3.0
"""Times the table's columnar size that our memory may come to."""
MEMORY = """\
Memory is the largest that the server's largest process had resident during these runs, libraries included; its limit \
is three times the size of the table in memory, column by column."""
CSV = {"Accept": "text/csv"}

Run = Callable[[], float]


@dataclass
class _Hall:
    """All that is running, with the names that the results give them."""

    bench: Bench
    own: Own
    folder: Path
    baseline: Rival | None = None
    others: dict[str, Server] = field(default_factory=dict)
    h2o: Rival | None = None


@dataclass(frozen=True)
class _Case:
    """A model, a table, and what the results call them."""

    model: str
    what: str
    table: Path


def run(bench: Bench) -> SuiteResult:
    """Seconds of the request for each model, memory, and whether the answers are the same."""
    folder = bench.folder("predict")
    with own_server(folder) as own, ExitStack() as stack:
        pipelines = train_and_pickle(bench, own, MODELS, folder / "models")
        vectors = int(pipelines["SVM"][-1].n_support_.sum())
        hall = _open(bench, own, stack)
        whole, part = bench.table("test"), bench.table("test", events=min(SLOW_PART, bench.events_test))
        found = [*_from_csv(hall, whole), *_from_parquet(hall)]
        for model in ("RandomForest", "GradientBoosting"):
            found += _model(hall, model, model, whole)
        found += _model(hall, "SVM", f"SVM with {vectors:,} support vectors", part)
        return bench.result("Predicting over HTTP", INTRO, found)


def _open(bench: Bench, own: Own, stack: ExitStack) -> _Hall:
    hall = _Hall(bench, own, bench.folder("predict") / "models")
    hall.baseline = bench.try_rival("baseline")
    if hall.baseline:
        hall.others["baseline"] = stack.enter_context(baseline_server(hall.baseline, hall.folder))
    with _told(bench, "mlflow"):
        rival = bench.rival("mlflow")
        server = stack.enter_context(mlflow_server(rival, hall.folder, "LogReg"))
        hall.others[rival.label("mlflow", "MLflow")] = server
    with _told(bench, "h2o"):
        rival = bench.rival("h2o")
        server = stack.enter_context(h2o_server(rival, hall.folder))
        for each in MODELS:
            if each.type != "SVM":  # it has none with this kernel that trains in reasonable time
                events = min(each.events, bench.events_train)
                rival.run("h2o_work", "train", server.port, bench.table("train", events=events), each.type, each.type)
        hall.others[rival.label("h2o", "H2O")] = server
        hall.h2o = rival
    return hall


@contextmanager
def _told(bench: Bench, name: str) -> Iterator[None]:
    """A rival that fails is missing, with the reason; it does not end the suite."""
    try:
        yield
    except (RivalMissing, RuntimeError, OSError) as failed:
        bench.missing[name] = str(failed)


def _from_csv(hall: _Hall, table: Path) -> list[Measurement]:
    """Logistic regression, where everything but the model is what costs."""
    rivals = _servers(hall, "LogReg", table)
    targets = {name: TIMES_FASTER[name.split(" ")[0]] for name in rivals}
    if hall.baseline:
        for library in ("pyarrow", "polars"):
            name = f"{hall.baseline.label(library)}, parsing alone"
            rivals[name] = _parsing(hall.baseline, library, table)
            targets[name] = 1 / 1.5
    what = f"logistic regression, {hall.bench.events_test:,} events, CSV of {table.stat().st_size / 1e6:.0f} MB"
    first = _against(hall, _Case("LogReg", what, table), rivals, targets)
    form = f"{what}, as a form, version 1 (labels in JSON)"
    theirs = (
        {"baseline": _posting(hall.others["baseline"], "/models/LogReg/predict_labels", table)} if hall.baseline else {}
    )
    hall.own.client.model("LogReg").use()
    ours = _posting(hall.own.server, "/api/model_service/predict_with_file", table)
    mine, others = _in_turns(hall.bench, ours, theirs)
    return [*first, Measurement(form, "s", "less", mine, others)]


def _from_parquet(hall: _Hall) -> list[Measurement]:
    """The same from Parquet, against our own time from CSV too."""
    table, text = hall.bench.table("test", "parquet"), hall.bench.table("test")
    rivals = {name: each for name, each in _servers(hall, "LogReg", table).items() if name == "baseline"}
    rivals["the same from CSV"] = _ours(hall, "LogReg", text)
    what = f"logistic regression, {hall.bench.events_test:,} events, Parquet of {table.stat().st_size / 1e6:.0f} MB"
    return _against(hall, _Case("LogReg", what, table), rivals, {"the same from CSV": 4.0})


def _model(hall: _Hall, model: str, title: str, table: Path) -> list[Measurement]:
    rivals = {name: each for name, each in _servers(hall, model, table).items() if not name.startswith("MLflow")}
    rows = SLOW_PART if model == "SVM" else hall.bench.events_test
    what = f"{title}, {min(rows, hall.bench.events_test):,} events, CSV"
    targets = {"baseline": RATIOS[model]} if "baseline" in rivals else {}
    return _against(hall, _Case(model, what, table), rivals, targets)


def _against(hall: _Hall, case: _Case, rivals: dict[str, Run], targets: dict[str, float]) -> list[Measurement]:
    """Time, memory and sameness of one request."""
    model, what, table = case.model, case.what, case.table
    ours = _ours(hall, model, table)
    servers = {"ours": hall.own.server} | {name: each for name, each in hall.others.items() if name in rivals}
    for server in servers.values():
        server.forget_peak()
    mine, others = _in_turns(hall.bench, ours, rivals)
    peaks: dict[str, tuple[float, ...]] = {name: (server.peak(),) for name, server in servers.items()}
    memory = Measurement(
        f"memory for that: {what}",
        "MB",
        "less",
        peaks.pop("ours"),
        peaks,
        {LIMIT: COLUMNAR * _columnar(table)},
        MEMORY,
    )
    return [Measurement(what, "s", "less", mine, others, targets), memory, *_sameness(hall, case)]


def _in_turns(
    bench: Bench, ours: Run, rivals: dict[str, Run]
) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    ours()  # whatever is loaded by the first request
    ready = {}
    for name, each in rivals.items():
        with _told(bench, name):
            each()
            ready[name] = each
    mine, others = alternate(ours, ready, runs=bench.runs)
    return tuple(mine), {name: tuple(others.get(name, ())) for name in rivals}


def _sameness(hall: _Hall, case: _Case) -> list[Measurement]:
    """How far our answers are from the baseline's, which has the same model."""
    if "baseline" not in hall.others:
        return []
    model, what, table = case.model, case.what, case.table
    ours = _table(send_file(hall.own.server.port, _path(model), table, headers=CSV))
    theirs = _table(send_file(hall.others["baseline"].port, f"/models/{model}/predict_file", table, form=True))
    if not ours["EventId"].equals(theirs["EventId"]):
        raise RuntimeError(f"{model}: the events are not answered in the same order")
    labels = np.mean(ours["label"].to_numpy() != theirs["label"].to_numpy())
    scores = np.max(np.abs(ours["score"].to_numpy() - theirs["score"].to_numpy()))
    return [
        Measurement(f"labels unlike the baseline's: {what}", "", "less", (float(labels),), {}, {LIMIT: LABELS_APART}),
        Measurement(f"largest distance of scores: {what}", "", "less", (float(scores),), {}, {LIMIT: SCORES_APART}),
    ]


def _servers(hall: _Hall, model: str, table: Path) -> dict[str, Run]:
    """A request to each of the other servers that have the model."""
    runs: dict[str, Run] = {}
    for name, server in hall.others.items():
        if name == "baseline":
            runs[name] = _posting(server, f"/models/{model}/predict_file", table)
        elif name.startswith("MLflow"):
            runs[name] = _invoking(server, table)
        elif hall.h2o and model != "SVM":
            runs[name] = _predicting(hall.h2o, server, table, model)
    return runs


def _ours(hall: _Hall, model: str, table: Path) -> Run:
    return lambda: send_file(hall.own.server.port, _path(model), table, headers=CSV).seconds


def _posting(server: Server, path: str, table: Path) -> Run:
    return lambda: send_file(server.port, path, table, form=True).seconds


def _invoking(mlflow: Server, table: Path) -> Run:
    return lambda: send_file(mlflow.port, "/invocations", table).seconds


def _predicting(h2o: Rival, server: Server, table: Path, model: str) -> Run:
    return lambda: float(h2o.run("h2o_work", "predict", server.port, table, model)["seconds"])


def _parsing(rival: Rival, library: str, table: Path) -> Run:
    return lambda: float(rival.run("parsing", library, table)["seconds"])


def _path(model: str) -> str:
    return f"/api/v2/models/{model}/predictions"


def _table(answer: Answer) -> pa.Table:
    return csv.read_csv(io.BytesIO(answer.body))


def _columnar(table: Path) -> float:
    """MB of the table in memory, column by column."""
    read = parquet.read_table if table.suffix == ".parquet" else csv.read_csv
    return float(read(table).nbytes / MEBIBYTE)
