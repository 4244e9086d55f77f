"""The files of a store: artefacts and tables by digest, and what is being written.

    MODEL_DIR/
      registry.sqlite           the facts (see registry.py)
      registry                  the id of the registry whose files these are, wherever that is
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

Artefacts, tables, evaluations and data sets may be elsewhere: in another folder, or in an object store of which they
are a cache then. Nothing is written under its final name: a file is finished in ``incoming``, then renamed. A process
that is killed leaves a lock that nobody holds; whoever comes next sees that and clears up after it.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from eventsieve.domain.events import Events
from eventsieve.errors import BadConfiguration, DamagedArtefact
from eventsieve.storage.cached import CachedShelf, Room
from eventsieve.storage.objects import Objects
from eventsieve.storage.owners import Held, Locks
from eventsieve.storage.shelves import ORPHAN_SECONDS, Shelf, digest_of, settle_file
from eventsieve.storage.tables import write_events

__all__ = ["ORPHAN_SECONDS", "Digests", "Files", "Shelf"]

DURABLE: Final = {"artefacts": ".skops", "tables": ".arrow", "evaluations": ".json", "datasets": ".arrow"}
"""The shelves of what cannot be made again, with the suffixes of their files."""

HOLDER: Final = "registry"
"""Name of the file or object that says whose the files are."""


class Digests(NamedTuple):
    """The digests of all files that the registry speaks of."""

    artefacts: set[str]
    tables: set[str]
    evaluations: set[str]
    datasets: set[str]


class Files:
    """The files of one store, as one process sees them.

    Args:
        root: the folder; made if it is not there.
        url: where artefacts, tables, evaluations and data sets are, if it is not there: ``file:///FOLDER``, or an
            object store (see `eventsieve.storage.objects`).
        cache_bytes: of files of an object store that are kept in the folder; ``None`` for no limit.

    Raises:
        BadConfiguration: the folder or the object store cannot be used.
    """

    def __init__(self, root: Path, url: str | None = None, cache_bytes: int | None = None) -> None:
        self.root = root.absolute()
        self.owner = uuid.uuid4().hex
        self._incoming = self.root / "incoming" / self.owner
        self._objects = Objects(url) if url is not None and not url.startswith("file:") else None
        if self._objects is not None:
            self._objects.check()
        self._room = Room(cache_bytes)
        elsewhere = folder_of(url) if url is not None and self._objects is None else None
        durable = elsewhere or self.root
        self._marks = tuple(folder / HOLDER for folder in dict.fromkeys((durable, self.root)))
        try:
            self.artefacts = self._shelf(durable, "artefacts")
            self.tables = self._shelf(durable, "tables")
            self.evaluations = self._shelf(durable, "evaluations")
            self.datasets = self._shelf(durable, "datasets", by_digest=False)
            self.explorations = Shelf(self.root / "explorations", "")
            self.exports = Shelf(self.root / "exports", "")
            self.scores = Shelf(self.root / "scores", ".parquet")
            # The lock first: a folder without one would never be cleared up.
            self._locks = Locks(self.root, self.owner)
            self._incoming.mkdir(parents=True)
        except OSError as error:
            setting = "MODEL_DIR" if elsewhere is None else "MODEL_DIR and FILES_URL"
            raise BadConfiguration(
                f"The folder {error.filename or self.root} cannot be used ({error.strerror}); "
                f"set {setting} to a folder that can be written."
            ) from error

    def new(self, suffix: str = "") -> Path:
        """A path to write to; what is left there goes away with this process."""
        return self._incoming / f"{uuid.uuid4().hex}{suffix}"

    def write_table(self, events: Events, path: Path) -> str:
        """Write the events to a new path; returns the digest. The same events twice have the same digest."""
        write_events(events, path)
        return digest_of(path)

    def send_trained(self, artefact: Path, digest: str, evaluation: Path, evaluation_digest: str | None) -> None:
        """Do what takes long of adopting what a training has written, before a transaction.

        What is not what it should be is left for `adopt_artefact` and `adopt_evaluation` to refuse.

        Raises:
            StoreUnavailable: the object store does not take it.
        """
        if isinstance(self.artefacts, CachedShelf):
            if evaluation_digest is not None and _is(evaluation, evaluation_digest):
                self.evaluations.send(evaluation, evaluation_digest)
            if _is(artefact, digest):
                self.artefacts.send(artefact, digest)

    def adopt_artefact(self, path: Path, digest: str) -> None:
        """Keep the artefact that was written to a new path, if it is what it should be.

        Raises:
            DamagedArtefact: it is not; it is not kept.
            StoreUnavailable: the object store does not take it.
        """
        _adopt(self.artefacts, path, digest)

    def adopt_evaluation(self, path: Path, digest: str) -> None:
        """Keep the evaluation that was written to a new path, if it is what it should be.

        Raises:
            DamagedArtefact: it is not; it is not kept.
            StoreUnavailable: the object store does not take it.
        """
        _adopt(self.evaluations, path, digest)

    def read_artefact(self, digest: str) -> bytes:
        """The bytes of an artefact.

        Raises:
            DamagedArtefact: it is missing, or is not what was stored.
            StoreUnavailable: it is in an object store that does not answer.
        """
        return self.artefacts.read(digest)

    def owners(self) -> Held:
        """Which of the processes that share this folder live, and which are dead; `bury` those."""
        return self._locks.look()

    def bury(self, owner: str) -> None:
        """Remove what a dead process has left behind in the folder."""
        self._locks.bury(owner)

    def living_owners(self) -> set[str]:
        """The ids of the processes that use this folder now; what dead ones left behind is removed."""
        held = self.owners()
        for owner in held.dead:
            self.bury(owner)
        return set(held.living)

    @property
    def shown(self) -> str:
        """Where artefacts, tables, evaluations and data sets are, for people."""
        return str(self._marks[0].parent) if self._objects is None else self._objects.shown

    def holder(self) -> str | None:
        """The id of the registry whose files these are; ``None`` where they are nobody's yet.

        Raises:
            StoreUnavailable: the object store does not answer.
        """
        return next(filter(None, self._holders().values()), None)

    def claim(self, registry: str) -> None:
        """See that the files are those of this registry: another's would be swept.

        Args:
            registry: its id.

        Raises:
            BadConfiguration: they are another's, or the copies in the folder are.
            StoreUnavailable: the object store does not answer.
        """
        holders = self._holders()
        if foreign := next((place for place, holder in holders.items() if holder not in (None, registry)), ""):
            raise BadConfiguration(
                f"The files in {foreign} are those of another registry than the one that is opened here (see "
                f"DATABASE_URL), which would remove them. Choose another place in MODEL_DIR or FILES_URL, or, if that "
                f"registry is no more, remove {HOLDER!r} there."
            )
        if self._objects is not None:
            self._objects.note(HOLDER, registry)
        for mark in self._marks:
            if holders[str(mark.parent)] is None:
                path = self.new()
                path.write_text(f"{registry}\n", encoding="ascii")
                settle_file(path, mark)

    def holds_any(self, digests: Digests) -> bool:
        """Whether one at least of these files is in the folder, be it as a copy of what is in an object store."""
        return any(Shelf.path(getattr(self, name), key).exists() for name in DURABLE for key in getattr(digests, name))

    def sweep(self, digests: Digests) -> None:
        """Remove old files that the registry does not speak of; send those to the object store that it lacks.

        Raises:
            StoreUnavailable: the object store does not answer.
        """
        now = None if self._objects is None else self._objects.now()
        for name in DURABLE:
            shelf, known = getattr(self, name), getattr(digests, name)
            if isinstance(shelf, CachedShelf) and now is not None:
                shelf.bring(known, now)
            shelf.sweep(known)

    def close(self) -> None:
        """Let go of the store."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._locks.close()

    def _holders(self) -> dict[str, str | None]:
        """Whose the files are, by each place where some are."""
        told = {} if self._objects is None else {self._objects.shown: self._objects.noted(HOLDER)}
        return told | {str(mark.parent): _marked(mark) for mark in self._marks}

    def _shelf(self, folder: Path, name: str, *, by_digest: bool = True) -> Shelf:
        if self._objects is None:
            return Shelf(folder / name, DURABLE[name])
        return CachedShelf(
            folder / name, DURABLE[name], objects=self._objects, room=self._room, new=self.new, by_digest=by_digest
        )


def folder_of(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or not parts.path.startswith("/"):
        raise BadConfiguration(f"FILES_URL {url} is no folder of this machine; write it as file:///srv/eventsieve.")
    return Path(unquote(parts.path))


def _marked(mark: Path) -> str | None:
    try:
        return mark.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and digest_of(path) == digest


def _adopt(shelf: Shelf, path: Path, digest: str) -> None:
    if not _is(path, digest):
        raise DamagedArtefact("The trained model was not written whole; train it again.")
    shelf.settle(path, digest)
