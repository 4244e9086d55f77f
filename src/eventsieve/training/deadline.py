"""One task in one child under its limits: wait for an answer, or end the child when a limit passes."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from typing import Any

import psutil
from pydantic import ValidationError

from eventsieve.records import Limits, Outcome, Progress, State
from eventsieve.training.children import GRACE_SECONDS, Child, Nursery
from eventsieve.training.turns import Share

__all__ = ["Task", "run"]

START_SECONDS = 120.0
"""A child that is not ready by then never will be; the first one waits for the libraries to load."""

POLL_SECONDS = 0.05
"""How often memory, cancellation and the wish to stop are looked at: what a child can allocate in this time is the
overshoot."""

PROGRESS_SECONDS = 0.1
"""Progress is handed on no more often than this, whatever the child sends; the latest is handed on in the end."""

LONGEST_SENTENCE = 500

MEBIBYTE = 1 << 20


@dataclass(frozen=True, eq=False)
class Task:
    """Something to be done in a child: ``run`` is ``module:function``, called with the arguments and a `Channel`.

    The callbacks are called from the thread that supervises the child (``done``, where the task is withdrawn before
    it has a child, from the thread that withdraws it). They must be quick: the limits wait for them.
    """

    run: str
    arguments: Mapping[str, Any]
    limits: Limits = field(default_factory=Limits)
    share: Share = field(default_factory=Share)
    """Whose it is; what is carried out aside needs none."""
    started: Callable[[], None] = lambda: None
    """Called when the child is ready."""
    progress: Callable[[Progress], None] = lambda _: None
    """Called with how far the child has come, between ``started`` and ``done``."""
    done: Callable[[Outcome], None] = lambda _: None
    """Called with the outcome."""
    lost: Callable[[Exception], None] = lambda _: None
    """Called with what another callback raised; nobody else will learn how the task ended."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set it to end the child."""
    stop_asked: threading.Event = field(default_factory=threading.Event)
    """Set it to ask the child to end soon and to keep what it has; whether it does is up to the child."""


def run(nursery: Nursery, task: Task, *, wanted: Callable[[], bool] = lambda: True) -> Outcome:
    """Do the task in a child of its own and say how it ended; whatever happens there is an outcome, not an exception.

    When this returns, the child and all that it started are gone.

    Args:
        nursery: where children come from.
        task: what is to be done.
        wanted: asked once, when there is a child; unless it still is, the child ends without the task.
    """
    if task.cancelled.is_set():
        return _withdrawn()
    try:
        child = nursery.fork()
    except OSError as error:
        return Outcome(state=State.DIED, reason=f"No process could be started ({error}); the machine is overloaded.")
    watch = _Watch(child, task, nursery.means.threads)
    outcome = None
    try:
        outcome = watch.outcome() if wanted() else None
    finally:
        if outcome is None or child.bury(GRACE_SECONDS) is None:
            nursery.kill(child.pid)
            child.bury(GRACE_SECONDS)
        child.close()
    return (outcome or watch.verdict()).model_copy(
        update={"seconds": watch.seconds(), "peak_memory": watch.peak or None}
    )


