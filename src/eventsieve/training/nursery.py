"""The nursery: a process that has the libraries loaded and forks a child for each task.

It runs as ``python -m eventsieve.training.nursery FD`` and is spoken to over the socket ``FD``:

- ``b"+"`` with two descriptors forks a child; the answer is its process id, or the negative number of the error that
  the kernel gave instead of a child. The first descriptor is the child's end of its own connection: the task comes in
  over it as JSON and messages go out. The child's return code is written to the second one, in the manner of
  ``subprocess``: negative for a signal.
- ``b"-"`` and a process id ends that child and all that it started.
- ``b"?"`` is answered with 0 as soon as the libraries are loaded.

The nursery dies when the socket closes, and the children die with the nursery, so nothing outlives a server that
was killed. It is the only one that waits for the children, hence the only one that can signal a process id
without the risk that it belongs to somebody else by now.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import struct
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import psutil

from eventsieve.training.channel import Channel

__all__ = ["PID", "PRELOADED", "STATUS", "main"]

PID = struct.Struct("!q")
STATUS = struct.Struct("!q")

PRELOADED = ("eventsieve.training.worker", "skops.io")
"""Modules that the children find loaded."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main(descriptor: int, *, accelerate: bool = False) -> None:
    """Serve the socket until it closes; the children find an accelerator loaded, if there is one and it is wanted."""
    for module in PRELOADED:
        importlib.import_module(module)
    if accelerate:
        importlib.import_module("eventsieve.domain.estimators.acceleration").available()
    _Nursery(socket.socket(fileno=descriptor)).serve()


class _Nursery:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, int] = {}
        # A signal that arrives between two calls of select would be slept through; the wake-up socket keeps it.
        self.wakeup, writer = socket.socketpair()
        for end in (self.wakeup, writer):
            end.setblocking(False)
        self.writer = writer

    def serve(self) -> None:
        if sys.platform == "linux":
            # What a child started becomes ours when the child ends, even if it has left the child's process group.
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.wakeup, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self.wakeup in ready:
                    self.reap()
                if self.control in ready and not self.answer():
                    break
        for pid in self.children:
            _kill_group(pid)

    def answer(self) -> bool:
        """Carry out one request; False when there will be no more."""
        try:
            request, descriptors, _, _ = socket.recv_fds(self.control, 1, 2)
        except ConnectionResetError:
            return False
        if request == b"+":
            self.fork(*descriptors)
        elif request == b"-":
            (pid,) = PID.unpack(self.control.recv(PID.size, socket.MSG_WAITALL))
            if pid in self.children:
                _kill_group(pid)
        elif request == b"?":
            self.tell(0)
        return bool(request)

    def fork(self, connection: int, status: int) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or no memory for another one: those that are there live on
            os.close(connection)
            os.close(status)
            self.tell(-(error.errno or errno.EAGAIN))
            return
        if pid == 0:
            _live(connection, parent, not_ours=[*self.children.values(), status, *self.own_descriptors()])
        os.close(connection)
        self.children[pid] = status
        self.tell(pid)

    def own_descriptors(self) -> list[int]:
        return [end.fileno() for end in (self.control, self.wakeup, self.writer)]

    def tell(self, pid: int) -> None:
        # A server that is gone closes the socket too; the loop sees that, and ends the children.
        with contextlib.suppress(ConnectionError):
            self.control.sendall(PID.pack(pid))

    def reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.wakeup.recv(4096):
                pass
        with contextlib.suppress(ChildProcessError):  # there is nobody to wait for
            while True:
                pid, code = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in self.children:
                    self.bury(pid, os.waitstatus_to_exitcode(code))

    def bury(self, pid: int, code: int) -> None:
        # What the child started and left behind goes with it. Its own id is free for others by now; that of its
        # group is not while somebody is in it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        status = self.children.pop(pid)
        for orphan in psutil.Process().children():
            if orphan.pid not in self.children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    orphan.kill()
        with contextlib.suppress(BrokenPipeError):
            os.write(status, STATUS.pack(code))
        os.close(status)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        # The child is its group's leader only after its first steps, and may be gone already.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _live(descriptor: int, parent: int, not_ours: list[int]) -> NoReturn:
    """The child's whole life; it never returns into the nursery's loop."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for other in not_ours:
            os.close(other)
        os.setsid()
        _die_with(parent)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        faulthandler.enable()
        with Connection(descriptor) as connection:
            _work(connection)
        code = 0
    except BaseException:  # noqa: BLE001 - the edge of the process: it is told and ends with it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # No atexit handlers, no destructors: they belong to the nursery.
        os._exit(code)


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process when the nursery ends, however it ends."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the nursery ended before the kernel was asked
            os._exit(1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _work(connection: Connection) -> None:
    task: dict[str, Any] = json.loads(connection.recv_bytes())
    _limit(task)
    module, _, function = task["run"].partition(":")
    getattr(importlib.import_module(module), function)(task["arguments"], Channel(connection))


def _limit(task: dict[str, Any]) -> None:
    """The kernel's own limits, looser than the supervisor's: they hold where the supervisor is slow or gone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if task["memory"]:
        resource.setrlimit(resource.RLIMIT_DATA, (2 * task["memory"], resource.RLIM_INFINITY))
    if task["cpu_seconds"]:
        resource.setrlimit(resource.RLIMIT_CPU, (task["cpu_seconds"], task["cpu_seconds"] + 1))


if __name__ == "__main__":
    main(int(sys.argv[1]), accelerate="accelerate" in sys.argv[2:])
    # To take down all that is loaded takes long on a busy machine, and is for nobody's good.
    os._exit(0)
