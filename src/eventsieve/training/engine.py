"""The engine: a fixed number of training slots, each a thread that supervises one child at a time.

A task that waits gets a thread when it is its turn (see `eventsieve.training.turns`), so that who has asked for much
does not keep others waiting.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

from eventsieve.errors import NoFreeSlots, QuotaExceeded
from eventsieve.records import Means, Outcome, State
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run
from eventsieve.training.turns import Share, Turns

__all__ = ["LocalEngine"]


_ALONE: Final = Means()
_ANYBODY: Final = Share()

_Stage = Literal["waiting", "running", "ended"]


@dataclass(eq=False)
class _Entry:
    """A task that has not ended. Whoever moves it to "ended", and only he, says how it did."""

    task: Task
    place: bool
    """Whether it holds one of the places that were claimed."""
    future: Future[Outcome] = field(default_factory=Future)
    stage: _Stage = "waiting"


class LocalEngine:
    """Trains on this machine.

    Args:
        slots: how many children work at once.
        means: what each child may use of the machine.
    """

    def __init__(self, slots: int, means: Means = _ALONE) -> None:
        self.slots = slots
        self.means = means
        self._nursery = Nursery(means)
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        self._side = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._lock = threading.Lock()
        self._claims: Counter[str] = Counter()
        self._turns: Turns[_Entry] = Turns()
        self._entries: dict[Task, _Entry] = {}
        self._closed = False

    @property
    def free(self) -> int:
        """How many slots have nothing to do and are not reserved."""
        with self._lock:
            return self._free()

    @property
    def running(self) -> int:
        """How many slots are at work."""
        with self._lock:
            return self._turns.running

    @property
    def waiting(self) -> int:
        """How many tasks wait for a slot."""
        with self._lock:
            return len(self._turns)

    def load(self, by: str) -> tuple[int, int]:
        """How many tasks of one person's are at work, and how many wait."""
        with self._lock:
            return self._turns.of(by)

    def refuse_beyond_free(self, tasks: int, share: Share = _ANYBODY) -> None:
        """Check that a slot is free for each of so many tasks, and that their owner may use so many.

        Raises:
            NoFreeSlots: it is not.
        """
        with self._lock:
            self._refuse_beyond_free(tasks, share)

    def reserve(self, tasks: int, *, queue: bool, share: Share = _ANYBODY) -> None:
        """Claim a place for each of so many tasks that are about to be submitted.

        Args:
            tasks: how many.
            queue: whether they may wait for a slot; otherwise a slot must be free for each.
            share: of each of the tasks.

        Raises:
            NoFreeSlots: they may not wait and are more than the free slots, or than their owner may use; nothing is
                claimed then.
        """
        with self._lock:
            if not queue:
                self._refuse_beyond_free(tasks, share)
            self._claims[share.by] += tasks

    def unreserve(self, tasks: int, share: Share = _ANYBODY) -> None:
        """Give back places that were claimed and are not needed after all."""
        with self._lock:
            self._release(tasks, share)

    def submit(self, task: Task) -> Future[Outcome]:
        """Carry out a task for which a place was claimed, as soon as a slot is free.

        When the future is resolved, the place has been given back and ``task.done`` has been called. The future itself
        cannot be cancelled; the task can.
        """
        return self._submit(_Entry(task, place=True), self._queue)

    def aside(self, task: Task) -> Future[Outcome]:
        """Carry out a task that is no training, beside the slots and one at a time."""
        return self._submit(_Entry(task, place=False), lambda entry: self._side.submit(self._carry_out, entry))

    def cancel(self, task: Task) -> None:
        """End a task: one that has no child yet before this returns, one that has a child within moments.

        A task that has ended already stays as it is. Callable from any thread, any number of times.
        """
        task.cancelled.set()
        self._withdraw(task, "Cancelled before it started.")

    def stop(self, task: Task) -> None:
        """Ask a task to end soon and to keep what it has; one that has no child yet has nothing, and is cancelled.

        A task that has ended already stays as it is. Callable from any thread, any number of times.
        """
        if not self._withdraw(task, "Stopped before it started; there was nothing to keep."):
            task.stop_asked.set()

    def interrupt(self, task: Task) -> None:
        """End a task that has no child yet; one that has a child goes on."""
        self._withdraw(task, "The server was stopped before it started; train it again.", State.INTERRUPTED)

    def prepare(self) -> None:
        """Begin to load the libraries, so that the first task waits less for them, or not at all."""
        self._nursery.prepare()

    def warm(self) -> None:
        """Load the libraries now, so that the first task does not wait for them."""
        self._nursery.warm()

    def close(self) -> None:
        """Cancel everything and end all children."""
        with self._lock:
            self._closed = True
            tasks = list(self._entries)
        for task in tasks:
            self.cancel(task)
        for threads in (self._threads, self._side):
            threads.shutdown(wait=True)
        self._nursery.close()

    def _free(self) -> int:
        return max(0, self.slots - self._claims.total())

    def _refuse_beyond_free(self, tasks: int, share: Share) -> None:
        if tasks > self._free():
            raise NoFreeSlots(
                f"{tasks} models are to be trained and {self._free()} of {self.slots} training slots are free; "
                f"send fewer models, or wait until others are trained."
            )
        if share.most is not None and tasks > (own := max(0, share.most - self._claims[share.by])):
            raise NoFreeSlots(
                f"{tasks} models are to be trained and {own} of the {share.most} training slots of your quota are "
                f"free; send fewer models, or wait until others of yours are trained."
            )

    def _release(self, tasks: int, share: Share) -> None:
        self._claims[share.by] -= tasks
        if not self._claims[share.by]:
            del self._claims[share.by]

    def _submit(self, entry: _Entry, enter: Callable[[_Entry], object]) -> Future[Outcome]:
        # Who waits for the future may be cancelled himself, which must not resolve it.
        entry.future.set_running_or_notify_cancel()
        with self._lock:
            self._entries[entry.task] = entry
            closed = self._closed
            if not closed:
                enter(entry)
        if closed:
            self.cancel(entry.task)
        return entry.future

    def _queue(self, entry: _Entry) -> None:
        self._turns.wait(entry, entry.task.share)
        self._fill()

    def _fill(self) -> None:
        """Give every slot that has nothing to do the task whose turn it is."""
        while not self._closed and self._turns.running < self.slots and (entry := self._turns.begin()) is not None:
            self._threads.submit(self._use_slot, entry)

    def _use_slot(self, entry: _Entry) -> None:
        try:
            self._carry_out(entry)
        finally:
            with self._lock:
                self._turns.end(entry.task.share)
                self._fill()

    def _withdraw(self, task: Task, reason: str, state: State = State.CANCELLED) -> bool:
        """End a task that has no child yet; whether it was one."""
        entry = self._entries.get(task)
        if entry is None or not self._move(entry, "ended", out_of=("waiting",)):
            return False
        self._settle(entry, Outcome(state=state, reason=reason))
        return True

    def _move(self, entry: _Entry, into: _Stage, *, out_of: tuple[_Stage, ...]) -> bool:
        with self._lock:
            if entry.stage not in out_of:
                return False
            entry.stage = into
            if into == "ended":
                self._turns.leave(entry, entry.task.share)
            return True

    def _carry_out(self, entry: _Entry) -> None:
        """The life of a task in a thread of its slot."""
        if entry.stage == "ended":  # withdrawn while it waited
            return
        ending: Outcome | Exception
        try:
            entry.task.share.admit()
            ending = run(self._nursery, entry.task, wanted=lambda: self._move(entry, "running", out_of=("waiting",)))
        except QuotaExceeded as error:
            ending = Outcome(state=State.CANCELLED, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the edge of the thread: the future and `lost` tell it
            ending = error
        if self._move(entry, "ended", out_of=("waiting", "running")):
            self._settle(entry, ending)

    def _settle(self, entry: _Entry, ending: Outcome | Exception) -> None:
        """Write down how a task ended, give its place back, and resolve its future."""
        try:
            if isinstance(ending, Outcome):
                entry.task.done(ending)
        except Exception as error:  # noqa: BLE001 - likewise
            ending = error
        try:
            if isinstance(ending, Exception):
                entry.task.lost(ending)
        finally:
            with self._lock:
                del self._entries[entry.task]
                if entry.place:
                    self._release(1, entry.task.share)
            if isinstance(ending, Exception):
                entry.future.set_exception(ending)
            else:
                entry.future.set_result(ending)
