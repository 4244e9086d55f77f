"""The time limit and the slots, on a server in a process of its own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from calls import listed, model, refused, statuses, train
from conftest import Server, run_server

LIMIT = 2.0
LATE = 0.3
"""Seconds by which an answer may come after its limit."""
SLOTS = 10

DOOMED = {
    "LogReg": {"solver": "saga", "max_iter": 1_000_000, "tol": "1e-14"},
    "SVM": {"C": 1000},
    "RandomForest": {"n_estimators": 100_000},
    "GradientBoosting": {"n_estimators": 100_000},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, events_csv: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("limits")
    with run_server(folder, TIME_LIMIT=LIMIT, NUM_CPUS=SLOTS) as server:
        # The first training waits for the libraries to load, which belongs to no test.
        assert statuses(train(server.http, [model("first")], events_csv)) == {"first": "trained"}
        yield server


def outcome(server: Server, model_id: str) -> tuple[str, float]:
    """State and seconds of the training of a model, as they stand in the registry."""
    with closing(sqlite3.connect(server.folder / "models" / "registry.sqlite")) as database:
        query = "SELECT state, seconds FROM trainings WHERE model_id = ?"
        (row,) = database.execute(query, [model_id]).fetchall()
    return row


def all_slots_are_free(server: Server, tiny: bytes) -> bool:
    """Models that are never trained need as many slots as others to be taken."""
    answer = train(server.http, [model(f"slot {n}", C="zzz") for n in range(SLOTS)], tiny)
    return answer.status_code == 200 and set(statuses(answer).values()) == {"error"}


@pytest.fixture(scope="module")
def tiny(events_csv: Path) -> bytes:
    return b"\n".join(events_csv.read_bytes().split(b"\n")[:50])


def busy(server: Server) -> float:
    """Processor seconds that the server and all that descends from it use in half a second."""

    def used() -> dict[int, float]:
        seconds = {}
        for process in server.family():
            try:
                seconds[process.pid] = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        return seconds

    before = used()
    time.sleep(0.5)
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in used().items())


@pytest.mark.slow
@pytest.mark.parametrize("kind", DOOMED)
def test_each_type_is_stopped_at_its_limit(server: Server, large_table: Path, tiny: bytes, kind: str) -> None:
    answer = train(server.http, [model(kind, kind, **DOOMED[kind])], large_table)
    assert statuses(answer) == {kind: "not trained"}
    assert f"{LIMIT:.0f} s" in answer.json()[0]["detail"]
    state, seconds = outcome(server, kind)
    assert state == "timed_out"
    assert LIMIT <= seconds <= LIMIT + LATE
    assert busy(server) < 0.1
    assert len(server.family()) == 2  # the server and the process that its trainings come from
    assert all_slots_are_free(server, tiny)


@pytest.mark.slow
def test_ten_requests_at_once_half_of_them_doomed(
    server: Server, large_table: Path, events_csv: Path, tiny: bytes
) -> None:
    def ask(number: int) -> Any:
        if number % 2:
            kind = list(DOOMED)[number // 2 % len(DOOMED)]
            return train(server.http, [model(f"m{number}", kind, **DOOMED[kind])], large_table)
        return train(server.http, [model(f"m{number}", tol=0.1)], events_csv)

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(ask, range(10)))
    for number, answer in enumerate(answers):
        assert statuses(answer) == {f"m{number}": "not trained" if number % 2 else "trained"}
        if number % 2:
            assert LIMIT <= outcome(server, f"m{number}")[1] <= LIMIT + LATE
    assert all_slots_are_free(server, tiny)
    assert busy(server) < 0.1
    assert sorted(listed(server.http)) == ["first", *(f"m{n}" for n in range(0, 10, 2))]


@pytest.mark.slow
def test_what_does_not_fit_is_refused_and_the_rest_goes_on(server: Server, large_table: Path, tiny: bytes) -> None:
    with ThreadPoolExecutor(1) as threads:
        # Six slots are taken until the limit; five more models do not fit beside them.
        doomed = threads.submit(
            train, server.http, [model(f"d{n}", "SVM", **DOOMED["SVM"]) for n in range(6)], large_table
        )
        while len(server.family()) < 8:
            assert not doomed.done()
            time.sleep(0.01)
        refused(train(server.http, [model(f"e{n}", C="zzz") for n in range(5)], tiny), 409, "5", "4 of 10")
        assert set(statuses(doomed.result()).values()) == {"not trained"}
    assert all_slots_are_free(server, tiny)


@pytest.mark.slow
def test_others_are_answered_while_one_trains(server: Server, large_table: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        models = [model(f"b{n}", "RandomForest", **DOOMED["RandomForest"]) for n in range(4)]
        training = threads.submit(train, server.http, models, large_table.read_bytes())
        waited = []
        with httpx2.Client(base_url=server.http.base_url, trust_env=False) as other:
            while not training.done():
                started = time.perf_counter()
                assert other.get("/").json() == {"message": "Ready to work!"}
                waited.append(time.perf_counter() - started)
                time.sleep(0.02)
        assert set(statuses(training.result()).values()) == {"not trained"}
    # As a rule a few milliseconds; the bound only says that no answer waits for a training.
    assert len(waited) > 10
    assert max(waited) < 1.0


@pytest.mark.slow
def test_a_client_that_leaves_frees_its_slot(server: Server, large_table: Path, tiny: bytes) -> None:
    with httpx2.Client(base_url=server.http.base_url, trust_env=False, timeout=0.7) as impatient:
        leaving = threading.Thread(target=_leave, args=(impatient, large_table))
        leaving.start()
        leaving.join()
    give_up = time.monotonic() + 30
    while not all_slots_are_free(server, tiny):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    assert outcome(server, "left")[0] == "timed_out"


def _leave(impatient: httpx2.Client, table: Path) -> None:
    with pytest.raises(httpx2.TimeoutException):
        train(impatient, [model("left", "SVM", **DOOMED["SVM"])], table)
