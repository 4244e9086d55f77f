#!/usr/bin/env python3
"""Change one thing in a module, run its tests, and say which changes no test has noticed.

    python tools/mutants.py training/engine [training/turns ...] [--most 100] [--line 42] [--list]

The package is copied into an environment of its own, so that what a test starts in other processes (children of the
engine, servers) has the change too. All is loaded once, and each change is tried in a fork whose functions get the
changed code; a change outside functions is tried in a new process. Tests that run the changed line come first; only
what survives them meets all the others. A change that makes the tests hang is noticed too, and listed as timed out.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import ctypes
import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import venv
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from inspect import CO_OPTIMIZED
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import psutil
import pytest
from changes import Mutant, changes

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "eventsieve"

TESTS = {
    "training/channel": ["unit/test_channel.py"],
    "training/deadline": ["unit/test_deadline.py", "integration/test_deadline.py"],
    "training/engine": ["unit/test_engine.py", "integration/test_engine.py"],
    "training/jobs": ["integration/test_jobs.py", "integration/test_trainings.py"],
    "training/pace": ["unit/test_pace.py", "integration/test_worker.py"],
    "training/turns": ["unit/test_turns.py"],
    "storage/backup": ["integration/test_backup.py"],
    "storage/cached": ["unit/test_cached.py"],
    "storage/columns": ["integration/test_columns.py"],
    "storage/containers": [
        "integration/test_containers.py",
        "integration/test_readers.py",
        "integration/test_sources.py",
        "integration/test_hostile.py",
    ],
    "storage/delimited": ["integration/test_readers.py", "integration/test_hostile.py"],
    "storage/files": ["integration/test_files.py", "integration/test_belonging.py", "unit/test_cached.py"],
    "storage/aging": ["integration/test_retention.py"],
    "storage/holdings": ["integration/test_quotas.py"],
    "storage/keybook": ["integration/test_keybook.py", "integration/test_keys.py"],
    "storage/modelbook": ["integration/test_models.py"],
    "storage/objects": ["unit/test_objects.py"],
    "storage/registry": ["integration/test_registry.py", "integration/test_owners.py", "integration/test_models.py"],
    "storage/restoring": ["integration/test_backup.py"],
    "storage/shelves": ["integration/test_files.py", "unit/test_cached.py"],
    "storage/snapshot": ["integration/test_backup.py"],
    "storage/trail": ["integration/test_trail.py"],
}
"""Below `tests`: what is to notice a change of each module, the quick ones first."""

SELECTION = "not postgresql and not slow"
"""Of these tests; one database is enough, since what differs is not in these modules."""

WORDS = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=short", "-k", SELECTION]

BASE_SECONDS = 30
LOADING_SECONDS = 180
"""How long tests may take that take no time without a change; more where the package is loaded anew."""


def say(what: str) -> None:
    """Write a line at once: it may take hours until the last."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


