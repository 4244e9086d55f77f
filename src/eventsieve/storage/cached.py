"""Shelves whose files are in an object store; the folder of each is a cache of what was used last.

A file is in the store before the registry speaks of it, and what is not there is never removed from the folder: a
folder that was filled before there was a store is sent there at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final

from eventsieve.errors import DamagedArtefact, StoreUnavailable
from eventsieve.storage.objects import Objects
from eventsieve.storage.once import Once
from eventsieve.storage.shelves import ORPHAN_SECONDS, Shelf, digest_of, settle_file

__all__ = ["CachedShelf", "Room"]

RECENT_SECONDS: Final = 600.0
"""For so long after a file was handed out it stays: who got its path may not have opened it yet."""

_log = logging.getLogger(__name__)


class Room:
    """How much room the cached files of all shelves may take together; those that were used longest ago go first.

    Args:
        most_bytes: how much; ``None`` for no limit.
    """

    def __init__(self, most_bytes: int | None) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._shelves: list[CachedShelf] = []

    def add(self, shelf: CachedShelf) -> None:
        """Count the files of a shelf too."""
        self._shelves.append(shelf)

    def use(self, path: Path) -> bool:
        """Note that a file is used now; whether it is there."""
        with self._lock, contextlib.suppress(FileNotFoundError):
            os.utime(path)
            return True
        return False

    def trim(self, coming: int = 0) -> None:
        """Remove what there is no room for, but for what was handed out just now and what is not in the store.

        Args:
            coming: bytes of a file that is about to be kept.
        """
        if self._most_bytes is None:
            return
        found: list[tuple[int, int, Path, CachedShelf]] = []
        for shelf in self._shelves:
            for path in shelf.folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    found.append((status.st_mtime_ns, status.st_size, path, shelf))
        found.sort(key=lambda each: each[:2], reverse=True)
        sizes = accumulate(size for _, size, _, _ in found)
        for total, (_, size, path, shelf) in zip(sizes, found, strict=True):
            if total + coming > self._most_bytes and _is_old(path) and shelf.is_stored(path, size):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        with self._lock:
            if _is_old(path):  # still: it may have been handed out meanwhile
                path.unlink(missing_ok=True)


class CachedShelf(Shelf):
    """The files of one kind in an object store, with copies of some in a folder.

    Args:
        folder: of the copies.
        suffix: of the files' names.
        objects: the store.
        room: how much of the folder's disk may be used.
        new: makes a path to write to in the same file system.
        by_digest: whether a file's key is its SHA-256.
    """

    def __init__(
        self,
        folder: Path,
        suffix: str,
        *,
        objects: Objects,
        room: Room,
        new: Callable[[str], Path],
        by_digest: bool = True,
    ) -> None:
        super().__init__(folder, suffix)
        self._objects = objects
        self._room = room
        self._new = new
        self._by_digest = by_digest
        self._fetching: Once[None] = Once()
        room.add(self)

    def path(self, key: str) -> Path:
        """Where a copy of the file of that key is, which is fetched if need be; no file there: the store has none.

        Raises:
            StoreUnavailable: it is to be fetched, and the store does not answer.
            DamagedArtefact: what the store has is not what was stored.
        """
        path = super().path(key)
        if not self._room.use(path):
            self._fetching(key, lambda: self._fetch(key, path))
        return path

    def lend(self, key: str, place: Path) -> Path:
        """A second name of the file, which holds it however long somebody works with it, who removes it then."""
        path = self.path(key)
        try:
            os.link(path, place)
        except FileNotFoundError:
            return path
        except OSError:  # a file system without second names
            shutil.copyfile(path, place)
        return place

    def read(self, digest: str) -> bytes:
        """As `Shelf.read`; a copy that is damaged is fetched again."""
        try:
            return super().read(digest)
        except DamagedArtefact:
            super().drop(digest)
            return super().read(digest)

    def checked(self, digest: str) -> Path:
        """As `Shelf.checked`; a copy that is damaged is fetched again."""
        try:
            return super().checked(digest)
        except DamagedArtefact:
            super().drop(digest)
            return super().checked(digest)

    def send(self, path: Path, key: str) -> None:
        """Store a file, so that `settle` finds it in the store.

        Raises:
            StoreUnavailable: the store does not take it.
        """
        self._objects.send(path, self._name(key), key if self._by_digest else digest_of(path))
        self._room.trim(path.stat().st_size)

    def settle(self, path: Path, key: str) -> None:
        """Keep a file that was written to a new path.

        Raises:
            StoreUnavailable: the store does not take it; it is not kept then.
        """
        # Another one that was removed meanwhile may have taken it along.
        if not self._objects.has(self._name(key), path.stat().st_size):
            self.send(path, key)
        super().settle(path, key)

    def drop(self, key: str) -> None:
        """Remove a file, if it is there; a store that does not answer keeps it until the next start after a day."""
        super().drop(key)
        try:
            self._objects.remove(self._name(key))
        except StoreUnavailable as error:
            _log.warning("%s could not be removed and is left to be swept: %s", self._name(key), error)

    def is_stored(self, path: Path, size: int) -> bool:
        """Whether the store has the file of a copy; not where it does not answer."""
        try:
            return self._objects.has(f"{self.folder.name}/{path.name}", size)
        except StoreUnavailable:
            return False

    def bring(self, known: set[str], now: datetime) -> None:
        """Remove old files under other keys than these from the store, and send there what it lacks of these.

        Args:
            known: the keys that the registry speaks of.
            now: what the clock of the store says.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        horizon = now - timedelta(seconds=ORPHAN_SECONDS)
        stored = set()
        for name, moment in self._objects.listed(self.folder.name):
            key = name.removesuffix(self.suffix)
            if key in known:
                stored.add(key)
            elif moment < horizon:
                self._objects.remove(f"{self.folder.name}/{name}")
        for key in sorted(known - stored):
            path = super().path(key)
            if path.is_file():
                self._bring(path, key)

    def _bring(self, path: Path, key: str) -> None:
        digest = digest_of(path)
        if self._by_digest and digest != key:
            _log.warning("%s is damaged, and was not sent to the file store", path)
            return
        self._objects.send(path, self._name(key), digest)

    def _fetch(self, key: str, path: Path) -> None:
        if self._room.use(path):  # by who has just had this place
            return
        new = self._new(self.suffix)
        try:
            if self._objects.fetch(self._name(key), new, key if self._by_digest else None):
                settle_file(new, path)
        finally:
            new.unlink(missing_ok=True)
        self._room.trim()

    def _name(self, key: str) -> str:
        return f"{self.folder.name}/{key}{self.suffix}"


def _is_old(path: Path) -> bool:
    try:
        # Older than now on either side: a clock that was put back leaves files of the future.
        return abs(time.time() - path.stat().st_mtime) > RECENT_SECONDS
    except FileNotFoundError:
        return False
