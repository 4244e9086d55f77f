"""Several servers as one command: they start together, and none outlives another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

import httpx2

from eventsieve.cli.console import err

__all__ = ["GOODBYE_SECONDS", "run_together"]

LONGEST_START_SECONDS = 120.0
GOODBYE_SECONDS = 15.0
LOOK_SECONDS = 0.1
FAILED = 1

Process = subprocess.Popen[bytes]


def run_together(
    commands: Mapping[str, tuple[Sequence[str], str]], ready: Callable[[], object], goodbye: float = GOODBYE_SECONDS
) -> int:
    """Run commands of ours beside one another until one of them ends, or this process is told to end.

    Args:
        commands: by their names: the words behind ``eventsieve``, and an address that answers once it is ready.
        ready: called when all of them are.
        goodbye: seconds that they have for their end.

    Returns:
        The exit code: 0 where it was told to end.
    """
    processes: dict[str, Process] = {}
    try:
        with _told_by_signals():
            for name, (words, _) in commands.items():
                processes[name] = _start(words)
            ended = _ended_before(processes, {name: address for name, (_, address) in commands.items()})
            if ended is None:
                ready()
                ended = _ended(processes)
            code = processes[ended].poll()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(list(processes.values()), goodbye)
    what = f"was not ready after {LONGEST_START_SECONDS:g} s" if code is None else f"has ended (exit code {code})"
    err.print(f"The {ended} {what}, so everything ends.", soft_wrap=True)
    return code if code is not None and code > 0 else FAILED


def _start(words: Sequence[str]) -> Process:
    command = [sys.executable, "-m", "eventsieve.cli.child", *words]
    return subprocess.Popen(  # noqa: S603 - ourselves
        command,
        stdin=subprocess.PIPE,  # held open: it ends when we do
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to hand on
    )


@contextmanager
def _told_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end us as Ctrl-C does, with all that is to be done then."""

    def handle(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended_before(processes: Mapping[str, Process], addresses: Mapping[str, str]) -> str | None:
    """The name of the one that ended, or is not ready in time, before all were ready."""
    deadline = time.monotonic() + LONGEST_START_SECONDS
    waiting = dict(addresses)
    while waiting:
        for name, process in processes.items():
            if process.poll() is not None or (name in waiting and time.monotonic() > deadline):
                return name
        waiting = {name: address for name, address in waiting.items() if not _answers(address)}
        time.sleep(LOOK_SECONDS)
    return None


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def _ended(processes: Mapping[str, Process]) -> str:
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                return name
        time.sleep(LOOK_SECONDS)


def _end(processes: Iterable[Process], goodbye: float) -> None:
    """End all of them, in peace where they can; another Ctrl-C waits no longer."""
    with suppress(KeyboardInterrupt):
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + goodbye
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()
