"""What the commands show as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from eventsieve.records import Dataset, Job, Model, ModelState, Score, State

__all__ = [
    "datasets_table",
    "job_json",
    "jobs_table",
    "model_json",
    "models_table",
    "scores_table",
    "states_table",
]

COLOURS = {
    State.QUEUED: "dim",
    State.RUNNING: "cyan",
    State.TRAINED: "green",
    State.TIMED_OUT: "yellow",
    State.CANCELLED: "yellow",
}
SHOWN = ("accuracy", "f1", "roc_auc", "ams")
"""The figures of merit that fit beside one another on a screen; the JSON has all."""


def job_json(job: Job) -> dict[str, Any]:
    """A job for machines; ``holdout`` is the fraction of the events that was kept from training."""
    validation = job.plan.validation
    return job.model_dump(mode="json") | {"holdout": validation.fraction if validation.kind == "holdout" else 0.0}


def model_json(model: Model) -> dict[str, Any]:
    """A model for machines; ``id`` is its name."""
    return {"id": model.name} | model.model_dump(mode="json")


def states_table(models: Sequence[ModelState]) -> Table:
    """How the training of each model ended."""
    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "outcome", "time"):
        table.add_column(column, justify="right" if column == "time" else "left", no_wrap=True)
    table.add_column("why", overflow="fold")
    for model in models:
        seconds = f"{model.seconds:.2f} s" if model.seconds else "-"
        table.add_row(
            escape(model.spec.name),
            escape(model.spec.type),
            _coloured(model.state),
            seconds,
            escape(model.reason or "-"),
        )
    return table


def scores_table(scores: Mapping[str, Sequence[Score]], current: str | None = None) -> Table:
    """The figures of merit of models, a row each; the best of each column is bold."""
    rows = {model: _shown(row) for model, row in scores.items()}
    names = [name for name in SHOWN if any(name in row for row in rows.values())]
    best = {name: max(row[name].value for row in rows.values() if name in row) for name in names}
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold", min_width=8)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for model, row in rows.items():
        cells = [_score(row.get(name), best[name]) for name in names]
        table.add_row(escape(model) + (" [cyan](current)[/]" if model == current else ""), *cells)
    if any(map(_by_weight, rows.values())):
        table.caption, table.caption_justify = "Events count by their weights.", "left"
    return table


def models_table(models: Sequence[Model]) -> Table:
    """Models, with the scores of the events that were held out of their own training."""
    table = Table(box=None, pad_edge=False)
    for column in ("model", "type", "trained", "in", "held-out scores"):
        table.add_column(column, overflow="fold", justify="right" if column == "in" else "left")
    for model in models:
        shown = _shown(model.scores)
        scores = ", ".join(f"{score.name} {score.value:.3f}" for score in shown.values()) + _by_weight(shown)
        name = escape(model.name) + (" [cyan](current)[/]" if model.current else "")
        trained = f"{model.created.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(name, model.type, trained, f"{model.seconds:.1f} s", scores or "none were held out")
    return table


def jobs_table(jobs: Sequence[Job]) -> Table:
    """Jobs, a row each."""
    table = Table(box=None, pad_edge=False)
    for column in ("job", "data set", "asked for", "models"):
        table.add_column(column, overflow="fold", no_wrap=column == "job")
    for job in jobs:
        models = ", ".join(f"{escape(model.spec.name)} {_coloured(model.state)}" for model in job.models)
        table.add_row(job.id, job.dataset or "-", f"{job.created.astimezone():%Y-%m-%d %H:%M}", models)
    return table


def datasets_table(datasets: Sequence[Dataset]) -> Table:
    """Data sets, a row each."""
    table = Table(box=None, pad_edge=False)
    for column in ("data set", "name", "events", "features", "classes"):
        number = column in ("events", "features")
        # An id is of use only where it can be copied in one piece.
        table.add_column(column, overflow="fold", justify="right" if number else "left", no_wrap=column == "data set")
    for each in datasets:
        classes = ", ".join(f"{row.label} {row.events:,}" for row in each.classes) or "no labels"
        features = len(each.event_schema.features)
        table.add_row(each.id, escape(each.name), f"{each.events:,}", str(features), escape(classes))
    return table


def _shown(scores: Sequence[Score]) -> dict[str, Score]:
    """The scores by name: with event weights where there are both."""
    return {score.name: score for score in sorted(scores, key=lambda score: score.weighted) if score.name in SHOWN}


def _by_weight(shown: Mapping[str, Score]) -> str:
    """What is to be said where not only the AMS, which always uses them, uses event weights."""
    return " (by weight)" if any(score.weighted for name, score in shown.items() if name != "ams") else ""


def _score(score: Score | None, best: float) -> str:
    if score is None:
        return "-"
    text = f"{score.value:.3f}" + (f" ± {score.uncertainty:.3f}" if score.uncertainty is not None else "")
    return f"[bold]{text}[/]" if score.value == best else text


def _coloured(state: State) -> str:
    return f"[{COLOURS.get(state, 'red')}]{state.replace('_', ' ')}[/]"