class Lines:
    """Which test runs which lines of one file in this process, and how long it takes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.tests: defaultdict[int, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.now = ""

    def run(self, items: list[Any], one: Callable[[Any, Any], bool]) -> bool:
        """Run tests and look on."""
        threading.settrace(self.call)
        for item, after in pairwise([*items, None]):
            self.now = item.nodeid
            begun = time.monotonic()
            sys.settrace(self.call)
            fine = one(item, after)
            sys.settrace(None)
            self.seconds[self.now] = time.monotonic() - begun
            if not fine:
                return False
        return True

    def call(self, frame: FrameType, event: str, _argument: object) -> Any:
        """A function begins: look at it if it is in the file."""
        return self.step(frame, event, _argument) if frame.f_code.co_filename == self.path else None

    def step(self, frame: FrameType, _event: str, _argument: object) -> Any:
        """A line runs."""
        self.tests[frame.f_lineno].add(self.now)
        return self.step


class Range:
    """A plugin of pytest that tries changes instead of running the tests once."""

    def __init__(self, name: str, folder: Path, tests: list[str], options: argparse.Namespace) -> None:
        self.name = name
        self.path = folder / "src" / "eventsieve" / f"{name}.py"
        self.source = self.path.read_bytes()
        self.log = folder / "tests.log"
        self.lines = Lines(self.path)
        self.tests = tests
        self.options = options
        self.items: dict[str, Any] = {}
        self.functions: list[FunctionType] = []
        self.fine = True
        for stale in self.path.parent.glob(f"__pycache__/{self.path.stem}.*"):
            stale.unlink()

    def pytest_runtestloop(self, session: Any) -> bool:
        """All tests are collected: try the changes."""
        self.items = {item.nodeid: item for item in session.items}
        loaded = [each for each in gc.get_objects() if isinstance(each, FunctionType)]
        self.functions = [each for each in loaded if each.__code__.co_filename == str(self.path)]
        gc.freeze()
        self.measure()
        mutants, total = _chosen(self.source, self.options)
        fates: Counter[str] = Counter()
        for mutant in mutants:
            fate = self.fate(mutant)
            fates[fate] += 1
            if fate != "killed":
                say(f"  {fate:9} {self.name}.py:{mutant}")
        said = ", ".join(f"{fates[fate]} {fate}" for fate in ("killed", "timed out", "survived"))
        say(f"{self.name}: {len(mutants)} of {total} changes, {len(self.items)} tests: {said}")
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A part of a test has ended."""
        self.fine = self.fine and not report.failed

    def one(self, item: Any, after: Any) -> bool:
        """Run a test; whether it passes."""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        return self.fine

    def measure(self) -> None:
        """Run all tests as they are."""

        def watched() -> bool:
            fine = self.lines.run(list(self.items.values()), self.one)
            tests = {line: sorted(names) for line, names in self.lines.tests.copy().items()}
            self.log.with_suffix(".lines").write_text(repr((tests, self.lines.seconds)))
            return fine

        if self.attempt(watched, 600) != "survived":
            sys.exit(f"The tests of {self.name} fail without any change:\n{self.log.read_text()[-4000:]}")
        tests, self.lines.seconds = ast.literal_eval(self.log.with_suffix(".lines").read_text())
        self.lines.tests.update({line: set(names) for line, names in tests.items()})

    def fate(self, mutant: Mutant) -> str:
        """What the tests say to a change: "killed", "timed out" or "survived"."""
        changed = mutant.apply(self.source)
        self.path.write_bytes(changed)  # for other processes
        try:
            seconds = self.lines.seconds
            near = {name for line in range(mutant.line, mutant.last + 1) for name in self.lines.tests[line]}
            ordered = sorted(self.items, key=lambda name: (name not in near, seconds[name]))
            anew = _bodies(_compiled(self.path, self.source)) != _bodies(_compiled(self.path, changed))
            base, parts = (
                (LOADING_SECONDS, [ordered]) if anew else (BASE_SECONDS, [ordered[: len(near)], ordered[len(near) :]])
            )
            fate = "survived"
            for part in filter(None, parts):
                if fate == "survived":
                    patience = base + 4 * sum(seconds[name] for name in part)
                    fate = self.attempt(partial(self.run_changed, changed, part), patience)
            return fate
        finally:
            self.path.write_bytes(self.source)

    def run_changed(self, changed: bytes, names: list[str]) -> bool:
        """Run tests with the change; whether all pass."""
        if not patch(self.path, self.functions, self.source, changed):
            words = [sys.executable, "-P", "-m", "pytest", *WORDS, *self.tests]
            os.execv(words[0], words)  # noqa: S606
        items = [self.items[name] for name in names]
        return all(self.one(item, after) for item, after in pairwise([*items, None]))

    def attempt(self, work: Callable[[], bool], seconds: float) -> str:
        """Do something in a process of its own, for so long at most."""
        pid = os.fork()
        if pid == 0:
            self._live(work)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                _end_strays()
                return "killed" if status else "survived"
            time.sleep(0.01)
        _end_strays()
        return "timed out"

    def _live(self, work: Callable[[], bool]) -> None:
        fine = False
        try:
            os.setsid()
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            fine = work()
        except BaseException:  # noqa: BLE001 - the edge of the process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(not fine)


