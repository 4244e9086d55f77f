from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import sessionmaker

from clocks import standing
from databases import database_url
from eventsieve.acting import Call, serving
from eventsieve.records import AccessRole, Actor
from eventsieve.storage import trail as tested
from eventsieve.storage.database import open_database
from eventsieve.storage.trail import MOST_OBJECTS, Trail

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = Actor(name="ann", role=AccessRole.TRAINER)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the clock says."""
    return standing(monkeypatch, tested, NOON)


@pytest.fixture
def trail(tmp_path: Path, now: SimpleNamespace) -> Iterator[Trail]:
    engine = open_database(database_url(tmp_path), tmp_path / "lock")
    yield Trail(sessionmaker(engine, expire_on_commit=False))
    engine.dispose()


def filled(trail: Trail, now: SimpleNamespace) -> Trail:
    """Four entries, an hour apart."""
    for hour, (name, action) in enumerate([("ann", "train"), ("bob", "train"), ("ann", "delete"), ("ann", "train")]):
        now.moment = NOON + timedelta(hours=hour)
        trail.add(action, [f"model:m{hour}", "dataset:d"], actor=ANN.model_copy(update={"name": name}))
    return trail


def actions(trail: Trail, **wanted: object) -> list[tuple[str, str]]:
    page = trail.page(**wanted)
    assert page.total == len(page.items)
    return [(deed.actor, deed.objects[0]) for deed in page.items]


def test_an_entry_is_read_as_it_was_written(trail: Trail) -> None:
    deed = trail.add("train", ["model:m"], status=202, size=7, client="10.0.0.1", actor=ANN, request_id="r1")
    assert (deed.moment, deed.actor, deed.role, deed.action) == (NOON, "ann", AccessRole.TRAINER, "train")
    assert (deed.objects, deed.status, deed.size) == (("model:m",), 202, 7)
    assert (deed.client, deed.request_id) == ("10.0.0.1", "r1")
    assert trail.page().items == (deed,)


def test_who_acts_and_in_which_request_is_known_without_being_said(trail: Trail) -> None:
    with serving(Call(actor=ANN, request_id="r2")):
        deed = trail.add("train")
    assert (deed.actor, deed.request_id) == ("ann", "r2")
    assert (deed.objects, deed.status, deed.size, deed.client) == ((), 0, 0, "")


def test_long_words_are_cut(trail: Trail) -> None:
    who = ANN.model_construct(name="n" * 200, role=AccessRole.READER, quotas=ANN.quotas)
    deed = trail.add("a" * 200, ["o" * 300], client="c" * 99, actor=who, request_id="r" * 99)
    assert [len(each) for each in (deed.actor, deed.action, deed.objects[0], deed.client, deed.request_id)] == [
        128,
        128,
        256,
        64,
        64,
    ]


@pytest.mark.parametrize(("more", "last"), [(0, f"o{MOST_OBJECTS - 1}"), (1, "and 1 more"), (5, "and 5 more")])
def test_of_many_objects_some_are_named_and_each_once(trail: Trail, more: int, last: str) -> None:
    names = [f"o{number}" for number in range(MOST_OBJECTS + more)]
    deed = trail.add("delete", [*names, *names])
    assert deed.objects[:MOST_OBJECTS] == tuple(names[:MOST_OBJECTS])
    assert deed.objects[-1] == last
    assert len(deed.objects) == MOST_OBJECTS + (more > 0)


def test_the_newest_comes_first_and_in_parts(trail: Trail, now: SimpleNamespace) -> None:
    assert actions(filled(trail, now)) == [
        ("ann", "model:m3"),
        ("ann", "model:m2"),
        ("bob", "model:m1"),
        ("ann", "model:m0"),
    ]
    page = trail.page(offset=1, limit=2)
    assert ([deed.objects[0] for deed in page.items], page.total, page.offset) == (["model:m2", "model:m1"], 4, 1)
    assert trail.page().offset == 0
    for _ in range(100):
        trail.add("train")
    assert len(trail.page().items) == 100


def test_it_is_asked_for_by_who_what_and_when(trail: Trail, now: SimpleNamespace) -> None:
    filled(trail, now)
    assert actions(trail, actor="bob") == [("bob", "model:m1")]
    assert actions(trail, action="delete") == [("ann", "model:m2")]
    assert actions(trail, actor="ann", action="train") == [("ann", "model:m3"), ("ann", "model:m0")]
    assert actions(trail, object="model:m1") == [("bob", "model:m1")]
    assert actions(trail, object="model:m") == []
    assert len(actions(trail, object="dataset:d")) == 4
    second = NOON + timedelta(hours=1)
    assert len(actions(trail, since=second)) == 3
    assert actions(trail, until=second) == [("ann", "model:m0")]
    assert actions(trail, since=second, until=second + timedelta(hours=1)) == [("bob", "model:m1")]


def test_a_moment_without_a_zone_is_utc_and_others_are_taken_as_they_are(trail: Trail, now: SimpleNamespace) -> None:
    filled(trail, now)
    east = timezone(timedelta(hours=3))
    assert len(actions(trail, since=datetime(2026, 5, 1, 13))) == 3  # noqa: DTZ001 - that is what is tried
    assert len(actions(trail, since=datetime(2026, 5, 1, 16, tzinfo=east))) == 3
    assert len(actions(trail, since=datetime.min.replace(tzinfo=east))) == 4
    assert len(actions(trail, until=datetime.max.replace(tzinfo=timezone(-timedelta(hours=3))))) == 4


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EAST-9")
        time.tzset()
        yield
    time.tzset()


def test_a_moment_without_a_zone_is_utc_wherever_the_machine_is(
    trail: Trail, now: SimpleNamespace, far_east: None
) -> None:
    filled(trail, now)
    assert len(actions(trail, since=datetime(2026, 5, 1, 13))) == 3  # noqa: DTZ001 - that is what is tried


def test_an_object_with_a_long_name_or_any_letter_is_found(trail: Trail) -> None:
    for name in ("x" * 400, 'quo"ted', "back\\slash", "Größe"):
        trail.add("delete", [name])
        assert len(trail.page(object=name).items) == 1


def test_what_is_older_is_forgotten(trail: Trail, now: SimpleNamespace) -> None:
    filled(trail, now)
    assert trail.prune(NOON + timedelta(hours=2)) == 2
    assert actions(trail) == [("ann", "model:m3"), ("ann", "model:m2")]
    assert trail.prune(NOON) == 0
