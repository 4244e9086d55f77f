"""The engine's own part, over children that do what they are told; real ones are tried elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from eventsieve.errors import NoFreeSlots, QuotaExceeded
from eventsieve.records import Means, Outcome, State
from eventsieve.training import engine as tested
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.turns import Share

TRAINED = Outcome(state=State.TRAINED)
LONG = 10.0
"""Seconds that no test takes; who waits for them waits for what never comes."""


class Children:
    """What stands for `deadline.run`: each task begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun: list[str] = []
        self.changed = threading.Condition()
        self.let_go: set[str] = set()
        self.endings: dict[str, Outcome | Exception] = {}
        self.hold: set[str] = set()
        """Those that have no child before they are let go."""
        self.nurseries: set[int] = set()

    def run(self, nursery: object, task: Task, *, wanted: Callable[[], bool] = lambda: True) -> Outcome:
        self.nurseries.add(id(nursery))
        self.asked.append(task.run)
        if task.run in self.hold:
            self.note(task.run)
            self.wait(task)
        if not wanted():
            return Outcome(state=State.CANCELLED, reason="not wanted")
        self.note(task.run)
        self.wait(task)
        if task.cancelled.is_set():
            return Outcome(state=State.CANCELLED, reason="while it ran")
        ending = self.endings.get(task.run, TRAINED)
        if isinstance(ending, Exception):
            raise ending
        return ending

    def note(self, name: str) -> None:
        with self.changed:
            self.begun.append(name)
            self.changed.notify_all()

    def wait(self, task: Task) -> None:
        for _ in range(int(LONG / 0.005)):
            if task.run in self.let_go or task.cancelled.wait(0.005):
                return
        raise AssertionError(f"{task.run} was never let go")

    def await_begun(self, *names: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: set(names) <= set(self.begun), LONG), self.begun


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    found = Children()
    monkeypatch.setattr(tested, "run", found.run)
    return found


@pytest.fixture
def engine(children: Children) -> Iterator[LocalEngine]:
    made = LocalEngine(slots=2)
    yield made
    closing = threading.Thread(target=made.close)
    closing.start()
    closing.join(LONG)
    assert not closing.is_alive()


class Asked:
    """A task, and what was said about it."""

    def __init__(self, engine: LocalEngine, name: str, share: Share | None = None) -> None:
        self.outcomes: list[Outcome] = []
        self.lost: list[Exception] = []
        self.task = Task(name, {}, share=share or Share(), done=self.outcomes.append, lost=self.lost.append)
        engine.reserve(1, queue=True, share=self.task.share)
        self.future = engine.submit(self.task)

    def end(self) -> Outcome:
        return self.future.result(LONG)


def idle(engine: LocalEngine) -> bool:
    """Whether all slots are at rest soon: a future is resolved just before its slot is."""
    pause = threading.Event()
    for _ in range(int(LONG / 0.005)):
        if not engine.running:
            return True
        pause.wait(0.005)
    return False


def test_an_engine_begins_with_nothing_to_do() -> None:
    means = Means(threads=3)
    engine = LocalEngine(slots=5, means=means)
    assert (engine.slots, engine.means, engine._nursery.means) == (5, means, means)
    assert (engine.free, engine.running, engine.waiting, engine.load("")) == (5, 0, 0, (0, 0))
    assert LocalEngine(slots=1).means == Means()
    engine.close()


def test_as_many_run_as_there_are_slots_and_the_next_when_one_has_ended(
    engine: LocalEngine, children: Children
) -> None:
    asked = {name: Asked(engine, name, Share("ann")) for name in "abc"}
    children.await_begun("a", "b")
    assert sorted(children.begun) == ["a", "b"]
    assert (engine.free, engine.running, engine.waiting) == (0, 2, 1)
    assert (engine.load("ann"), engine.load("bob")) == ((2, 1), (0, 0))
    children.let_go.add("a")
    assert asked["a"].end() == TRAINED
    children.await_begun("c")
    assert (engine.running, engine.waiting) == (2, 0)
    children.let_go |= {"b", "c"}
    assert [asked[name].end() for name in "bc"] == [TRAINED, TRAINED]
    assert [asked[name].outcomes for name in "abc"] == [[TRAINED]] * 3
    assert engine.free == 2
    assert idle(engine)
    assert (engine.load("ann"), engine._claims, engine._entries) == ((0, 0), {}, {})
    assert children.nurseries == {id(engine._nursery)}


