from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psutil
import pytest

from eventsieve.errors import NoFreeSlots
from eventsieve.records import Limits, Outcome, Progress, State
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine

SOON = 0.3
"""Seconds within which a task that is cancelled has ended."""


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(slots=2)
    yield engine
    engine.close()


@pytest.fixture
def warm(engine: LocalEngine) -> LocalEngine:
    """An engine whose first task does not wait for the libraries."""
    engine.warm()
    return engine


class Watched:
    """A task of the engine, with what was said about it."""

    def __init__(self, engine: LocalEngine, how: str, limits: Limits | None = None) -> None:
        self.said: list[str] = []
        self.ready = threading.Event()
        self.task = Task(
            f"misbehave:{how}",
            {},
            limits or Limits(),
            started=self.start,
            progress=self.advance,
            done=lambda outcome: self.said.append(outcome.state),
        )
        engine.reserve(1, queue=True)
        self.future = engine.submit(self.task)

    def start(self) -> None:
        self.said.append("started")
        self.ready.set()

    def advance(self, progress: Progress) -> None:
        self.said.append(progress.stage)


def child_processes(engine: LocalEngine) -> list[psutil.Process]:
    process = engine._nursery._process
    return [] if process is None else psutil.Process(process.pid).children(recursive=True)


def childless(engine: LocalEngine) -> bool:
    """Whether no child is left; one that was not wanted any more when it came may have a moment."""
    give_up = time.monotonic() + 10
    while child_processes(engine) and time.monotonic() < give_up:
        time.sleep(0.01)
    return not child_processes(engine)


def test_slots_are_claimed_at_once_or_not_at_all(engine: LocalEngine) -> None:
    engine.reserve(1, queue=False)
    with pytest.raises(NoFreeSlots, match=r"2 models .* 1 of 2 training slots"):
        engine.reserve(2, queue=False)
    assert engine.free == 1
    engine.reserve(5, queue=True)
    assert engine.free == 0
    engine.unreserve(6)
    assert engine.free == 2


def test_more_tasks_than_slots_wait_and_all_slots_are_free_at_the_end(engine: LocalEngine) -> None:
    limits = Limits(seconds=0.2)
    names = ["answer", "burn", "segfault", "answer", "hold_the_interpreter", "vanish"]
    done: list[Outcome] = []
    engine.reserve(len(names), queue=True)
    futures = [engine.submit(Task(f"misbehave:{name}", {}, limits, done=done.append)) for name in names]
    states = [future.result().state for future in futures]
    assert states == [
        State.TRAINED,
        State.TIMED_OUT,
        State.DIED,
        State.TRAINED,
        State.TIMED_OUT,
        State.DIED,
    ]
    assert sorted(outcome.state for outcome in done) == sorted(states)
    assert engine.free == 2


def test_a_slot_is_free_even_if_the_outcome_cannot_be_written_down(engine: LocalEngine) -> None:
    def fail(_: Outcome) -> None:
        raise OSError("the disk is full")

    engine.reserve(1, queue=False)
    future = engine.submit(Task("misbehave:answer", {}, done=fail))
    with pytest.raises(OSError, match="the disk is full"):
        future.result()
    assert engine.free == 2


def test_closing_cancels_what_runs_and_what_waits() -> None:
    engine = LocalEngine(slots=1)
    engine.reserve(2, queue=True)
    futures = [engine.submit(Task("misbehave:burn", {})) for _ in range(2)]
    engine.close()
    assert [future.result().state for future in futures] == [State.CANCELLED, State.CANCELLED]


def test_a_task_aside_takes_no_slot(engine: LocalEngine) -> None:
    engine.reserve(2, queue=False)
    assert engine.aside(Task("misbehave:answer", {})).result().state is State.TRAINED
    assert engine.free == 0
    engine.unreserve(2)


def test_a_task_that_waits_ends_at_once_when_it_is_cancelled(warm: LocalEngine) -> None:
    running = [Watched(warm, "burn") for _ in range(2)]
    waiting = Watched(warm, "burn")
    for each in running:
        assert each.ready.wait(30)
    warm.cancel(waiting.task)
    assert waiting.future.done()
    assert waiting.future.result().state is State.CANCELLED
    assert waiting.said == ["cancelled"]
    warm.cancel(waiting.task)
    for each in running:
        warm.cancel(each.task)
        assert each.future.result(SOON).state is State.CANCELLED
        assert each.said == ["started", "cancelled"]
    assert warm.free == 2
    assert child_processes(warm) == []


def test_a_place_is_given_back_before_the_slot_is_free(warm: LocalEngine) -> None:
    running = [Watched(warm, "burn") for _ in range(2)]
    for each in running:
        assert each.ready.wait(30)
    waiting = [Watched(warm, "burn") for _ in range(3)]
    for each in waiting:
        warm.cancel(each.task)
    assert warm.free == 0
    warm.cancel(running[0].task)
    running[0].future.result(30)
    assert warm.free == 1
    warm.cancel(running[1].task)


