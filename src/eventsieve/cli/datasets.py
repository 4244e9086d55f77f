"""The commands about data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventsieve.cli.connection import ApiKey, AsJson, Store, Url, connected
from eventsieve.cli.console import out, print_json, say

__all__ = ["datasets", "upload"]

datasets = typer.Typer(help="List and remove stored tables of events.", no_args_is_help=True)


def upload(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Tables of one kind; LABEL=FILE where each file is of one class."),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it; default: the first file's name.")] = None,
    tree: Annotated[
        list[str] | None, typer.Option(help="ROOT: the tree, or TREE=LABEL; repeat for several. Default: the only one.")
    ] = None,
    branch: Annotated[
        list[str] | None, typer.Option(help="A column to keep, or a pattern such as 'jet*'; repeat. Default: all.")
    ] = None,
    schema: Annotated[str | None, typer.Option(help="A schema that comes with Eventsieve.")] = None,
    label: Annotated[str | None, typer.Option(help="The column that says what an event is.")] = None,
    signal: Annotated[str | None, typer.Option(help="The label of a signal event.")] = None,
    index: Annotated[str | None, typer.Option(help="The column of event numbers.")] = None,
    weight: Annotated[str | None, typer.Option(help="The column of event weights.")] = None,
    undefined: Annotated[float | None, typer.Option(help='The number that means "not defined".')] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="A column that is no feature; repeat for more.")] = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Store a table of events once, to train on and predict from; what is not said of it is inferred."""
    given = {
        "schema": schema,
        "label": label,
        "signal": signal,
        "index": index,
        "weight": weight,
        "undefined": undefined,
        "leave_out": leave_out or None,
    }
    with connected(url, store, key) as client:
        changes = {option: value for option, value in given.items() if value is not None}
        found = client.upload(_source(files), name=name, tree=tree, branches=branch or None, **changes)  # type: ignore[arg-type] # checked there
        if as_json:
            print_json(found.model_dump(mode="json"))
        else:
            say(repr(found))


def _source(files: list[str]) -> str | list[str] | dict[str, str]:
    """One file, several, or several with the label of each."""
    for file in files:
        path = file if Path(file).is_file() else file.partition("=")[2]
        if not Path(path).is_file():
            raise typer.BadParameter(f"{path or file} does not exist; name files that do.")
    if len(files) == 1 and Path(files[0]).is_file():
        return files[0]
    labelled = [not Path(file).is_file() for file in files]
    if any(labelled) and not all(labelled):
        raise typer.BadParameter("write LABEL=FILE for all files, or for none")
    return dict(file.split("=", 1) for file in files) if all(labelled) else files


@datasets.command("list")
def list_datasets(store: Store = None, url: Url = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the data sets, the newest first."""
    with connected(url, store, key) as client:
        from eventsieve.cli.tables import datasets_table  # noqa: PLC0415

        found = list(client.datasets())
        if as_json:
            print_json([each.model_dump(mode="json") for each in found])
        elif found:
            out.print(datasets_table(found))
        else:
            say("There is no data set yet: eventsieve upload TABLE")


@datasets.command("remove")
def remove_dataset(
    ids: Annotated[list[str], typer.Argument(help="Data sets to remove.")],
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
) -> None:
    """Remove data sets; models that were trained on them stay."""
    with connected(url, store, key) as client:
        found = [client.dataset(each) for each in ids]
        for each in found:
            each.delete()
        say(f"Removed {', '.join(each.id for each in found)}.")