class _Watch:
    """Watches one child: its messages, the clock, its memory and the wishes to stop and to cancel."""

    def __init__(self, child: Child, task: Task, threads: int) -> None:
        self.child = child
        self.task = task
        self.threads = threads
        self.peak = 0
        self.ready: float | None = None
        self.ended: float | None = None
        self.broken: Outcome | None = None
        self.forked = time.monotonic()
        self.if_late = ""
        self.stopping = False
        self.progress: Progress | None = None
        self.quiet_until = 0.0

    def outcome(self) -> Outcome | None:
        """What the child answers, or None where it must be ended or has ended itself."""
        self._send_task()
        while self.broken is None:
            patience = min(POLL_SECONDS, max(self._left(), 0.0))
            if wait_for([self.child.connection], patience):
                message = self._receive()
                if message is not None and "outcome" in message:
                    return self._answer(message["outcome"])
            self._pass_on()
            self.broken = self.broken or self._excess()
        self.ended = time.monotonic()
        return None

    def verdict(self) -> Outcome:
        """Why there is no answer."""
        return self.broken or _withdrawn()

    def seconds(self) -> float:
        """Wall-clock seconds from ready to the end."""
        if self.ready is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.ready

    def _send_task(self) -> None:
        limits = self.task.limits
        message = {
            "run": self.task.run,
            "arguments": dict(self.task.arguments),
            "memory": limits.memory,
            "cpu_seconds": limits.seconds and math.ceil(10 + max(8, 2 * self.threads) * limits.seconds),
        }
        try:
            self.child.send(message)
        except OSError:
            self.broken = self._ended()

    def _pass_on(self) -> None:
        """The wish to stop to the child, once; how far it has come to whom it concerns, now and then."""
        if self.task.stop_asked.is_set() and not self.stopping:
            self.stopping = True
            with suppress(OSError):  # it is ending; its return code will tell
                self.child.send({"stop": True})
        if self.progress is not None and time.monotonic() >= self.quiet_until:
            progress, self.progress = self.progress, None
            self.task.progress(progress)
            self.quiet_until = time.monotonic() + PROGRESS_SECONDS

    def _receive(self) -> dict[str, Any] | None:
        try:
            data = self.child.receive()
            if data is None:
                return None
            message = json.loads(data)
        except (EOFError, OSError):
            self.broken = self._ended()
            return None
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.broken = _garbage("a message that is no JSON object")
            return None
        if "ready" in message and self.ready is None:
            self.ready = time.monotonic()
            self.if_late = str(message.get("if_late", ""))[:LONGEST_SENTENCE]
            self.task.started()
        if "progress" in message and self.ready is not None:
            self._note(message["progress"])
        return message

    def _note(self, data: object) -> None:
        try:
            self.progress = Progress.model_validate(data)
        except ValidationError as error:
            self.broken = _garbage(f"progress that is none ({error.error_count()} faults)")

    def _answer(self, data: object) -> Outcome | None:
        self.ended = time.monotonic()
        try:
            return Outcome.model_validate(data)
        except ValidationError as error:
            self.broken = _garbage(f"an outcome that is none ({error.error_count()} faults)")
            return None

    def _left(self) -> float:
        now = time.monotonic()
        if self.ready is None:
            return self.forked + START_SECONDS - now
        limit = self.task.limits.seconds
        return math.inf if limit is None else self.ready + limit - now

    def _excess(self) -> Outcome | None:
        """The limit that has been passed, if one has."""
        if self.task.cancelled.is_set():
            return Outcome(state=State.CANCELLED, reason="Cancelled while it was training.")
        if self._left() <= 0:
            if self.ready is None:
                return Outcome(state=State.DIED, reason=f"The process was not ready after {START_SECONDS:g} s.")
            reason = (
                f"Not trained within the time limit of {self.task.limits.seconds:g} s; "
                f"choose a faster type or parameters, fewer events, or raise TIME_LIMIT."
            )
            return Outcome(state=State.TIMED_OUT, reason=f"{reason} {self.if_late}".rstrip())
        self.peak = max(self.peak, _resident(self.child.pid))
        limit = self.task.limits.memory
        if limit is not None and self.peak > limit:
            reason = (
                f"Used {self.peak / MEBIBYTE:.0f} MB of memory, more than the {limit / MEBIBYTE:.0f} MB "
                f"of one slot; choose smaller parameters, fewer events, or raise MEMORY_LIMIT_MB."
            )
            return Outcome(state=State.OUT_OF_MEMORY, reason=reason)
        return None

    def _ended(self) -> Outcome:
        code = self.child.bury(max(POLL_SECONDS, min(GRACE_SECONDS, self._left())))
        if code is None:
            return _garbage("a closed connection")
        if code >= 0:
            return Outcome(state=State.DIED, reason=f"The process ended with exit code {code} and without an answer.")
        if -code == signal.SIGXCPU:
            return Outcome(state=State.TIMED_OUT, reason="The process used up its processor time.")
        name = signal.Signals(-code).name
        hint = "; perhaps the system ran out of memory" if -code == signal.SIGKILL else ""
        return Outcome(state=State.DIED, reason=f"The process was ended by {name}{hint}.")


def _withdrawn() -> Outcome:
    return Outcome(state=State.CANCELLED, reason="Cancelled before it started.")


def _garbage(what: str) -> Outcome:
    return Outcome(state=State.DIED, reason=f"The process answered with {what}.")


def _resident(pid: int) -> int:
    """Resident memory of a process in bytes, 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it is ending; its return code will tell
        return 0
