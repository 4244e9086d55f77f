#!/usr/bin/env python3
"""Change one thing in a module, run its tests, and say which changes no test has noticed.

    python tools/mutants.py training/engine [--most 100] [--line 42] [--tests FILE ...] [--list]

The package is copied into an environment of its own, so that what a test starts in other processes (children of the
engine, servers) has the change too. The libraries are loaded once and each change is tried in a fork. Tests that run the
changed line come first; only what survives them meets all the others. A change that makes the tests hang is noticed too.

Changed are comparisons, arithmetic, `and`, `or`, `not`, conditions, numbers, words, truth values, what is assigned and
returned, statements that are calls or `raise` or `del`, keyword arguments, and handlers of errors. Sentences, annotations,
decorators and f-strings stay as they are: their tests would repeat them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import ctypes
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import venv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "eventsieve"

TESTS = {
    "training/channel": ["unit/test_channel.py"],
    "training/deadline": ["unit/test_deadline.py", "integration/test_deadline.py"],
    "training/engine": ["unit/test_engine.py", "integration/test_engine.py"],
    "training/jobs": ["integration/test_trainings.py", "integration/test_models.py"],
    "training/pace": ["unit/test_pace.py", "integration/test_worker.py"],
    "training/turns": ["unit/test_turns.py"],
    "storage/backup": ["integration/test_backup.py"],
    "storage/cached": ["integration/test_objects.py"],
    "storage/columns": ["integration/test_columns.py"],
    "storage/containers": ["integration/test_readers.py", "integration/test_sources.py", "integration/test_hostile.py"],
    "storage/delimited": ["integration/test_readers.py", "integration/test_hostile.py"],
    "storage/files": ["integration/test_files.py", "integration/test_models.py"],
    "storage/holdings": ["integration/test_quotas.py"],
    "storage/keybook": ["integration/test_keys.py"],
    "storage/modelbook": ["integration/test_models.py"],
    "storage/objects": ["integration/test_objects.py"],
    "storage/registry": ["integration/test_registry.py", "integration/test_retention.py"],
    "storage/restoring": ["integration/test_backup.py"],
    "storage/shelves": ["integration/test_files.py", "integration/test_objects.py"],
    "storage/snapshot": ["integration/test_backup.py"],
    "storage/trail": ["integration/test_trail.py"],
}
"""Below `tests`: what is to notice a change of each module, the quick ones first."""

SELECTION = "not postgresql and not slow"
"""Of these tests; one database is enough, since what differs is not in these modules."""

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes from start to stop become others."""

    start: int
    stop: int
    line: int
    last: int
    before: str
    after: str

    def apply(self, source: bytes) -> bytes:
        """The changed module."""
        return source[: self.start] + self.after.encode() + source[self.stop :]

    def __str__(self) -> str:
        before, after = (re.sub(r"\s+", " ", text) for text in (self.before, self.after))
        return f"{self.line}: {before[:90]}  ->  {after[:90]}"


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What an expression is changed into."""
    if isinstance(node, ast.Compare):
        for place, each in enumerate(node.ops):
            yield _with(node, ops=[*node.ops[:place], SWAPS[type(each)](), *node.ops[place + 1 :]])
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPS:
        yield _with(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.Call):
        for each in node.keywords:
            if each.arg is not None:
                yield _with(node, keywords=[other for other in node.keywords if other is not each])


def _other_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and " " not in value:
        yield ast.Constant(f"XX{value}")


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    changed = copy.copy(node)
    vars(changed).update(fields)
    return changed


def statements(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Parts of a statement, and what they are changed into."""
    if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or isinstance(node, ast.Raise | ast.Delete):
        yield node, ast.Pass()
    elif isinstance(node, ast.Break):
        yield node, ast.Continue()
    elif isinstance(node, ast.Continue):
        yield node, ast.Break()
    elif isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
        yield node, _with(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.Return | ast.Assign | ast.AnnAssign) and not isinstance(node.value, ast.Constant | None):
        yield node.value, ast.Constant(None)
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield node.test, ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.ExceptHandler):
        for each in node.body[:1]:
            if not isinstance(each, ast.Raise):
                yield each, ast.Raise()


