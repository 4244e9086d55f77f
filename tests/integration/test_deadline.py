from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eventsieve.records import Limits, Outcome, Progress, State
from eventsieve.training.children import Nursery
from eventsieve.training.deadline import Task, run
from eventsieve.training.nursery import _Nursery

LATE = 0.3
"""Seconds by which an answer may come after its limit."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        nursery = Nursery()
        # The first child waits for the libraries, which belongs to no test.
        assert run(nursery, Task("misbehave:answer", {})).state is State.TRAINED
    yield nursery
    nursery.close()


def spent(pid: int) -> bool:
    """Whether nothing of a process is left that could use a processor; the kernel may take a moment."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def children(nursery: Nursery) -> list[psutil.Process]:
    assert nursery._process is not None
    return psutil.Process(nursery._process.pid).children(recursive=True)


@pytest.mark.parametrize("how", ["hold_the_interpreter", "burn", "ignore_signals", "stop_in_the_middle", "flood"])
def test_a_child_is_gone_when_its_time_is_up(nursery: Nursery, how: str) -> None:
    outcome = run(nursery, Task(f"misbehave:{how}", {}, Limits(seconds=0.5)))
    assert outcome.state is State.TIMED_OUT
    assert "0.5 s" in outcome.reason
    assert "TIME_LIMIT" in outcome.reason
    assert 0.5 <= outcome.seconds <= 0.5 + LATE
    assert children(nursery) == []


