"""Owners: the processes that use one store, and how others know whether they live.

On one machine the kernel tells: each holds a lock on a file for as long as it lives. Of processes on other machines
only the registry's database tells, where each counts its beats; one whose count has stood still for a minute, by the
clock of who looks, is taken for dead. No clock is compared with another, and one that is set does not matter.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, NamedTuple

__all__ = ["BEAT_SECONDS", "SILENT_SECONDS", "Held", "Locks", "Watch"]

BEAT_SECONDS: Final = 10.0
"""Between two beats."""

SILENT_SECONDS: Final = 60.0
"""After so long without a beat an owner is dead, where no lock tells it sooner."""

GAP_SECONDS: Final = 3 * BEAT_SECONDS
"""Who has not looked for longer knows nothing of what was before: the database may have been down for all."""


class Held(NamedTuple):
    """Whose locks there are in a folder: of living processes, and of dead ones."""

    living: frozenset[str]
    dead: frozenset[str]


class Locks:
    """The locks of the processes that share a folder.

    Args:
        root: the store's folder; the lock of this process is held from now on.
        owner: the id of this process.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, root: Path, owner: str) -> None:
        self._root = root
        self._owner = owner
        self._folder = root / "owners"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(self._path(owner))

    def look(self) -> Held:
        """Who lives, and who is dead."""
        held = {path.stem: path.stem == self._owner or _is_held(path) for path in self._folder.glob("*.lock")}
        living = frozenset(owner for owner, alive in held.items() if alive)
        return Held(living, frozenset(held) - living)

    def bury(self, owner: str) -> None:
        """Remove what a dead process has left behind, its lock last: so long it is known to be dead."""
        shutil.rmtree(self._root / "incoming" / owner, ignore_errors=True)
        self._path(owner).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the lock of this process."""
        self._path(self._owner).unlink(missing_ok=True)
        self._lock.close()

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"


class Watch:
    """How long other owners have been silent.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked: float | None = None
        self._seen: dict[str, tuple[int, float]] = {}

    def look(self, beats: Mapping[str, int]) -> dict[str, int]:
        """Take note of how often each owner has beaten; returns those that are dead, with the last of their beats."""
        now = self._clock()
        # Beats that were not written while nobody could write are nobody's fault: all have their minute again.
        anew = self._looked is None or now - self._looked > GAP_SECONDS
        self._looked = now
        before = {} if anew else self._seen
        self._seen = {
            owner: before[owner] if owner in before and before[owner][0] == count else (count, now)
            for owner, count in beats.items()
        }
        return {owner: count for owner, (count, since) in self._seen.items() if now - since >= SILENT_SECONDS}


def _hold(path: Path) -> IO[bytes]:
    # The kernel lets go of the lock when the process ends, however it ends. The file gets its name when it is locked
    # already: between the two, others would take it for one that a dead process has left.
    unnamed = path.with_suffix(".new")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(unnamed.open("wb"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.replace(path)
        stack.pop_all()
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
