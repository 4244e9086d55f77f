"""Who lives: by locks on one machine, by beats on several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import database_url
from eventsieve.errors import StoreUnavailable
from eventsieve.records import State
from eventsieve.service.heart import Heart
from eventsieve.storage.database import open_database
from eventsieve.storage.files import Files
from eventsieve.storage.owners import BEAT_SECONDS, GAP_SECONDS, SILENT_SECONDS, Watch
from eventsieve.storage.registry import Registry
from integration.test_registry import TRAINED, add, add_model


class Clock:
    """Seconds that go on when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """A server with a folder of its own, over the common registry."""

    def __init__(self, root: Path, database: Path, clock: Clock) -> None:
        self.files = Files(root)
        self.registry = Registry(open_database(database_url(database), database / "lock"), self.files.owner)
        self.heart = Heart(self.files, self.registry, beats=True, watch=Watch(clock))
        self.heart.beat()

    def states(self, *jobs: str) -> list[State]:
        return [model.state for job in jobs for model in self.registry.job(job).models]

    def leave(self) -> None:
        self.registry.close()
        self.files.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def machines(tmp_path: Path, clock: Clock) -> Iterator[list[Machine]]:
    made = [Machine(tmp_path / name, tmp_path, clock) for name in ("here", "there")]
    yield made
    for each in made:
        each.leave()


def wait(clock: Clock, seconds: float, *beating: Machine) -> None:
    for _ in range(round(seconds / BEAT_SECONDS)):
        clock.now += BEAT_SECONDS
        for machine in beating:
            machine.heart.beat()


def test_a_machine_that_beats_keeps_its_trainings(machines, clock):
    here, there = machines
    job = add(there.registry, "m")
    here.heart.tidy()
    wait(clock, 3 * SILENT_SECONDS, here, there)
    here.heart.tidy()
    assert here.states(job.id) == [State.QUEUED]


def test_a_machine_that_is_silent_for_a_minute_is_dead(machines, clock):
    here, there = machines
    job, own = add(there.registry, "m"), add(here.registry, "n")
    wait(clock, SILENT_SECONDS - BEAT_SECONDS, here)
    here.heart.tidy()
    assert here.states(job.id, own.id) == [State.QUEUED, State.QUEUED]
    wait(clock, 2 * BEAT_SECONDS, here)
    assert here.states(job.id, own.id) == [State.INTERRUPTED, State.QUEUED]
    assert set(here.registry.owners.beat(here.files.owner, "")) == {here.files.owner}


def test_whoever_has_not_looked_for_a_while_waits_a_whole_minute(machines, clock):
    here, there = machines
    job = add(there.registry, "m")
    wait(clock, SILENT_SECONDS - BEAT_SECONDS, here)
    clock.now += GAP_SECONDS + 3600  # the database was down, for both
    wait(clock, SILENT_SECONDS, here)
    assert here.states(job.id) == [State.QUEUED]
    wait(clock, BEAT_SECONDS, here)
    assert here.states(job.id) == [State.INTERRUPTED]


def test_who_was_taken_for_dead_keeps_what_it_has_trained(machines, clock):
    here, there = machines
    jobs = [add(there.registry, name) for name in ("m", "n")]
    wait(clock, SILENT_SECONDS + BEAT_SECONDS, here)
    assert here.states(*(job.id for job in jobs)) == [State.INTERRUPTED] * 2
    there.heart.beat()
    add_model(here.registry, "n")  # another has its name by now
    ended = [there.registry.finish(job.id, 0, TRAINED, adopt=lambda: None).state for job in jobs]
    assert ended == [State.TRAINED, State.INTERRUPTED]
    assert [model.name for model in here.registry.models()] == ["m", "n"]
    wait(clock, BEAT_SECONDS, here)
    assert there.files.owner in here.registry.owners.beat(here.files.owner, "")


def test_one_that_beats_between_the_look_and_the_burial_lives(machines):
    here, there = machines
    job = add(there.registry, "m")
    beats = here.registry.owners.beat(here.files.owner, "")
    there.heart.beat()
    assert here.registry.owners.bury([], {there.files.owner: beats[there.files.owner]}) == 0
    assert here.states(job.id) == [State.QUEUED]


def test_one_that_died_in_this_folder_is_dead_at_once(machines, tmp_path, clock):
    here, there = machines
    dead = Files(here.files.root)
    registry = Registry(open_database(database_url(tmp_path), tmp_path / "lock"), dead.owner)
    registry.owners.beat(dead.owner, "here")
    job, other = add(registry, "m"), add(there.registry, "n")
    here.heart.tidy()
    assert here.states(job.id) == [State.QUEUED]
    dead._locks._lock.close()  # as the kernel does when a process ends
    there.heart.tidy()
    assert here.states(job.id) == [State.QUEUED]  # elsewhere nobody can know
    here.heart.tidy()
    assert here.states(job.id, other.id) == [State.INTERRUPTED, State.QUEUED]
    assert not dead.new().parent.exists()
    registry.close()


def test_who_ends_in_order_is_forgotten_and_an_outage_ends_no_heart(tmp_path, clock, monkeypatch):
    machine = Machine(tmp_path / "here", tmp_path, clock)
    heart = Heart(machine.files, machine.registry, beats=True, seconds=0.01)
    beat, asked = machine.registry.owners.beat, []

    def failing(*words):
        asked.append(words)
        if len(asked) in (2, 3):
            raise StoreUnavailable("down")
        return beat(*words)

    monkeypatch.setattr(machine.registry.owners, "beat", failing)
    heart.start()
    while len(asked) < 5:
        heart._ended.wait(0.01)
    heart.close()
    assert set(beat("other", "")) == {"other"}
    machine.leave()
