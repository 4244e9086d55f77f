"""Predicting a table through the running server, against a minimal handler of FastAPI and pandas."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.processes import MEBIBYTE, peak_memory
from benchmarks.results import Comparison
from eventsieve.domain import persist
from eventsieve.domain.simulation import simulate
from eventsieve.records import ModelSpec
from eventsieve.service import Service
from eventsieve.settings import read_settings
from eventsieve.storage.tables import write_table

__all__ = ["compare_predicting"]

PATH = "/api/model_service/predict_with_file"
START_SECONDS = 120.0
SERVE = "from benchmarks import reading; reading.without_pandas(); from eventsieve.cli import main; main()"


def compare_predicting(table: Path, events: int, runs: int, folder: Path) -> list[Comparison]:
    """Time of the whole request, and the largest memory of the process that answers."""
    environment = os.environ | _train(folder)
    seconds: tuple[list[float], list[float]] = ([], [])
    with (
        _server([sys.executable, "-c", SERVE, "serve"], environment) as ours,
        _server([sys.executable, "-m", "uvicorn", "benchmarks.rival_server:app"], environment) as theirs,
    ):
        for url, _pid in (ours, theirs):
            _predict(url, table)  # whatever is loaded by the first request
        for _ in range(runs):
            answers = []
            for (url, _pid), times in zip((ours, theirs), seconds, strict=True):
                answer, taken = _predict(url, table)
                answers.append(answer)
                times.append(taken)
            if answers[0] != answers[1]:
                raise RuntimeError("the two servers predict differently")
        peaks = [peak_memory(pid) / MEBIBYTE for _, pid in (ours, theirs)]
    rival = f"FastAPI {version('fastapi')} + pandas {version('pandas')}, an unpickled pipeline, unchecked"
    return [
        Comparison(f"predict {events:,} events through the server", "s", rival, tuple(seconds[0]), tuple(seconds[1])),
        Comparison("largest memory of the server's process", "MB", rival, (peaks[0],), (peaks[1],)),
    ]


def _train(folder: Path) -> dict[str, str]:
    """A store with a current model, and the same model as a pickle; returns the settings of both servers."""
    settings = read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="")
    small = folder / "small.csv"
    write_table(simulate(5000, seed=1), small)
    with Service.open(settings) as service:
        service.wait(service.train(small, [ModelSpec(name="line", type="LogReg")]))
        service.choose("line")
    artefact = next((folder / "models" / "artefacts").iterdir())
    model = folder / "model.pickle"
    model.write_bytes(pickle.dumps(persist.loads(artefact.read_bytes())))
    names = ("MODEL_DIR", "LOG_DIR", "PDF_PATH")
    return {f"EVENTSIEVE_{name}": str(getattr(settings, name) or "") for name in names} | {"MODEL": str(model)}


def _predict(url: str, table: Path) -> tuple[Any, float]:
    with table.open("rb") as file, httpx2.Client(timeout=600, trust_env=False) as client:
        began = time.perf_counter()
        response = client.post(url + PATH, files={"file": file})
        seconds = time.perf_counter() - began
    return response.raise_for_status().json(), seconds


@contextmanager
def _server(command: list[str], environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [*command, "--port", str(port)], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _await(url, process)
            yield url, process.pid
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx2.get(url, trust_env=False).raise_for_status()
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start")
