"""Children, seen from the server: asking the nursery for them, and seeing them buried."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from typing import Any, Final

from eventsieve.records import Means
from eventsieve.training.nursery import PID, STATUS

__all__ = ["GRACE_SECONDS", "Child", "Nursery"]

GRACE_SECONDS = 2.0
"""How long a child may take to end by itself after its answer, and the kernel to bury one that was killed."""

SEND_SECONDS = 5.0
"""How long a child may take to make room for what is sent to it."""

LARGEST_MESSAGE = 64 << 20
"""Bytes; what announces more is no message of ours."""

_LENGTH = struct.Struct("!i")
"""How `Connection.send_bytes` begins a message."""

_READ_AT_ONCE = 1 << 16

_ALONE: Final = Means()


class Nursery:
    """This side of the nursery process; it is started by the first task and again if it was lost.

    Args:
        means: what each child may use of the machine.
    """

    def __init__(self, means: Means = _ALONE) -> None:
        self.means = means
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._childless = True

    def fork(self) -> Child:
        """A new child that waits for its task.

        Raises:
            OSError: the machine has no room for another process.
        """
        with self._lock:
            try:
                return self._fork()
            except ConnectionError:
                # The nursery was ended from outside; its children ended with it, and a new one takes over.
                self._close()
                return self._fork()

    def prepare(self) -> None:
        """Start the nursery, which loads its libraries meanwhile; a task that comes before they are there waits."""
        with self._lock:
            if self._control is None:
                self._start()

    def warm(self) -> None:
        """Start the nursery and wait until its libraries are loaded, so that the first task does not."""
        with self._lock, suppress(ConnectionError):  # one that fails now is started again by the first task
            control = self._control or self._start()
            control.sendall(b"?")
            control.recv(PID.size, socket.MSG_WAITALL)

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
            (pid,) = PID.unpack(answer)
            if pid < 0:
                raise OSError(-pid, os.strerror(-pid))
            ours.pop_all()
        # A child that does not read must not hold up whoever sends it a message.
        connection.settimeout(SEND_SECONDS)
        return Child(pid, connection, status)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        fast = ["accelerate"] if self.means.accelerate else []
        with ExitStack() as stack, theirs:
            stack.enter_context(ours)
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "eventsieve.training.nursery", str(theirs.fileno()), *fast],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | _thread_limits(self.means.threads),
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
    # Read once, when the libraries load. OpenMP threads that spin while they wait take the cores from other children:
    # 2.5 to 12 times slower with four boosters on two cores. Threads that never spin make one that is alone nearly
    # twice as slow, by the time it takes to wake them; a thousand turns are microseconds (GCC's library counts them).
    variables = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
    variables |= {"LOKY_MAX_CPU_COUNT": str(threads)}
    # Those of linear algebra always spin: two of them make a logistic regression slower on two free cores than one.
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")
    variables |= dict.fromkeys(names, "1")
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
    connection: socket.socket
    status: int
    _part: bytearray = field(default_factory=bytearray, init=False, repr=False)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; one that the socket's buffer takes is on its way at once, whether the child reads or not.

        Raises:
            OSError: the connection is broken, or the child made no room for the message.
        """
        data = json.dumps(message).encode()
        self.connection.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> bytes | None:
        """The message of which something has come, or None while it is not whole.

        It never waits for the rest: a child that stops in the middle of a message must not hold up its own limits, as
        it would with `Connection.recv_bytes`.

        Raises:
            EOFError: the child has closed its end.
            OSError: the connection is broken.
            ValueError: what comes is no message.
        """
        data = os.read(self.connection.fileno(), min(self._missing(), _READ_AT_ONCE))
        if not data:
            raise EOFError
        self._part += data
        if self._missing():
            return None
        message = bytes(self._part[_LENGTH.size :])
        self._part.clear()
        return message

    def _missing(self) -> int:
        """How many bytes are still to come of the message, or of its length where that has not come yet."""
        if len(self._part) < _LENGTH.size:
            return _LENGTH.size - len(self._part)
        (length,) = _LENGTH.unpack_from(self._part)
        if not 0 <= length <= LARGEST_MESSAGE:
            raise ValueError(f"a message of {length} bytes was announced")
        return int(_LENGTH.size + length - len(self._part))

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