def test_a_task_is_cancelled_while_the_libraries_load(engine: LocalEngine) -> None:
    task = Watched(engine, "answer")
    time.sleep(0.05)  # its slot waits for its child by now
    engine.cancel(task.task)
    assert task.future.done()
    assert task.said == ["cancelled"]
    assert engine.free == 2
    assert Watched(engine, "answer").future.result().state is State.TRAINED
    assert child_processes(engine) == []


def test_stopping_keeps_what_runs_and_cancels_what_waits(warm: LocalEngine) -> None:
    running = [Watched(warm, "stop_when_asked") for _ in range(2)]
    waiting = Watched(warm, "stop_when_asked")
    for each in running:
        assert each.ready.wait(30)
    warm.stop(waiting.task)
    outcome = waiting.future.result(0)
    assert outcome.state is State.CANCELLED
    assert "nothing to keep" in outcome.reason
    for each in running:
        warm.stop(each.task)
        warm.stop(each.task)
        assert each.future.result(10).kept_early
        warm.stop(each.task)
        warm.cancel(each.task)
        assert each.said[0] == "started"
        assert each.said[-1] == "trained"
    assert warm.free == 2


def test_who_does_not_stop_can_be_cancelled(warm: LocalEngine) -> None:
    task = Watched(warm, "hold_the_interpreter")
    assert task.ready.wait(30)
    warm.stop(task.task)
    time.sleep(0.2)
    assert not task.future.done()
    warm.cancel(task.task)
    assert task.future.result(SOON).state is State.CANCELLED


def test_a_storm_of_wishes_ends_every_task_once(warm: LocalEngine) -> None:
    names = ["answer", "burn", "stop_when_asked", "hold_the_interpreter", "segfault"]
    tasks = [Watched(warm, names[number % len(names)], Limits(seconds=1.0)) for number in range(60)]
    chance = random.Random(11)
    wishes = [(warm.cancel if chance.random() < 0.7 else warm.stop, task) for task in tasks for _ in range(3)]
    chance.shuffle(wishes)

    def wish(part: int) -> None:
        for end, each in wishes[part::10]:
            end(each.task)
            time.sleep(0.001)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(wish, range(10)))
    for each in tasks:
        state = each.future.result(30).state
        assert each.said[-1] == state
        assert sum(word in set(State) for word in each.said) == 1
        assert each.said.count("started") <= 1
        assert (state is State.TRAINED) <= ("started" in each.said)
    assert {each.future.result().state for each in tasks} >= {State.CANCELLED}
    assert warm.free == 2
    assert warm._entries == {}
    assert childless(warm)


def test_a_nursery_that_is_killed_in_between_ends_what_runs_and_not_what_waits(warm: LocalEngine) -> None:
    running = [Watched(warm, "burn") for _ in range(2)]
    waiting = [Watched(warm, "answer") for _ in range(3)]
    for each in running:
        assert each.ready.wait(30)
    assert warm._nursery._process is not None
    warm._nursery._process.kill()
    assert [each.future.result(60).state for each in running] == [State.DIED, State.DIED]
    warm.cancel(waiting[2].task)
    assert [each.future.result(60).state for each in waiting[:2]] == [State.TRAINED, State.TRAINED]
    assert warm.free == 2


def test_a_task_that_comes_when_all_is_closed_is_cancelled() -> None:
    engine = LocalEngine(slots=1)
    engine.close()
    assert Watched(engine, "answer").future.result(0).state is State.CANCELLED


def test_a_future_is_no_way_to_cancel(warm: LocalEngine) -> None:
    task = Watched(warm, "burn", Limits(seconds=0.2))
    assert not task.future.cancel()
    assert task.future.result().state is State.TIMED_OUT


def test_what_a_callback_raises_is_told_once(warm: LocalEngine) -> None:
    def fail(_: object = None) -> None:
        raise OSError("the disk is full")

    for faulty in ("started", "progress", "done"):
        lost: list[Exception] = []
        warm.reserve(1, queue=False)
        task = Task("misbehave:tell_stages", {}, lost=lost.append, **{faulty: fail})
        future: Future[Outcome] = warm.submit(task)
        with pytest.raises(OSError, match="the disk is full"):
            future.result()
        assert [str(error) for error in lost] == ["the disk is full"]
    assert warm.free == 2
    assert child_processes(warm) == []


def test_a_withdrawal_that_cannot_be_written_down_is_told(warm: LocalEngine) -> None:
    def fail(_: Outcome) -> None:
        raise OSError("the disk is full")

    running = [Watched(warm, "burn") for _ in range(2)]
    lost: list[Exception] = []
    warm.reserve(1, queue=True)
    task = Task("misbehave:answer", {}, done=fail, lost=lost.append)
    future = warm.submit(task)
    warm.cancel(task)
    assert isinstance(future.exception(0), OSError)
    assert len(lost) == 1
    for each in running:
        warm.cancel(each.task)
