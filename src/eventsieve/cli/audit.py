"""The command about the audit trail."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from eventsieve.cli.connection import ApiKey, AsJson, Store, Url, connected
from eventsieve.cli.console import note, out, print_json, say

if TYPE_CHECKING:
    from eventsieve.records import Deed

__all__ = ["audit"]

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def audit(
    actor: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this operation or command, as the table names it.")] = None,
    object: Annotated[  # noqa: A002 - as the record names it
        str | None, typer.Option(help="Only what was done to this: model:NAME, dataset:ID, job:ID, key:ID.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=TIMES, metavar="TIME", help="Only from then on: 2026-01-31, local time.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIMES, metavar="TIME", help="Only before then: 2026-01-31T08:30.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many entries at most.")] = 50,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Show who changed what, and who tried to, the newest first."""
    with connected(url, store, key) as client:
        found = client.audit(actor=actor, action=action, object=object, since=since, until=until)
        deeds = list(islice(found, limit))
        if as_json:
            print_json([deed.model_dump(mode="json") for deed in deeds])
        elif not deeds:
            say("The audit trail has no such entry.")
        else:
            out.print(_table(deeds))
            if len(deeds) == limit and (total := len(found)) > limit:
                note([f"{total - limit:,} older entries; --limit shows more."])


def _table(deeds: list[Deed]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("when", "who", "as", "action", "to", "status", "from"):
        table.add_column(column, overflow="fold")
    for deed in deeds:
        cells = (
            f"{deed.moment.astimezone():%Y-%m-%d %H:%M:%S}",
            deed.actor or "-",
            deed.role,
            deed.action,
            ", ".join(deed.objects),
            str(deed.status or "-"),
            deed.client or "-",
        )
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    return table


def _printable(text: str) -> str:
    """A text that moves no cursor and changes no colour: names are anybody's."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
