"""The files of a store: artefacts and tables by digest, and what is being written.

    MODEL_DIR/
      registry.sqlite           the facts (see registry.py)
      artefacts/<sha256>.skops  trained models
      tables/<sha256>.arrow     tables of checked events, as trainings map them
      evaluations/<sha256>.json what the evaluation of a model has found
      datasets/<sha256>.arrow   data sets: all columns of what came
      explorations/<key>.…      values and reports of data sets, made again where they are missing
      exports/<key>.…           models in other formats, likewise
      scores/<key>.parquet      what models say of data sets, likewise; those used least go first
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
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import IO, NamedTuple

from eventsieve.domain.events import Events
from eventsieve.errors import BadConfiguration, DamagedArtefact
from eventsieve.storage.tables import write_events

__all__ = ["Digests", "Files", "Shelf"]

ORPHAN_SECONDS = 24 * 3600.0
"""How long a file that no row speaks of is left alone: another process may be about to speak of it."""


class Digests(NamedTuple):
    """The digests of all files that the registry speaks of."""

    artefacts: set[str]
    tables: set[str]
    evaluations: set[str]
    datasets: set[str]


class Shelf:
    """The finished files of one kind, each under a key.

    Args:
        folder: where they are; made if it is not there.
        suffix: of their names.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder = folder
        self.suffix = suffix
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where the file of that key is kept."""
        return self.folder / f"{key}{self.suffix}"

    def settle(self, path: Path, key: str) -> None:
        """Keep a file that was written to a new path."""
        _settle(path, self.path(key))

    def drop(self, key: str) -> None:
        """Remove a file, if it is there."""
        self.path(key).unlink(missing_ok=True)

    def touch(self, key: str) -> None:
        """Note that a file is used now, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path(key))

    def drop_where(self, chosen: Callable[[str], bool]) -> None:
        """Remove the files whose keys are chosen."""
        for path in self.folder.iterdir():
            if chosen(path.name.removesuffix(self.suffix)):
                path.unlink(missing_ok=True)

    def trim(self, most_files: int, most_bytes: int) -> None:
        """Remove the files that were used longest ago, until so many of so many bytes are left; one always is."""
        found: list[tuple[int, int, Path]] = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        found.sort(reverse=True)
        sizes = accumulate(size for _, size, _ in found)
        for place, (size, (_, _, path)) in enumerate(zip(sizes, found, strict=True)):
            if place and (place >= most_files or size > most_bytes):
                path.unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> None:
        """Remove old files under other keys than these."""
        horizon = time.time() - ORPHAN_SECONDS
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.name.removesuffix(self.suffix) not in known and path.stat().st_mtime < horizon:
                    path.unlink()


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
        self._owners = self.root / "owners"
        self._incoming = self.root / "incoming" / self.owner
        try:
            self._owners.mkdir(parents=True, exist_ok=True)
            self.artefacts = Shelf(self.root / "artefacts", ".skops")
            self.tables = Shelf(self.root / "tables", ".arrow")
            self.evaluations = Shelf(self.root / "evaluations", ".json")
            self.datasets = Shelf(self.root / "datasets", ".arrow")
            self.explorations = Shelf(self.root / "explorations", "")
            self.exports = Shelf(self.root / "exports", "")
            self.scores = Shelf(self.root / "scores", ".parquet")
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

    def write_table(self, events: Events, path: Path) -> str:
        """Write the events to a new path; returns the digest. The same events twice have the same digest."""
        write_events(events, path)
        return _digest(path)

    def adopt_artefact(self, path: Path, digest: str) -> None:
        """Keep the artefact that was written to a new path, if it is what it should be.

        Raises:
            DamagedArtefact: it is not; it is not kept.
        """
        self._adopt(self.artefacts, path, digest)

    def adopt_evaluation(self, path: Path, digest: str) -> None:
        """Keep the evaluation that was written to a new path, if it is what it should be.

        Raises:
            DamagedArtefact: it is not; it is not kept.
        """
        self._adopt(self.evaluations, path, digest)

    def read_artefact(self, digest: str) -> bytes:
        """The bytes of an artefact.

        Raises:
            DamagedArtefact: it is missing, or is not what was stored.
        """
        try:
            data = self.artefacts.path(digest).read_bytes()
        except OSError as error:
            raise DamagedArtefact(f"The stored model cannot be read ({error.strerror}).") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedArtefact("The file of the stored model is not what was stored.")
        return data

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

    def sweep(self, digests: Digests) -> None:
        """Remove old files that the registry does not speak of."""
        self.artefacts.sweep(digests.artefacts)
        self.tables.sweep(digests.tables)
        self.evaluations.sweep(digests.evaluations)
        self.datasets.sweep(digests.datasets)

    def close(self) -> None:
        """Let go of the store."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        (self._owners / f"{self.owner}.lock").unlink(missing_ok=True)
        self._lock.close()

    def _adopt(self, shelf: Shelf, path: Path, digest: str) -> None:
        if not path.is_file() or _digest(path) != digest:
            raise DamagedArtefact("The trained model was not written whole; train it again.")
        shelf.settle(path, digest)


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
