"""The commands: each parses, calls the client, prints; what is heavy is loaded when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

import eventsieve
from eventsieve.cli import (
    audit,
    backup,
    data,
    datasets,
    demo,
    doctor,
    events,
    keys,
    models,
    pages,
    predictions,
    trainings,
    usage,
)
from eventsieve.cli.connection import Store
from eventsieve.cli.console import failures
from eventsieve.cli.heap import bound_heap
from eventsieve.cli.loading import loading
from eventsieve.cli.ports import refuse_open, refuse_taken

__all__ = ["app", "main"]

SHUTDOWN_SECONDS = 5

app = typer.Typer(
    name="eventsieve",
    help="Find the signal in tables of collision events: train classifiers side by side under a hard time limit, "
    "compare them on events that they were not trained on, put one in charge and get predictions.",
    epilog="Settings are read from EVENTSIEVE_… variables and from a file .env. Exit codes: 0 done; 1 a model was not "
    "trained; 2 wrong command line or setting; 3 bad table or request; 4 not found; 5 conflict; 6 download failed; "
    "7 no server, or it failed; 8 not signed in, or not allowed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address; default: EVENTSIEVE_HOST, or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default: EVENTSIEVE_PORT, or 8000.")] = None,
    store: Store = None,
) -> None:
    """Start the server; its interface is described at /docs."""
    bound_heap()
    with failures():
        with loading():
            import uvicorn  # noqa: PLC0415 - --help must not wait for it

            from eventsieve.api.app import create_app  # noqa: PLC0415
            from eventsieve.api.listening import bounds  # noqa: PLC0415
            from eventsieve.api.logs import configure_logs  # noqa: PLC0415
            from eventsieve.service import Service  # noqa: PLC0415
            from eventsieve.settings import read_settings  # noqa: PLC0415

        settings = read_settings(HOST=host, PORT=port, MODEL_DIR=store)
        # What would only be found out behind the server's back is found out here.
        refuse_taken(settings.HOST, settings.PORT)
        refuse_open(settings.HOST, settings.AUTH, settings.OPEN)
        configure_logs(settings)
        Service.open(settings).close()
        uvicorn.run(
            create_app(settings),
            host=settings.HOST,
            port=settings.PORT,
            log_config=None,
            access_log=False,  # each request has a line of ours
            # Trainings that are under way do not keep the server from stopping.
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            **bounds(settings),
        )


app.command("web")(pages.web)
app.command("up")(pages.up)
app.command("upload")(datasets.upload)
app.command("train")(trainings.train)
app.command("models")(models.list_models)
app.command("compare")(models.compare)
app.command("use")(models.use)
app.command("predict")(predictions.predict)
app.command("remove")(models.remove)
app.command("usage")(usage.usage)
app.add_typer(keys.app, name="keys")
app.command("audit")(audit.audit)
app.add_typer(datasets.datasets, name="datasets")
app.add_typer(trainings.jobs, name="jobs")
app.command("explore")(events.explore)
app.command("simulate")(events.simulate)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(data.app, name="data")
