"""The command about quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eventsieve.cli.connection import ApiKey, AsJson, Store, Url, connected
from eventsieve.cli.console import print_json, say

if TYPE_CHECKING:
    from eventsieve.records import Use

__all__ = ["usage"]


def usage(store: Store = None, url: Url = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Print how much is used of what may be sent, kept and trained at once."""
    with connected(url, store, key) as client:
        found = client.usage()
        if as_json:
            print_json(found.model_dump(mode="json"))
            return
        say(f"requests in the last minute   {_of(found.requests, str)}")
        say(f"sent within 24 hours          {_of(found.upload, _megabytes)}")
        say(f"data sets and models          {_of(found.storage, _megabytes)}")
        say(f"trainings that run            {_of(found.slots, str)}, and {found.waiting} wait")


def _of(use: Use, written: Callable[[int], str]) -> str:
    used = "not counted" if use.used is None else written(use.used)
    return f"{used}, no limit" if use.allowed is None else f"{used} of {written(use.allowed)}"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"
