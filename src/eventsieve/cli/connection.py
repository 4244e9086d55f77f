"""Which server the commands speak to: one that is named, or none, over the store of the settings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventsieve.cli.console import failures, note

if TYPE_CHECKING:
    from eventsieve.client import Client
    from eventsieve.client.edits import SchemaChanges

__all__ = ["ApiKey", "AsJson", "Store", "Table", "Url", "connected", "stored"]

SCHEMA_SETTINGS = {"SCHEMA", "TARGET_COL", "SIGNAL", "NON_FEATURE_COLS", "INDEX_COL", "DATASET_COLS"}

Store = Annotated[
    Path | None, typer.Option("--model-dir", help="Folder of the models; default: EVENTSIEVE_MODEL_DIR, or models.")
]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="EVENTSIEVE_URL", help="A server to speak to; default: none, the folder itself."),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="EVENTSIEVE_KEY",
        show_envvar=False,
        help="What to sign in with on that server; better in EVENTSIEVE_KEY, which no list of processes shows.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _table(text: str) -> str:
    path = Path(text).expanduser()
    if path.is_dir():
        raise typer.BadParameter(f"{text} is a directory; name a file or a data set.")
    if not path.is_file() and (path.suffix or path.name != text):
        raise typer.BadParameter(f"{text} does not exist; name a file that does, or the id of a data set.")
    return text


Table = Annotated[
    str,
    typer.Argument(
        help="A table of events (CSV also compressed, Parquet, Arrow, ROOT), or the id of a data set.", callback=_table
    ),
]


@contextmanager
def connected(url: str | None, store: Path | None, key: str | None = None) -> Iterator[Client]:
    """A client; errors become a message and an exit code, warnings become notes.

    Raises:
        typer.BadParameter: a server and a folder are named.
    """
    if url and store:
        raise typer.BadParameter("name a server (--url, EVENTSIEVE_URL) or a folder (--model-dir), not both")
    with failures(), _notes(), _client(url, store, key) as client:
        yield client


def _client(url: str | None, store: Path | None, key: str | None) -> Client:
    if url:
        from eventsieve.client import Client  # noqa: PLC0415 - --help must not wait for it

        return Client(url, key=key)
    from eventsieve.embedded import local  # noqa: PLC0415

    return local(store)


def stored(client: Client, table: str, url: str | None) -> str:
    """The id of the data set that is meant; a file is stored, read as the settings say where they say something."""
    if not Path(table).expanduser().is_file():
        return table
    return client.upload(table, **({} if url else _of_settings())).id


def _of_settings() -> SchemaChanges:
    """How the settings say that tables are read."""
    from eventsieve.settings import read_settings  # noqa: PLC0415

    settings = read_settings()
    if not SCHEMA_SETTINGS & settings.model_fields_set:
        return {}
    schema = settings.event_schema()
    return {
        "label": schema.label.name if schema.label else "",
        "signal": schema.signal or "",
        "index": schema.index.name if schema.index else "",
        "weight": schema.weight.name if schema.weight else "",
        "undefined": schema.undefined,
        "leave_out": [column.name for column in schema.columns if column.role == "spectator"],
    }


@contextmanager
def _notes() -> Iterator[None]:
    """Print what the client warns of beside the result."""
    from eventsieve.client import EventsWarning  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("always", EventsWarning)
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: object) -> None:
            if issubclass(category, EventsWarning):
                note([str(message)])
            else:
                shown(message, category, *rest)  # type: ignore[arg-type] # what Python calls it with

        warnings.showwarning = show  # type: ignore[assignment]
        yield
