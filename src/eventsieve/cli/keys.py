"""The commands about keys: they change the registry of the store, where a server may run over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.table import Table
from rich.text import Text

from eventsieve.cli.connection import AsJson, Store
from eventsieve.cli.console import failures, note, out, print_json, say

if TYPE_CHECKING:
    from eventsieve.records import Key, Quotas
    from eventsieve.storage.keybook import Keybook

__all__ = ["app"]

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST: Final = timedelta(days=36_500)
MEBIBYTE: Final = 1 << 20

app = typer.Typer(no_args_is_help=True, help="Keys, with which others sign in.")


def _duration(text: str) -> timedelta:
    form = re.fullmatch(r"([1-9]\d{0,6})([mhdw])", text.strip())
    lasting = timedelta(**{UNITS[form[2]]: int(form[1])}) if form else LONGEST * 2
    if lasting > LONGEST:
        raise typer.BadParameter(f"{text!r} is no time; write 90d, 12h, 30m or 4w, a hundred years at most.")
    return lasting


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; what is done with it is done under this name.")],
    role: Annotated[
        Literal["reader", "trainer", "admin"],
        typer.Option(help="What may be done with it: each may do what those before it may."),
    ],
    expires: Annotated[
        timedelta | None,
        typer.Option(parser=_duration, metavar="TIME", help="After how long it ends: 90d, 12h; default: never."),
    ] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Requests per minute; default: QUOTA_REQUESTS.")] = None,
    upload_mb: Annotated[
        int | None, typer.Option(min=1, help="MB that may be sent in 24 hours; default: QUOTA_UPLOAD_MB.")
    ] = None,
    storage_mb: Annotated[
        int | None, typer.Option(min=1, help="MB that may be stored; default: QUOTA_STORAGE_MB.")
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Trainings at a time; default: QUOTA_SLOTS.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: of its secret only a hash is kept."""
    with _book(store) as book:
        from eventsieve.records import AccessRole, Quotas  # noqa: PLC0415 - --help must not wait for it

        quotas = Quotas(requests=requests, upload=_bytes(upload_mb), storage=_bytes(storage_mb), slots=slots)
        key, token = book.issue(name, AccessRole(role), expires=expires, quotas=quotas)
        if as_json:
            print_json(key.model_dump(mode="json") | {"key": token})
            return
        say(token)
        until = f" until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else ""
        note([f"Key {key.id} of {key.name!r}, {key.role}{until}. Hand it over safely: it cannot be shown again."])


@app.command("list")
def list_keys(store: Store = None, as_json: AsJson = False) -> None:
    """List all keys, without their secrets: whose they are, what they allow, when they were used last."""
    with _book(store) as book:
        keys = book.all_keys()
        if as_json:
            print_json([key.model_dump(mode="json") for key in keys])
        elif keys:
            out.print(_table(keys))
        else:
            say("There are no keys: eventsieve keys create NAME --role trainer")


@app.command()
def revoke(
    ref: Annotated[str, typer.Argument(metavar="ID|NAME", help="A key, or all keys of that name.")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key for ever, with the sessions that were opened with it; a running server follows at once."""
    with _book(store) as book:
        revoked = book.revoke(ref)
        if as_json:
            print_json([key.model_dump(mode="json") for key in revoked])
        else:
            say(f"Revoked {', '.join(f'{key.id} of {key.name!r}' for key in revoked)}.")


@contextmanager
def _book(store: Path | None) -> Iterator[Keybook]:
    with failures():
        from eventsieve.settings import read_settings  # noqa: PLC0415 - --help must not wait for it
        from eventsieve.storage.keybook import open_keybook  # noqa: PLC0415

        settings = read_settings(MODEL_DIR=store)
        with open_keybook(settings.database_url, settings.MODEL_DIR) as book:
            yield book


def _bytes(mebibytes: int | None) -> int | None:
    return mebibytes and mebibytes * MEBIBYTE


def _table(keys: list[Key]) -> Table:
    table = Table("id", "name", "role", "state", "created", "used", "quotas", box=None, pad_edge=False)
    for key in keys:
        # Names are anybody's text: no markup.
        cells = (key.id, key.name, key.role, _state(key), _day(key.created), _day(key.used), _quotas(key.quotas))
        table.add_row(*(Text(cell, no_wrap=True) for cell in cells[:-1]), Text(cells[-1]))
    return table


def _state(key: Key) -> str:
    if key.revoked:
        return f"revoked {_day(key.revoked)}"
    if key.expires is None:
        return "holds"
    return f"{'over since' if key.expires <= datetime.now(UTC) else 'holds until'} {_day(key.expires)}"


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d}"


def _quotas(quotas: Quotas) -> str:
    told = (
        (quotas.requests, "{} requests/min"),
        (quotas.upload and quotas.upload // MEBIBYTE, "{} MB/day sent"),
        (quotas.storage and quotas.storage // MEBIBYTE, "{} MB stored"),
        (quotas.slots, "{} slots"),
    )
    return ", ".join(text.format(number) for number, text in told if number) or "-"
