from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventsieve.errors import NoFreeSlots
from eventsieve.records import Limits, Outcome, State
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(slots=2)
    yield engine
    engine.close()


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
