"""Eventsieve finds the signal in tables of collision events."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("eventsieve")
