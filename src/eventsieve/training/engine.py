"""The engine: a fixed number of training slots, each a thread that supervises one child at a time."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

from eventsieve.errors import NoFreeSlots
from eventsieve.records import Means, Outcome, State
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run

__all__ = ["LocalEngine"]


_ALONE: Final = Means()

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
        self._claimed = 0
        self._entries: dict[Task, _Entry] = {}
        self._closed = False

    @property
    def free(self) -> int:
        """How many slots have nothing to do and are not reserved."""
        with self._lock:
            return self._free()

    def refuse_beyond_free(self, tasks: int) -> None:
        """Check that a slot is free for each of so many tasks.

        Raises:
            NoFreeSlots: it is not.
        """
        with self._lock:
            self._refuse_beyond_free(tasks)

    def reserve(self, tasks: int, *, queue: bool) -> None:
        """Claim a place for each of so many tasks that are about to be submitted.

        Args:
            tasks: how many.
            queue: whether they may wait for a slot; otherwise a slot must be free for each.

        Raises:
            NoFreeSlots: they may not wait and are more than the free slots; nothing is claimed then.
        """
        with self._lock:
            if not queue:
                self._refuse_beyond_free(tasks)
            self._claimed += tasks

    def unreserve(self, tasks: int) -> None:
        """Give back places that were claimed and are not needed after all."""
        with self._lock:
            self._claimed -= tasks

    def submit(self, task: Task) -> Future[Outcome]:
        """Carry out a task for which a place was claimed, as soon as a slot is free.

        When the future is resolved, the place has been given back and ``task.done`` has been called. The future itself
        cannot be cancelled; the task can.
        """
        return self._submit(_Entry(task, place=True), self._threads)

    def aside(self, task: Task) -> Future[Outcome]:
        """Carry out a task that is no training, beside the slots and one at a time."""
        return self._submit(_Entry(task, place=False), self._side)

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
        return max(0, self.slots - self._claimed)

    def _refuse_beyond_free(self, tasks: int) -> None:
        if tasks > self._free():
            raise NoFreeSlots(
                f"{tasks} models are to be trained and {self._free()} of {self.slots} training slots are free; "
                f"send fewer models, or wait until others are trained."
            )

    def _submit(self, entry: _Entry, threads: ThreadPoolExecutor) -> Future[Outcome]:
        # Who waits for the future may be cancelled himself, which must not resolve it.
        entry.future.set_running_or_notify_cancel()
        with self._lock:
            self._entries[entry.task] = entry
            closed = self._closed
            if not closed:
                threads.submit(self._carry_out, entry)
        if closed:
            self.cancel(entry.task)
        return entry.future

    def _withdraw(self, task: Task, reason: str) -> bool:
        """End a task that has no child yet; whether it was one."""
        entry = self._entries.get(task)
        if entry is None or not self._move(entry, "ended", out_of=("waiting",)):
            return False
        self._settle(entry, Outcome(state=State.CANCELLED, reason=reason))
        return True

    def _move(self, entry: _Entry, into: _Stage, *, out_of: tuple[_Stage, ...]) -> bool:
        with self._lock:
            if entry.stage not in out_of:
                return False
            entry.stage = into
            return True

    def _carry_out(self, entry: _Entry) -> None:
        """The life of a task in a thread of its slot."""
        if entry.stage == "ended":  # withdrawn while it waited
            return
        ending: Outcome | Exception
        try:
            ending = run(self._nursery, entry.task, wanted=lambda: self._move(entry, "running", out_of=("waiting",)))
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
                self._claimed -= entry.place
            if isinstance(ending, Exception):
                entry.future.set_exception(ending)
            else:
                entry.future.set_result(ending)
