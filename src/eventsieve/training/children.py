"""Children, seen from the server: asking the nursery for them, and seeing them buried."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for

from eventsieve.training.nursery import PID, STATUS

__all__ = ["GRACE_SECONDS", "Child", "Nursery"]

GRACE_SECONDS = 2.0
"""How long a child may take to end by itself after its answer, and the kernel to bury one that was killed."""


class Nursery:
    """This side of the nursery process; it is started by the first task and again if it was lost.

    Args:
        threads: how many threads the numerical libraries of one child may use.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._childless = True

    def fork(self) -> Child:
        """A new child that waits for its task."""
        with self._lock:
            try:
                return self._fork()
            except ConnectionError:
                # The nursery was ended from outside; its children ended with it, and a new one takes over.
                self._close()
                return self._fork()

    def warm(self) -> None:
        """Start the nursery, so that its libraries load before the first task."""
        with self._lock:
            if self._control is None:
                self._start()

    def kill(self, pid: int) -> None:
        """End a child and all that it started; one that has ended already is left in peace."""
        with self._lock:
            if self._control is not None:
                try:
                    self._control.sendall(b"-" + PID.pack(pid))
                except OSError:
                    self._close()

    def close(self) -> None:
        """End the nursery and its children."""
        with self._lock:
            self._close()

    def _fork(self) -> Child:
        control = self._control or self._start()
        with ExitStack() as ours, ExitStack() as theirs:
            connection, their_connection = socket.socketpair()
            ours.enter_context(connection)
            theirs.enter_context(their_connection)
            status, their_status = os.pipe()
            ours.callback(os.close, status)
            theirs.callback(os.close, their_status)
            self._childless = False
            socket.send_fds(control, [b"+"], [their_connection.fileno(), their_status])
            answer = control.recv(PID.size, socket.MSG_WAITALL)
            if len(answer) < PID.size:
                raise ConnectionResetError("the nursery has ended")
            ours.pop_all()
        (pid,) = PID.unpack(answer)
        return Child(pid, Connection(connection.detach()), status)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with ExitStack() as stack, theirs:
            stack.enter_context(ours)
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "eventsieve.training.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | _thread_limits(self.threads),
                # Ctrl-C in the server's terminal is for the server, which ends the children in order.
                start_new_session=True,
            )
            stack.pop_all()
        self._control = ours
        self._childless = True
        return ours

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            if self._childless:  # and perhaps still importing: there is nothing to wait for
                self._process.kill()
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:  # still importing
                self._process.kill()
                self._process.wait()
            self._process = None


def _thread_limits(threads: int) -> dict[str, str]:
    # Read once, when the libraries load. Without PASSIVE, OpenMP threads of one child spin while they wait and take
    # the cores from the others: 2.5 to 12 times slower with four boosters on two cores.
    names = ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR")
    variables = {f"{name}_NUM_THREADS": str(threads) for name in names}
    variables["VECLIB_MAXIMUM_THREADS"] = variables.pop("VECLIB_NUM_THREADS")
    variables |= {"OMP_WAIT_POLICY": "PASSIVE", "LOKY_MAX_CPU_COUNT": str(threads)}
    # A process with threads must not fork; this is the only one that the libraries start when they load.
    return variables | {"JE_ARROW_MALLOC_CONF": "background_thread:false"}


@dataclass
class Child:
    """A child of the nursery, seen from here.

    Attributes:
        pid: process id, also of its process group.
        connection: messages in both directions, each a JSON document.
        status: descriptor on which the return code comes when the child has been buried.
    """

    pid: int
    connection: Connection
    status: int

    def bury(self, seconds: float) -> int | None:
        """The return code, or None if the child is still there after so many seconds."""
        if not wait_for([self.status], seconds):
            return None
        code = os.read(self.status, STATUS.size)
        # An empty read: the nursery itself was killed, and the child with it.
        return int(STATUS.unpack(code)[0]) if code else -signal.SIGKILL

    def close(self) -> None:
        """Let go of the descriptors."""
        self.connection.close()
        os.close(self.status)
