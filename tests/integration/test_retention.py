"""What nobody needs goes when it is due, and nothing else ever, whatever the clock says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, func, select, update

from eventsieve.api.app import create_app
from eventsieve.records import JobRequest, ModelSpec, State, Validation
from eventsieve.service import Service
from eventsieve.service.retention import Keep, Retention
from eventsieve.service.uploads import Upload
from eventsieve.settings import Settings
from eventsieve.storage.rows import ChoiceRow, DatasetRow, DeedRow, JobRow, ModelRow

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Store:
    """A service whose rows are as old as a test says."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.clock = Clock()

    def retention(self, **keep: int | None) -> Retention:
        registry = self.service._registry
        note = self.folder / "retention.json"
        return Retention(Keep(**keep), self.service.datasets, registry, note, clock=self.clock)

    def dataset(self, name: str, days: float, used: float | None = None) -> str:
        path = self.folder / f"{name}.csv"
        start = sum(name.encode())  # other events in each
        path.write_text("x,y,Label\n" + "".join(f"{i + start},{i * i % 7},{'sb'[i % 2]}\n" for i in range(60)))
        upload = Upload(path, path.name, hashlib.sha256(name.encode()).hexdigest(), path.stat().st_size)
        dataset, _ = self.service.datasets.add([upload], name=name)
        self.age(DatasetRow, dataset.id, days, used=None if used is None else NOW - used * DAY)
        return dataset.id

    def age(self, row: Any, name: str, days: float, **fields: Any) -> None:
        with self.service._registry._begin() as session:
            session.execute(update(row).where(row.id == name).values(created=NOW - days * DAY, **fields))

    def datasets(self) -> set[str]:
        return {each.name for each in self.service.datasets.page().items}

    def train(self, name: str, dataset: str, days: float, **plan: Any) -> str:
        request = JobRequest(dataset=dataset, models=(ModelSpec(name=name, type="LogReg"),), **plan)
        job = self.service.jobs.submit(request)
        self.wait(job.id)
        self.age(JobRow, job.id, days)
        return job.id

    def wait(self, job: str) -> None:
        futures = [entry.future for entry in list(self.service._engine._entries.values())]
        for future in futures:
            future.result(60)


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Iterator[Store]:
    with Service.open(settings) as service:
        yield Store(service, tmp_path)


def test_data_sets_go_that_nobody_has_used(store: Store) -> None:
    store.dataset("young", 29)
    store.dataset("unused!", 31)
    store.dataset("used of late", 90, used=29)
    store.dataset("used long ago", 90, used=31)
    store.train("kept", store.dataset("of a model", 90), 90)
    validated, trained = store.dataset("validated on", 90), store.dataset("trained on it", 90)
    store.train("compared", trained, 90, validation=Validation(kind="dataset", dataset=validated))
    recent = store.dataset("of a job of late", 90)
    store.train("gone", recent, 3)
    store.service.remove("gone")
    for row in (validated, trained, recent):
        store.age(DatasetRow, row, 90, used=NOW - 89 * DAY)
    assert store.retention().look() == []  # everything is kept for ever
    gone = store.retention(datasets=30).look()
    assert [each.partition(":")[0] for each in gone] == ["dataset", "dataset"]
    assert store.datasets() == {
        "young",
        "used of late",
        "of a model",
        "validated on",
        "trained on it",
        "of a job of late",
    }
    assert len(list((store.service._files.root / "datasets").iterdir())) == 6
    (deed,) = store.service.trail.page(action="retention").items
    assert (deed.objects, deed.status) == (tuple(gone), 0)


def test_to_look_at_a_data_set_is_to_use_it(store: Store) -> None:
    dataset = store.dataset("looked at", 400)
    store.clock.now = datetime.now(UTC) + DAY
    store.service.datasets.get(dataset)
    assert store.retention(datasets=30).look() == []


def test_ended_jobs_go_of_which_no_model_is_left(store: Store) -> None:
    dataset = store.dataset("d", 90)
    kept = store.train("kept", dataset, 90)
    gone = store.train("gone", dataset, 90)
    young = store.train("young", dataset, 5)
    store.service.remove("gone", "young")
    slow = ModelSpec(name="slow", type="RandomForest", hyperparameters={"n_estimators": 100_000})
    runs = store.service.jobs.submit(JobRequest(dataset=dataset, models=(slow,)))
    store.age(JobRow, runs.id, 90)
    assert store.retention(jobs=30).look() == [f"job:{gone}"]
    assert {job.id for job in store.service.jobs.page().items} == {kept, young, runs.id}
    store.service.jobs.cancel(runs.id)
    assert store.service.job(runs.id).models[0].state is State.CANCELLED
    assert store.retention(jobs=30).look() == [f"job:{runs.id}"]


