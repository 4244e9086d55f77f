"""Shelves: the finished files of one kind in a folder, each under a key."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

from eventsieve.errors import DamagedArtefact

__all__ = ["ORPHAN_SECONDS", "Shelf", "digest_of", "settle_file"]

ORPHAN_SECONDS = 24 * 3600.0
"""How long a file that no row speaks of is left alone: another process may be about to speak of it."""


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
        """Where the file of that key is kept; there need not be one."""
        return self.folder / f"{key}{self.suffix}"

    def lend(self, key: str, place: Path) -> Path:  # noqa: ARG002 - shelves that remove what is not used need it
        """Where the file of that key stays for as long as somebody works with it, who removes ``place`` then."""
        return self.path(key)

    def read(self, digest: str) -> bytes:
        """The bytes of a file whose key is their digest.

        Raises:
            DamagedArtefact: it is missing, or is not what was stored.
        """
        try:
            data = self.path(digest).read_bytes()
        except OSError as error:
            raise DamagedArtefact(f"The stored file cannot be read ({error.strerror}).") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedArtefact("The stored file is not what was stored.")
        return data

    def checked(self, digest: str) -> Path:
        """Where a file is whose key is its digest.

        Raises:
            DamagedArtefact: it is missing, or is not what was stored.
        """
        path = self.path(digest)
        try:
            found = digest_of(path)
        except OSError as error:
            raise DamagedArtefact(f"The stored file cannot be read ({error.strerror}).") from error
        if found != digest:
            raise DamagedArtefact("The stored file is not what was stored.")
        return path

    def send(self, path: Path, key: str) -> None:
        """Do what takes long of keeping a file, before a transaction in which `settle` is called."""

    def settle(self, path: Path, key: str) -> None:
        """Keep a file that was written to a new path."""
        settle_file(path, Shelf.path(self, key))

    def drop(self, key: str) -> None:
        """Remove a file, if it is there."""
        Shelf.path(self, key).unlink(missing_ok=True)

    def touch(self, key: str) -> None:
        """Note that a file is used now, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(Shelf.path(self, key))

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


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle_file(path: Path, final: Path) -> None:
    """Give a finished file its final name, so that it is there whole or not at all, even after a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    try:
        path.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _copy(path: Path, final: Path) -> None:
    """Move a file into another file system."""
    copy = final.with_name(f".{uuid.uuid4().hex}.part")
    try:
        shutil.copyfile(path, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.replace(final)
    finally:
        copy.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
