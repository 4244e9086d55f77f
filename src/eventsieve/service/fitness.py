"""Fitness: whether this machine, and what is installed on it, suit the settings."""

from __future__ import annotations

import importlib
import os
import platform
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import eventsieve
from eventsieve import machine
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.metrics import METRICS
from eventsieve.records import Means
from eventsieve.settings import Settings
from eventsieve.training.children import Nursery

__all__ = ["Fitness", "Look"]

Look = Callable[[], Iterator[tuple[str, str, str]]]
"""Gives levels ("ok", "warning", "fault") with what was found and the cure."""

MEBIBYTE: Final = 1 << 20
GOODBYE_SECONDS: Final = 10.0
SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - looked at, not written
LEAST_SHARED: Final = 64 * MEBIBYTE
PER_SLOT: Final = 8
"""Descriptors that a training takes: sockets, pipes, tables."""
SPARE: Final = 128
MOST_PER_CORE: Final = 2


class Fitness:
    """Looks, by the names of what is looked at.

    Args:
        settings: of the set-up.
        versions: of packages that models were trained with; ``None`` where the registry cannot be read.
    """

    def __init__(self, settings: Settings, versions: Mapping[tuple[str, str], int] | None) -> None:
        self._settings = settings
        self._versions = versions or {}

    def looks(self) -> dict[str, Look]:
        """All of them."""
        return {
            "slots": self.slots,
            "memory": self.memory,
            "versions": self.versions,
            "packages": self.packages,
            "types": self.types,
            "children": self.children,
            "logs": self.logs,
            "descriptors": self.descriptors,
            "shared memory": self.shared_memory,
        }

    def slots(self) -> Iterator[tuple[str, str, str]]:
        """Slots against cores."""
        slots, cores = self._settings.NUM_CPUS, machine.cores()
        says = f"{slots} slots of {self._settings.THREADS} threads on {cores} cores"
        if slots > max(4, MOST_PER_CORE * cores):
            yield "warning", says, f"set NUM_CPUS to {cores}: trainings take each other's time"
        else:
            yield "ok", says, ""

    def memory(self) -> Iterator[tuple[str, str, str]]:
        """What all slots may take against what there is, which a container may limit."""
        slots, limit, there = self._settings.NUM_CPUS, self._settings.memory_limit, machine.memory()
        says = f"{slots} slots of {limit / 1e9:,.1f} GB in {there / 1e9:,.1f} GB of memory"
        if limit > there:
            yield "fault", says, "lower MEMORY_LIMIT_MB: the system ends trainings before the limit does"
        elif slots * limit > 1.05 * there:
            yield "warning", says, "lower NUM_CPUS or MEMORY_LIMIT_MB, so that all slots fit"
        else:
            yield "ok", says, ""

    def versions(self) -> Iterator[tuple[str, str, str]]:
        """What the models were trained with against what is installed."""
        ours = version("scikit-learn")
        yield "ok", f"Eventsieve {eventsieve.__version__}, Python {platform.python_version()}, scikit-learn {ours}", ""
        trained = {each: count for (name, each), count in self._versions.items() if name == "scikit-learn"}
        newer = {each: count for each, count in trained.items() if _number(each) > _number(ours)}
        older = {each: count for each, count in trained.items() if _number(each)[:2] < _number(ours)[:2]}
        if newer:
            says = f"models of a newer scikit-learn: {_counted(newer)}"
            yield "fault", says, f"install scikit-learn {max(newer, key=_number)}, or train them again"
        if older:
            says = f"models of an older scikit-learn: {_counted(older)}"
            yield "warning", says, "see that they predict as before, or train them again"

    def packages(self) -> Iterator[tuple[str, str, str]]:
        """What the settings need beyond the core."""
        wanted = {}
        if (self._settings.DATABASE_URL or "").startswith(("postgresql:", "postgresql+psycopg:")):
            wanted["psycopg"] = "postgresql"
        if self._settings.FILES_URL and urlsplit(self._settings.FILES_URL).scheme != "file":
            wanted["obstore"] = "s3"
        if self._settings.OIDC_ISSUER:
            wanted["jwt"] = "oidc"
        missing = {package: extra for package, extra in wanted.items() if not _imports(package)}
        for package, extra in missing.items():
            yield "fault", f"{package} is not installed, and the settings need it", f"pip install 'eventsieve[{extra}]'"
        if not missing:
            yield "ok", "what the settings need is installed" + (f": {', '.join(wanted)}" if wanted else ""), ""

    def types(self) -> Iterator[tuple[str, str, str]]:
        """Types of models and figures of merit."""
        unknown = [name for name in self._settings.MODEL_TYPES if name not in CATALOGUE]
        wrong = [name for name in self._settings.AVAILABLE_SCORINGS if name not in METRICS]
        if unknown:
            yield "fault", f"MODEL_TYPES names {', '.join(unknown)}", f"there are: {', '.join(CATALOGUE)}"
        if wrong:
            yield "fault", f"AVAILABLE_SCORINGS names {', '.join(wrong)}", f"there are: {', '.join(METRICS)}"
        known = [name for name in self._settings.MODEL_TYPES if name in CATALOGUE]
        lacking = [name for name in known if not CATALOGUE[name].available]
        if known and len(lacking) == len(known):
            yield "fault", "no package of any type of MODEL_TYPES is installed", "pip install 'eventsieve[fast]'"
        elif lacking:
            yield "warning", f"not offered: {', '.join(lacking)}", "pip install 'eventsieve[fast]', or leave them out"
        else:
            yield "ok", f"{len(known)} types of models", ""
        self._settings.event_schema()

    def children(self) -> Iterator[tuple[str, str, str]]:
        """Whether a process for a training can be started, and ended."""
        nursery = Nursery(Means(threads=1, accelerate=False))
        try:
            child = nursery.fork()
            try:
                nursery.kill(child.pid)
                code = child.bury(GOODBYE_SECONDS)
            finally:
                child.close()
        except OSError as error:
            yield (
                "fault",
                f"no process can be started ({error})",
                "raise the limits of processes and memory (ulimit -u)",
            )
            return
        finally:
            nursery.close()
        if code == -signal.SIGKILL:
            yield "ok", "processes can be started and ended", ""
        else:
            yield "fault", f"a process could not be ended ({code})", "see what keeps signals from processes"

    def logs(self) -> Iterator[tuple[str, str, str]]:
        """Where the logs go."""
        folder = self._settings.LOG_DIR.absolute()
        there = next(each for each in (folder, *folder.parents) if each.exists())
        shut = [path for path in folder.glob("*.log*") if not os.access(path, os.W_OK)] if folder.is_dir() else []
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK) or shut:
            yield "fault", f"{shut[0] if shut else folder} cannot be written", "give the right to, or change LOG_DIR"
        else:
            yield "ok", f"{folder} can be written", ""
        path = self._settings.LOG_CONFIG_PATH
        if path is not None and not os.access(path, os.R_OK):
            yield "fault", f"{path} cannot be read", "correct LOG_CONFIG_PATH"

    def descriptors(self) -> Iterator[tuple[str, str, str]]:
        """How many files and connections may be open."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self._settings.MAX_CONNECTIONS + PER_SLOT * self._settings.NUM_CPUS + SPARE
        says = f"{'any number of' if soft == resource.RLIM_INFINITY else f'{soft:,}'} files and connections may be open"
        if soft != resource.RLIM_INFINITY and soft < wanted:
            yield "warning", says, f"raise the limit to {wanted:,} (ulimit -n, LimitNOFILE), or lower MAX_CONNECTIONS"
        else:
            yield "ok", says, ""

    def shared_memory(self) -> Iterator[tuple[str, str, str]]:
        """Where there is little, libraries of numbers fail in strange ways; containers have little by default."""
        if sys.platform != "linux":
            return
        if not SHARED_MEMORY.is_dir() or not os.access(SHARED_MEMORY, os.W_OK):
            yield "warning", f"{SHARED_MEMORY} cannot be written", "mount it (docker run --shm-size)"
            return
        free = shutil.disk_usage(SHARED_MEMORY).free
        if free < LEAST_SHARED:
            yield "warning", f"{free / 1e6:,.0f} MB of shared memory are free", "give it more (docker run --shm-size)"
        else:
            yield "ok", f"{free / 1e6:,.0f} MB of shared memory are free", ""


def _imports(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _number(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:3]
    return tuple(int("".join(each for each in part if each.isdecimal()) or 0) for part in parts)


def _counted(versions: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {each}" for each, count in sorted(versions.items()))
