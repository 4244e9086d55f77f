"""Quotas: what each may use of the machine, and how much of it he does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eventsieve.acting import actor
from eventsieve.errors import EventsieveError
from eventsieve.records import Actor, Quotas, Usage, Use
from eventsieve.service.sent import Sent
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training.engine import LocalEngine
from eventsieve.training.turns import Share

__all__ = ["Allowances"]


class Allowances:
    """The room of quotas.

    Args:
        registry: the store's facts.
        engine: what trains.
        default: the quotas of whoever has none of his own.
    """

    def __init__(self, registry: Registry, engine: LocalEngine, default: Quotas) -> None:
        self._holdings = registry.holdings
        self._engine = engine
        self.default = default
        self.sent = Sent(registry.holdings)

    def of(self, who: Actor) -> Quotas:
        """What somebody may use: his own quotas, and where he has none those of the settings."""
        own = {name: value for name, value in who.quotas.model_dump().items() if value is not None}
        return self.default.model_copy(update=own)

    def share(self) -> Share:
        """What whoever acts now may use of the training slots."""
        who = actor()
        quotas = self.of(who)
        by, most = who.name, quotas.storage
        return Share(by=by, most=quotas.slots, admit=lambda: self._holdings.refuse_full(by, most))

    def storage(self) -> int | None:
        """Bytes that whoever acts now may keep."""
        return self.of(actor()).storage

    def usage(self, requests: Use) -> Usage:
        """How much whoever acts now uses of what he may.

        Args:
            requests: how many requests, which are counted where they come in.
        """
        who = actor()
        quotas = self.of(who)
        running, waiting = self._engine.load(who.name)
        sent = None if quotas.upload is None else self.sent.used(who.name)
        return Usage(
            requests=requests,
            upload=Use(used=sent, allowed=quotas.upload),
            storage=Use(used=self._holdings.kept(who.name), allowed=quotas.storage),
            slots=Use(used=running, allowed=quotas.slots),
            waiting=waiting,
        )

    def measure(self, files: Files) -> None:
        """Note the sizes of what was stored before there were quotas."""
        self._holdings.measure(
            lambda key: _size(files.datasets.path, key),
            lambda artefact, evaluation: (
                _size(files.artefacts.path, artefact) + (_size(files.evaluations.path, evaluation) if evaluation else 0)
            ),
        )

    def close(self) -> None:
        """Write down what is only known here."""
        self.sent.close()


def _size(path: Callable[[str], Path], key: str) -> int:
    try:
        return path(key).stat().st_size
    except (OSError, EventsieveError):  # damaged: it takes no room
        return 0
