"""The heart of a server: it beats for other machines, and finds out which owners of trainings are dead."""

from __future__ import annotations

import logging
import socket
import threading

from eventsieve.errors import EventsieveError
from eventsieve.storage.files import Files
from eventsieve.storage.owners import BEAT_SECONDS, Watch
from eventsieve.storage.registry import Registry

__all__ = ["Heart"]

_log = logging.getLogger(__name__)


class Heart:
    """Beats in a thread of its own, where the registry may be shared with other machines.

    Args:
        files: the store's files.
        registry: the store's facts.
        beats: whether to; a registry within the store's folder is shared with processes of this machine at most, and
            locks tell of those.
        watch: how long others have been silent.
        seconds: between two beats.
    """

    def __init__(
        self,
        files: Files,
        registry: Registry,
        *,
        beats: bool,
        watch: Watch | None = None,
        seconds: float = BEAT_SECONDS,
    ) -> None:
        self._files = files
        self._book = registry.owners
        self._watch = watch or Watch()
        self._seconds = seconds
        self._host = f"{socket.gethostname()}:{files.root}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heart", daemon=True) if beats else None

    def start(self) -> None:
        """Begin to beat: no job of this process may be in the registry before."""
        if self._thread is not None:
            self.beat()
            self._thread.start()

    def beat(self) -> None:
        """Beat once, look at the beats of others, and bury those that are dead."""
        silent = self._watch.look(self._book.beat(self._files.owner, self._host))
        held = self._files.owners()
        self._book.bury(held.dead, {owner: beats for owner, beats in silent.items() if owner not in held.living})
        self._clear(held.dead)

    def tidy(self) -> None:
        """Note that what dead processes were training is not trained any more."""
        # In this order: who is in the registry held its lock before it came there, so without the lock it is dead;
        # unless it is on another machine, where it has beaten before.
        owners = self._book.unfinished()
        held = self._files.owners()
        self._book.bury(
            [owner for owner, beating in owners.items() if owner in held.dead or not (beating or owner in held.living)]
        )
        self._clear(held.dead)

    def close(self) -> None:
        """Stop; others need not wait until this one is taken for dead."""
        self._ended.set()
        if self._thread is None or not self._thread.is_alive():
            return
        self._thread.join(self._seconds)
        try:
            self._book.leave(self._files.owner)
        except (EventsieveError, OSError) as error:  # then the others see the silence
            _log.warning("the end could not be written down: %s", error)

    def _clear(self, dead: frozenset[str]) -> None:
        for owner in dead:  # last: until it is written down, the lock tells that it is dead
            self._files.bury(owner)

    def _go_on(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - the edge of the thread: the next beat may succeed
                _log.warning("no beat: %s", error)
