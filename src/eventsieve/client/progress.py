"""How a training is shown while it runs: a live table in a terminal, one that renews itself in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from eventsieve.client.grids import Grid
from eventsieve.records import Job, ModelState, State

__all__ = ["Show", "far", "job_grid", "shown"]

BAR_WIDTH = 24
REFRESH_PER_SECOND = 10


class Show(Protocol):
    """Shows a job as it is now."""

    def __call__(self, job: Job) -> None:
        """Show it."""


@contextmanager
def shown(wanted: bool | None) -> Iterator[Show]:  # noqa: FBT001 - what the caller was given
    """A way to show a job; ``None``: where somebody sees it, a terminal or a notebook."""
    display = None if wanted is False else _notebook()
    if display is not None:
        yield _in_notebook(display)
    elif wanted or (wanted is None and sys.stderr is not None and sys.stderr.isatty()):
        with _in_terminal() as show:
            yield show
    else:
        yield lambda _: None


def job_grid(job: Job) -> Grid:
    """The models of a job and how far they have come."""
    rows = [
        (model.spec.name, model.spec.type, model.state.replace("_", " "), f"{model.seconds:.1f} s", far(model, job))
        for model in job.models
    ]
    return Grid(("model", "type", "state", "time", ""), rows, title=f"job {job.id}")


def far(model: ModelState, job: Job) -> str:
    """How far a model has come, in words; why it ended, where it has not been trained."""
    if model.state.final:
        return model.reason
    done = model.progress
    counted = f" {done.done:,} of {done.total:,} {done.unit}" if done.done is not None and done.total else ""
    limit = f"limit {job.limits.seconds:g} s" if job.limits.seconds else ""
    return ", ".join(part for part in (f"{done.stage}{counted}".strip(), limit) if part)


def _share(model: ModelState, job: Job) -> float:
    """The part that is done: of what is counted, or of the time."""
    if model.state.final:
        return 1.0
    if model.progress.total and model.progress.done is not None:
        return min(1.0, model.progress.done / model.progress.total)
    return min(1.0, model.seconds / job.limits.seconds) if job.limits.seconds else 0.0


@contextmanager
def _in_terminal() -> Iterator[Show]:
    from rich.console import Console  # noqa: PLC0415 - only who waits at a terminal needs it
    from rich.live import Live  # noqa: PLC0415

    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=REFRESH_PER_SECOND, transient=console.is_terminal) as live:
        yield lambda job: live.update(_rich_table(job))


def _rich_table(job: Job) -> Any:
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "state", "", "time", ""):
        table.add_column(column, no_wrap=True, justify="right" if column == "time" else "left")
    for model in job.models:
        filled = round(_share(model, job) * BAR_WIDTH)
        bar = "━" * filled + "[dim]" + "─" * (BAR_WIDTH - filled) + "[/]"
        state = f"[{'cyan' if model.state is State.RUNNING else 'default'}]{model.state.replace('_', ' ')}[/]"
        texts = (escape(model.spec.name), escape(model.spec.type))
        table.add_row(*texts, state, bar, f"{model.seconds:.1f} s", escape(far(model, job)))
    return table


def _notebook() -> Any:
    """IPython's function to display, where this is a notebook."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return None
    ipython = sys.modules["IPython"]
    shell = ipython.get_ipython()
    return ipython.display.display if shell is not None and hasattr(shell, "kernel") else None


def _in_notebook(display: Any) -> Show:
    handles: list[Any] = []
    last: list[str] = []

    def show(job: Job) -> None:
        grid = job_grid(job)
        text = repr(grid)
        if last == [text]:
            return
        last[:] = [text]
        if handles:
            handles[0].update(grid)
        else:
            handles.append(display(grid, display_id=True))

    return show
