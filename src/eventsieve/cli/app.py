"""The commands: parse, call a use case, print."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

import eventsieve
from eventsieve.api.app import create_app
from eventsieve.api.logs import configure_logs
from eventsieve.cli import data, demo, events
from eventsieve.cli.console import (
    NOT_ALL_TRAINED,
    failures,
    models_table,
    new_file,
    note,
    out,
    print_json,
    say,
    scores_table,
    states_table,
    watch,
)
from eventsieve.cli.models import parse_model
from eventsieve.cli.predictions import counts, write_predictions
from eventsieve.domain.metrics import METRICS
from eventsieve.errors import BadConfiguration
from eventsieve.records import Limits, ModelSpec, State
from eventsieve.service import Service
from eventsieve.settings import read_settings

__all__ = ["app", "main"]

SHUTDOWN_SECONDS = 5

app = typer.Typer(
    name="eventsieve",
    help="Find the signal in tables of collision events: train classifiers side by side under a hard time limit, "
    "compare them on events that they were not trained on, put one in charge and get predictions.",
    epilog="Settings are read from EVENTSIEVE_… variables and from a file .env. Exit codes: 0 done; 1 a model was not "
    "trained; 2 wrong command line or setting; 3 bad table or request; 4 not found; 5 conflict; 6 download failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.command("explore")(events.explore)
app.command("simulate")(events.simulate)
app.command("demo")(demo.demo)

Store = Annotated[
    Path | None, typer.Option("--model-dir", help="Folder of the models; default: EVENTSIEVE_MODEL_DIR, or models.")
]
TablePath = Annotated[
    Path,
    typer.Argument(help="A table of events: CSV, CSV.gz, zip of one CSV, Parquet.", exists=True, dir_okay=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """The entry point of the command."""
    app()


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's signature
    if wanted:
        typer.echo(eventsieve.__version__)
        raise typer.Exit


@app.callback()
def _common(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@contextmanager
def _service(store: Path | None) -> Iterator[Service]:
    with failures(), Service.open(read_settings(MODEL_DIR=store)) as service:
        yield service


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address; default: EVENTSIEVE_HOST, or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default: EVENTSIEVE_PORT, or 8000.")] = None,
    store: Store = None,
) -> None:
    """Start the server; its interface is described at /docs."""
    with failures():
        settings = read_settings(HOST=host, PORT=port, MODEL_DIR=store)
        # What would only be found out behind the server's back is found out here.
        configure_logs(settings)
        _refuse_taken(settings.HOST, settings.PORT)
        Service.open(settings).close()
        uvicorn.run(
            create_app(settings),
            host=settings.HOST,
            port=settings.PORT,
            log_config=None,
            # Trainings that are under way do not keep the server from stopping.
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )


def _refuse_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise BadConfiguration(
            f"The server cannot listen on {host}, port {port} ({error.strerror or error}); "
            f"end what listens there, or choose another --host or --port."
        ) from error


@app.command()
def train(
    table: TablePath,
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
    time_limit: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds for each model; default: EVENTSIEVE_TIME_LIMIT, or 60.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: EVENTSIEVE_SEED, or 0.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Train models side by side, each in a process of its own with a hard time limit."""
    with _service(store) as service:
        specs = [parse_model(text) for text in model or ()]
        specs = specs or [ModelSpec(id=name, type=name) for name in service.model_types]
        limits = Limits(seconds=time_limit or service.limits.seconds, memory=service.limits.memory)
        started = service.train(table, specs, holdout=holdout, seed=seed, limits=limits)
        if not as_json:
            note(started.remarks)
        job = watch(service, started, quiet=as_json)
        trained = {state.spec.id for state in job.models if state.state is State.TRAINED}
        models = [known for known in service.list_models() if known.id in trained]
        if as_json:
            print_json({"job": job.model_dump(mode="json"), "models": [m.model_dump(mode="json") for m in models]})
        else:
            out.print(states_table(job.models))
            for known in models:
                note(f"{known.id}: {remark}" for remark in known.remarks)
            if holdout and models:
                say(f"\nOn the {holdout:.0%} of the events that were kept from training:")
                out.print(scores_table({known.id: known.scores for known in models}))
        if len(trained) < len(job.models):
            raise typer.Exit(NOT_ALL_TRAINED)


@app.command("models")
def list_models(store: Store = None, as_json: AsJson = False) -> None:
    """List the trained models, with the scores of their own held-out events."""
    with _service(store) as service:
        models = service.list_models()
        if as_json:
            print_json([model.model_dump(mode="json") for model in models])
        elif models:
            out.print(models_table(models))
        else:
            say("No model has been trained yet: eventsieve train TABLE")


@app.command()
def compare(
    table: TablePath,
    ids: Annotated[list[str] | None, typer.Argument(help="Models to compare; default: all.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Score models on the same labelled events, best of those that none was trained on."""
    with _service(store) as service:
        models = service.models()
        scores = service.compare(table, ids or [model.id for model in models], list(METRICS))
        if as_json:
            print_json({name: [score.model_dump() for score in row] for name, row in scores.items()})
        else:
            current = next((model.id for model in models if model.current), None)
            out.print(scores_table(scores, current))


@app.command()
def use(
    model_id: Annotated[str | None, typer.Argument(metavar="MODEL", help="The model to put in charge.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Put none in charge.")] = False,
    store: Store = None,
) -> None:
    """Choose the current model, which predicts; a running server over the same folder follows at once."""
    if (model_id is None) != none:
        raise typer.BadParameter("name a model, or give --none")
    with _service(store) as service:
        if model_id is None:
            say(f"No model is current now; it was {service.unset()}.")
        else:
            service.choose(model_id)
            say(f"{model_id} is current now.")


@app.command()
def remove(
    ids: Annotated[list[str] | None, typer.Argument(help="Models to remove.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all models.")] = False,
    store: Store = None,
) -> None:
    """Remove models and their files."""
    if bool(ids) == everything:
        raise typer.BadParameter("name models, or give --all")
    with _service(store) as service:
        removed = service.remove_all() if everything else service.remove(*ids or ())
        say(f"Removed {', '.join(removed)}.")


@app.command()
def predict(
    table: TablePath,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .csv, .csv.gz or .parquet file; default: CSV to the screen.",
            callback=new_file,
        ),
    ] = None,
    model_id: Annotated[str | None, typer.Option("--model", "-m", help="The model; default: the current one.")] = None,
    store: Store = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts as JSON, with -o.")] = False,
) -> None:
    """Say signal or background for each event of a table, with the score."""
    with _service(store) as service:
        predictions = service.predict(table, model_id)
        write_predictions(predictions, output)
        if output is not None and as_json:
            print_json(counts(predictions))
        elif output is not None:
            note(predictions.remarks)
            found = counts(predictions)
            say(f"{found['events']:,} events, {found['signal']:,} of them signal by {predictions.model}: {output}")
