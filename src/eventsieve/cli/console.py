"""What the commands share: where they print, how they fail, and how they show a training."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from eventsieve.errors import (
    BadConfiguration,
    BadHyperparameters,
    BadInput,
    BadTable,
    Conflict,
    DownloadFailed,
    EventsieveError,
    NotFound,
    TooLarge,
)
from eventsieve.records import Job, Model, ModelState, Score, State
from eventsieve.service import Service, Started

__all__ = ["EXIT_CODES", "err", "failures", "out", "print_json", "scores_table", "states_table", "watch"]

out = Console()
err = Console(stderr=True)

NOT_ALL_TRAINED = 1
EXIT_CODES: dict[type[EventsieveError], int] = {
    BadConfiguration: 2,
    BadInput: 3,
    TooLarge: 3,
    NotFound: 4,
    Conflict: 5,
    DownloadFailed: 6,
}
"""The exit code of each class of errors. 0: done; 1: a model was not trained; 2 also: the command line is wrong."""

COLOURS = {
    State.QUEUED: "dim",
    State.RUNNING: "cyan",
    State.TRAINED: "green",
    State.TIMED_OUT: "yellow",
    State.CANCELLED: "yellow",
}
BAR_WIDTH = 24
REFRESH_SECONDS = 0.1


@contextmanager
def failures() -> Iterator[None]:
    """Turn our errors into a message on stderr and an exit code."""
    try:
        yield
    except (BadTable, BadHyperparameters) as error:
        faults = error.faults if isinstance(error, BadTable) else error.faults.values()
        err.print("[bold red]Error:[/]")
        for fault in faults:
            err.print(f"  - {fault}", markup=False, highlight=False)
        raise typer.Exit(EXIT_CODES[BadInput]) from error
    except EventsieveError as error:
        err.print("[bold red]Error:[/]", end=" ")
        err.print(str(error), markup=False, highlight=False)
        code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
        raise typer.Exit(code) from error


def print_json(value: Any) -> None:
    """Print a JSON document for machines, nothing else."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def watch(service: Service, started: Started, *, quiet: bool = False) -> Job:
    """Show each model's elapsed time against its limit until all have ended; returns the job as it ended."""
    if quiet or not err.is_terminal:
        return service.wait(started)
    clocks: dict[str, float] = {}
    with Live(console=err, refresh_per_second=1 / REFRESH_SECONDS, transient=True) as live:
        while True:
            job = service.wait(started, REFRESH_SECONDS)
            for model in job.models:
                if model.state is State.RUNNING:
                    clocks.setdefault(model.spec.id, time.monotonic())
            live.update(_progress(job, clocks))
            if job.final:
                return job


def states_table(models: Sequence[ModelState]) -> Table:
    """How the training of each model ended."""
    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "outcome", "time"):
        table.add_column(column, justify="right" if column == "time" else "left", no_wrap=True)
    table.add_column("why", overflow="fold")
    for model in models:
        table.add_row(
            model.spec.id,
            model.spec.type,
            _coloured(model.state),
            f"{model.seconds:.2f} s" if model.seconds else "-",
            model.reason or "-",
        )
    return table


def scores_table(scores: dict[str, tuple[Score, ...]], models: Sequence[Model] = ()) -> Table:
    """The figures of merit of models, a row each; the best of each column is bold."""
    names = list(dict.fromkeys(score.name for row in scores.values() for score in row))
    best = {name: max(s.value for row in scores.values() for s in row if s.name == name) for name in names}
    kinds = {model.id: model for model in models}
    table = Table(box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    if kinds:
        table.add_column("type", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for model, row in scores.items():
        values = {score.name: score for score in row}
        cells = [_score(values.get(name), best[name]) for name in names]
        mark = " (current)" if model in kinds and kinds[model].current else ""
        table.add_row(model + mark, *([kinds[model].type] if kinds else []), *cells)
    return table


def _score(score: Score | None, best: float) -> str:
    if score is None:
        return "-"
    text = f"{score.value:.3f}" + (f" ± {score.uncertainty:.3f}" if score.uncertainty is not None else "")
    return f"[bold]{text}[/]" if score.value == best else text


def _progress(job: Job, clocks: dict[str, float]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "state", "elapsed against limit", ""):
        table.add_column(column, no_wrap=True)
    limit = job.limits.seconds
    for model in job.models:
        seconds = model.seconds
        if model.state is State.RUNNING:
            seconds = time.monotonic() - clocks[model.spec.id]
        done = min(1.0, seconds / limit) if limit else 0.0
        filled = round(done * BAR_WIDTH)
        bar = "━" * filled + "[dim]" + "─" * (BAR_WIDTH - filled) + "[/]"
        text = f"{seconds:.1f} s" + (f" of {limit:g} s" if limit else "")
        table.add_row(model.spec.id, model.spec.type, _coloured(model.state), bar, text)
    return table


def _coloured(state: State) -> str:
    return f"[{COLOURS.get(state, 'red')}]{state.replace('_', ' ')}[/]"
