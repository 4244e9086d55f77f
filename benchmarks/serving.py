"""Our models, trained once, and the rivals' servers that predict with the very same ones."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from benchmarks.bench import Bench
from benchmarks.own import Own, train
from benchmarks.processes import Server, free_port, serving
from benchmarks.venvs import Rival, RivalMissing
from eventsieve.domain import persist
from eventsieve.domain.schema import load_schema

__all__ = ["MODELS", "Wanted", "baseline_server", "h2o_server", "mlflow_server", "train_and_pickle"]

QUICK_TRAINING = 2_000


@dataclass(frozen=True)
class Wanted:
    """A model to predict with.

    Attributes:
        type: also its name.
        events: that it is trained on.
        hyperparameters: those that are not the default.
    """

    type: str
    events: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


MODELS = (
    Wanted("LogReg", 250_000),
    Wanted("RandomForest", 50_000, {"n_estimators": 100}),
    Wanted("SVM", 22_500),
    Wanted("GradientBoosting", 20_000, {"n_estimators": 100}),
)
"""As many events as train in half a minute with plain scikit-learn, but for logistic regression."""


def train_and_pickle(bench: Bench, own: Own, wanted: tuple[Wanted, ...], folder: Path) -> dict[str, Pipeline]:
    """Train the models in our server, and write each fitted pipeline as ``TYPE.pickle`` for the rivals.

    Returns:
        The pipelines by the models' names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for each in wanted:
        table = bench.table("train", events=min(each.events, QUICK_TRAINING) if bench.quick else each.events)
        train(own, table, [{"name": each.type, "type": each.type, "hyperparameters": dict(each.hyperparameters)}])
        artefact = own.client.model(each.type).download(folder / f"{each.type}.skops")
        pipeline = persist.loads(artefact.read_bytes())
        classifier = pipeline[-1]
        if "n_jobs" in classifier.get_params():
            classifier.n_jobs = -1  # as who writes a service on this machine would
        (folder / f"{each.type}.pickle").write_bytes(pickle.dumps(pipeline))
        found[each.type] = pipeline
    return found


@contextmanager
def baseline_server(rival: Rival, models: Path) -> Iterator[Server]:
    """``rivals/baseline.py`` with all pickles of a folder."""
    port = free_port()
    script = Path(rival.script("baseline")[1])
    command = [str(rival.python), "-m", "uvicorn", "baseline:app", "--port", str(port), "--log-level", "warning"]
    environment = rival.environment | {"MODELS": str(models)}
    log = models / "baseline.log"
    with serving(command, port=port, environment=environment, folder=script.parent, log=log) as server:
        yield server


@contextmanager
def mlflow_server(rival: Rival, models: Path, name: str) -> Iterator[Server]:
    """``mlflow models serve`` with one of the pickles."""
    folder, port = models / f"mlflow-{name}", free_port()
    shutil.rmtree(folder, ignore_errors=True)
    features = load_schema("atlas-higgs-2014").feature_names
    rival.run("mlflow_model", models / f"{name}.pickle", folder, json.dumps(list(features)))
    program = str(rival.python.parent / "mlflow")
    command = [program, "models", "serve", "-m", str(folder), "-p", str(port), "--env-manager", "local"]
    # Its limit of a minute would end the larger requests.
    environment = rival.environment | {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "3600"}
    log = models / f"mlflow-{name}.log"
    with serving(command, port=port, path="/ping", environment=environment, folder=models, log=log) as server:
        yield server


@contextmanager
def h2o_server(rival: Rival, folder: Path) -> Iterator[Server]:
    """H2O-3's server out of the jar that its Python package brings.

    Raises:
        RivalMissing: the package has no jar.
    """
    jar = next(rival.python.parents[1].glob("lib/python*/site-packages/h2o/backend/bin/h2o.jar"), None)
    if jar is None:
        raise RivalMissing("its package brings no h2o.jar")
    port = free_port()
    options = ["-ip", "127.0.0.1", "-port", str(port), "-name", f"bench-{port}", "-ice_root", str(folder / "h2o")]
    command = ["java", "-Xmx6g", "-jar", str(jar), *options]
    with serving(command, port=port, path="/3/Ping", folder=folder, log=folder / "h2o.log") as server:
        yield server
