"""The faults, one function each: it does the damage under load, and leaves the world as it found it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from faults.world import API, World

__all__ = ["FAULTS", "FOR_CLOCK", "FOR_DISK", "FOR_POSTGRES", "FOR_SQLITE", "Fault", "settable_clock", "small_disk"]

Fault = Callable[[World], None]

HEAD = "HTTP/1.1\r\nHost: 127.0.0.1\r\n"


# processes


def server_killed(world: World) -> None:
    """SIGKILL of the server, and a new one."""
    job = world.train(world.random, long=True)
    with world.load():
        time.sleep(world.random.uniform(0.3, 1.5))
        world.kill()
    world.start()
    if job is not None:
        found = world.look(job)
        world.require(
            found is not None and found["models"][0]["state"] == "interrupted",
            f"a killed server's training is {found and found['models'][0]['state']}",
        )


def nursery_killed(world: World) -> None:
    """SIGKILL of the process that forks the children."""
    world.train(world.random, long=True)
    with world.load():
        time.sleep(world.random.uniform(0.3, 1.0))
        nursery = world.nursery()
        if nursery is not None:
            nursery.kill()
        time.sleep(0.5)


def children_killed(world: World) -> None:
    """SIGKILL of whatever trains."""
    world.train(world.random, long=True)
    with world.load():
        for _ in range(4):
            time.sleep(world.random.uniform(0.1, 0.5))
            nursery = world.nursery()
            for child in nursery.children() if nursery else []:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def server_paused(world: World) -> None:
    """SIGSTOP and SIGCONT of the server, then of all that it has started."""
    world.train(world.random)
    with world.load():
        for family in (world.server.family()[:1], world.server.family()[1:]):
            for signal_ in (signal.SIGSTOP, signal.SIGCONT):
                for each in family:
                    with suppress(psutil.NoSuchProcess):
                        each.send_signal(signal_)
                time.sleep(world.random.uniform(0.5, 1.5))


# the network


def clients_hang_up(world: World) -> None:
    """Bodies that come drop by drop or not to their end; answers and streams that nobody reads to theirs."""
    job = world.train(world.random, long=True)
    address = (world.server.http.base_url.host, world.server.http.base_url.port)
    models = sorted(set(world.known.models) - world.known.unsure)
    head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {world.key}\r\n" if world.key else HEAD
    upload = f"POST {API}/datasets?filename=a.csv {head}Content-Length: 1000000\r\n\r\n"
    predict = f"POST {API}/models/{models[0]}/predictions {head}Content-Length: 900000\r\n\r\n"
    follow = f"GET {API}/jobs/{job}/events {head}\r\n"
    download = f"GET {API}/models/{models[0]}/artefact {head}\r\n"
    with world.load():
        for request in (upload, predict, follow, download):
            with socket.create_connection(address) as half:
                half.sendall(request.encode())
                for _ in range(5 if request.startswith("POST") else 1):
                    half.sendall(world.table.read_bytes()[:997] if request.startswith("POST") else b"")
                    time.sleep(0.1)
                if world.random.random() < 0.5:  # a reset, not an end
                    half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if job is not None:
        world.call("DELETE", f"{API}/jobs/{job}")


# the disk


@contextmanager
def small_disk(folder: Path, megabytes: int = 96) -> Iterator[Path]:
    """A file system of that size; raises `OSError` where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("mount") is None or os.geteuid() != 0:
        raise OSError(errno.EPERM, "only root mounts a small disk")
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(errno.EPERM, done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def disk_full(world: World) -> None:
    """Not a byte is left on the disk of the store and of the logs, while clients work and trainings end."""
    world.train(world.random)
    before = dict(world.answers)
    filler = world.models.parent / "filler"
    with world.load():
        descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
        try:
            until = time.monotonic() + world.random.uniform(2.0, 3.0)
            while time.monotonic() < until:
                _fill(descriptor)
                time.sleep(0.01)
            content = world.table.read_bytes() * 4
            _fill(descriptor)
            answer = world.call("POST", f"{API}/datasets", params={"filename": "b.csv"}, content=content)
            world.require(
                answer is not None and answer.status_code == 507 and "room" in answer.text,
                f"an upload to a full disk: {answer and answer.status_code} {answer and answer.text[:200]}",
            )
            for path in ("/", f"{API}/models"):
                answer = world.call("GET", path)
                world.require(answer is not None and answer.status_code == 200, f"{path} on a full disk is not read")
            for name in sorted(set(world.known.models) - world.known.unsure)[:2]:
                rows = {"events": [_row(world)]}
                answer = world.call("POST", f"{API}/models/{name}/predictions", json=rows)
                world.require(
                    answer is not None and answer.status_code == 200,
                    f"no prediction on a full disk: {answer and answer.status_code} {answer and answer.text[:200]}",
                )
        finally:
            os.close(descriptor)
            filler.unlink()
    world.require(world.answers.get("507", 0) > before.get("507", 0), "the disk was full and nobody was told")


def _fill(descriptor: int) -> None:
    """Take every byte that is left, down to the last page."""
    for size in (1 << 20, 1 << 12, 1):
        with suppress(OSError):
            while os.write(descriptor, bytes(size)):
                pass


def _row(world: World) -> dict[str, Any]:
    names, first = (line.split(",") for line in world.events.read_text().splitlines()[:2])
    return {name.strip('"'): json.loads(value) for name, value in zip(names, first, strict=True)}


# the database


def database_stopped(world: World) -> None:
    """PostgreSQL is stopped the fast way, started, and stopped the immediate way, while trainings begin and end."""
    assert world.database is not None
    for way in (signal.SIGINT, signal.SIGQUIT):
        world.train(world.random)
        with world.load():
            time.sleep(world.random.uniform(0.2, 0.8))
            world.database.stop(way)
            try:
                time.sleep(world.random.uniform(1.0, 2.0))
                for path in (f"{API}/models", f"{API}/jobs", "/api/model_service/models_list"):
                    answer = world.call("GET", path)
                    world.require(
                        answer is not None and answer.status_code == 503,
                        f"{path} without a database: {answer and answer.status_code}",
                    )
                answer = world.call("GET", "/")
                world.require(answer is not None and answer.status_code == 200, "/ needs the database")
            finally:
                world.database.start()
            time.sleep(0.5)


def database_cut(world: World) -> None:
    """All connections to PostgreSQL are cut, again and again."""
    assert world.database is not None
    world.train(world.random)
    with world.load():
        for _ in range(6):
            time.sleep(world.random.uniform(0.1, 0.4))
            world.database.cut()


def registry_locked(world: World) -> None:
    """Another process holds SQLite's lock, for a moment or for longer than anybody waits."""
    world.train(world.random)
    seconds = world.random.choice((1.0, 12.0))
    with world.load(), closing(_lock(world)) as other:
        time.sleep(seconds)
        other.execute("ROLLBACK")


def _lock(world: World) -> sqlite3.Connection:
    other = sqlite3.connect(world.models / "registry.sqlite", timeout=20, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


# the clock


@contextmanager
def settable_clock(folder: Path) -> Iterator[None]:
    """Have servers that are started within the block show the wall clock that `clock_jumps` sets.

    Raises:
        OSError: there is no C compiler, or this is no Linux.
    """
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        raise OSError(errno.ENOENT, "no C compiler (cc) on Linux is there to build a clock that can be set")
    folder.mkdir(parents=True, exist_ok=True)
    library, clock = folder / "clock.so", folder / "clock"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    clock.write_text("0\n")
    variables = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(clock)}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def clock_jumps(world: World) -> None:
    """The wall clock goes a day back and ten years ahead under the server and its children."""
    clock = world.folder / "clock"
    with world.load():
        for offset in (-86_400, 3650 * 86_400, 0):
            new = clock.with_suffix(".new")
            new.write_text(f"{offset}\n")
            new.replace(clock)
            world.train(world.random)
            time.sleep(world.random.uniform(0.5, 1.0))


# files that are not what they were


def files_damaged(world: World) -> None:
    """A bit is flipped in a model, another is cut short, one is gone, one is another's; tables and evaluations too."""
    for job in [world.train(world.random) for _ in range(3)]:
        if job is not None:
            world.until(lambda job=job: _is_over(world, job), 90, "models to be damaged are trained")
    listed = world.call("GET", f"{API}/models", params={"limit": 1000})
    assert listed is not None
    models = listed.json()["items"]
    world.random.shuffle(models)
    count = max(1, len(models) // 3)
    victims, others = models[:count], models[count:]
    spared = {model[key] for model in others for key in ("digest", "table")}
    for model in victims:
        _damage_files(world, model, spared)
    # A model that is in memory is as good as ever; a new server reads what is on the disk.
    world.stop()
    world.start()
    for model in victims:
        _look_at_damaged(world, model["name"])
        if world.random.random() < 0.7:
            world.require(world.remove(model["name"]), f"the damaged model {model['name']} cannot be removed")


def _damage_files(world: World, model: dict[str, Any], spared: set[str]) -> None:
    files = {"artefacts": (model["digest"], ".skops"), "evaluations": (model["evaluation"], ".json")}
    files["tables"] = (model["table"], ".arrow")
    for folder, (digest, suffix) in files.items():
        path = world.models / folder / f"{digest}{suffix}"
        if digest and digest not in spared and path.exists() and path.stat().st_size:  # emptied, it stays so
            _damage(world, path)
            world.damaged.add(digest)


def _look_at_damaged(world: World, name: str) -> None:
    for path in ("", "/evaluation", "/card.md", "/artefact", "/onnx/check", "/card.html"):
        answer = world.call("GET", f"{API}/models/{name}{path}")
        world.require(
            answer is not None and answer.status_code in (200, 404, 409),
            f"{path} of a damaged model: {answer and answer.status_code} {answer and answer.text[:200]}",
        )
    answer = world.call("POST", f"{API}/models/{name}/retrain", json={})
    world.require(
        answer is not None and answer.status_code in (202, 409, 422),
        f"a damaged model is trained again: {answer and answer.status_code} {answer and answer.text[:200]}",
    )
    if answer is not None and answer.status_code == 202:
        world.known.jobs.add(answer.json()["id"])


def _is_over(world: World, job: str) -> bool:
    found = world.look(job)
    return found is not None and all(model["state"] not in ("queued", "running") for model in found["models"])


def _damage(world: World, path: Path) -> None:
    data = bytearray(path.read_bytes())
    match world.random.choice(("flip", "cut", "remove", "replace", "empty")):
        case "flip":
            place = world.random.randrange(len(data))
            data[place] ^= 1 << world.random.randrange(8)
        case "cut":
            del data[world.random.randrange(len(data)) :]
        case "remove":
            path.unlink()
            return
        case "replace":
            others = [other for other in path.parent.iterdir() if other != path]
            data = bytearray(world.random.choice(others).read_bytes()) if others else data[:10]
        case "empty":
            data.clear()
    new = path.with_name("damage")
    new.write_bytes(data)
    new.replace(path)


FAULTS: dict[str, Fault] = {
    each.__name__: each
    for each in (server_killed, nursery_killed, children_killed, server_paused, clients_hang_up, files_damaged)
}
"""Those that need nothing but a server."""

FOR_DISK: dict[str, Fault] = {"disk_full": disk_full}
FOR_POSTGRES: dict[str, Fault] = {each.__name__: each for each in (database_stopped, database_cut)}
FOR_SQLITE: dict[str, Fault] = {"registry_locked": registry_locked}
FOR_CLOCK: dict[str, Fault] = {"clock_jumps": clock_jumps}