def patch(path: Path, loaded: list[FunctionType], source: bytes, changed: bytes) -> bool:
    """Give the functions of a loaded module their changed code; False where more than code of functions has changed."""
    before, after = (_compiled(path, text) for text in (source, changed))
    if _bodies(before) != _bodies(after):
        return False
    old, new = (_functions(code) for code in (before, after))
    wanted = {name for name in old if old[name] != new[name]}
    for each in loaded:
        name = (each.__code__.co_qualname, each.__code__.co_firstlineno)
        if name in wanted:
            if each.__code__.co_freevars != new[name].co_freevars:
                return False
            each.__code__ = new[name]
    return True


def _compiled(path: Path, source: bytes) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _bodies(code: CodeType) -> list[object]:
    """What a module and its classes run when they are loaded."""
    below = [each for each in code.co_consts if isinstance(each, CodeType) and not each.co_flags & CO_OPTIMIZED]
    own = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return [code.co_code, code.co_names, own, *map(_bodies, below)]


def _functions(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """The functions of a module and its classes, and none of those within functions."""
    found = {}
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_flags & CO_OPTIMIZED:
                found[each.co_qualname, each.co_firstlineno] = each
            else:
                found |= _functions(each)
    return found


def _end_strays() -> None:
    """End whatever a test has left; all of it is ours, as who lost its parent was given to this process."""
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _move_in(folder: Path) -> None:
    """Make an environment that has a copy of the package before all that the present one has, and go on in it."""
    venv.create(folder, symlinks=True, with_pip=False)
    shutil.copytree(PACKAGE, folder / "src" / "eventsieve")
    (site,) = folder.glob("lib/python3*/site-packages")
    (here,) = Path(sys.prefix).glob("lib/python3*/site-packages")
    (site / "copy.pth").write_text(f"{folder / 'src'}\nimport site; site.addsitedir({str(here)!r})\n")
    environment = os.environ | {
        "PYTHONDONTWRITEBYTECODE": "1",  # two changes within a second may have the same size
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    environment.pop("PYTHONPATH", None)
    python = str(folder / "bin" / "python")
    os.execve(python, [python, __file__, *sys.argv[1:], "--inside", str(folder)], environment)  # noqa: S606


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Which changes of a module does no test notice?")
    parser.add_argument(
        "modules", nargs="*", default=list(TESTS), metavar="MODULE", help="training/engine; all by default"
    )
    parser.add_argument("--most", type=int, help="try so many, drawn with the same seed each time")
    parser.add_argument("--line", type=int, action="append", help="try those of this line only")
    parser.add_argument("--tests", nargs="+", help="other tests, below tests")
    parser.add_argument("--list", action="store_true", help="list the changes and try none")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _chosen(source: bytes, options: argparse.Namespace) -> tuple[list[Mutant], int]:
    """The changes to try, and how many there are."""
    found = changes(source)
    chosen = [each for each in found if not options.line or each.line in options.line]
    if options.most is not None and options.most < len(chosen):
        chosen = sorted(random.Random(0).sample(chosen, options.most), key=lambda each: each.start)  # noqa: S311
    return chosen, len(found)


def _try(name: str, options: argparse.Namespace) -> int:
    tests = [str(ROOT / "tests" / each) for each in options.tests or TESTS[name]]
    return pytest.main(["-s", *WORDS, *tests], plugins=[Range(name, options.inside, tests, options)])


def main() -> int:
    """Try the changes; ends with 0 whatever survives, as a person decides what that means."""
    options = _arguments()
    if options.list:
        for name in options.modules:
            mutants, _ = _chosen((PACKAGE / f"{name}.py").read_bytes(), options)
            say("\n".join(f"{name}.py:{each}" for each in mutants))
        return 0
    if options.inside is None:
        _move_in(Path(tempfile.mkdtemp(prefix="mutants-")))
    os.chdir(ROOT)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: see `_end_strays`
    try:
        for name in options.modules:
            if os.fork() == 0:  # each module is tried with the libraries and the package as they are when loaded
                os._exit(_try(name, options))
            os.wait()
    finally:
        shutil.rmtree(options.inside, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