@pytest.mark.parametrize(
    "new_session",
    [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's subreaper"))],
)
def test_what_a_child_started_is_gone_with_it(nursery: Nursery, tmp_path: Path, new_session: bool) -> None:  # noqa: FBT001
    pid_file = tmp_path / "pid"
    arguments = {"pid_file": str(pid_file), "new_session": new_session}
    outcome = run(nursery, Task("misbehave:start_another", arguments, Limits(seconds=0.5)))
    assert outcome.state is State.TIMED_OUT
    assert spent(int(pid_file.read_text()))


@pytest.mark.parametrize(
    ("how", "state", "says"),
    [
        ("segfault", State.DIED, "SIGSEGV"),
        ("vanish", State.DIED, "exit code 3"),
        ("raise_an_error", State.DIED, "exit code 1"),
        ("be_killed", State.DIED, "out of memory"),
        ("tell_nonsense", State.DIED, "progress that is none"),
        ("talk_nonsense", State.DIED, "no answer|outcome that is none"),
        ("say_no_json", State.DIED, "no JSON"),
        ("hang_up", State.DIED, "closed connection"),
        ("boast", State.DIED, "no JSON"),
        ("eat_memory", State.OUT_OF_MEMORY, "MEMORY_LIMIT_MB"),
        ("ask_for_too_much", State.OUT_OF_MEMORY, "memory"),
    ],
)
def test_every_end_has_an_outcome_of_its_own(nursery: Nursery, how: str, state: State, says: str) -> None:
    task = Task(f"misbehave:{how}", TRAINING, Limits(seconds=20.0, memory=500 << 20))
    outcome = run(nursery, task)
    assert outcome.state is state
    assert any(part in outcome.reason for part in says.split("|")), outcome.reason
    assert children(nursery) == []


TRAINING = {
    "spec": {"name": "m", "type": "LogReg", "hyperparameters": {}},
    "seed": 0,
    "table": "nowhere.arrow",
    "artefact": "nowhere.skops",
    "evaluation": "nowhere.json",
}


def test_a_task_can_be_cancelled(nursery: Nursery) -> None:
    cancelled = threading.Event()
    ended: list[float] = []
    timer = threading.Timer(0.2, lambda: (cancelled.set(), ended.append(time.monotonic())))
    task = Task("misbehave:burn", {}, started=timer.start, cancelled=cancelled)
    outcome = run(nursery, task)
    assert outcome.state is State.CANCELLED
    assert time.monotonic() - ended[0] <= LATE
    assert children(nursery) == []


@pytest.mark.parametrize("how", ["flood", "hold_the_interpreter", "stop_when_asked"])
def test_whatever_it_does_a_task_can_be_cancelled(nursery: Nursery, how: str) -> None:
    cancelled = threading.Event()
    ended: list[float] = []
    timer = threading.Timer(0.2, lambda: (cancelled.set(), ended.append(time.monotonic())))
    outcome = run(nursery, Task(f"misbehave:{how}", {}, started=timer.start, cancelled=cancelled))
    assert outcome.state is State.CANCELLED
    assert time.monotonic() - ended[0] <= LATE
    assert children(nursery) == []


def test_a_task_that_is_asked_to_stop_keeps_what_it_has(nursery: Nursery) -> None:
    stop_asked = threading.Event()
    timer = threading.Timer(0.2, stop_asked.set)
    outcome = run(nursery, Task("misbehave:stop_when_asked", {}, started=timer.start, stop_asked=stop_asked))
    assert outcome.state is State.TRAINED
    assert outcome.kept_early
    assert 0.2 <= outcome.seconds <= 0.2 + LATE


def test_the_wish_to_stop_may_come_before_the_child(nursery: Nursery) -> None:
    stop_asked = threading.Event()
    stop_asked.set()
    assert run(nursery, Task("misbehave:stop_when_asked", {}, stop_asked=stop_asked)).kept_early


@pytest.mark.parametrize("how", ["hold_the_interpreter", "burn", "flood", "stop_in_the_middle"])
def test_a_child_that_ignores_the_wish_to_stop_still_has_its_limit(nursery: Nursery, how: str) -> None:
    stop_asked = threading.Event()
    stop_asked.set()
    outcome = run(nursery, Task(f"misbehave:{how}", {}, Limits(seconds=0.5), stop_asked=stop_asked))
    assert outcome.state is State.TIMED_OUT
    assert 0.5 <= outcome.seconds <= 0.5 + LATE


def test_progress_comes_now_and_then_and_always_forward(nursery: Nursery) -> None:
    stop_asked = threading.Event()
    seen: list[Progress] = []
    timer = threading.Timer(1.1, stop_asked.set)
    task = Task("misbehave:stop_when_asked", {}, started=timer.start, progress=seen.append, stop_asked=stop_asked)
    assert run(nursery, task).kept_early
    assert 2 <= len(seen) <= 7
    done = [progress.done or 0 for progress in seen]
    assert done == sorted(done)
    assert seen[-1].total == 1_000_000


def test_the_last_stage_is_always_told(nursery: Nursery) -> None:
    seen: list[Progress] = []
    assert run(nursery, Task("misbehave:tell_stages", {}, progress=seen.append)).state is State.TRAINED
    assert seen[-1].stage == "evaluating"
    assert len(seen) <= 4


def test_a_flood_of_progress_reaches_nobody(nursery: Nursery) -> None:
    seen: list[Progress] = []
    run(nursery, Task("misbehave:flood", {}, Limits(seconds=1.0), progress=seen.append))
    assert 1 <= len(seen) <= 12


def test_a_child_may_say_what_its_lateness_means(nursery: Nursery) -> None:
    outcome = run(nursery, Task("misbehave:excuse_itself", {}, Limits(seconds=0.2)))
    assert outcome.reason.endswith("It never finishes anything.")


def test_a_child_that_is_no_longer_wanted_does_nothing(nursery: Nursery) -> None:
    started: list[bool] = []
    task = Task("misbehave:answer", {}, started=lambda: started.append(True))
    assert run(nursery, task, wanted=lambda: False).state is State.CANCELLED
    assert started == []
    assert children(nursery) == []


def test_a_message_that_nobody_reads_holds_up_nobody(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventsieve.training.children.SEND_SECONDS", 0.2)
    child = nursery.fork()
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        child.send({"run": "x" * (4 << 20)})
    nursery.kill(child.pid)
    assert child.bury(10) == -signal.SIGKILL
    child.close()


def test_a_cancelled_task_does_not_start(nursery: Nursery) -> None:
    cancelled = threading.Event()
    cancelled.set()
    started: list[bool] = []
    task = Task("misbehave:answer", {}, started=lambda: started.append(True), cancelled=cancelled)
    assert run(nursery, task).state is State.CANCELLED
    assert started == []


def test_an_answer_brings_its_time_and_memory(nursery: Nursery) -> None:
    outcome = run(nursery, Task("misbehave:answer_later", {}, Limits(seconds=20.0)))
    assert outcome.state is State.TRAINED
    assert 0.2 <= outcome.seconds < 10.0
    assert outcome.peak_memory is not None
    assert outcome.peak_memory > 1 << 20


def test_a_machine_that_has_no_room_for_a_child_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends of the conversation: the nursery lives on, and its client says what the kernel said."""

    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    ours, theirs = socket.socketpair()
    with ours, theirs, monkeypatch.context() as patch:
        patch.setattr("os.fork", refuse)
        end = _Nursery(theirs)
        end.fork(*os.pipe())
        client = Nursery()
        client._control = ours
        assert run(client, Task("misbehave:answer", {})).reason.count("temporarily unavailable") == 1
        assert end.children == {}
        end.wakeup.close()
        end.writer.close()


def test_a_lost_nursery_is_replaced(nursery: Nursery) -> None:
    assert nursery._process is not None
    before = nursery._process.pid
    task = Task("misbehave:burn", {}, Limits(seconds=20.0), started=nursery._process.kill)
    assert run(nursery, task).state is State.DIED
    assert run(nursery, Task("misbehave:answer", {})).state is State.TRAINED
    assert nursery._process.pid != before


def test_closing_the_nursery_ends_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    nursery = Nursery()
    ready = threading.Event()
    outcomes: list[Outcome] = []
    task = Task("misbehave:burn", {}, started=ready.set)
    thread = threading.Thread(target=lambda: outcomes.append(run(nursery, task)))
    thread.start()
    assert ready.wait(60)
    (child,) = children(nursery)
    nursery.close()
    thread.join(10)
    assert outcomes[0].state is State.DIED
    assert spent(child.pid)


def test_a_child_does_not_outlive_a_supervisor_that_fails(nursery: Nursery) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        run(nursery, Task("misbehave:burn", {}, started=fail))
    assert children(nursery) == []


def test_without_a_process_there_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    nursery = Nursery()
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    outcome = run(nursery, Task("misbehave:answer", {}))
    assert outcome.state is State.DIED
    assert "No process could be started" in outcome.reason


def test_a_warm_nursery_has_its_libraries_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    nursery = Nursery()
    nursery.warm()
    assert nursery._process is not None
    maps = Path(f"/proc/{nursery._process.pid}/maps")
    if maps.exists():
        assert "sklearn" in maps.read_text()
    nursery.close()