def test_the_audit_trail_is_kept_as_long_as_the_settings_say(store: Store) -> None:
    for days in (1, 29, 31, 400):
        store.service.trail.add("train", [f"model:{days}"])
        with store.service._registry._begin() as session:
            last = select(func.max(DeedRow.number)).scalar_subquery()
            session.execute(update(DeedRow).where(DeedRow.number == last).values(moment=NOW - days * DAY))
    store.dataset("newest of all", 0)
    assert store.retention(audit=30).look() == ["deeds:2"]
    assert [deed.objects[0] for deed in store.service.trail.page().items] == ["deeds:2", "model:29", "model:1"]


def test_a_use_is_noted_once_an_hour(store: Store) -> None:
    aging = store.service._registry.aging
    one, other = store.dataset("one", 9), store.dataset("other", 8)

    def used() -> list[datetime | None]:
        with store.service._registry._read() as session:
            return list(session.scalars(select(DatasetRow.used).order_by(DatasetRow.number)))

    now = datetime.now(UTC)
    for last in (now - timedelta(minutes=50), now + timedelta(minutes=50)):
        aging.use(one, last)
        assert used() == [None, None]
    aging.use(one, None)
    assert used()[1] is None
    aging.use(other, now - timedelta(minutes=61))
    assert all(moment is not None and abs(moment - now) < timedelta(minutes=50) for moment in used())
    store.age(DatasetRow, one, 9, used=NOW)
    aging.use(one, now + timedelta(days=3650))  # noted by a clock that was wrong
    assert used()[0] != NOW


def test_the_newest_of_all_is_what_the_registry_has_seen_last(store: Store) -> None:
    aging = store.service._registry.aging
    with store.service._registry._begin() as session:
        session.execute(delete(DeedRow))
    assert aging.newest() is None
    dataset = store.dataset("d", 9)
    store.train("m", dataset, 9)
    store.service.choose("m")
    store.service.trail.add("train", ["model:m"])
    columns = [DatasetRow.created, DatasetRow.used, JobRow.created, ModelRow.created, ChoiceRow.created, DeedRow.moment]
    for latest in columns:
        with store.service._registry._begin() as session:
            for column in columns:
                moment = NOW if column is latest else NOW - DAY
                session.execute(update(column.class_).values({column.key: moment}))
        assert aging.newest() == NOW


# clocks


def test_a_clock_that_jumps_years_ahead_takes_nothing_with_it(store: Store) -> None:
    for days in range(40):
        store.dataset("d" * (days + 1), days)
    retention = store.retention(datasets=30)
    assert len(retention.look()) == 9  # 31 to 39 days old
    store.clock.now = NOW + 3650 * DAY
    assert len(retention.look()) == 2  # those that are due in two days
    assert retention.look() == []  # looking again changes nothing
    store.clock.now += timedelta(minutes=1)
    assert store.retention(datasets=30).look() == []  # nor does a server that starts again
    store.clock.now = NOW + DAY  # somebody has set it right
    assert retention.look() == []
    assert len(store.datasets()) == 29


def test_a_clock_that_was_wrong_from_the_beginning_takes_nothing_either(store: Store) -> None:
    store.dataset("a", 3)
    store.dataset("bb", 0)
    store.clock.now = NOW + 3650 * DAY
    assert store.retention(datasets=30).look() == []
    assert len(store.datasets()) == 2


def test_after_a_long_pause_what_is_due_goes_bit_by_bit(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.dataset("a", 0)
    retention = store.retention(datasets=30)
    assert retention.look() == []
    store.clock.now = NOW + 100 * DAY
    days = 0
    while not retention.look():
        days += 1
        store.clock.now += DAY
    assert 13 <= days <= 16
    assert "days have been counted until 2026-06-03 only" in caplog.text


def test_days_are_counted_with_a_clock_that_is_right(store: Store) -> None:
    store.dataset("a", 0)
    retention = store.retention(datasets=30)
    looked = [bool(retention.look())]
    for _ in range(32):
        store.clock.now += timedelta(hours=24.01)
        looked.append(bool(retention.look()))
    assert looked.index(True) in (30, 31)


def test_a_note_that_is_damaged_is_written_anew(store: Store) -> None:
    store.dataset("a", 60)
    store.dataset("bb", 0)
    (store.folder / "retention.json").write_text("{")
    assert len(store.retention(datasets=30).look()) == 1


def test_a_server_looks_when_it_starts(settings: Settings, tmp_path: Path) -> None:
    with Service.open(settings) as service:
        store = Store(service, tmp_path)
        store.dataset("old", 4000)
        store.dataset("younger", 0)
        with service._registry._begin() as session:
            row = update(DatasetRow).where(DatasetRow.name == "younger")
            session.execute(row.values(created=datetime.now(UTC)))
    with TestClient(create_app(settings.model_copy(update={"KEEP_DATASETS_DAYS": 30}))) as client:
        client.app.state.service.retention.close()  # after the first look
        listed = client.get("/api/v2/datasets").json()["items"]
    assert [each["name"] for each in listed] == ["younger"]
