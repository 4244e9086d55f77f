"""Diagnosis: what is wrong with a set-up, and the cure; it looks and changes nothing, whether a server runs or not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from eventsieve.errors import BadConfiguration, EventsieveError
from eventsieve.service.fitness import Fitness
from eventsieve.settings import Settings
from eventsieve.storage.database import newest_revision
from eventsieve.storage.examining import Facts, FileFault, examine, faults_of_files, is_locked
from eventsieve.storage.lookingon import sqlite_file

__all__ = ["Finding", "Level", "diagnose"]

MOST_NAMED: Final = 5
CLOCK: Final = timedelta(minutes=5)
MEBIBYTE: Final = 1 << 20


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """What was found where it was looked, and what to do about it.

    Attributes:
        place: what was looked at.
        level: how bad it is.
        says: what was found.
        cure: what to do; empty where nothing is to be done.
    """

    place: str
    level: Level
    says: str
    cure: str = ""


def diagnose(settings: Settings, *, deep: bool = False) -> Iterator[Finding]:
    """What is found, one thing after another, whatever fails.

    Args:
        settings: of the set-up.
        deep: whether to read all of every file.
    """
    facts: Facts | None = None
    yield from _looked("store", lambda: _store(settings))
    try:
        if (path := sqlite_file(settings.database_url)) is not None and not path.exists():
            yield Finding("registry", Level.OK, f"{path} is not there yet; the first start makes it")
        else:
            facts = examine(settings.database_url, deep=deep)
    except EventsieveError as error:
        cure = "repair the database, or restore a backup (eventsieve restore FILE --force)"
        yield Finding("registry", Level.FAULT, str(error), cure)
    if facts is not None:
        known = facts
        yield from _looked("registry", lambda: _registry(known, settings))
        yield from _looked("files", lambda: _files(known, settings, deep=deep))
        yield from _looked("clock", lambda: _clock(known))
    yield from _looked("access", lambda: _access(facts, settings))
    fitness = Fitness(settings, None if facts is None else facts.versions)
    for place, look in fitness.looks().items():
        yield from _looked(place, lambda look=look, place=place: _told(place, look))  # type: ignore[misc]


def _looked(place: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except (EventsieveError, OSError) as error:
        yield Finding(place, Level.FAULT, str(error), "see to it that it can be looked at")
    except Exception as error:  # noqa: BLE001 - what cannot be looked at must not hide the rest
        yield Finding(
            place, Level.FAULT, f"it cannot be looked at ({error!r})", "report this sentence as a fault of ours"
        )


def _told(place: str, look: Callable[[], Iterator[tuple[str, str, str]]]) -> Iterator[Finding]:
    for level, says, cure in look():
        yield Finding(place, Level(level), says, cure)


def _store(settings: Settings) -> Iterator[Finding]:
    root = settings.MODEL_DIR.absolute()
    if not root.exists():
        parent = next(each for each in root.parents if each.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("store", Level.OK, f"{root} is not there yet; the first start makes it")
        else:
            yield Finding(
                "store", Level.FAULT, f"{root} is not there and cannot be made", f"make it, or let {parent} be written"
            )
        return
    if not root.is_dir() or not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "store",
            Level.FAULT,
            f"{root} cannot be written",
            "give the server's user the right to, or change MODEL_DIR",
        )
        return
    usage = shutil.disk_usage(root)
    room = f"{root} can be written; {usage.free / 1e9:,.1f} of {usage.total / 1e9:,.1f} GB are free"
    if usage.free < settings.MIN_FREE_MB * MEBIBYTE:
        yield Finding("store", Level.FAULT, room, f"make room: MIN_FREE_MB asks for {settings.MIN_FREE_MB:,} MB")
    elif usage.free < settings.MAX_UPLOAD_MB * MEBIBYTE:
        cure = f"make room, or lower MAX_UPLOAD_MB ({settings.MAX_UPLOAD_MB:,} MB)"
        yield Finding("store", Level.WARNING, f"{room}, less than an upload may have", cure)
    else:
        yield Finding("store", Level.OK, room)
    yield from _folders(root)


def _folders(root: Path) -> Iterator[Finding]:
    folders = [path for path in root.iterdir() if path.is_dir()]
    other = [path.name for path in folders if path.stat().st_dev != root.stat().st_dev]
    if other:
        cure = "mount them together, so that a file is there whole or not at all"
        yield Finding("store", Level.WARNING, f"on other file systems than {root}: {', '.join(sorted(other))}", cure)
    if shut := [path.name for path in folders if not os.access(path, os.W_OK | os.X_OK)]:
        cure = "give the server's user the right to write them"
        yield Finding("store", Level.FAULT, f"folders that cannot be written: {', '.join(sorted(shut))}", cure)
    aside = [path.name for path in root.iterdir() if ".before-" in path.name or path.name.startswith("before-restore-")]
    if aside:
        cure = "remove them when nobody wants to go back"
        yield Finding("store", Level.WARNING, f"kept from before: {', '.join(sorted(aside))}", cure)


def _registry(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if facts.faults:
        cure = "stop the server and restore the last backup (eventsieve restore FILE --force)"
        yield Finding("registry", Level.FAULT, f"it is damaged: {'; '.join(facts.faults[:MOST_NAMED])}", cure)
    newest = newest_revision()
    if facts.revision is not None and facts.revision > newest:
        cure = "install the newer Eventsieve that wrote it, or restore a backup of before"
        yield Finding("registry", Level.FAULT, f"its revision {facts.revision} is newer than ours, {newest}", cure)
    elif facts.revision != newest:
        cure = "back up first (eventsieve backup FILE); the next start brings it to the newest"
        yield Finding(
            "registry", Level.WARNING, f"its revision is {facts.revision or 'none'}, and ours is {newest}", cure
        )
    if is_locked(settings.database_url):
        yield Finding("registry", Level.FAULT, "another process keeps it from being written", "end that process")
    if facts.journal not in (None, "wal"):
        cure = "keep MODEL_DIR on a local disk; the next start sets it"
        yield Finding("registry", Level.WARNING, f"its journal is {facts.journal!r} and not write-ahead", cure)
    yield Finding("registry", Level.OK, f"{facts.kind} answers at revision {facts.revision}; {facts.models} models")


def _files(facts: Facts, settings: Settings, *, deep: bool) -> Iterator[Finding]:
    found: dict[str, list[FileFault]] = {}
    for fault in faults_of_files(facts.files, settings.MODEL_DIR.absolute(), settings.FILES_URL, deep=deep):
        found.setdefault(fault.what, []).append(fault)
    orphans = found.pop("orphan", [])
    for what, faults in found.items():
        cure = "restore a backup, or remove what needs them and make it again"
        yield Finding("files", Level.FAULT, f"{what}: {_named(faults)}", cure)
    if orphans:
        says = f"nothing speaks of {_named(orphans)}"
        yield Finding("files", Level.WARNING, says, "nothing: the next start of a server removes them")
    if not found:
        count = sum(len(keys) for keys in facts.files.values())
        how = "are what was stored" if deep else "are there (--deep reads them)"
        yield Finding("files", Level.OK, f"the {count} files that the registry speaks of {how}")


def _named(faults: list[FileFault]) -> str:
    more = len(faults) - MOST_NAMED
    return ", ".join(each.name for each in faults[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _clock(facts: Facts) -> Iterator[Finding]:
    now = datetime.now(UTC)
    if facts.newest is not None and facts.newest > now + CLOCK:
        says = f"it says {now:%Y-%m-%d %H:%M} UTC, and the registry knows of {facts.newest:%Y-%m-%d %H:%M}"
        yield Finding("clock", Level.FAULT, says, "set the clock; keep it by NTP")
    else:
        yield Finding("clock", Level.OK, f"it says {now:%Y-%m-%d %H:%M} UTC")


def _access(facts: Facts | None, settings: Settings) -> Iterator[Finding]:
    if not settings.AUTH:
        yield Finding("access", Level.OK, "nobody has to sign in" + (" (OPEN)" if settings.OPEN else ""))
        return
    keys = 0 if facts is None else facts.keys
    if settings.OIDC_ISSUER and not settings.OIDC_AUDIENCE:
        raise BadConfiguration("OIDC_ISSUER is set and OIDC_AUDIENCE is not.")
    if not keys and not settings.OIDC_ISSUER:
        cure = "eventsieve keys create NAME --role admin"
        yield Finding("access", Level.FAULT, "everybody has to sign in, and there is no key that holds", cure)
        return
    through = " and through OIDC" if settings.OIDC_ISSUER else ""
    yield Finding("access", Level.OK, f"everybody signs in, with {keys} keys{through}")
