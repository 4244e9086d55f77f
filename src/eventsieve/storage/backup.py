"""Backups: all that a store knows and cannot make again, in one archive that is written whole or not at all.

    eventsieve_backup.json    what this is: format, version, revision, when
    artefacts/<sha256>.skops  files, each once …
    tables/… evaluations/… datasets/…
    rows/<table>.jsonl        the rows of the last snapshot
    manifest.json             size and SHA-256 of each member that belongs to it, and what could not be saved

Files never change under their keys and are written after the snapshot that speaks of them. Where one has been removed
by then, another snapshot is taken, which does not speak of it any more.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import eventsieve
from eventsieve.errors import BadInput, DamagedArtefact
from eventsieve.storage.archive import Entry, Writer, compression_of
from eventsieve.storage.files import Files
from eventsieve.storage.lookingon import looking_at
from eventsieve.storage.shelves import Shelf
from eventsieve.storage.snapshot import Snapshot, take

__all__ = ["ABOUT", "BY_DIGEST", "FORMAT", "MANIFEST", "Backup", "back_up", "shelves"]

FORMAT: Final = 1
"""To be raised when an older Eventsieve could not restore what is written."""
ABOUT: Final = "eventsieve_backup.json"
MANIFEST: Final = "manifest.json"
BY_DIGEST: Final = frozenset({"artefacts", "tables", "evaluations"})
"""Shelves whose keys are the SHA-256 of their files."""
ATTEMPTS: Final = 4


@dataclass
class Backup:
    """What a backup holds.

    Attributes:
        revision: of the database.
        members: all of it, by their names.
        absent: what the registry speaks of and could not be saved, with the reason.
        size: bytes of the archive.
    """

    revision: str = ""
    members: dict[str, Entry] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    size: int = 0


def shelves(files: Files) -> dict[str, Shelf]:
    """The shelves of what cannot be made again, by their names."""
    return {
        "artefacts": files.artefacts,
        "tables": files.tables,
        "evaluations": files.evaluations,
        "datasets": files.datasets,
    }


def back_up(files: Files, url: str, path: Path) -> Backup:
    """Write a backup of a store that others may work on meanwhile.

    Args:
        files: the store's files.
        url: of its database.
        path: of the archive; its end says how it is compressed. A file that is there is replaced by a whole new one.

    Raises:
        BadInput: the name does not say what to write, or there is nothing to back up.
        BadConfiguration: the database cannot be read.
        StoreUnavailable: the store of files does not answer.
        OSError: the archive cannot be written.
    """
    compression = compression_of(path)
    with _whole(path) as file, tempfile.TemporaryDirectory(dir=files.new().parent) as folder:
        backup = _Making(files, url, Writer(file, compression), Path(folder)).make()
    backup.size = path.stat().st_size
    return backup


class _Making:
    """A backup that is being written."""

    def __init__(self, files: Files, url: str, writer: Writer, folder: Path) -> None:
        self._shelves = shelves(files)
        self._url = url
        self._writer = writer
        self._folder = folder
        self._backup = Backup()
        self._damaged: set[str] = set()
        """Written already, and not to be restored."""

    def make(self) -> Backup:
        snapshot = self._take()
        self._writer.add_text(ABOUT, _json(self._about(snapshot)))
        for attempt in range(1, ATTEMPTS + 1):
            absent = self._add_files(snapshot)
            if not absent or attempt == ATTEMPTS:
                break
            snapshot = self._take()
        for table, rows in snapshot.rows.items():
            with rows.open("rb") as file:
                self._keep(self._writer.add(f"rows/{table}.jsonl", file, rows.stat().st_size))
        needed = {name for name, _, _ in self._wanted(snapshot)}
        members = {
            name: each for name, each in self._backup.members.items() if name in needed or name.startswith("rows/")
        }
        backup = Backup(snapshot.revision, members, absent)
        manifest = self._about(snapshot) | {
            "members": [[each.name, each.size, each.sha256] for each in members.values()],
            "absent": absent,
        }
        self._writer.add_text(MANIFEST, _json(manifest))
        self._writer.finish()
        return backup

    def _take(self) -> Snapshot:
        with looking_at(self._url) as connection:
            return take(connection, self._folder)

    def _about(self, snapshot: Snapshot) -> dict[str, object]:
        made = datetime.now(UTC).isoformat(timespec="seconds")
        return {"format": FORMAT, "version": eventsieve.__version__, "revision": snapshot.revision, "made": made}

    def _wanted(self, snapshot: Snapshot) -> Iterator[tuple[str, Shelf, str]]:
        for name, keys in snapshot.files.items():
            shelf = self._shelves[name]
            for key in sorted(keys):
                yield f"{name}/{key}{shelf.suffix}", shelf, key

    def _add_files(self, snapshot: Snapshot) -> dict[str, str]:
        """Write what is not written yet; returns what could not be, with the reason."""
        absent = {}
        for name, shelf, key in self._wanted(snapshot):
            if name in self._damaged:
                absent[name] = "damaged"
            elif name not in self._backup.members and (why := self._add_file(name, shelf, key)):
                absent[name] = why
        return absent

    def _add_file(self, name: str, shelf: Shelf, key: str) -> str:
        try:
            with shelf.path(key).open("rb") as file:
                entry = self._writer.add(name, file, os.fstat(file.fileno()).st_size)
        except (FileNotFoundError, DamagedArtefact) as error:
            return "missing" if isinstance(error, OSError) else str(error)
        if name.partition("/")[0] in BY_DIGEST and entry.sha256 != key:
            self._damaged.add(name)
            return "damaged"
        self._keep(entry)
        return ""

    def _keep(self, entry: Entry) -> None:
        self._backup.members[entry.name] = entry


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner alone that gets its name when all of it is on the disk; of a failure nothing is left."""
    if not path.parent.is_dir():
        raise BadInput(f"The folder {path.parent} is not there; make it, or name another place for the backup.")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)


def _json(value: object) -> str:
    return json.dumps(value, indent=1)
