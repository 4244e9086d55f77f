"""The command that shows everything once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventsieve.cli.console import failures

__all__ = ["demo"]


def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="A labelled table of events; default: simulated ones.", exists=True, dir_okay=False),
    ] = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where to put what is made.")] = Path("demo"),
) -> None:
    """Show the main job: train four types side by side, compare, choose, predict through a server."""
    with failures():
        from eventsieve.cli.showcase import show  # noqa: PLC0415 - --help must not wait for it

        show(data, folder)
