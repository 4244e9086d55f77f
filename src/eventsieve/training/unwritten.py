"""What could not be written down when it happened, because the disk was full or the database did not answer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from eventsieve.errors import StoreUnavailable

__all__ = ["OUTAGES", "Unwritten"]

OUTAGES: Final = (OSError, StoreUnavailable)
"""What passes: the same can be written later."""

RETRY_SECONDS = 1.0
"""How often it is tried again by itself."""

_log = logging.getLogger(__name__)


class _Note(NamedTuple):
    job: str
    what: str
    write: Callable[[], object]


class Unwritten:
    """Keeps what is to be written down, in order, and tries every second until it is.

    Writing must be harmless where it was done before: the answer of a database may have been lost, not the deed.
    """

    def __init__(self) -> None:
        self._notes: deque[_Note] = deque()
        self._lock = threading.Lock()
        self._catching_up = threading.Lock()
        self._closing = threading.Event()
        self._scribe: threading.Thread | None = None

    def jobs(self) -> set[str]:
        """The ids of the jobs of which something is still to be written down."""
        with self._lock:
            return {note.job for note in self._notes}

    def now_or_later(self, job: str, what: str, write: Callable[[], object]) -> None:
        """Write something down now; where that cannot be, it is kept for later.

        Raises:
            OSError, StoreUnavailable: it is kept for later.
        """
        try:
            write()
        except OUTAGES:
            self.later(job, what, write)
            raise

    def later(self, job: str, what: str, write: Callable[[], object]) -> None:
        """Keep something to be written down as soon as that can be.

        Args:
            job: id of the job that it is about.
            what: it is, for the log.
            write: writes it down; called until it raises neither `OSError` nor `StoreUnavailable`.
        """
        with self._lock:
            self._notes.append(_Note(job, what, write))
            if self._scribe is None and not self._closing.is_set():
                self._scribe = threading.Thread(target=self._try_again, name="scribe", daemon=True)
                self._scribe.start()

    def catch_up(self) -> None:
        """Write down what can be by now; returns at once where another thread is at it."""
        if not self._catching_up.acquire(blocking=False):
            return
        try:
            while self._notes and self._write(self._notes[0]):
                with self._lock:
                    self._notes.popleft()
        finally:
            self._catching_up.release()

    def close(self) -> None:
        """Try once more; what cannot be written down now never will be, and the log says what that is."""
        self._closing.set()
        if self._scribe is not None:
            self._scribe.join()
        self.catch_up()
        for note in self._notes:
            _log.error("%s of job %s was not written down before the end", note.what, note.job)

    def _write(self, note: _Note) -> bool:
        """Whether nothing is left to be done."""
        try:
            note.write()
        except OUTAGES as error:
            _log.warning("%s of job %s cannot be written down yet: %s", note.what, note.job, error)
            return False
        except Exception:  # noqa: BLE001 - the edge of a thread, where what comes behind must not wait for ever
            _log.exception("%s of job %s could not be written down", note.what, note.job)
        return True

    def _try_again(self) -> None:
        while not self._closing.wait(RETRY_SECONDS):
            self.catch_up()
            with self._lock:
                if not self._notes:
                    self._scribe = None
                    return
