"""The files of a store: artefacts and tables by digest, and what is being written.

    MODEL_DIR/
      registry.sqlite           the facts (see registry.py)
      artefacts/<sha256>.skops  trained models
      tables/<sha256>.arrow     tables of events
      owners/<id>.lock          held by each living process
      migration.lock            held by who migrates the registry (see database.py)
      incoming/<id>/…           what that process is writing

Nothing is written under its final name: a file is finished in ``incoming``, then renamed. A process that is killed
leaves a lock that nobody holds; whoever comes next sees that and clears up after it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import IO

from eventsieve.domain.events import Events
from eventsieve.errors import BadConfiguration, DamagedArtefact
from eventsieve.storage.tables import write_events

__all__ = ["Files"]

ORPHAN_SECONDS = 24 * 3600.0
"""How long a file that no row speaks of is left alone: another process may be about to speak of it."""


class Files:
    """The files of one store, as one process sees them.

    Args:
        root: the folder; made if it is not there.

    Raises:
        BadConfiguration: the folder cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.owner = uuid.uuid4().hex
        self.artefacts = self.root / "artefacts"
        self.tables = self.root / "tables"
        self._owners = self.root / "owners"
        self._incoming = self.root / "incoming" / self.owner
        try:
            for folder in (self.artefacts, self.tables, self._owners):
                folder.mkdir(parents=True, exist_ok=True)
            # The lock first: a folder without one would never be cleared up.
            self._lock = _hold(self._owners / f"{self.owner}.lock")
            self._incoming.mkdir(parents=True)
        except OSError as error:
            raise BadConfiguration(
                f"The folder {self.root} cannot be used ({error.strerror}); "
                f"set MODEL_DIR to a folder that can be written."
            ) from error

    def new(self, suffix: str = "") -> Path:
        """A path to write to; what is left there goes away with this process."""
        return self._incoming / f"{uuid.uuid4().hex}{suffix}"

    def artefact(self, digest: str) -> Path:
        """Where the artefact of that digest is kept."""
        return self.artefacts / f"{digest}.skops"

    def table(self, digest: str) -> Path:
        """Where the table of that digest is kept."""
        return self.tables / f"{digest}.arrow"

    def write_table(self, events: Events, path: Path) -> str:
        """Write the events to a new path; returns the digest. The same events twice have the same digest."""
        write_events(events, path)
        return _digest(path)

    def settle_table(self, path: Path, digest: str) -> None:
        """Keep a table that was written to a new path."""
        _settle(path, self.table(digest))

    def adopt_artefact(self, path: Path, digest: str) -> None:
        """Keep the artefact that was written to a new path, if it is what it should be.

        Raises:
            DamagedArtefact: it is not; it is not kept.
        """
        if not path.is_file() or _digest(path) != digest:
            raise DamagedArtefact("The trained model was not written whole; train it again.")
        _settle(path, self.artefact(digest))

    def read_artefact(self, digest: str) -> bytes:
        """The bytes of an artefact.

        Raises:
            DamagedArtefact: it is missing, or is not what was stored.
        """
        try:
            data = self.artefact(digest).read_bytes()
        except OSError as error:
            raise DamagedArtefact(f"The stored model cannot be read ({error.strerror}).") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedArtefact("The file of the stored model is not what was stored.")
        return data

    def drop_artefact(self, digest: str) -> None:
        """Remove an artefact."""
        self.artefact(digest).unlink(missing_ok=True)

    def drop_table(self, digest: str) -> None:
        """Remove a table."""
        self.table(digest).unlink(missing_ok=True)

    def living_owners(self) -> set[str]:
        """The ids of the processes that use this store now; what dead ones left behind is removed."""
        living = set()
        for path in self._owners.glob("*.lock"):
            if path.stem == self.owner or _is_held(path):
                living.add(path.stem)
            else:
                shutil.rmtree(self.root / "incoming" / path.stem, ignore_errors=True)
                path.unlink(missing_ok=True)
        return living

    def sweep(self, artefacts: set[str], tables: set[str]) -> None:
        """Remove old files that are neither of these artefacts nor of these tables."""
        horizon = time.time() - ORPHAN_SECONDS
        for folder, known in ((self.artefacts, artefacts), (self.tables, tables)):
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stem not in known and path.stat().st_mtime < horizon:
                        path.unlink()

    def close(self) -> None:
        """Let go of the store."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        (self._owners / f"{self.owner}.lock").unlink(missing_ok=True)
        self._lock.close()


def _hold(path: Path) -> IO[bytes]:
    # The kernel lets go of the lock when the process ends, however it ends. The file gets its name when it is locked
    # already: between the two, others would take it for one that a dead process has left.
    unnamed = path.with_suffix(".new")
    file = unnamed.open("wb")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.replace(path)
    return file


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its owner has just left in order
        return False
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(path: Path, final: Path) -> None:
    """Give a finished file its final name, so that it is there whole or not at all, even after a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
