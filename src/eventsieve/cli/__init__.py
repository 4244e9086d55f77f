"""The command ``eventsieve``."""

from eventsieve.cli.app import main

__all__ = ["main"]
