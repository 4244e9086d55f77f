"""Restoring: a backup becomes a store, after all of it has been looked at.

What is unpacked lies with what this process is writing, so a restore that is killed leaves nothing; the files come
first and the registry that speaks of them last.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, create_engine
from sqlalchemy.orm import sessionmaker

from eventsieve.errors import BadConfiguration, BadInput, Conflict
from eventsieve.storage.archive import Entry, Reader
from eventsieve.storage.backup import ABOUT, BY_DIGEST, FORMAT, MANIFEST, shelves
from eventsieve.storage.database import connect, one_at_a_time, open_database
from eventsieve.storage.files import Files
from eventsieve.storage.identity import identify, identity_for, identity_of
from eventsieve.storage.lookingon import looking_at, sqlite_file
from eventsieve.storage.migrating import is_known
from eventsieve.storage.shelves import settle_file
from eventsieve.storage.snapshot import check_readable, fill, holds_something, needed
from eventsieve.storage.trail import Trail

__all__ = ["Restored", "restore"]

DOCUMENT_BYTES: Final = 256 << 20
"""Most bytes of a document at the top of an archive: it is read into memory."""
SPARE_BYTES: Final = 64 << 20
"""Room on the disk that is left alone."""
ASIDE: Final = "before-restore"


STAYS: Final = frozenset({"owners", "incoming", "migration.lock"})
"""What a store has while somebody works on it."""

T = TypeVar("T", bound=BaseModel)


class _About(BaseModel):
    format: int
    version: str
    revision: str
    made: str


class _Manifest(_About):
    members: list[tuple[str, int, str]]
    absent: dict[str, str]


@dataclass(frozen=True)
class Restored:
    """What has been restored.

    Attributes:
        made: when the backup was made.
        version: of the Eventsieve that made it.
        counts: models, jobs and data sets.
        absent: what the backup does not have, with the reason.
        aside: where the store is that was there before.
    """

    made: str
    version: str
    counts: Mapping[str, int]
    absent: Mapping[str, str]
    aside: Path | None


def restore(archive: Path, files: Files, url: str, *, force: bool = False, movable: bool = True) -> Restored:
    """Make a store of a backup.

    Args:
        archive: the backup.
        files: of a store that holds nothing.
        url: of its database.
        force: whether a store that holds something is moved aside, within its folder, and the files in an object store
            that are those of the registry that was saved are taken over.
        movable: whether all of the store is in its folder.

    Raises:
        BadInput: the archive is damaged, or no backup.
        BadConfiguration: it is a newer Eventsieve's, the database cannot be opened, or the files there are another's.
        Conflict: the store holds something, or is in use, or its files are those of the registry that was saved.
        OSError: there is no room; nothing has changed then.
    """
    own, aside = _look(files, url, force=force, movable=movable)
    with archive.open("rb") as file:
        unpacked = _unpack(Reader(file, archive.name), files)
    scratch = files.new(".sqlite")
    saved, counts = _check(unpacked, scratch)
    identity = identity_for(files, own, saved, force=force)
    with one_at_a_time(files.root / "migration.lock"):
        _refuse_users(files)
        if aside is not None:
            _move_aside(files, aside)
        with _registry(unpacked, scratch, files, url, identity):
            for name, path in unpacked.files.items():
                shelf, _, rest = name.partition("/")
                place = shelves(files)[shelf]
                key = rest.removesuffix(place.suffix)
                place.send(path, key)
                place.settle(path, key)
        _note(archive, files, url)
    manifest = unpacked.manifest
    return Restored(manifest.made, manifest.version, counts, manifest.absent, aside)


def _note(archive: Path, files: Files, url: str) -> None:
    engine = open_database(url, files.new(".lock"))  # the store's own lock is held
    Trail(sessionmaker(engine)).add("restore", [f"backup:{archive.name}"])
    engine.dispose()


@dataclass(frozen=True)
class _Unpacked:
    manifest: _Manifest
    files: Mapping[str, Path]
    rows: Mapping[str, Path]


def _look(files: Files, url: str, *, force: bool, movable: bool) -> tuple[str | None, Path | None]:
    """The id of the registry that is there, and where the store has to go, if it may; nothing where nothing is."""
    _refuse_users(files)
    own = sqlite_file(url)
    if own is not None and not own.exists():
        return None, None
    with looking_at(url) as connection:
        identity = identity_of(connection)
        if not holds_something(connection):
            return identity, None
    if not force:
        raise Conflict(
            f"The store in {files.root} holds something; name another folder (--model-dir), or move this one aside "
            f"(--force)."
        )
    if not movable:
        raise Conflict(
            "Only a store that is wholly in its folder can be moved aside; name an empty database (DATABASE_URL) and "
            "another place for files (FILES_URL)."
        )
    return identity, files.root / f"{ASIDE}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _refuse_users(files: Files) -> None:
    if files.living_owners() - {files.owner}:
        raise Conflict(f"A server or a command works on the store in {files.root}; end it first.")


def _unpack(reader: Reader, files: Files) -> _Unpacked:
    found: dict[str, tuple[Path, Entry]] = {}
    for name, size, copy in reader.members():
        if name in found:
            raise BadInput(f"The archive has {name} twice; take another one.")
        if not found and name != ABOUT:
            raise BadInput("The archive is no backup of Eventsieve: it does not begin as one; take another one.")
        _refuse_beyond_room(name, size, files.root)
        path = files.new()
        with path.open("wb") as file:
            found[name] = (path, Entry(name, size, copy(file)))
        if name == ABOUT:
            _refuse_newer(_read(_About, path, size))
    if MANIFEST not in found:
        raise BadInput("The archive is no whole backup: its manifest is missing; take another one.")
    path, entry = found[MANIFEST]
    return _as_the_manifest_says(_read(_Manifest, path, entry.size), found)


def _as_the_manifest_says(manifest: _Manifest, found: Mapping[str, tuple[Path, Entry]]) -> _Unpacked:
    kept = {}
    for name, size, sha256 in manifest.members:
        if name not in found or found[name][1] != Entry(name, size, sha256):
            raise BadInput(f"{name} in the archive is missing or is not what was saved; take another one.")
        kept[name] = found[name][0]
    rows = {name[5:].removesuffix(".jsonl"): path for name, path in kept.items() if name.startswith("rows/")}
    return _Unpacked(manifest, {name: path for name, path in kept.items() if not name.startswith("rows/")}, rows)


def _check(unpacked: _Unpacked, scratch: Path) -> tuple[str | None, dict[str, int]]:
    """Make a registry of the rows in a place of its own, and see that they can be read and have their files."""
    with _changing(f"sqlite:///{scratch}") as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        fill(connection, unpacked.manifest.revision, unpacked.rows)
        wanted = {f"{shelf}/{key}" for shelf, keys in needed(connection).items() for key in keys}
        saved, counts = identity_of(connection), check_readable(connection)
    there = {name.rpartition(".")[0]: name for name in (*unpacked.files, *unpacked.manifest.absent)}
    if lacking := sorted(wanted - set(there)):
        raise BadInput(f"The backup speaks of {lacking[0]} and does not have it; take another one.")
    if foreign := sorted(set(there) - wanted):
        raise BadInput(f"The backup has {there[foreign[0]]}, and nothing speaks of it; take another one.")
    for name, _, sha256 in unpacked.manifest.members:
        _refuse_wrong_key(name, sha256)
    return saved, counts


@contextmanager
def _changing(url: str) -> Iterator[Connection]:
    """A transaction in a database of nobody else's."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_wrong_key(name: str, sha256: str) -> None:
    shelf, _, rest = name.partition("/")
    if shelf in BY_DIGEST and rest.partition(".")[0] != sha256:
        raise BadInput(f"{name} in the archive is not what its name says; take another one.")


