"""What the demonstration does: the main job from a table to predictions, once, with everything shown."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
from pyarrow import csv

from eventsieve.cli.console import out, say
from eventsieve.cli.tables import scores_table, states_table
from eventsieve.client import Client, EventsWarning
from eventsieve.client.datasets import Dataset
from eventsieve.client.models import Model
from eventsieve.domain.events import Events, to_table
from eventsieve.domain.exploration import explore
from eventsieve.domain.simulation import simulate
from eventsieve.domain.splitting import hold_out_end
from eventsieve.errors import BadModels, EventsieveError
from eventsieve.records import ModelSpec, ModelState, Score, State
from eventsieve.settings import Settings, read_settings
from eventsieve.storage.readers import read_events
from eventsieve.storage.tables import write_table

__all__ = ["show"]

SIMULATED_EVENTS = 24_000
HELD_OUT = 0.25
DOOMED_SECONDS = 1.0
LONGEST_START_SECONDS = 120.0
FIGURES = ("accuracy", "f1", "roc_auc")

MODELS = (
    ModelSpec(name="line", type="LogReg"),
    ModelSpec(name="forest", type="RandomForest", hyperparameters={"min_samples_leaf": 3}),
    ModelSpec(
        name="boosting",
        type="GradientBoosting",
        hyperparameters={
            "n_estimators": 400,
            "learning_rate": 0.03,
            "max_depth": 6,
            "min_samples_leaf": 75,
            "subsample": 0.5,
            "max_features": 8,
        },
    ),
)
TYPO = ModelSpec(name="typo", type="LogReg", hyperparameters={"C": "zzz"})
DOOMED = ModelSpec(name="slow", type="SVM")


class DemoFailed(EventsieveError):
    """Raised when the demonstration did not show what it should."""


def show(data: Path | None, folder: Path) -> None:
    """Do it all, on a labelled table of events or on simulated ones, and put what is made into a folder.

    Raises:
        DemoFailed: it did not show what it should.
    """
    begun = time.monotonic()
    shutil.rmtree(folder / "models", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=folder / "report.pdf")
    train, test, events = _tables(data, folder, settings)
    _report(events, folder / "report.pdf", simulated=data is None)
    with _server(settings) as url, Client(url) as client:
        say(f"A server runs at {url}, with its store in {settings.MODEL_DIR}")
        tables = client.upload(train), client.upload(test)
        best, scores = _train(client, *tables, simulated=data is None)
        agreement = _predict(client, tables[1], events[1], folder / "predictions.csv")
    figures = ", ".join(f"{score.name} {score.value:.3f}" for score in scores if score.name in FIGURES)
    say(
        f"demo: OK in {time.monotonic() - begun:.0f} s: {best.name} is best on {len(events[1]):,} held-out events "
        f"({figures}); its predictions agree with the labels for {agreement:.1%}"
    )


def _step(number: int, text: str) -> None:
    out.print(f"\n[bold cyan]{number}.[/] [bold]{text}[/]")


def _tables(data: Path | None, folder: Path, settings: Settings) -> tuple[Path, Path, tuple[Events, Events]]:
    """The training and the test table as files, and their events."""
    source = data or folder / "events.csv"
    if data is None:
        _step(1, f"Simulate {SIMULATED_EVENTS:,} collision events (simulated, not data)")
        write_table(simulate(SIMULATED_EVENTS, seed=settings.SEED), source)
    else:
        _step(1, f"Read {data.name}")
    events = read_events(source, settings.event_schema(), labels="both classes", max_bytes=settings.max_table_bytes)
    kept, held_out = map(events.take, hold_out_end(events.labels, HELD_OUT, seed=settings.SEED))
    train, test = folder / "train.csv", folder / "test.csv"
    write_table(to_table(kept), train)
    write_table(to_table(held_out), test)
    say(
        f"{len(events):,} events, {events.signal_count:,} of them signal: "
        f"{len(kept):,} to train, {len(held_out):,} held out"
    )
    return train, test, (kept, held_out)


def _report(events: tuple[Events, Events], path: Path, *, simulated: bool) -> None:
    _step(2, "Look at them")
    # Drawing takes long to load, and most commands do not draw.
    from eventsieve.report import write_report  # noqa: PLC0415

    write_report(explore(*events), path, simulated=simulated, tables=("train.csv", "test.csv"))
    say(f"Report of exploratory analysis: {path}")


def _train(client: Client, train: Dataset, test: Dataset, *, simulated: bool) -> tuple[Model, tuple[Score, ...]]:
    """Train, compare and choose; returns the best model and its scores on the test table."""
    _step(3, "Train side by side, each in a process of its own with a hard time limit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EventsWarning)  # that it will not fit into its time is what is to be shown
        slow = client.train(train, [DOOMED], validation=test, seconds=DOOMED_SECONDS, wait=False)
    job = client.train(train, MODELS, validation=test)
    ended = [*job.models, _refused(client, train), *slow.wait(progress=False).models]
    out.print(states_table(ended))
    _check_outcomes(ended, simulated=simulated)
    _step(4, "Compare on the held-out events (every event counts once, for the AMS by its weight)")
    comparison = client.compare(job.trained(), test)
    scores = {
        name: tuple(score for score in row if score.weighted == (score.name == "ams"))
        for name, row in comparison.scores.items()
    }
    out.print(scores_table(scores))
    best = max(scores, key=lambda name: next(score.value for score in scores[name] if score.name == "roc_auc"))
    model = client.model(best)
    model.use(by="demo")
    out.print(f"The best by ROC AUC is current now: [bold]{best}[/]")
    return model, scores[best]


def _refused(client: Client, train: Dataset) -> ModelState:
    """The model with the wrong hyperparameter: nothing is started for it, and the sentence says why."""
    try:
        client.train(train, [TYPO], wait=False)
    except BadModels as error:
        return ModelState(spec=TYPO, seed=0, state=State.FAILED, reason=str(error))
    raise DemoFailed("A wrong hyperparameter was not refused.")


def _check_outcomes(models: Sequence[ModelState], *, simulated: bool) -> None:
    """On simulated events all outcomes must be seen; on others, time decides who is trained."""
    seen = {model.spec.name: model.state for model in models}
    expected = {TYPO.name: State.FAILED}
    if simulated:
        expected |= dict.fromkeys((spec.name for spec in MODELS), State.TRAINED) | {DOOMED.name: State.TIMED_OUT}
    wrong = [f"{name} is {seen[name]}, not {state}" for name, state in expected.items() if seen[name] != state]
    if wrong or State.TRAINED not in seen.values():
        raise DemoFailed(
            f"The trainings did not end as they should ({'; '.join(wrong) or 'none is trained'}); "
            f"raise EVENTSIEVE_TIME_LIMIT, or take fewer events."
        )


def _predict(client: Client, test: Dataset, events: Events, output: Path) -> float:
    """Predict with the current model; returns the fraction of events for which label and prediction agree."""
    _step(5, "Predict with the current model")
    client.predict(test, to=output)
    found = csv.read_csv(output)
    index = found[events.schema.index_name].to_numpy()
    if not np.array_equal(index, events.index):
        raise DemoFailed("The predictions are not those of the test table's events.")
    signal = found["label"].to_numpy() == events.schema.signal
    say(f"{len(index):,} events, {np.count_nonzero(signal):,} of them signal; written to {output}")
    return float(np.mean(signal == events.labels))


@contextmanager
def _server(settings: Settings) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {
        f"EVENTSIEVE_{name}": str(getattr(settings, name)) for name in ("MODEL_DIR", "LOG_DIR", "PDF_PATH")
    }
    command = [sys.executable, "-m", "eventsieve", "serve", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - ourselves
        try:
            _await(url, process)
            yield url
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx2.get(url, trust_env=False).raise_for_status()
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise DemoFailed("The server did not start; run `eventsieve serve` to see why.")
