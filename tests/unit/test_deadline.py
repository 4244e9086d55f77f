"""What is decided while a child is watched, by a clock that stands still; real children are tried elsewhere."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from eventsieve.records import Limits, Means, Outcome, Progress, State
from eventsieve.training import deadline
from eventsieve.training.deadline import Task, run

BURIAL = 0.7
READY = {"ready": True}
TRAINED = {"outcome": {"state": "trained", "digest": "0" * 64}}


class World:
    """A nursery with one child that says what it is told to, and its clock; waiting takes time, and to be buried."""

    def __init__(self, *script: tuple[float, Any]) -> None:
        self.script = list(script)
        """What the child does, and after how many seconds: says something, or does what is callable."""
        self.now = 1000.0
        self.means = Means(threads=3)
        self.pid = 4711
        self.connection = self
        self.code: int | None = 0
        self.memory = 0
        self.sent: list[dict[str, Any]] = []
        self.did: list[Any] = []
        self.patience: list[float] = []
        self.on_send: Callable[[], None] = lambda: None
        self.later: dict[float, Callable[[], None]] = {}

    def monotonic(self) -> float:
        return self.now

    def wait_for(self, connections: list[object], seconds: float) -> list[object]:
        assert connections == [self]
        assert 0 <= seconds <= 0.05
        for moment in [each for each in self.later if each <= self.now]:
            self.later.pop(moment)()
        if self.script and self.script[0][0] + 1000.0 <= self.now + seconds + 1e-9:
            self.now = max(self.now, self.script[0][0] + 1000.0)
            return [self]
        assert self.now < 5000, "watched for ever"
        self.now += max(seconds, 1e-3)
        return []

    def receive(self) -> bytes | None:
        _, what = self.script.pop(0)
        if callable(what):
            return what()
        return what if isinstance(what, bytes | None) else json.dumps(what).encode()

    def fork(self) -> World:
        return self

    def send(self, message: dict[str, Any]) -> None:
        self.on_send()
        self.sent.append(message)

    def kill(self, pid: int) -> None:
        self.did.append(("kill", pid))

    def bury(self, seconds: float) -> int | None:
        self.did.append("bury")
        self.patience.append(seconds)
        self.now += BURIAL  # belongs to no task
        return self.code

    def close(self) -> None:
        self.did.append("close")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    def make(*script: tuple[float, Any]) -> World:
        made = World(*script)
        monkeypatch.setattr(deadline, "time", made)
        monkeypatch.setattr(deadline, "wait_for", made.wait_for)
        monkeypatch.setattr(deadline, "_resident", lambda pid: made.memory)
        return made

    return make


def fail(error: Exception) -> Callable[[], bytes]:
    def raising() -> bytes:
        raise error

    return raising


def task(limits: Limits | None = None, **more: Any) -> Task:
    return Task("m:f", {"a": 1}, limits or Limits(), **more)


def test_a_child_that_answers_is_buried_and_not_killed(world: Callable[..., World]) -> None:
    seen = world((1.0, READY), (3.5, TRAINED))
    outcome = run(seen, task())
    assert outcome.state is State.TRAINED
    assert outcome.seconds == pytest.approx(2.5)
    assert outcome.peak_memory is None
    assert seen.did == ["bury", "close"]
    assert seen.patience == [2.0]


def test_a_child_that_stays_after_its_answer_is_killed(world: Callable[..., World]) -> None:
    seen = world((1.0, READY), (3.5, TRAINED))
    seen.code = None
    assert run(seen, task()).state is State.TRAINED
    assert seen.did == ["bury", ("kill", 4711), "bury", "close"]


def test_what_the_child_is_told(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (1.0, TRAINED))
    run(seen, task(Limits(seconds=7.3, memory=99)))
    # Twice the threads' time and no less than eight times, and ten seconds for what comes before.
    assert seen.sent == [{"run": "m:f", "arguments": {"a": 1}, "memory": 99, "cpu_seconds": math.ceil(10 + 8 * 7.3)}]
    seen = world((0.0, READY), (1.0, TRAINED))
    seen.means = Means(threads=5)
    run(seen, task(Limits(seconds=7.0)))
    assert seen.sent[0]["cpu_seconds"] == 80
    seen = world((0.0, READY), (1.0, TRAINED))
    run(seen, task())
    assert (seen.sent[0]["cpu_seconds"], seen.sent[0]["memory"]) == (None, None)


def test_the_limit_counts_from_ready_and_the_first_ready_counts(world: Callable[..., World]) -> None:
    seen = world((100.0, READY | {"if_late": "Choose less."}), (101.0, READY | {"if_late": "again"}))
    outcome = run(seen, task(Limits(seconds=5.0)))
    assert outcome.state is State.TIMED_OUT
    assert outcome.seconds == pytest.approx(5.0, abs=0.002)
    assert "time limit of 5 s" in outcome.reason
    assert outcome.reason.endswith("Choose less.")
    assert seen.did == [("kill", 4711), "bury", "close"]


def test_a_reason_without_more_to_say_ends_where_it_ends(world: Callable[..., World]) -> None:
    assert run(world((0.0, READY)), task(Limits(seconds=1.0))).reason.endswith("raise TIME_LIMIT.")


def test_a_long_sentence_is_cut(world: Callable[..., World]) -> None:
    seen = world((0.0, READY | {"if_late": "x" * 600}))
    assert run(seen, task(Limits(seconds=1.0))).reason.endswith(" " + "x" * 500)


def test_a_child_that_is_never_ready_is_given_up(world: Callable[..., World]) -> None:
    seen = world()
    outcome = run(seen, task(Limits(seconds=500.0)))
    assert outcome.state is State.DIED
    assert "not ready after 120 s" in outcome.reason
    assert outcome.seconds == 0.0
    assert seen.now == pytest.approx(1120.0 + BURIAL, abs=0.1)


def test_memory_beyond_the_limit_ends_the_child_and_at_the_limit_does_not(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (1.0, TRAINED))
    seen.memory = 100 << 20
    outcome = run(seen, task(Limits(memory=100 << 20)))
    assert (outcome.state, outcome.peak_memory) == (State.TRAINED, 100 << 20)
    seen = world((0.0, READY), (1.0, TRAINED))
    seen.later[1000.1] = lambda: setattr(seen, "memory", 200 << 20)
    outcome = run(seen, task(Limits(memory=100 << 20)))
    assert (outcome.state, outcome.peak_memory) == (State.OUT_OF_MEMORY, 200 << 20)
    assert "Used 200 MB of memory, more than the 100 MB" in outcome.reason


def test_the_peak_stays_when_memory_is_given_back(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (1.0, TRAINED))
    seen.memory = 100
    seen.later[1000.2] = lambda: setattr(seen, "memory", 300)
    seen.later[1000.5] = lambda: setattr(seen, "memory", 200)
    assert run(seen, task()).peak_memory == 300


def test_cancelling_ends_a_child_at_the_next_look(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (10.0, TRAINED))
    wish = task()
    seen.later[1002.0] = wish.cancelled.set
    outcome = run(seen, wish)
    assert (outcome.state, outcome.reason) == (State.CANCELLED, "Cancelled while it was training.")
    assert outcome.seconds == pytest.approx(2.0, abs=0.11)


def test_what_is_cancelled_before_has_no_child(world: Callable[..., World]) -> None:
    seen = world()
    wish = task()
    wish.cancelled.set()
    assert run(seen, wish).reason == "Cancelled before it started."
    assert seen.did == []


def test_what_is_not_wanted_any_more_is_not_even_told(world: Callable[..., World]) -> None:
    seen = world()
    outcome = run(seen, task(), wanted=lambda: False)
    assert (outcome.state, outcome.reason, outcome.seconds) == (State.CANCELLED, "Cancelled before it started.", 0.0)
    assert seen.sent == []
    assert seen.did == [("kill", 4711), "bury", "close"]


def test_the_wish_to_stop_is_passed_on_once(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (5.0, TRAINED))
    wish = task()
    seen.later[1001.0] = wish.stop_asked.set
    assert run(seen, wish).state is State.TRAINED
    assert seen.sent[1:] == [{"stop": True}]


def test_a_child_that_cannot_be_asked_to_stop_has_an_end_of_its_own(world: Callable[..., World]) -> None:
    seen = world((0.0, READY), (2.0, fail(EOFError())))
    wish = task()
    wish.stop_asked.set()

    def refuse() -> None:
        if seen.sent:
            raise BrokenPipeError

    seen.on_send = refuse
    seen.code = -signal.SIGSEGV
    assert run(seen, wish).reason == "The process was ended by SIGSEGV."


def test_progress_is_handed_on_ten_times_a_second_and_the_latest_in_the_end(world: Callable[..., World]) -> None:
    moments = [(0.0, READY), *((each / 100, {"progress": {"stage": "a", "done": each}}) for each in range(1, 101))]
    seen: list[Progress] = []
    times: list[float] = []
    told = world(*moments, (2.0, TRAINED))
    run(told, task(progress=lambda progress: (seen.append(progress), times.append(told.now))))
    assert [each.done for each in seen][:2] == [1, 11]
    assert seen[-1].done == 100
    assert 9 <= len(seen) <= 11
    assert min(later - sooner for sooner, later in pairwise(times)) >= 0.1 - 1e-6


def test_progress_before_ready_is_none(world: Callable[..., World]) -> None:
    seen: list[Progress] = []
    run(world((0.0, {"progress": {"stage": "a"}}), (1.0, READY), (2.0, TRAINED)), task(progress=seen.append))
    assert seen == []


def test_a_message_that_is_not_whole_yet_is_waited_for(world: Callable[..., World]) -> None:
    assert run(world((0.0, READY), (1.0, None), (2.0, TRAINED)), task()).seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (b"no json", "a message that is no JSON object"),
        (b"[1]", "a message that is no JSON object"),
        (fail(RecursionError()), "a message that is no JSON object"),
        ({"progress": {"stage": 3}}, "progress that is none (1 faults)"),
        ({"outcome": {"state": "trained", "seconds": "long"}}, "an outcome that is none (1 faults)"),
    ],
)
def test_nonsense_ends_a_child(world: Callable[..., World], what: object, says: str) -> None:
    seen = world((1.0, READY), (3.0, what))
    outcome = run(seen, task())
    assert (outcome.state, outcome.reason) == (State.DIED, f"The process answered with {says}.")
    assert outcome.seconds == pytest.approx(2.0, abs=0.001)
    assert seen.did == [("kill", 4711), "bury", "close"]


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (None, State.DIED, "The process answered with a closed connection."),
        (0, State.DIED, "The process ended with exit code 0 and without an answer."),
        (7, State.DIED, "The process ended with exit code 7 and without an answer."),
        (-signal.SIGXCPU, State.TIMED_OUT, "The process used up its processor time."),
        (-signal.SIGKILL, State.DIED, "The process was ended by SIGKILL; perhaps the system ran out of memory."),
        (-signal.SIGTERM, State.DIED, "The process was ended by SIGTERM."),
    ],
)
def test_a_child_that_hangs_up_is_asked_for_its_code(
    world: Callable[..., World], code: int | None, state: State, reason: str
) -> None:
    seen = world((1.0, READY), (3.0, fail(EOFError())))
    seen.code = code
    outcome = run(seen, task(Limits(seconds=2.5)))
    assert (outcome.state, outcome.reason) == (state, reason)
    assert seen.patience[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("limit", "patience"), [(2.01, 0.05), (100.0, 2.0), (None, 2.0)])
def test_the_code_is_waited_for_within_the_limit(
    world: Callable[..., World], limit: float | None, patience: float
) -> None:
    seen = world((1.0, READY), (3.0, fail(OSError())))
    run(seen, task(Limits(seconds=limit)))
    assert seen.patience[0] == pytest.approx(patience)


def test_a_child_that_cannot_be_told_its_task_has_an_end_of_its_own(world: Callable[..., World]) -> None:
    seen = world()

    def refuse() -> None:
        raise BrokenPipeError

    seen.on_send = refuse
    seen.code = 3
    outcome = run(seen, task())
    assert outcome.reason == "The process ended with exit code 3 and without an answer."
    assert seen.now == pytest.approx(1000.0 + 2 * BURIAL)


def test_what_a_callback_raises_ends_the_child(world: Callable[..., World]) -> None:
    seen = world((0.0, READY))
    with pytest.raises(OSError, match="full"):
        run(seen, task(started=fail(OSError("full"))))
    assert seen.did == [("kill", 4711), "bury", "close"]


def test_a_machine_without_room_says_so(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = world()
    monkeypatch.setattr(seen, "fork", fail(BlockingIOError(11, "no room")))
    outcome = run(seen, task())
    assert outcome.state is State.DIED
    assert "no room" in outcome.reason


def test_memory_of_who_is_gone_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    assert deadline._resident(psutil.Process().pid) > 1 << 20
    monkeypatch.setattr(psutil, "Process", gone)
    assert deadline._resident(4711) == 0


def test_a_task_is_told_nothing_unless_it_asks(world: Callable[..., World]) -> None:
    quiet = Task("m:f", {})
    assert (quiet.started(), quiet.progress(Progress()), quiet.done(Outcome(state=State.TRAINED))) == (None, None, None)
    assert quiet.lost(OSError()) is None
    assert SimpleNamespace(seconds=None, memory=None).__dict__.items() <= quiet.limits.model_dump().items()
