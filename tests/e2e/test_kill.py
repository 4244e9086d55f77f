"""``kill -9`` at any moment, and what the next server finds."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from calls import ROUTE, choose, compare, listed, model, predict, refused, remove, statuses, train
from conftest import Server, run_server
from databases import database_url, rows_of

GONE_SECONDS = 2.0
"""By when a killed server's children have ended."""

FOREVER = {"n_estimators": 100_000}


def trainings(folder: Path) -> dict[str, str]:
    """The last state of the training of each model, as it stands in the registry."""
    query = "SELECT model_id, state FROM trainings JOIN jobs ON jobs.id = job_id ORDER BY jobs.created"
    return dict(rows_of(folder / "models", query))


def kill(server: Server) -> None:
    """Kill the server and see that its children end with it."""
    family = server.family()
    server.kill()
    _, alive = psutil.wait_procs(family, GONE_SECONDS)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


def in_thread(call: Any, *arguments: Any) -> threading.Thread:
    """A call whose connection will be cut."""

    def run() -> None:
        with suppress(httpx2.TransportError):
            call(*arguments)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(condition: Any, seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def nothing_is_left_over(server: Server) -> None:
    """The store holds what the registry lists and nothing of the dead."""
    models = server.folder / "models"
    (incoming,) = (models / "incoming").iterdir()
    assert list(incoming.iterdir()) == []
    assert [path.stem for path in (models / "owners").iterdir()] == [incoming.name]
    if database_url(models).startswith("sqlite"):  # its own check of what a killed writer left behind
        assert rows_of(models, "PRAGMA integrity_check") == [("ok",)]


def everything_listed_works(server: Server, table: Path) -> None:
    names = listed(server.http)
    if names:
        answer = compare(server.http, names, table)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()["results"]) == set(names)


@pytest.mark.slow
def test_killed_while_training(tmp_path: Path, events_csv: Path, unlabelled_csv: Path) -> None:
    with run_server(tmp_path) as server:
        assert statuses(train(server.http, [model("a"), model("b", C=2)], events_csv)) == {
            "a": "trained",
            "b": "trained",
        }
        choose(server.http, "b")
        before = predict(server.http, unlabelled_csv).json()
        models = [model("long", "RandomForest", **FOREVER), model("longer", "GradientBoosting", **FOREVER)]
        request = in_thread(train, server.http, models, events_csv)
        until(lambda: list(trainings(tmp_path).values()).count("running") == 2)
        assert len(server.family()) == 4
        kill(server)
        request.join()
    with run_server(tmp_path) as server:
        assert trainings(tmp_path) == {
            "a": "trained",
            "b": "trained",
            "long": "interrupted",
            "longer": "interrupted",
        }
        nothing_is_left_over(server)
        assert listed(server.http) == ["a", "b"]
        everything_listed_works(server, events_csv)
        assert server.http.get(ROUTE + "get_current_model").json() == {"message": "b"}
        assert predict(server.http, unlabelled_csv).json() == before
        assert statuses(train(server.http, [model("long")], events_csv)) == {"long": "trained"}


@pytest.mark.slow
def test_killed_while_the_first_training_waits_for_the_libraries(tmp_path: Path, events_csv: Path) -> None:
    with run_server(tmp_path) as server:
        request = in_thread(train, server.http, [model("a")], events_csv)
        until(lambda: "a" in trainings(tmp_path))
        family = server.family()
        server.kill()
        request.join()
        # Python cannot be interrupted while it imports from C; what is being imported ends after that.
        _, alive = psutil.wait_procs(family, 30)
        assert alive == []
    with run_server(tmp_path) as server:
        assert trainings(tmp_path) in ({"a": "interrupted"}, {"a": "trained"})
        nothing_is_left_over(server)


@pytest.mark.slow
def test_killed_in_the_middle_of_an_upload(tmp_path: Path, events_csv: Path) -> None:
    with run_server(tmp_path) as server:
        train(server.http, [model("a")], events_csv)
        address = (server.http.base_url.host, server.http.base_url.port)
        with socket.create_connection(address) as half:
            half.sendall(
                f"POST {ROUTE}predict_with_file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                'Content-Disposition: form-data; name="file"; filename="data.csv"\r\n\r\n'.encode()
                + events_csv.read_bytes() * 10
            )
            time.sleep(0.3)
            assert server.http.get("/").status_code == 200
            kill(server)
    with run_server(tmp_path) as server:
        nothing_is_left_over(server)
        assert listed(server.http) == ["a"]
        everything_listed_works(server, events_csv)