def _refuse_beyond_room(name: str, size: int, folder: Path) -> None:
    if "/" not in name and size > DOCUMENT_BYTES:
        raise BadInput(f"{name} in the archive is larger than it can be; take another one.")
    if size > shutil.disk_usage(folder).free - SPARE_BYTES:
        raise OSError(
            errno.ENOSPC, f"There is no room for the {size >> 20:,} MB of {name} in the backup; make some", str(folder)
        )


def _read(kind: type[T], path: Path, size: int) -> T:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(
            f"A document of {size} bytes in the archive is not what a backup has; take another one."
        ) from error


def _refuse_newer(about: _About) -> None:
    if about.format > FORMAT or not is_known(about.revision):
        raise BadConfiguration(
            f"The backup was made by a newer Eventsieve ({about.version}, revision {about.revision}); "
            f"install that, and restore with it."
        )


def _move_aside(files: Files, aside: Path) -> None:
    aside.mkdir()
    for path in list(files.root.iterdir()):
        if path.name not in STAYS and not path.name.startswith(ASIDE):
            folder = path.is_dir()
            path.rename(aside / path.name)
            if folder:
                path.mkdir()


@contextmanager
def _registry(unpacked: _Unpacked, scratch: Path, files: Files, url: str, identity: str) -> Iterator[None]:
    """Fill the registry; it is there when the block has ended, and stays as it was where the block fails."""
    own = files.root / "registry.sqlite"
    if sqlite_file(url) == own:
        with _changing(f"sqlite:///{scratch}") as connection:
            identify(connection, identity)
        yield
        for suffix in ("-wal", "-shm"):  # of the one that held nothing
            own.with_name(own.name + suffix).unlink(missing_ok=True)
        settle_file(scratch, own)
        return
    engine = connect(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            if holds_something(connection):  # by now
                raise Conflict("Something has come into the database meanwhile; name an empty one (DATABASE_URL).")
            fill(connection, unpacked.manifest.revision, unpacked.rows)
            identify(connection, identity)
            yield
    finally:
        engine.dispose()
