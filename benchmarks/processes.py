"""Processes of both sides: started, waited for, measured, and ended whatever happens."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

import psutil

__all__ = ["MEBIBYTE", "Server", "free_port", "held", "peak_memory", "resident", "serving"]

MEBIBYTE = 1 << 20
PATIENCE_SECONDS = 5.0
START_SECONDS = 180.0
LEASH = 'cat >/dev/null; kill -s KILL -- "-$0" 2>/dev/null'
"""A shell that outlives us: when its input ends, with our `finally` or with our own death, it kills the group."""


@dataclass(frozen=True)
class Server:
    """A server that answers on this machine's loopback interface.

    Attributes:
        port: on which it listens.
        pid: of the process that was started; others may be below it.
        seconds: from its start to its first answer.
    """

    port: int
    pid: int
    seconds: float

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def peak(self) -> float:
        """The largest resident memory that any one of its processes has had, in MB (2**20 bytes)."""
        return max(peak_memory(pid) for pid in _family(self.pid)) / MEBIBYTE

    def forget_peak(self) -> None:
        """Let `peak` begin anew, where the system can; elsewhere it stays that since the start."""
        for pid in _family(self.pid):
            path = Path(f"/proc/{pid}/clear_refs")
            if path.exists():
                path.write_text("5", encoding="ascii")

    def resident(self) -> float:
        """Resident memory of its processes now, in MB (2**20 bytes); pages that they share are counted in each."""
        return sum(resident(pid) for pid in _family(self.pid)) / MEBIBYTE


@contextmanager
def held(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which ends with the block, or with us if we are killed."""
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, process_group=0
    ) as process:
        shell = shutil.which("sh") or "/bin/sh"
        leash = subprocess.Popen([shell, "-c", LEASH, str(process.pid)], stdin=subprocess.PIPE, process_group=0)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_SECONDS)
            leash.communicate()  # closes its input


@contextmanager
def serving(
    command: Sequence[str],
    *,
    port: int,
    path: str = "/",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    log: Path | None = None,
) -> Iterator[Server]:
    """A server for the time of the block.

    Args:
        command: that starts it.
        port: on which it will listen; from `free_port`.
        path: that answers with a status below 400 when it is ready.
        environment: its variables; default: ours.
        folder: where it is started.
        log: file of what it says; default: nowhere.

    Raises:
        RuntimeError: it ends, or does not answer in time, with the last lines of its log.
    """
    with log.open("wb") if log else _nowhere() as output:
        began = time.perf_counter()
        with held(command, environment=environment, folder=folder, stdout=output, stderr=output) as process:
            while not _answers(port, path):
                if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                    said = log.read_text(errors="replace")[-800:] if log else ""
                    raise RuntimeError(f"{' '.join(map(str, command))} did not start: {said}")
                time.sleep(0.02)
            yield Server(port, process.pid, time.perf_counter() - began)


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def peak_memory(pid: int | None = None) -> int:
    """The largest resident memory that a process has had, in bytes; this process by default."""
    status = Path(f"/proc/{pid or 'self'}/status")
    if status.exists():
        # Not getrusage: its peak is inherited from the process that started this one.
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        return int(found[1]) << 10 if found else 0
    if pid is not None:
        return resident(pid)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def resident(pid: int) -> int:
    """Resident memory of a process now, in bytes; 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _family(pid: int) -> list[int]:
    me = psutil.Process(pid)
    return [me.pid, *(child.pid for child in me.children(recursive=True))]


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _nowhere() -> IO[bytes]:
    return Path("/dev/null").open("wb")