class Finder(ast.NodeVisitor):
    """All changes of a module."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.found: list[Mutant] = []
        self.depth = 0
        self.visit(ast.parse(source))

    def note(self, node: Any, into: ast.AST) -> None:
        """Remember a change, in brackets where it is an expression."""
        start = self.lines[node.lineno - 1] + node.col_offset
        stop = self.lines[node.end_lineno - 1] + node.end_col_offset
        text = ast.unparse(ast.fix_missing_locations(into))
        after = f"({text})" if isinstance(into, ast.expr) else text
        before = self.source[start:stop].decode()
        self.found.append(Mutant(start, stop, node.lineno, node.end_lineno, before, after))

    def generic_visit(self, node: ast.AST) -> None:
        """Note the changes of a node, and look below it."""
        for into in variants(node):
            self.note(node, into)
        if self.depth:
            for part, into in statements(node):
                self.note(part, into)
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "bases", "type"}:
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    self.visit(each)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # noqa: N802 - the name of ast's
        """Look into a function."""
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:  # noqa: N802 - likewise
        """Leave f-strings alone: before Python 3.12 nobody knows where their parts stand."""

    def visit_Expr(self, node: ast.Expr) -> None:  # noqa: N802 - likewise
        """Leave docstrings alone."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: N802 - likewise
        """Leave alone what names are for readers and for the type checker."""
        if ast.unparse(node.targets[0]) != "__all__" and not ast.unparse(node.value).startswith("TypeVar("):
            self.generic_visit(node)


class Lines:
    """A plugin of pytest: which test runs which lines of one file in this process, and how long it takes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.tests: defaultdict[int, set[str]] = defaultdict(set)
        self.seconds: Counter[str] = Counter()
        self.now = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.now = nodeid
        threading.settrace(self.call)
        sys.settrace(self.call)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A part of a test has ended."""
        self.seconds[report.nodeid] += report.duration

    def call(self, frame: FrameType, _event: str, _argument: object) -> Any:
        """A function begins: look at it if it is in the file."""
        if frame.f_code.co_filename == self.path:
            return self.step(frame, _event, _argument)
        return None

    def step(self, frame: FrameType, _event: str, _argument: object) -> Any:
        """A line runs."""
        self.tests[frame.f_lineno].add(self.now)
        return self.step


