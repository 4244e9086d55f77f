"""The engine: a fixed number of training slots, each a thread that supervises one child at a time."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from eventsieve.errors import NoFreeSlots
from eventsieve.records import Outcome
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run

__all__ = ["LocalEngine"]


class LocalEngine:
    """Trains on this machine.

    Args:
        slots: how many children work at once.
        threads: how many threads the numerical libraries of one child may use.
    """

    def __init__(self, slots: int, threads: int = 1) -> None:
        self.slots = slots
        self._nursery = Nursery(threads)
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        self._side = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._lock = threading.Lock()
        self._claimed = 0
        self._tasks: list[Task] = []
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

        When the future is resolved, the slot is free again and ``task.done`` has been called.
        """
        self._add(task)
        return self._threads.submit(self._occupy, task)

    def aside(self, task: Task) -> Future[Outcome]:
        """Carry out a task that is no training, beside the slots and one at a time."""
        self._add(task)
        return self._side.submit(self._supervise, task)

    def warm(self) -> None:
        """Load the libraries now, so that the first task does not wait for them."""
        self._nursery.warm()

    def close(self) -> None:
        """Cancel everything and end all children."""
        with self._lock:
            self._closed = True
            for task in self._tasks:
                task.cancelled.set()
        for threads in (self._threads, self._side):
            threads.shutdown(wait=True)
        self._nursery.close()

    def _add(self, task: Task) -> None:
        with self._lock:
            self._tasks.append(task)
            if self._closed:  # and perhaps not yet shut down: nobody would cancel this one
                task.cancelled.set()

    def _free(self) -> int:
        return max(0, self.slots - self._claimed)

    def _refuse_beyond_free(self, tasks: int) -> None:
        if tasks > self._free():
            raise NoFreeSlots(
                f"{tasks} models are to be trained and {self._free()} of {self.slots} training slots are free; "
                f"send fewer models, or wait until others are trained."
            )

    def _occupy(self, task: Task) -> Outcome:
        try:
            return self._supervise(task)
        finally:
            self.unreserve(1)

    def _supervise(self, task: Task) -> Outcome:
        try:
            outcome = run(self._nursery, task)
            task.done(outcome)
        except Exception as error:
            task.lost(error)
            raise
        finally:
            with self._lock:
                self._tasks.remove(task)
        return outcome
