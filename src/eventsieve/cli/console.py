"""What the commands share: where they print, how they fail, and how they show a training."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
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

__all__ = [
    "EXIT_CODES",
    "NOT_ALL_TRAINED",
    "err",
    "failures",
    "models_table",
    "new_file",
    "note",
    "out",
    "print_json",
    "say",
    "scores_table",
    "states_table",
    "watch",
]

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
    """Turn our errors, and those of the disk, into a message on stderr and an exit code."""
    try:
        yield
    except (BadTable, BadHyperparameters) as error:
        faults = error.faults if isinstance(error, BadTable) else error.faults.values()
        err.print("[bold red]Error:[/]")
        for fault in faults:
            err.print(f"  - {fault}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_CODES[BadInput]) from error
    except EventsieveError as error:
        err.print("[bold red]Error:[/]", end=" ")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
        raise typer.Exit(code) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read our output has left, which is no failure of ours to explain
            raise
        text = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        err.print("[bold red]Error:[/]", end=" ")
        err.print(f"{text}. Look at this path, or choose another.", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def new_file(path: Path | None) -> Path | None:
    """Check the value of an option that names a file to write.

    Raises:
        typer.BadParameter: a folder or a device is there, which a finished file would be renamed over.
    """
    with failures():
        in_the_way = path is not None and path.exists() and not path.is_file()
    if in_the_way:
        raise typer.BadParameter(f"{path} is a folder or a device; name a file.")
    return path


def say(text: str) -> None:
    """Print a sentence as it is, on one line."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def note(remarks: Iterable[str]) -> None:
    """Print remarks beside the result."""
    for remark in remarks:
        err.print(f"Note: {remark}", markup=False, highlight=False, soft_wrap=True)


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
        seconds = f"{model.seconds:.2f} s" if model.seconds else "-"
        table.add_row(
            escape(model.spec.id), escape(model.spec.type), _coloured(model.state), seconds, escape(model.reason or "-")
        )
    return table


def scores_table(scores: Mapping[str, Sequence[Score]], current: str | None = None) -> Table:
    """The figures of merit of models, a row each; the best of each column is bold."""
    names = list(dict.fromkeys(score.name for row in scores.values() for score in row))
    best = {name: max(s.value for row in scores.values() for s in row if s.name == name) for name in names}
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold", min_width=8)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for model, row in scores.items():
        values = {score.name: score for score in row}
        cells = [_score(values.get(name), best[name]) for name in names]
        table.add_row(escape(model) + (" [cyan](current)[/]" if model == current else ""), *cells)
    return table


def models_table(models: Sequence[Model]) -> Table:
    """Models, with the scores of the events that were held out of their own training."""
    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "trained", "in", "held-out scores"):
        table.add_column(column, overflow="fold", justify="right" if column == "in" else "left")
    for model in models:
        scores = ", ".join(f"{score.name} {score.value:.3f}" for score in model.scores)
        name = escape(model.id) + (" [cyan](current)[/]" if model.current else "")
        trained = f"{model.created.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(name, model.type, trained, f"{model.seconds:.1f} s", scores or "none were held out")
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
        table.add_row(escape(model.spec.id), escape(model.spec.type), _coloured(model.state), bar, text)
    return table


def _coloured(state: State) -> str:
    return f"[{COLOURS.get(state, 'red')}]{state.replace('_', ' ')}[/]"