def test_places_are_claimed_whole_or_not_at_all(engine: LocalEngine) -> None:
    engine.refuse_beyond_free(2)
    with pytest.raises(NoFreeSlots, match=r"3 models are to be trained and 2 of 2 training slots are free"):
        engine.refuse_beyond_free(3)
    engine.reserve(2, queue=False)
    engine.unreserve(1)
    with pytest.raises(NoFreeSlots, match=r"2 models are to be trained and 1 of 2 training slots"):
        engine.reserve(2, queue=False)
    assert engine.free == 1
    engine.reserve(4, queue=True)
    assert engine.free == 0
    with pytest.raises(NoFreeSlots, match=r"1 models are to be trained and 0 of 2"):
        engine.reserve(1, queue=False)
    engine.unreserve(5)
    assert engine.free == 2


def test_nobody_claims_more_at_once_than_he_may_use(engine: LocalEngine) -> None:
    ann = Share("ann", most=1)
    with pytest.raises(NoFreeSlots, match=r"2 models are to be trained and 1 of the 1 training slots of your quota"):
        engine.reserve(2, queue=False, share=ann)
    with pytest.raises(NoFreeSlots, match="quota"):
        engine.refuse_beyond_free(2, ann)
    engine.reserve(1, queue=False, share=ann)
    with pytest.raises(NoFreeSlots, match=r"1 models are to be trained and 0 of the 1 training slots of your quota"):
        engine.reserve(1, queue=False, share=ann)
    engine.refuse_beyond_free(1, Share("bob", most=1))
    engine.reserve(3, queue=True, share=ann)
    engine.unreserve(3, share=ann)
    assert engine.free == 1
    engine.unreserve(1, share=ann)
    engine.reserve(1, queue=False, share=ann)
    engine.unreserve(1, share=ann)


def test_who_waits_for_more_than_he_may_use_has_none_free_and_not_less() -> None:
    engine = LocalEngine(slots=9)
    ann = Share("ann", most=2)
    engine.reserve(5, queue=True, share=ann)
    with pytest.raises(NoFreeSlots, match=r"1 models are to be trained and 0 of the 2 training slots of your quota"):
        engine.reserve(1, queue=False, share=ann)
    engine.close()


def test_what_waits_is_withdrawn_at_once_and_gives_its_place_back(engine: LocalEngine, children: Children) -> None:
    running = [Asked(engine, name) for name in "ab"]
    children.await_begun("a", "b")
    cancelled, stopped, interrupted = (Asked(engine, name) for name in "cde")
    engine.cancel(cancelled.task)
    engine.stop(stopped.task)
    engine.interrupt(interrupted.task)
    assert engine.waiting == 0
    states = [each.future.result(0).state for each in (cancelled, stopped, interrupted)]
    assert states == [State.CANCELLED, State.CANCELLED, State.INTERRUPTED]
    assert [each.future.result(0).reason.split(";")[0] for each in (cancelled, stopped, interrupted)] == [
        "Cancelled before it started.",
        "Stopped before it started",
        "The server was stopped before it started",
    ]
    assert cancelled.task.cancelled.is_set()
    assert not stopped.task.stop_asked.is_set()
    for _ in range(2):
        engine.cancel(cancelled.task)
        engine.stop(stopped.task)
    assert [len(each.outcomes) for each in (cancelled, stopped, interrupted)] == [1, 1, 1]
    children.let_go |= {"a", "b"}
    assert [each.end() for each in running] == [TRAINED, TRAINED]
    assert engine.free == 2
    assert children.begun.count("c") + children.begun.count("d") + children.begun.count("e") == 0


def test_what_runs_is_asked_and_goes_on_until_it_ends(engine: LocalEngine, children: Children) -> None:
    stopped, cancelled = Asked(engine, "a"), Asked(engine, "b")
    children.await_begun("a", "b")
    engine.interrupt(stopped.task)
    assert not stopped.task.stop_asked.is_set()
    engine.stop(stopped.task)
    assert stopped.task.stop_asked.is_set()
    assert not stopped.future.done()
    engine.cancel(cancelled.task)
    assert cancelled.end().reason == "while it ran"
    assert cancelled.outcomes == [cancelled.end()]
    children.let_go.add("a")
    assert stopped.end() == TRAINED


def test_what_waits_for_its_child_is_withdrawn_too(engine: LocalEngine, children: Children) -> None:
    children.hold.add("a")
    asked = Asked(engine, "a")
    children.await_begun("a")
    assert engine.running == 1
    engine.interrupt(asked.task)
    assert asked.future.result(0).state is State.INTERRUPTED
    children.let_go.add("a")
    assert idle(engine)
    assert len(asked.outcomes) == 1
    assert engine.free == 2


