"""The commands about published data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventsieve.cli.console import err, failures, print_json, say

__all__ = ["app"]

app = typer.Typer(help="Fetch published data sets.", no_args_is_help=True)
fetch = typer.Typer(help="Download a data set, verify it and split it.", no_args_is_help=True)
app.add_typer(fetch, name="fetch")


@fetch.command()
def higgsml(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where to put the files.")] = Path("data"),
    url: Annotated[str | None, typer.Option(help="A mirror of your own; default: CERN Open Data.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is there as JSON.")] = False,
) -> None:
    """The ATLAS Higgs challenge 2014: 818,238 events from CERN Open Data record 328, 66 MB compressed.

    Goes on where it was cut off, verifies what came, and splits it into Kaggle's training and test sets.
    """
    from rich.progress import (  # noqa: PLC0415 - --help must not wait for it
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    from eventsieve.storage.opendata import HIGGSML_URL, fetch_higgsml  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with failures(), Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("Downloading", total=None)
        fetched = fetch_higgsml(
            folder,
            url=url or HIGGSML_URL,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if as_json:
        print_json({name: str(path) for name, path in fetched.paths.items()})
    else:
        for name, path in fetched.paths.items():
            say(f"{path}: {fetched.counts[name]:,} events")
