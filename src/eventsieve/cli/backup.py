"""The commands about backups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventsieve.cli.connection import AsJson, Store
from eventsieve.cli.console import failures, new_file, note, print_json, say

__all__ = ["backup", "restore"]

INCOMPLETE = 1


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write: .tar, .tar.zst or .tar.gz.", callback=new_file)],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Save all that the store knows and cannot make again, also while a server works on it."""
    with failures():
        from eventsieve.errors import BadInput  # noqa: PLC0415 - --help must not wait for it
        from eventsieve.settings import read_settings  # noqa: PLC0415
        from eventsieve.storage.backup import back_up  # noqa: PLC0415
        from eventsieve.storage.files import Files  # noqa: PLC0415

        settings = read_settings(MODEL_DIR=store)
        if not settings.MODEL_DIR.is_dir():
            raise BadInput(f"There is no store in {settings.MODEL_DIR.absolute()}; name its folder (--model-dir).")
        files = Files(settings.MODEL_DIR, settings.FILES_URL, settings.cache_bytes)
        try:
            made = back_up(files, settings.database_url, file)
        finally:
            files.close()
    if as_json:
        print_json({"file": str(file), "bytes": made.size, "revision": made.revision, "absent": made.absent})
    else:
        say(f"Saved {len(made.members)} files and tables, {made.size / 1e6:,.1f} MB, in {file}.")
    note(
        f"{name} is {why} in the store and not in the backup; `eventsieve doctor` says more."
        for name, why in made.absent.items()
    )
    if made.absent:
        raise typer.Exit(INCOMPLETE)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)],
    store: Store = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Move a store that holds something aside, within its folder; take over the files of a lost registry.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a store of a backup, in a folder that holds none; all of the backup is checked first."""
    with failures():
        from eventsieve.settings import read_settings  # noqa: PLC0415 - --help must not wait for it
        from eventsieve.storage.files import Files  # noqa: PLC0415
        from eventsieve.storage.restoring import restore as make  # noqa: PLC0415

        settings = read_settings(MODEL_DIR=store)
        movable = settings.DATABASE_URL is None and settings.FILES_URL is None
        files = Files(settings.MODEL_DIR, settings.FILES_URL, settings.cache_bytes)
        try:
            restored = make(file, files, settings.database_url, force=force, movable=movable)
        finally:
            files.close()
    counts, aside = restored.counts, restored.aside
    if as_json:
        print_json(
            {"made": restored.made, "version": restored.version, **counts, "absent": dict(restored.absent)}
            | {"aside": None if aside is None else str(aside)}
        )
        return
    say(
        f"Restored {counts['models']} models, {counts['datasets']} data sets and {counts['jobs']} jobs, saved "
        f"{restored.made} by Eventsieve {restored.version}, into {settings.MODEL_DIR.absolute()}."
    )
    if aside is not None:
        say(f"What was there before is in {aside}; remove it when nobody misses anything.")
    note(f"{name} was {why} when the backup was made." for name, why in restored.absent.items())
