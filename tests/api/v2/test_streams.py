"""Jobs are followed over server-sent events, by clients that come and go."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2

from calls_v2 import PREFIX, V2, eventually, problem
from eventsieve.api.v2 import streams
from eventsieve.records import Job, State

EVENTS = f"{PREFIX}/jobs/j1/events"


def a_job(state: State = State.RUNNING, seconds: float = 0.0) -> Job:
    return Job.model_validate(
        {
            "id": "j1",
            "table": "t",
            "limits": {},
            "created": "2026-01-02T00:00:00Z",
            "models": [{"spec": {"name": "m", "type": "LogReg"}, "seed": 0, "state": state, "seconds": seconds}],
        }
    )


def follow(url: str, seen: list, **headers: str) -> None:
    """Note every event until the server ends the stream."""
    with (
        httpx2.Client(timeout=30, trust_env=False) as http,
        http.stream("GET", url + EVENTS, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in answer.headers["cache-control"]
        seen.extend(httpx2.EventSource(answer))


def states(seen: list) -> list[tuple[str, str]]:
    return [(each.event, json.loads(each.data)["models"][0]["state"]) for each in seen]


def test_a_job_that_does_not_exist_is_refused_before_the_stream(faked: V2):
    problem(faked.get("/jobs/nope/events"), 404, "JobNotFound", "nope")


def test_an_ended_job_is_sent_once_and_the_stream_ends(fake, faked: V2):
    fake.jobs.job = a_job(State.TRAINED)
    answer = faked.get("/jobs/j1/events")
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.split("\n\n") if block]
    assert [block["event"] for block in blocks] == ["job", "end"]
    assert all(Job.model_validate_json(block["data"]) == fake.jobs.job for block in blocks)
    again = faked.get("/jobs/j1/events", headers={"Last-Event-ID": blocks[0]["id"]})
    assert [line for line in again.text.splitlines() if line.startswith("event")] == ["event: end"]


def test_every_change_is_told_once_and_the_end_last(fake, serve):
    server, seen = serve(), []
    fake.jobs.job = a_job(State.QUEUED)
    client = threading.Thread(target=follow, args=(server.url, seen))
    client.start()
    try:
        eventually(lambda: fake.jobs.looks > 0)
        time.sleep(0.5)
        for state in (State.RUNNING, State.RUNNING, State.TRAINED):
            fake.jobs.become(a_job(state))
            time.sleep(0.5)
    finally:
        fake.jobs.become(a_job(State.TRAINED))
        client.join(20)
    assert states(seen) == [("job", "queued"), ("job", "running"), ("job", "trained"), ("end", "trained")]
    assert len({each.id for each in seen}) == 3


def test_a_change_that_nobody_counts_is_told_too(fake, serve, monkeypatch):
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.1)
    server, seen = serve(), []
    client = threading.Thread(target=follow, args=(server.url, seen))
    client.start()
    eventually(lambda: fake.jobs.looks > 2)
    fake.jobs.job = a_job(State.INTERRUPTED)  # by another process: the number stays
    client.join(20)
    assert states(seen)[-1] == ("end", "interrupted")


def test_a_client_that_comes_back_is_not_told_what_it_knows(fake, serve):
    server, first, second = serve(), [], []
    with httpx2.Client(timeout=30, trust_env=False) as http, http.stream("GET", server.url + EVENTS) as answer:
        first.append(next(iter(httpx2.EventSource(answer))))
    client = threading.Thread(target=follow, args=(server.url, second), kwargs={"Last-Event-ID": first[0].id})
    client.start()
    eventually(lambda: fake.jobs.looks > 1)
    time.sleep(0.5)
    fake.jobs.become(a_job(State.TRAINED))
    client.join(20)
    assert states(second) == [("job", "trained"), ("end", "trained")]


def test_a_silent_stream_has_a_sign_of_life(fake, serve, monkeypatch):
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.2)
    server = serve()
    with httpx2.Client(timeout=30, trust_env=False) as http, http.stream("GET", server.url + EVENTS) as answer:
        text = ""
        for line in answer.iter_text():
            text += line
            if text.count(": ping") >= 2:
                break
    assert text.count("event: job") == 1


def test_a_client_that_goes_away_leaves_nothing(fake, serve):
    server = serve()
    threads = threading.active_count()
    for _ in range(5):
        with httpx2.Client(timeout=30, trust_env=False) as http, http.stream("GET", server.url + EVENTS) as answer:
            next(answer.iter_text())
    eventually(lambda: (server.tasks(), server.connections()) == (0, 0))
    looks = fake.jobs.looks
    time.sleep(2 * streams.LOOK_SECONDS)
    assert fake.jobs.looks == looks
    assert threading.active_count() <= threads + 5  # the pool's, which wait for work


def test_twelve_clients_follow_at_once(fake, serve):
    server = serve()
    seen: list[list] = [[] for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        following = [pool.submit(follow, server.url, each) for each in seen]
        eventually(lambda: server.tasks() == 12)
        assert httpx2.get(f"{server.url}{PREFIX}/", trust_env=False).status_code == 200
        fake.jobs.become(a_job(State.CANCELLED))
        for each in following:
            each.result(20)
    assert all(states(each)[-1] == ("end", "cancelled") for each in seen)


def test_open_streams_do_not_keep_a_server_from_ending(fake, serve):
    server, seen = serve(), []
    client = threading.Thread(target=follow, args=(server.url, seen))
    client.start()
    eventually(lambda: seen)
    server.stop()
    client.join(20)
    assert [each.event for each in seen] == ["job"]


def test_a_signal_is_told_to_streams_before_it_does_what_it_did():
    code = """
import os, signal, threading, time
from eventsieve.api.stopping import ends_in_order
closing, order = threading.Event(), []
signal.signal(signal.SIGTERM, lambda *_: order.append(closing.is_set()))
with ends_in_order(closing):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)
assert order == [True], order
closing.clear()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.01)
assert order == [True, False], order
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
