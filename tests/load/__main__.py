"""Fifty people at work on a server: `make load USERS=50 SECONDS=600`.

Prints what was seen, writes it to ``build/load/result.json``, and exits with 1 where a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psutil

from conftest import Server, run_server
from load.ground import API, Ground, make_keys, make_tables, prepare
from load.judging import Result, judge, markdown
from load.line import Line, Seen
from load.page import PAGE, RESULT, write_page
from load.watch import watching

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "higgsml_training_17889.csv.gz"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
GOING_SECONDS = 90
"""How long people finish what they have begun, when the time is up."""
QUIET_SECONDS = 60.0
BAD = re.compile(r" (?:ERROR|WARNING|CRITICAL) |^Traceback")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--publish", action="store_true", help=f"write {RESULT.name} here and {PAGE.name} too")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="eventsieve-load-"))
    result = _run(folder, options.users, options.seconds, options.seed)
    result.write(ROOT / "build" / "load" / "result.json")
    if options.publish:
        result.write(RESULT)
        write_page()
    sys.stdout.write(f"\n{markdown(result)}\n")
    for error in result.errors:
        sys.stdout.write(f"{error}\n")
    if result.broken:
        sys.stdout.write(f"The store, the log and all answers are kept in {folder}.\n")
        return 1
    shutil.rmtree(folder)
    return 0


def _run(folder: Path, users: int, seconds: int, seed: int) -> Result:
    machine = _machine()
    for name in [name for name in os.environ if name.upper().startswith("EVENTSIEVE_")]:
        del os.environ[name]
    keys = make_keys(folder / "models", users)
    tables, events = make_tables(folder / "tables", REAL if REAL.is_file() else None)
    os.chdir(folder)  # a file .env of the developer's is not found
    # What an administrator sets who lets fifty people in; the rest is as it comes.
    with run_server(folder, AUTH="true", NUM_CPUS=max(4, os.cpu_count() or 1)) as server:
        ground = prepare(int(server.http.base_url.port or 0), keys, tables, events)
        ground.write(folder / "ground.json")
        _open(ground)
        with watching(server.process.pid) as samples:
            _load(folder, users, seconds, seed)
            _quiet(server, next(iter(keys.values())))
        troubles, trainings = _troubles(server, ground, folder)
    seen = [Seen(**each) for each in json.loads((folder / "seen.json").read_text(encoding="utf-8"))]
    return judge(seen, samples, users=users, seconds=seconds, machine=machine, trainings=trainings, troubles=troubles)


def _open(ground: Ground) -> None:
    """Have the server open what it keeps open: threads, and connections to its database."""

    def ask(key: str) -> None:
        line = Line(ground.port, key, lambda _: None)
        for _ in range(5):
            with line.ask("GET /models", f"{API}/models"):
                pass
        line.close()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(ask, [*ground.keys.values()][:20]))
    time.sleep(2)  # until the connections are closed


def _load(folder: Path, users: int, seconds: int, seed: int) -> None:
    rate = max(1, users // 10)
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--only-summary"]
    command += ["--users", str(users), "--spawn-rate", str(rate), "--run-time", f"{seconds}s"]
    command += ["--stop-timeout", str(GOING_SECONDS), "--exit-code-on-error", "0", "--loglevel", "WARNING"]
    environment = os.environ | {"LOAD_FOLDER": str(folder), "LOAD_SEED": str(seed)}
    with (folder / "locust.log").open("wb") as log:
        done = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise SystemExit((folder / "locust.log").read_text(encoding="utf-8")[-3000:])


def _quiet(server: Server, key: str) -> None:
    """Wait until nothing is trained and all connections are closed."""
    give_up = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < give_up and any(model["state"] in ("queued", "running") for model in _ends(server, key)):
        time.sleep(0.5)
    server.http.close()
    time.sleep(6)  # idle connections are closed after five


def _ends(server: Server, key: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    total = 1
    offset = 0
    with httpx2.Client(
        base_url=server.http.base_url, trust_env=False, headers={"Authorization": f"Bearer {key}"}
    ) as http:
        while offset < total:
            answer = http.get(f"{API}/jobs", params={"limit": 500, "offset": offset}).raise_for_status().json()
            total, offset = answer["total"], offset + 500
            found += [model for job in answer["items"] for model in job["models"]]
    return found


def _troubles(server: Server, ground: Ground, folder: Path) -> tuple[list[str], dict[str, int]]:
    """What is wrong with the server after all that, and how the trainings have ended."""
    trainings = Counter(model["state"] for model in _ends(server, next(iter(ground.keys.values()))))
    wrong = {state: number for state, number in trainings.items() if state not in ("trained", "cancelled")}
    troubles = [f"{number} trainings are {state}" for state, number in wrong.items()]
    log = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
    bad = [
        line for line in log.splitlines() if " ERROR " in line or " WARNING " in line or line.startswith("Traceback")
    ]
    if bad:
        troubles.append(f"the log has {len(bad)} warnings and errors, the first: {bad[0][:300]}")
    return troubles, dict(trainings)


def _machine() -> str:
    busy = os.getloadavg()[0]
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, load {busy:.1f} before"


if __name__ == "__main__":
    sys.exit(main())
