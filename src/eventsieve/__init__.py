"""Eventsieve finds the signal in tables of collision events."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventsieve.client import Client, EventsWarning
    from eventsieve.embedded import local

    __version__: str

__all__ = ["Client", "EventsWarning", "__version__", "local"]

_HOMES = {"Client": "eventsieve.client", "EventsWarning": "eventsieve.client", "local": "eventsieve.embedded"}
"""Where the names are that are loaded when they are first asked for: the import itself costs nothing."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("importlib.metadata").version("eventsieve")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
