"""What differs on PostgreSQL, where several write at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from databases import Postgresql
from eventsieve.errors import Conflict, EventsieveError, ModelExists, NotFound
from eventsieve.records import ModelSpec
from eventsieve.service import Service
from eventsieve.settings import Settings
from eventsieve.storage.database import open_database
from eventsieve.storage.registry import Registry
from integration import test_quotas
from integration.test_registry import TABLE, add, add_model

pytestmark = pytest.mark.slow


@pytest.fixture
def database(postgresql: Postgresql, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(postgresql.of(tmp_path), tmp_path / "lock")
    assert engine.dialect.name == "postgresql"
    yield engine
    engine.dispose()
    postgresql.drop(tmp_path)


@pytest.fixture
def registry(database: Engine) -> Registry:
    return Registry(database, owner="me")


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of them returns, or the refusal that it raises."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return call()
        except EventsieveError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_an_empty_database_is_migrated(postgresql: Postgresql, settings: Settings, events_csv: Path) -> None:
    with Service.open(settings.model_copy(update={"DATABASE_URL": postgresql.fresh(empty=True)})) as service:
        service.wait(service.train(events_csv, [ModelSpec(name="m", type="LogReg")]))
        service.choose("m")
        assert len(service.predict(events_csv).index) == 2000
        assert service.remove_all() == ["m"]
    assert not (settings.MODEL_DIR / "registry.sqlite").exists()


def test_one_of_many_gets_a_name(registry: Registry) -> None:
    found = at_once(*[lambda: add(registry, "m")] * 8)
    assert sum(isinstance(each, ModelExists) for each in found) == 7


def test_jobs_on_the_same_new_table_do_not_hinder_each_other(registry: Registry) -> None:
    found = at_once(*[lambda name=f"m{place}": add(registry, name) for place in range(8)])
    assert [each for each in found if isinstance(each, Exception)] == []


def test_a_table_is_not_dropped_while_a_job_settles_it(registry: Registry) -> None:
    on_disk: set[str] = set()
    dropping, settled = threading.Event(), threading.Event()

    def settle() -> None:
        on_disk.add(TABLE.digest)
        settled.set()

    def drop(digest: str) -> None:
        dropping.set()
        settled.wait(0.3)  # in vain, where the job waits for this
        on_disk.discard(digest)

    def start() -> None:
        dropping.wait(10)
        add(registry, "m", settle=settle)

    assert at_once(start, partial(registry.release_table, TABLE.digest, drop)) == [None, None]
    assert on_disk == {TABLE.digest}


def test_the_last_room_of_a_quota_is_given_once(postgresql: Postgresql, settings: Settings, tmp_path: Path) -> None:
    with Service.open(settings.model_copy(update={"DATABASE_URL": postgresql.of(tmp_path)})) as service:
        test_quotas.test_two_at_once_do_not_both_get_the_last_room(service)
    postgresql.drop(tmp_path)


def test_an_alias_and_a_training_cannot_get_one_name(registry: Registry) -> None:
    add_model(registry, "first")
    for place in range(5):
        name = f"n{place}"
        found = at_once(partial(registry.book.set_alias, name, "first"), partial(add, registry, name))
        assert sum(isinstance(each, Conflict) for each in found) == 1


def test_a_registry_has_one_id(registry: Registry) -> None:
    assert len(set(at_once(*[registry.owners.store] * 8))) == 1


def test_the_audit_trail_is_searched(registry: Registry) -> None:
    name = 'ж "1" / x\n%'
    registry.trail.add("submit", [f"model:{name}", "job:1"], status=202)
    registry.trail.add("submit", ["model:ж"], status=202)
    (found,) = registry.trail.page(object=f"model:{name}").items
    assert found.objects == (f"model:{name}", "job:1")
    assert registry.trail.page(object="model:Ж").total == 0
    assert registry.trail.prune(found.moment) == 0
    registry.ping()


def test_a_name_with_nul_is_nobodys(registry: Registry) -> None:
    for look in (registry.find, registry.job, registry.datasets.get):
        with pytest.raises(NotFound, match="NUL"):
            look(["m\0"] if look == registry.find else "m\0")


def test_a_connection_that_comes_back_when_all_are_closed_is_closed_too(database: Engine) -> None:
    with database.connect() as connection:
        lent = connection.connection.dbapi_connection
        database.dispose()
    assert lent.closed
