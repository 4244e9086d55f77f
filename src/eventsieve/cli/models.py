"""The commands about models, and how a model is written on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eventsieve.cli.connection import ApiKey, AsJson, Store, Table, Url, connected, stored
from eventsieve.cli.console import out, print_json, say
from eventsieve.errors import BadRequest, NoCurrentModel, NoModels

if TYPE_CHECKING:
    from eventsieve.client import Client
    from eventsieve.records import ModelSpec

__all__ = ["compare", "list_models", "parse_model", "remove", "use"]


def parse_model(text: str) -> ModelSpec:
    """The model that is written as ``ID=TYPE`` or ``ID=TYPE:PARAM=VALUE,PARAM=VALUE``.

    Values stay text: the catalogue reads them by the type of their hyperparameter.

    Raises:
        BadRequest: it is written in another way.
    """
    from eventsieve.records import ModelSpec  # noqa: PLC0415 - --help must not wait for it

    name, equals, rest = text.partition("=")
    kind, _, listed = rest.partition(":")
    pairs = [pair.partition("=") for pair in listed.split(",") if pair.strip()]
    if not equals or not kind.strip() or not all(sign for _, sign, _ in pairs):
        raise BadRequest(f"{text!r} is no model; write it as ID=TYPE, or as ID=TYPE:PARAM=VALUE,PARAM=VALUE.")
    hyperparameters = {name.strip(): value.strip() for name, _, value in pairs}
    return ModelSpec(name=name.strip(), type=kind.strip(), hyperparameters=hyperparameters)


def list_models(store: Store = None, url: Url = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the trained models, with the scores of the events that were kept from their training."""
    with connected(url, store, key) as client:
        from eventsieve.cli.tables import model_json, models_table  # noqa: PLC0415

        models = list(client.models())
        if as_json:
            print_json([model_json(model) for model in models])
        elif models:
            out.print(models_table(models))
        else:
            say("No model has been trained yet: eventsieve train TABLE")


def compare(
    table: Table,
    ids: Annotated[list[str] | None, typer.Argument(help="Models to compare; default: all.")] = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Score models on the same labelled events, those that none of them was trained on."""
    with connected(url, store, key) as client:
        from eventsieve.cli.tables import scores_table  # noqa: PLC0415

        names = ids or [model.name for model in client.models()]
        if not names:
            raise NoModels("There are no models to compare: eventsieve train TABLE.")
        found = client.compare(names, stored(client, table, url))
        if as_json:
            print_json({name: [score.model_dump() for score in row] for name, row in found.scores.items()})
        else:
            out.print(scores_table(found.scores, _current(client)))
            say(f"\nOn {found.events:,} events that none of them was trained on. {found.verdict}")


def _current(client: Client) -> str | None:
    try:
        return client.current().name
    except NoCurrentModel:
        return None


def use(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="The model to put in charge.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Put none in charge.")] = False,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
) -> None:
    """Choose the current model, which predicts; a running server over the same folder follows at once."""
    if (model is None) != none:
        raise typer.BadParameter("name a model, or give --none")
    with connected(url, store, key) as client:
        if model is None:
            before = client.current().name
            client.unset()
            say(f"No model is current now; it was {before}.")
        else:
            say(f"{client.use(model).model} is current now.")


def remove(
    ids: Annotated[list[str] | None, typer.Argument(help="Models to remove.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all models.")] = False,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
) -> None:
    """Remove models and their files."""
    if bool(ids) == everything:
        raise typer.BadParameter("name models, or give --all")
    with connected(url, store, key) as client:
        # All are found before one is removed.
        models = list(client.models()) if everything else [client.model(name) for name in ids or ()]
        if not models:
            raise NoModels("There are no models to remove.")
        for model in models:
            model.delete()
        say(f"Removed {', '.join(model.name for model in models)}.")
