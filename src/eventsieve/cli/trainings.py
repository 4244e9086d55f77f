"""The commands about trainings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from eventsieve.cli.connection import ApiKey, AsJson, Store, Table, Url, connected, stored
from eventsieve.cli.console import NOT_ALL_TRAINED, note, out, print_json, say
from eventsieve.cli.models import parse_model

__all__ = ["jobs", "train"]

jobs = typer.Typer(help="List, cancel and stop trainings of a server.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
OneModel = Annotated[str | None, typer.Option("--model", "-m", help="One model of the job; default: all.")]


# The words of `eventsieve.records`, which --help must not wait for.


class Weights(StrEnum):
    """How event weights are used in training."""

    NONE = "none"
    EVENT = "event"
    BALANCED = "balanced"


class NegativeWeights(StrEnum):
    """What becomes of events of negative weight."""

    REFUSE = "refuse"
    DROP = "drop"
    ABSOLUTE = "absolute"


class OnLimit(StrEnum):
    """What becomes of a model whose time is up."""

    DISCARD = "discard"
    KEEP = "keep"


def train(
    table: Table,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="ID=TYPE[:PARAM=VALUE,…]",
            help="A model, say forest=RandomForest:n_estimators=300,max_depth=12; repeat for more. "
            "Default: one of each type with scikit-learn's defaults.",
        ),
    ] = None,
    holdout: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Fraction of the events kept from training, for the scores.")
    ] = 0.25,
    folds: Annotated[
        int | None, typer.Option(min=2, max=20, help="Score every event by one of so many models instead.")
    ] = None,
    weights: Annotated[Weights, typer.Option(help="Use of event weights in training.")] = Weights.NONE,
    negative_weights: Annotated[
        NegativeWeights, typer.Option(help="What becomes of events of negative weight, where weights are used.")
    ] = NegativeWeights.REFUSE,
    time_limit: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds for each model; default: EVENTSIEVE_TIME_LIMIT, or 60.")
    ] = None,
    on_limit: Annotated[
        OnLimit, typer.Option(help="Whether to keep what an iterative model has come to when its time is up.")
    ] = OnLimit.DISCARD,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: EVENTSIEVE_SEED, or 0.")] = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Train models side by side, each in a process of its own with a hard time limit."""
    with connected(url, store, key) as client:
        from eventsieve.cli.tables import job_json, model_json, scores_table, states_table  # noqa: PLC0415

        specs = [parse_model(text) for text in model or ()]
        job = client.train(
            stored(client, table, url),
            specs or [{"name": name, "type": name} for name in client.estimators()],
            validation={"folds": folds} if folds else holdout or None,
            weights=weights.value,
            negative_weights=negative_weights.value,
            seconds=time_limit,
            on_limit=on_limit.value,
            seed=seed,
            progress=False if as_json else None,
        )
        models = job.trained()
        if as_json:
            print_json({"job": job_json(job), "models": [model_json(each) for each in models]})
        else:
            out.print(states_table(job.models))
            note(f"{each.name}: {remark}" for each in models for remark in each.remarks)
            if (holdout or folds) and models:
                kept = f"each of {folds} parts" if folds else f"the {holdout:.0%} of the events"
                say(f"\nOn {kept} that {'was' if folds else 'were'} kept from training:")
                out.print(scores_table({each.name: each.scores for each in models}))
        if len(models) < len(job.models):
            raise typer.Exit(NOT_ALL_TRAINED)


@jobs.command("list")
def list_jobs(store: Store = None, url: Url = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the trainings, the newest first."""
    with connected(url, store, key) as client:
        from eventsieve.cli.tables import job_json, jobs_table  # noqa: PLC0415

        found = list(client.jobs())
        if as_json:
            print_json([job_json(job) for job in found])
        elif found:
            out.print(jobs_table(found))
        else:
            say("Nothing has been trained yet: eventsieve train TABLE")


@jobs.command()
def cancel(
    job: JobId,
    model: OneModel = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """End a training, queued or running; what has been trained stays."""
    with connected(url, store, key) as client:
        _show(client.job(job).cancel(model), as_json=as_json)


@jobs.command()
def stop(
    job: JobId,
    model: OneModel = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Stop a training and keep what iterative models have come to."""
    with connected(url, store, key) as client:
        _show(client.job(job).stop(model).wait(progress=False), as_json=as_json)


def _show(job: object, *, as_json: bool) -> None:
    from eventsieve.cli.tables import job_json, states_table  # noqa: PLC0415
    from eventsieve.client import Job  # noqa: PLC0415

    if isinstance(job, Job):
        if as_json:
            print_json(job_json(job))
        else:
            out.print(states_table(job.models))