def test_what_the_edge_of_a_thread_catches_is_told_and_frees_the_slot(engine: LocalEngine, children: Children) -> None:
    children.endings["a"] = OSError("the disk is full")
    children.let_go |= {"a", "b"}
    asked = Asked(engine, "a")
    with pytest.raises(OSError, match="full"):
        asked.end()
    assert (len(asked.lost), asked.outcomes) == (1, [])
    assert idle(engine)
    assert (engine.free, engine._entries) == (2, {})
    assert Asked(engine, "b").end() == TRAINED


def test_what_cannot_be_written_down_is_told(engine: LocalEngine, children: Children) -> None:
    lost: list[Exception] = []

    def refuse(_: object) -> None:
        raise OSError("the disk is full")

    children.let_go.add("a")
    engine.reserve(1, queue=False)
    future = engine.submit(Task("a", {}, done=refuse, lost=lost.append))
    with pytest.raises(OSError, match="full"):
        future.result(LONG)
    assert [str(each) for each in lost] == ["the disk is full"]
    assert engine.free == 2


def test_even_who_cannot_be_told_frees_the_slot(engine: LocalEngine, children: Children) -> None:
    def refuse(_: object) -> None:
        raise OSError("the disk is full")

    children.let_go.add("a")
    engine.reserve(1, queue=False)
    future = engine.submit(Task("a", {}, done=refuse, lost=refuse))
    with pytest.raises(OSError, match="full"):
        future.result(LONG)
    assert idle(engine)
    assert engine.free == 2


def test_who_may_not_start_another_is_told_why_and_no_child_begins(engine: LocalEngine, children: Children) -> None:
    def refuse() -> None:
        raise QuotaExceeded("There is no more room.")

    asked = Asked(engine, "a", Share("ann", admit=refuse))
    assert asked.end() == Outcome(state=State.CANCELLED, reason="There is no more room.")
    assert (asked.outcomes, asked.lost) == ([asked.end()], [])
    assert children.begun == []
    assert idle(engine)
    assert engine.free == 2


def test_nobody_runs_more_than_his_share(engine: LocalEngine, children: Children) -> None:
    ann = Share("ann", most=1)
    first, second = Asked(engine, "a1", ann), Asked(engine, "a2", ann)
    third = Asked(engine, "b1", Share("bob"))
    children.await_begun("a1", "b1")
    assert engine.load("ann") == (1, 1)
    assert "a2" not in children.begun
    children.let_go |= {"a1", "b1", "a2"}
    assert [each.end() for each in (first, second, third)] == [TRAINED] * 3


def test_what_goes_aside_takes_no_slot_and_one_at_a_time(engine: LocalEngine, children: Children) -> None:
    engine.reserve(2, queue=False)
    tasks = [Task(name, {}) for name in "ab"]
    futures = [engine.aside(task) for task in tasks]
    children.await_begun("a")
    assert (engine.running, engine.waiting, engine.free) == (0, 0, 0)
    assert children.begun == ["a"]
    engine.cancel(tasks[1])
    assert futures[1].result(0).state is State.CANCELLED
    children.let_go.add("a")
    assert futures[0].result(LONG) == TRAINED
    assert engine.free == 0
    engine.unreserve(2)
    assert engine.free == 2
    engine.close()
    assert children.asked == ["a"]  # the other has not even cost a child


def test_a_future_is_no_way_to_cancel(engine: LocalEngine, children: Children) -> None:
    running = [Asked(engine, name) for name in "ab"]
    waiting = Asked(engine, "c")
    assert not waiting.future.cancel()
    children.let_go |= set("abc")
    assert [each.end() for each in (*running, waiting)] == [TRAINED] * 3


def test_closing_cancels_all_and_what_comes_later() -> None:
    with pytest.MonkeyPatch.context() as patch:
        children = Children()
        patch.setattr(tested, "run", children.run)
        closed: list[bool] = []
        engine = LocalEngine(slots=1)
        patch.setattr(engine._nursery, "close", lambda: closed.append(True))
        first, second = Asked(engine, "a"), Asked(engine, "b")
        aside = engine.aside(Task("c", {}))
        children.await_begun("a", "c")
        engine.close()
        assert [each.future.result(0).state for each in (first, second)] == [State.CANCELLED] * 2
        assert aside.result(0).state is State.CANCELLED
        assert closed == [True]
        late = Asked(engine, "d")
        assert late.future.result(0).reason == "Cancelled before it started."
        assert sorted(children.begun) == ["a", "c"]
        assert (engine.free, engine._entries) == (1, {})


def test_the_nursery_is_prepared_and_warmed(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(engine._nursery, "prepare", lambda: said.append("prepare"))
    monkeypatch.setattr(engine._nursery, "warm", lambda: said.append("warm"))
    engine.prepare()
    engine.warm()
    assert said == ["prepare", "warm"]
