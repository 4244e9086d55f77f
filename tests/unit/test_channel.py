from __future__ import annotations

import json
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import SimpleNamespace

import pytest

from eventsieve.records import Outcome, Progress, State
from eventsieve.training.channel import Channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Connection]]:
    """The child's end, and the server's."""
    ours, theirs = Pipe()
    with ours, theirs:
        yield Channel(theirs), ours


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr("eventsieve.training.channel.time", SimpleNamespace(monotonic=lambda: clock.seconds))
    return clock


def said(end: Connection) -> list[dict[str, object]]:
    messages = []
    while end.poll():
        messages.append(json.loads(end.recv_bytes()))
    return messages


def test_ready_brings_what_lateness_would_mean(ends: tuple[Channel, Connection]) -> None:
    channel, server = ends
    channel.ready()
    channel.ready("Slow.")
    assert said(server) == [{"ready": True, "if_late": ""}, {"ready": True, "if_late": "Slow."}]


def test_an_answer_is_the_outcome(ends: tuple[Channel, Connection]) -> None:
    channel, server = ends
    outcome = Outcome(state=State.TRAINED, digest="0" * 64)
    channel.answer(outcome)
    (message,) = said(server)
    assert Outcome.model_validate(message["outcome"]) == outcome


def test_progress_of_a_stage_is_sent_five_times_a_second_and_that_of_another_at_once(
    ends: tuple[Channel, Connection], now: SimpleNamespace
) -> None:
    channel, server = ends
    for seconds, stage, done in (
        (0.0, "a", 1),
        (0.1, "a", 2),
        (0.2, "a", 3),
        (0.3, "b", 4),
        (0.49, "b", 5),
        (0.6, "b", 6),
    ):
        now.seconds = 100.0 + seconds
        channel.progress(Progress(stage=stage, done=done))
    assert [message["progress"]["done"] for message in said(server)] == [1, 3, 4, 6]


def test_the_very_first_progress_is_sent(ends: tuple[Channel, Connection], now: SimpleNamespace) -> None:
    channel, server = ends
    now.seconds = 0.0
    channel.progress(Progress(stage="fitting", done=1))
    assert len(said(server)) == 1


def test_the_wish_to_stop_is_heard_once_it_comes_and_never_forgotten(ends: tuple[Channel, Connection]) -> None:
    channel, server = ends
    assert channel.stop_asked() is False
    server.send_bytes(b'{"something": "else"}')
    assert channel.stop_asked() is False
    server.send_bytes(b'{"stop": true}')
    assert channel.stop_asked() is True
    server.send_bytes(b'{"stop": false}')
    assert channel.stop_asked() is True
