"""What must hold after every fault, and is looked at from outside: over HTTP, in the database, on the disk."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, text

from faults.world import API, FINAL, World

__all__ = ["check", "check_swept"]

KINDS = {
    "artefacts": "SELECT digest FROM models",
    "evaluations": "SELECT evaluation_digest FROM models WHERE evaluation_digest IS NOT NULL",
    "tables": "SELECT digest FROM tables",
    "datasets": "SELECT columns_digest FROM datasets",
}
"""Which files the registry speaks of."""


def check(world: World) -> None:
    """Check everything that can be checked while the server runs; it must have nothing to do but what it was told."""
    answer = world.call("GET", "/")
    world.require(answer is not None and answer.status_code == 200, "the server does not answer")
    _jobs_end(world)
    _everything_is_there(world)
    _models_predict(world)
    _registry_is_sound(world)
    _files_are_there(world)
    _nothing_is_half_written(world)
    _no_strangers(world)
    _a_new_training_works(world)


def check_swept(world: World) -> None:
    """Restart the server a day later, and see that it has cleared up everything that nobody speaks of."""
    world.stop()
    long_ago = time.time() - 25 * 3600
    for path in world.models.rglob("*"):
        if path.is_file() and path.parent.name in (*KINDS, "explorations", "scores", "exports"):
            os.utime(path, (long_ago, long_ago))
    world.start()
    for kind, query in KINDS.items():
        known, there = _asked(world, query), _keys(world.models / kind)
        world.require(there <= known, f"orphans stay among the {kind}: {sorted(there - known)}")
    datasets = _asked(world, "SELECT id FROM datasets")
    kept = {part for path in (world.models / "explorations").iterdir() for part in path.name.split("-")[:1]}
    world.require(kept <= datasets, f"explorations of data sets that are gone stay: {sorted(kept - datasets)}")
    check(world)


def _jobs_end(world: World) -> None:
    def over() -> bool:
        page = world.call("GET", f"{API}/jobs", params={"limit": 1000})
        if page is None or page.status_code != 200:
            return False
        return all(model["state"] in FINAL for job in page.json()["items"] for model in job["models"])

    world.until(over, 90, "every job has ended")
    for job in sorted(world.known.jobs):
        world.look(job)


def _everything_is_there(world: World) -> None:
    known = world.known
    datasets = _listed(world, "datasets", "id")
    missing = known.datasets - known.unsure - set(datasets)
    world.require(not missing, f"data sets were acknowledged and are gone: {sorted(missing)}")
    models = _listed(world, "models", "name")
    missing = set(known.models) - known.unsure - set(models)
    world.require(not missing, f"models were trained and are gone: {sorted(missing)}")
    jobs = _listed(world, "jobs", "id")
    world.require(known.jobs <= set(jobs), f"jobs were acknowledged and are gone: {sorted(known.jobs - set(jobs))}")
    trained = {model["spec"]["name"] for job in jobs.values() for model in job["models"] if model["state"] == "trained"}
    strangers = set(models) - trained
    world.require(not strangers, f"models are listed that no job has trained: {sorted(strangers)}")
    for name, note in known.notes.items():
        if name in models and name not in known.unsure_notes:
            world.require(models[name]["note"] == note, f"what was noted on {name} is lost")


def _models_predict(world: World) -> None:
    for name, model in _listed(world, "models", "name").items():
        damaged = model["digest"] in world.damaged
        answer = world.predict(name)
        status = None if answer is None else answer.status_code
        if damaged and status == 409:
            world.require(
                "train it again" in answer.text, f"the refusal of {name} does not say the cure: {answer.text}"
            )
            continue
        told = "" if answer is None else answer.text[:200]
        world.require(status == 200, f"the model {name} is listed and does not predict: {status} {told}")
    world.require(all(world.known.scores.values()), "scores were empty")


def _registry_is_sound(world: World) -> None:
    if world.database is None:
        with closing(sqlite3.connect(world.models / "registry.sqlite", timeout=20)) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
            world.require(found == [("ok",)], f"SQLite finds: {found}")
            found = database.execute("PRAGMA foreign_key_check").fetchall()
            world.require(found == [], f"SQLite finds rows that speak of nothing: {found}")
    double = _asked(world, "SELECT id FROM models GROUP BY id HAVING count(*) > 1")
    world.require(not double, f"names are there twice: {double}")


def _files_are_there(world: World) -> None:
    # A table that no model was trained on may be gone before its row is.
    for kind, query in (KINDS | {"tables": "SELECT table_digest FROM models"}).items():
        missing = _asked(world, query) - _keys(world.models / kind) - world.damaged
        world.require(not missing, f"{kind} that the registry speaks of are gone: {sorted(missing)}")


def _nothing_is_half_written(world: World) -> None:
    incoming = world.models / "incoming"

    def tidy() -> bool:
        return not [path for path in incoming.rglob("*") if path.is_file()]

    if not world.until(tidy, 15, "nothing half-written is left"):
        world.wrong(f"left: {[str(path) for path in incoming.rglob('*') if path.is_file()]}")
    owners = list((world.models / "owners").glob("*.lock"))
    world.require(len(owners) == 1, f"{len(owners)} owners of the store for one server")


def _no_strangers(world: World) -> None:
    server = psutil.Process(world.server.process.pid)

    def alone() -> bool:
        nursery = world.nursery()
        return len(server.children()) <= 1 and (nursery is None or not nursery.children())

    world.until(alone, 15, "no process is left that nobody waits for")


def _a_new_training_works(world: World) -> None:
    if not world.known.datasets - world.known.unsure:
        world.upload()
    job = world.train(world.random)
    world.require(job, "no new training can be started")
    if job is None:
        return

    def over() -> bool:
        found = world.look(job)
        return found is not None and all(model["state"] in FINAL for model in found["models"])

    if world.until(over, 90, "a new training ends"):
        ends = {name: end for (of, name), end in world.known.ends.items() if of == job}
        world.require(set(ends.values()) == {"trained"}, f"a new training ended as {ends}")
        for name in ends:
            answer = world.predict(name)
            world.require(answer is not None and answer.status_code == 200, f"the new model {name} does not predict")


def _listed(world: World, what: str, key: str) -> dict[str, Any]:
    page = world.call("GET", f"{API}/{what}", params={"limit": 1000})
    if page is None or page.status_code != 200:
        world.wrong(f"the {what} cannot be listed: {page and page.status_code}")
        return {}
    world.require(page.json()["total"] <= 1000, f"more {what} than a page holds; end the run earlier")
    return {item[key]: item for item in page.json()["items"]}


def _asked(world: World, query: str) -> set[str]:
    if world.database is None:
        with closing(sqlite3.connect(world.models / "registry.sqlite", timeout=20)) as database:
            return {row[0] for row in database.execute(query)}
    engine = create_engine(world.database.url)
    try:
        with engine.connect() as connection:
            return {row[0] for row in connection.execute(text(query))}
    finally:
        engine.dispose()


def _keys(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.iterdir()}