@pytest.mark.slow
def test_killed_around_the_moment_when_a_model_is_stored(tmp_path: Path, events_csv: Path) -> None:
    moments = random.Random(7)
    seen = []
    duration = 0.0
    for turn in range(8):
        name = f"m{turn}"
        with run_server(tmp_path) as server:
            nothing_is_left_over(server)
            everything_listed_works(server, events_csv)
            if turn:
                assert server.http.get(ROUTE + "get_current_model").json() == {"message": "current"}
            else:
                train(server.http, [model("current")], events_csv)
                choose(server.http, "current")
            # When the training starts that is killed, the libraries are loaded and its duration is known.
            train(server.http, [model("warm")], events_csv)
            remove(server.http, "warm")
            if turn == 0:
                started = time.monotonic()
                train(server.http, [model("measure", "RandomForest")], events_csv)
                duration = time.monotonic() - started
            known = listed(server.http)
            request = in_thread(train, server.http, [model(name, "RandomForest", random_state=100 + turn)], events_csv)
            if turn % 2:
                # As soon as the artefact begins to be there, or a few hundredths of a second later.
                until(lambda: any((tmp_path / "models" / "incoming").glob("*/*.skops")))
                time.sleep(moments.uniform(0.0, 0.1))
            else:
                time.sleep(duration * moments.uniform(0.7, 1.4))
            kill(server)
            request.join()
        models = {row[0] for row in rows_of(tmp_path / "models", "SELECT id FROM models")}
        assert set(known) <= models <= {*known, name}
        seen.append(trainings(tmp_path).get(name, "not begun"))
    with run_server(tmp_path) as server:
        nothing_is_left_over(server)
        everything_listed_works(server, events_csv)
        states = trainings(tmp_path)
        assert set(states.values()) <= {"trained", "interrupted"}
        assert set(listed(server.http)) == {name for name, state in states.items() if state == "trained"} - {"warm"}
        again = [model(name) for name, state in states.items() if state == "interrupted"][:4]
        if again:
            assert set(statuses(train(server.http, again, events_csv)).values()) == {"trained"}
    # Otherwise the moments are badly chosen, and this has tested less than it says.
    assert "running" in seen


@pytest.mark.slow
def test_two_servers_over_one_folder(tmp_path: Path, events_csv: Path, unlabelled_csv: Path) -> None:
    with run_server(tmp_path) as one, run_server(tmp_path, LOG_DIR=tmp_path / "logs2") as two:
        assert statuses(train(one.http, [model("a")], events_csv)) == {"a": "trained"}
        assert listed(two.http) == ["a"]
        assert choose(two.http, "a").status_code == 200
        assert one.http.get(ROUTE + "get_current_model").json() == {"message": "a"}
        assert predict(one.http, unlabelled_csv).json() == predict(two.http, unlabelled_csv).json()
        refused(train(two.http, [model("a")], events_csv), 409, "'a'")

        request = in_thread(train, one.http, [model("b", "RandomForest", **FOREVER)], events_csv)
        until(lambda: trainings(tmp_path).get("b") == "running")
        refused(train(two.http, [model("b")], events_csv), 409, "'b'")
        # A living server's training is not taken for a dead one's, neither by a start nor by a training.
        with run_server(tmp_path, LOG_DIR=tmp_path / "logs3") as three:
            assert statuses(train(three.http, [model("c")], events_csv)) == {"c": "trained"}
        assert trainings(tmp_path)["b"] == "running"
        kill(one)
        request.join()
        # The one that lives clears up after the one that died, and the id is free.
        assert statuses(train(two.http, [model("b")], events_csv)) == {"b": "trained"}
        assert remove(two.http, "a").status_code == 200
        assert listed(two.http) == ["c", "b"]
        nothing_is_left_over(two)


@pytest.mark.slow
def test_stopped_in_order_while_training(tmp_path: Path, events_csv: Path) -> None:
    with run_server(tmp_path) as server:
        request = in_thread(train, server.http, [model("long", "RandomForest", **FOREVER)], events_csv)
        until(lambda: trainings(tmp_path).get("long") == "running")
        family = server.family()
        server.process.terminate()
        _, alive = psutil.wait_procs(family, 15)
        assert alive == []
        request.join()
        assert trainings(tmp_path) == {"long": "interrupted"}
        assert list((tmp_path / "models" / "owners").iterdir()) == []
        assert list((tmp_path / "models" / "incoming").iterdir()) == []
