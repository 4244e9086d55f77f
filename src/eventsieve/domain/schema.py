"""The event schemas that come with Eventsieve: an experiment's columns are data, not code."""

from __future__ import annotations

from importlib import resources

from eventsieve.errors import BadConfiguration
from eventsieve.records import Schema

__all__ = ["load_schema", "schema_names"]


def schema_names() -> list[str]:
    """The names of the schemas that come with Eventsieve."""
    folder = resources.files("eventsieve.domain") / "schemas"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def load_schema(name: str) -> Schema:
    """The schema of that name.

    Raises:
        BadConfiguration: there is none; the message lists those there are.
    """
    if name not in schema_names():
        raise BadConfiguration(f"There is no event schema {name!r}; there are: {', '.join(schema_names())}.")
    text = (resources.files("eventsieve.domain") / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    return Schema.model_validate_json(text)
