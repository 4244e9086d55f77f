"""What the commands share: where they print, and how they fail."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from eventsieve.errors import (
    BadConfiguration,
    BadHyperparameters,
    BadInput,
    BadModels,
    BadTable,
    Conflict,
    DownloadFailed,
    EventsieveError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    ServerFailed,
    ServerUnreachable,
    TooLarge,
)

__all__ = [
    "EXIT_CODES",
    "NOT_ALL_TRAINED",
    "err",
    "failures",
    "new_file",
    "note",
    "out",
    "print_json",
    "say",
]

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


class _Console(Console):
    """A console on which nobody's text moves the cursor: names may hold whatever a terminal would obey."""

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich has it."""
        return super().render_str(text.translate(_CONTROL), **options)


out = _Console()
err = _Console(stderr=True)

NOT_ALL_TRAINED = 1
EXIT_CODES: dict[type[EventsieveError], int] = {
    BadConfiguration: 2,
    BadInput: 3,
    TooLarge: 3,
    NotFound: 4,
    Conflict: 5,
    DownloadFailed: 6,
    ServerUnreachable: 7,
    ServerFailed: 7,
    NotSignedIn: 8,
    NotAllowed: 8,
}
"""The exit code of each class of errors. 0: done; 1: a model was not trained; 2 also: the command line is wrong."""


@contextmanager
def failures() -> Iterator[None]:
    """Turn our errors, and those of the disk, into a message on stderr and an exit code."""
    try:
        yield
    except (BadTable, BadHyperparameters, BadModels) as error:
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