@dataclass
class Range:
    """Where changes are tried: a copy of the package, and the tests."""

    path: Path
    tests: list[str]
    log: Path

    def pytest(self, tests: Iterable[str], plugins: Sequence[object] = ()) -> int:
        """Run tests in this process."""
        import pytest  # noqa: PLC0415 - here alone

        words = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line", "-k", SELECTION]
        words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what was loaded before the forks
        return int(pytest.main([*words, *tests], plugins=list(plugins)))

    def measure(self) -> Lines:
        """Run all tests as they are."""
        lines = Lines(self.path)

        def watched() -> int:
            failed = self.pytest(self.tests, [lines])
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]  # typeshed does not know that it may be None
            tests = {line: sorted(names) for line, names in lines.tests.copy().items()}
            self.log.with_suffix(".lines").write_text(repr((tests, dict(lines.seconds))))
            return failed

        # In a fork, as the package is to be loaded in none but forks.
        if os.waitstatus_to_exitcode(os.waitpid(self._fork(watched), 0)[1]):
            sys.exit(f"The tests fail without any change:\n{self.log.read_text()[-4000:]}")
        _end_strays()
        tests, seconds = ast.literal_eval(self.log.with_suffix(".lines").read_text())
        lines.tests.update({line: set(names) for line, names in tests.items()})
        lines.seconds.update(seconds)
        return lines

    def fate(self, mutant: Mutant, source: bytes, lines: Lines) -> str:
        """What the tests say to a change: "killed", "timed out" or "survived"."""
        self.path.write_bytes(mutant.apply(source))
        try:
            near = {name for line in range(mutant.line, mutant.last + 1) for name in lines.tests[line]}
            ordered = sorted(lines.seconds, key=lambda name: (name not in near, lines.seconds[name]))
            parts = [each for each in (ordered[: len(near)], ordered[len(near) :]) if each]
            for part in parts:
                fate = self.attempt(part, 20 + 4 * sum(lines.seconds[name] for name in part))
                if fate != "survived":
                    return fate
            return "survived"
        finally:
            self.path.write_bytes(source)

    def attempt(self, tests: list[str], seconds: float) -> str:
        """Run tests in a fork, for so long at most."""
        pid = self._fork(lambda: self.pytest(tests))
        end = time.monotonic() + seconds
        status = 0
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                _end_strays()
                return "killed" if status else "survived"
            time.sleep(0.01)
        _end_strays()
        return "timed out"

    def _fork(self, work: Callable[[], int]) -> int:
        """Do something in a process of its own, which ends with what it gives."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            os.setsid()
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            status = work()
        except BaseException:  # noqa: BLE001 - the edge of the process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)


def _end_strays() -> None:
    """End whatever a test has left; all of it is ours, as who lost its parent was given to this process."""
    import psutil  # noqa: PLC0415 - not there before the environment is

    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _load_libraries() -> None:
    """Load what the package needs, and forget the package: each fork loads it anew, with its change."""
    import hypothesis  # noqa: F401, PLC0415
    import pytest  # noqa: F401, PLC0415

    import eventsieve.api.app
    import eventsieve.service
    import eventsieve.training.worker  # noqa: F401, PLC0415

    for name in [each for each in sys.modules if each.partition(".")[0] == "eventsieve"]:
        del sys.modules[name]


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
    os.execve(python, [python, "-P", __file__, *sys.argv[1:], "--inside", str(folder)], environment)  # noqa: S606


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Which changes of a module does no test notice?")
    parser.add_argument("modules", nargs="+", metavar="MODULE", help="such as training/engine")
    parser.add_argument("--most", type=int, help="try so many, drawn with the same seed each time")
    parser.add_argument("--line", type=int, action="append", help="try those of this line only")
    parser.add_argument("--tests", nargs="+", help="other tests, below tests")
    parser.add_argument("--list", action="store_true", help="list the changes and try none")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _chosen(source: bytes, options: argparse.Namespace) -> tuple[list[Mutant], int]:
    """The changes to try, and how many there are."""
    found = Finder(source).found
    chosen = [each for each in found if not options.line or each.line in options.line]
    if options.most is not None and options.most < len(chosen):
        chosen = sorted(random.Random(0).sample(chosen, options.most), key=lambda each: each.start)  # noqa: S311
    return chosen, len(found)


def _try(name: str, options: argparse.Namespace, folder: Path) -> int:
    path = folder / "src" / "eventsieve" / f"{name}.py"
    source = path.read_bytes()
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*"):
        stale.unlink()
    mutants, total = _chosen(source, options)
    tests = [str(ROOT / "tests" / each) for each in options.tests or TESTS[name]]
    place = Range(path, tests, folder / "tests.log")
    lines = place.measure()
    fates: Counter[str] = Counter()
    for mutant in mutants:
        fate = place.fate(mutant, source, lines)
        fates[fate] += 1
        if fate != "killed":
            print(f"  {fate:9} {name}.py:{mutant}", flush=True)
    said = ", ".join(f"{fates[fate]} {fate}" for fate in ("killed", "timed out", "survived"))
    print(f"{name}: {len(mutants)} of {total} changes, {len(lines.seconds)} tests: {said}", flush=True)
    return fates["survived"]


def main() -> int:
    """Try the changes; ends with 0 whatever survives, as a person decides what that means."""
    options = _arguments()
    if options.list:
        for name in options.modules:
            mutants, _ = _chosen((PACKAGE / f"{name}.py").read_bytes(), options)
            print(*(f"{name}.py:{each}" for each in mutants), sep="\n")
        return 0
    if options.inside is None:
        _move_in(Path(tempfile.mkdtemp(prefix="mutants-")))
    os.chdir(ROOT)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: see `_end_strays`
    try:
        _load_libraries()
        for name in options.modules:
            _try(name, options, options.inside)
    finally:
        shutil.rmtree(options.inside, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
