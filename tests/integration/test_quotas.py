from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.exc import IntegrityError

from databases import database_url, only_sqlite
from eventsieve.acting import Call, serving
from eventsieve.errors import NoFreeSlots, QuotaExceeded, StoreUnavailable
from eventsieve.records import AccessRole, Actor, JobRequest, ModelSpec, Outcome, Quotas, State
from eventsieve.service import Service
from eventsieve.service.datasets import Upload
from eventsieve.service.sent import NOTED_AT_END, Sent
from eventsieve.settings import Settings
from eventsieve.storage.database import open_database
from eventsieve.storage.holdings import HOURS, Holdings, refuse_beyond
from eventsieve.storage.registry import Registry
from eventsieve.storage.rows import DatasetRow, JobRow, ModelRow, TrainingRow, UploadRow
from eventsieve.training.deadline import Task
from eventsieve.training.engine import LocalEngine
from eventsieve.training.turns import Share

MEBIBYTE = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(database_url(tmp_path), tmp_path / "lock")
    yield engine
    engine.dispose()


@pytest.fixture
def holdings(database: Engine) -> Holdings:
    return Registry(database, "me").holdings


@pytest.fixture
def sent(holdings: Holdings, clock: Clock) -> Sent:
    return Sent(holdings, now=clock, clock=clock)


def send(sent: Sent, by: str, limit: int, size: int) -> None:
    sending = sent.begin(by, limit, 0)
    sending.take(size)
    sending.note()
    sending.end()


# what is sent


def test_what_is_announced_is_nobody_elses_and_what_does_not_come_is_given_back(sent: Sent) -> None:
    first = sent.begin("ann", MEBIBYTE, 700_000)
    with pytest.raises(QuotaExceeded, match=r"1\.0 MB .* 24 hours .* 0\.7 MB in use .* 0\.4 MB more"):
        sent.begin("ann", MEBIBYTE, 400_000)
    sent.begin("bob", MEBIBYTE, 400_000).end()
    first.take(100_000)
    first.end()
    sent.begin("ann", MEBIBYTE, MEBIBYTE - 100_000).end()
    assert (sent.used("ann"), sent.used("bob")) == (100_000, 0)


def test_what_comes_without_being_announced_is_cut_off_at_the_quota(sent: Sent) -> None:
    sending = sent.begin("ann", 1000, 0)
    sending.take(600)
    sending.take(400)
    with pytest.raises(QuotaExceeded):
        sending.take(1)
    sending.end()
    assert sent.used("ann") == 1000


def test_many_who_send_at_once_do_not_pass_the_quota_together(sent: Sent) -> None:
    limit, chunk = 100 * 1024, 1024
    start = threading.Barrier(8)

    def come(_: int) -> int:
        sending, come = sent.begin("ann", limit, 0), 0
        start.wait(10)
        try:
            for _ in range(50):
                sending.take(chunk)
                come += chunk
        except QuotaExceeded:
            pass
        sending.note()
        sending.end()
        return come

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(come, range(8))) == limit
    assert sent.used("ann") == limit


def test_a_restart_keeps_what_was_sent(holdings: Holdings, clock: Clock) -> None:
    before = Sent(holdings, now=clock, clock=clock)
    send(before, "ann", MEBIBYTE, NOTED_AT_END)
    send(before, "ann", MEBIBYTE, 100)  # written down at the end only
    killed = Sent(holdings, now=clock, clock=clock)
    assert killed.used("ann") == NOTED_AT_END
    before.close()
    after = Sent(holdings, now=clock, clock=clock)
    assert after.used("ann") == NOTED_AT_END + 100
    with pytest.raises(QuotaExceeded):
        after.begin("ann", MEBIBYTE, MEBIBYTE - NOTED_AT_END - 99)


def test_after_a_day_it_is_forgotten(sent: Sent, clock: Clock) -> None:
    send(sent, "ann", MEBIBYTE, MEBIBYTE)
    clock.now += 23 * 3600
    with pytest.raises(QuotaExceeded):
        sent.begin("ann", MEBIBYTE, 1)
    clock.now += 3600
    sent.begin("ann", MEBIBYTE, MEBIBYTE).end()


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps_locks_nobody_out_for_longer_than_a_day(sent: Sent, clock: Clock, years: int) -> None:
    wrong, right = clock.now + years * 365 * 86_400, clock.now
    clock.now = wrong
    send(sent, "ann", MEBIBYTE, MEBIBYTE)
    clock.now = right
    assert sent.used("ann") == 0


def test_servers_over_one_registry_know_of_each_other(database: Engine, clock: Clock) -> None:
    here, there = (Sent(Registry(database, name).holdings, now=clock, clock=clock) for name in ("here", "there"))
    send(here, "ann", MEBIBYTE, 600_000)
    send(there, "ann", MEBIBYTE, 400_000)
    clock.now += 31
    for each in (here, there):
        with pytest.raises(QuotaExceeded):
            each.begin("ann", MEBIBYTE, 100_000)


def test_a_database_that_does_not_answer_keeps_what_was_sent_for_later(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise StoreUnavailable("it does not answer")

    sending = sent.begin("ann", MEBIBYTE, 0)
    with monkeypatch.context() as patch:
        patch.setattr(Holdings, "send", fail)
        sending.take(NOTED_AT_END)
        sending.note()
        assert sent.used("ann") == NOTED_AT_END
    sending.take(1)
    sending.note()
    sending.end()
    assert sent._holdings.sent("ann", sent._hour()) == NOTED_AT_END + 1


def test_what_is_old_does_not_pile_up(sent: Sent, database: Engine, clock: Clock) -> None:
    for _ in range(60):
        send(sent, "ann", MEBIBYTE, NOTED_AT_END)
        clock.now += 5 * 3600
    with database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM uploads")) <= 5


def test_only_what_a_day_remembers_stays_and_counts(holdings: Holdings) -> None:
    for hour, size in ((975, 1), (976, 2), (977, 4), (1000, 8), (1001, 16), (1002, 32)):
        with holdings._begin() as session:
            session.add(UploadRow(by="ann", hour=hour, bytes=size))
    assert holdings.sent("ann", 1000) == 4 + 8 + 16
    assert holdings.sent("bob", 1000) == 0
    assert holdings.send("bob", 1000, 64) == 64
    assert holdings.send("ann", 1000, 128) == 4 + (8 + 128) + 16
    with holdings._read() as session:
        hours = session.scalars(select(UploadRow.hour).where(UploadRow.by == "ann").order_by(UploadRow.hour))
        assert list(hours) == [1000 - HOURS + 1, 1000, 1001]


def test_an_hour_that_another_has_begun_is_gone_on_with(holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    send, tries = Holdings._send, []

    def come_second(self: Holdings, *words: Any) -> int:
        tries.append(words)
        if len(tries) == 1:
            raise IntegrityError("INSERT", {}, ValueError("it is there already"))
        return send(self, *words)

    monkeypatch.setattr(Holdings, "_send", come_second)
    assert holdings.send("ann", 1000, 5) == 5
    assert tries == [("ann", 1000, 5)] * 2


# what is kept


def keep_dataset(holdings: Holdings, by: str, name: str, stored: int | None, columns: str = "") -> None:
    """Note a data set of so many bytes."""
    nothing: dict[str, Any] = {"parts": [], "reading": {}, "columns": [], "event_schema": {}, "classes": []}
    words = {"digest": name, "columns_digest": columns or name, "identity": name, "format": "csv", "warnings": []}
    with holdings._begin() as session:
        session.add(
            DatasetRow(
                id=name,
                name=name,
                size=1,
                events=1,
                by=by,
                stored=stored,
                created=datetime.now(UTC),
                **nothing,
                **words,
            )
        )


def keep_model(holdings: Holdings, by: str, name: str, stored: int | None, evaluation: str | None = None) -> None:
    """Note a trained model of so many bytes."""
    now = datetime.now(UTC)
    training = TrainingRow(position=0, model_id=name, type="LogReg", hyperparameters={}, seed=0, state=State.TRAINED)
    job = JobRow(id=f"of {name}", table="t", owner="me", plan={}, warnings=[], by=by, created=now)
    job.trainings.append(training)
    outcome = Outcome(state=State.TRAINED, digest=f"digest of {name}", evaluation=evaluation)
    with holdings._begin() as session:
        session.add(job)
        session.flush()
        row = ModelRow.of(job, training, outcome, None, now)
        row.stored = stored
        session.add(row)


def test_what_came_before_quotas_is_measured_and_what_is_known_is_not(holdings: Holdings) -> None:
    keep_dataset(holdings, "ann", "unknown", None)
    keep_dataset(holdings, "ann", "known", 5)
    keep_model(holdings, "ann", "unknown", None, "its evaluation")
    keep_model(holdings, "ann", "another", None)
    keep_model(holdings, "ann", "known", 7)
    sizes = {"digest of unknown": 100, "digest of another": 1000, "its evaluation": 10_000, None: 0}
    holdings.measure({"unknown": 50}.__getitem__, lambda digest, evaluation: sizes[digest] + sizes[evaluation])
    with holdings._read() as session:
        datasets = {row.id: row.stored for row in session.scalars(select(DatasetRow))}
        models = {row.name: row.stored for row in session.scalars(select(ModelRow))}
    assert datasets == {"unknown": 50, "known": 5}
    assert models == {"unknown": 10_100, "another": 1000, "known": 7}
    assert holdings.kept("ann") == 50 + 5 + 10_100 + 1000 + 7
    assert holdings.kept("bob") == 0


def test_a_refusal_names_the_largest_of_ones_own(holdings: Holdings) -> None:
    for name, size in (("small", 1), ("d2", 2), ("d5", 5), ("d3", 3)):
        keep_dataset(holdings, "ann", name, size * MEBIBYTE)
    keep_model(holdings, "ann", "m4", 4 * MEBIBYTE)
    keep_model(holdings, "ann", "m1", MEBIBYTE)
    keep_dataset(holdings, "bob", "large", 100 * MEBIBYTE)
    keep_model(holdings, "bob", "large", 100 * MEBIBYTE)
    with pytest.raises(QuotaExceeded) as caught:
        holdings.refuse_full("ann", 10 * MEBIBYTE)
    assert str(caught.value) == (
        "The quota of 10.0 MB for data sets and models has 16.0 MB in use; remove what is not needed any more, the "
        "largest being data set 'd5' (5.0 MB), model 'm4' (4.0 MB), data set 'd3' (3.0 MB), or have the quota raised."
    )


def test_the_last_byte_of_a_quota_may_be_used(holdings: Holdings) -> None:
    keep_dataset(holdings, "ann", "first", 1000)
    keep_dataset(holdings, "ann", "empty", 0)
    with holdings._read() as session:
        refuse_beyond(session, "ann", 1500, size=500)
        with pytest.raises(
            QuotaExceeded, match=r"in use and this needs 0\.0 MB more; remove .* 'first' \(0\.0 MB\), or"
        ):
            refuse_beyond(session, "ann", 1500, size=501)
        refuse_beyond(session, "ann", 1500, columns="first", size=1500)  # it takes the place of itself
        with pytest.raises(QuotaExceeded, match=r"0\.0 MB in use; send fewer events or columns, or"):
            refuse_beyond(session, "bob", 0)
        refuse_beyond(session, "ann", None, size=1 << 60)
    holdings.refuse_full("ann", 1001)
    holdings.refuse_full("ann", None)
    with pytest.raises(QuotaExceeded, match=r"0\.0 MB in use; remove"):
        holdings.refuse_full("ann", 1000)


def acting(name: str, **quotas: int) -> Call:
    return Call(Actor(name=name, role=AccessRole.TRAINER, quotas=Quotas(**quotas)))


def upload(service: Service, content: bytes) -> Upload:
    path = service.new_file()
    path.write_bytes(content)
    return Upload(path, "events.csv", hashlib.sha256(content).hexdigest(), len(content))


def table(rows: int, seed: int = 0) -> bytes:
    lines = [f"{n},{n * 0.5 + seed},{n % 7},{'s' if n % 3 else 'b'}" for n in range(rows)]
    return "\n".join(["event,pt,njets,label", *lines]).encode()


def test_a_data_set_that_does_not_fit_is_not_kept(service: Service) -> None:
    with serving(acting("ann")):
        small, _ = service.datasets.add([upload(service, table(50))], name="small")
    kept = service._registry.holdings.kept("ann")
    assert kept == sum(path.stat().st_size for path in service._files.datasets.folder.iterdir())
    said = rf"largest being data set '{small.id}' .* or have the quota raised"
    with serving(acting("ann", storage=2 * kept)), pytest.raises(QuotaExceeded, match=said):
        service.datasets.add([upload(service, table(5000))])
    assert [each.id for each in service.datasets.page().items] == [small.id]
    assert len(list(service._files.datasets.folder.iterdir())) == 1
    with serving(acting("bob", storage=100 * kept)):
        service.datasets.add([upload(service, table(5000))])
    assert service._registry.holdings.kept("ann") == kept


def test_a_full_quota_is_said_before_anything_is_read(service: Service) -> None:
    with serving(acting("ann")):
        service.datasets.add([upload(service, table(50))])
    with serving(acting("ann", storage=1)), pytest.raises(QuotaExceeded):
        service.datasets.add([upload(service, b"no table")])
    with serving(acting("ann", storage=1)):  # it is there already
        service.datasets.add([upload(service, table(50))])


def test_removing_makes_room(service: Service) -> None:
    with serving(acting("ann", storage=100_000)):
        first, _ = service.datasets.add([upload(service, table(1500))])
        with pytest.raises(QuotaExceeded):
            service.datasets.add([upload(service, table(2500, 1))])
        service.datasets.remove(first.id)
        service.datasets.add([upload(service, table(2500, 1))])


def test_columns_that_are_read_in_two_ways_count_once(service: Service) -> None:
    from eventsieve.records import SchemaEdit

    with serving(acting("ann")):
        service.datasets.add([upload(service, table(500))])
        kept = service._registry.holdings.kept("ann")
        service.datasets.add([upload(service, table(500))], edit=SchemaEdit(leave_out=("njets",)))
    assert service._registry.holdings.kept("ann") == kept


def test_two_at_once_do_not_both_get_the_last_room(service: Service) -> None:
    with serving(acting("ann")):
        service.datasets.add([upload(service, table(2000))])
    size = service._registry.holdings.kept("ann")
    together = threading.Barrier(4)

    def add(seed: int) -> bool:
        with serving(acting("ann", storage=int(2.5 * size))):
            file = upload(service, table(2000, seed))
            together.wait(10)
            try:
                service.datasets.add([file])
            except QuotaExceeded:
                return False
            return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(add, range(1, 5))) == 1
    assert service._registry.holdings.kept("ann") <= 2.5 * size


def test_models_count_and_a_full_quota_trains_nothing(service: Service) -> None:
    with serving(acting("ann")):
        dataset, _ = service.datasets.add([upload(service, table(300))])
    columns = service._registry.holdings.kept("ann")
    request = JobRequest(dataset=dataset.id, models=(ModelSpec(name="m1", type="LogReg"),))
    with serving(acting("ann", storage=columns + 1)):
        job = service.jobs.submit(request)
        following(service, job.id)
        model = service.models.get("m1")
        kept = service._registry.holdings.kept("ann")
        paths = [service._files.artefacts.path(model.digest), service._files.evaluations.path(str(model.evaluation))]
        assert kept == columns + sum(path.stat().st_size for path in paths)
        again = request.model_copy(update={"models": (ModelSpec(name="m2", type="LogReg"),)})
        with pytest.raises(QuotaExceeded, match=r"model 'm1'|data set"):
            service.jobs.submit(again)
        with pytest.raises(QuotaExceeded):
            service.jobs.retrain("m1")
    assert service.jobs.page().total == 1
    assert service._engine.free == 4


def following(service: Service, job_id: str) -> None:
    """Wait for the end of a job."""
    while not service.jobs.get(job_id).final:
        threading.Event().wait(0.02)


def test_what_was_stored_before_quotas_is_measured_when_the_store_is_opened(settings: Settings) -> None:
    with Service.open(settings) as service, serving(acting("ann")):
        service.datasets.add([upload(service, table(300))])
        kept = service._registry.holdings.kept("ann")
        with service._registry._begin() as session:
            session.execute(update(DatasetRow).values(stored=None))
            session.execute(update(ModelRow).values(stored=None))
        assert service._registry.holdings.kept("ann") == 0
    with Service.open(settings) as service:
        assert service._registry.holdings.kept("ann") == kept > 0


@only_sqlite
def test_a_sum_reads_no_long_rows(database: Engine, holdings: Holdings) -> None:
    asked: list[tuple[str, object]] = []
    event.listen(database, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    assert holdings.kept("ann") == 0
    ((statement, parameters),) = [each for each in asked if each[0].startswith("SELECT")]
    with database.connect() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    reads = [step for step in plan if step.startswith(("SEARCH", "SCAN")) and " USING " in step]
    assert {step.split(" USING ")[1].partition(" (")[0] for step in reads if "jobs" not in step} == {
        "COVERING INDEX ix_datasets_stored",
        "COVERING INDEX ix_models_stored",
    }


# slots


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    opened = LocalEngine(slots=1)
    yield opened
    opened.close()


class Listed:
    """Tasks that note when they begin."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.begun: list[str] = []

    def submit(self, name: str, how: str = "answer", **share: object) -> Task:
        mine = Share(by=name[0], **share)  # type: ignore[arg-type]
        task = Task(f"misbehave:{how}", {}, share=mine, started=lambda: self.begun.append(name))
        self.engine.reserve(1, queue=True, share=mine)
        self.last = self.engine.submit(task)
        return task


def test_who_has_queued_much_keeps_nobody_waiting_for_more_than_one_training(engine: LocalEngine) -> None:
    listed = Listed(engine)
    going = listed.submit("a0", "burn")
    for number in range(1, 20):
        listed.submit(f"a{number}")
    end = listed.last
    listed.submit("b1")
    assert engine.load("a")[1] >= 19
    engine.cancel(going)
    assert listed.last.result(60).state is State.TRAINED
    assert end.result(60).state is State.TRAINED
    assert [name for name in listed.begun if name != "a0"][:2] == ["b1", "a1"]
    assert (engine.free, engine.running, engine.waiting) == (1, 0, 0)


def test_nobody_uses_more_slots_than_his_quota() -> None:
    engine = LocalEngine(slots=3)
    try:
        listed = Listed(engine)
        burning = [listed.submit(f"a{number}", "burn", most=2) for number in range(4)]
        other = listed.submit("b1", "burn")
        while len(listed.begun) < 3:
            threading.Event().wait(0.02)
        assert sorted(listed.begun) == ["a0", "a1", "b1"]
        assert (engine.load("a"), engine.load("b")) == ((2, 2), (1, 0))
        engine.cancel(other)
        listed.last.result(30)
        assert engine.load("a") == (2, 2)
        engine.cancel(burning[0])
        while "a2" not in listed.begun:
            threading.Event().wait(0.02)
    finally:
        engine.close()


def test_version_1_refuses_more_than_ones_own_slots(engine: LocalEngine) -> None:
    four = LocalEngine(slots=4)
    try:
        mine = Share(by="ann", most=2)
        four.reserve(1, queue=False, share=mine)
        with pytest.raises(NoFreeSlots, match=r"2 models .* 1 of the 2 training slots of your quota"):
            four.reserve(2, queue=False, share=mine)
        four.refuse_beyond_free(3, Share(by="bob"))
        four.unreserve(1, mine)
        four.reserve(2, queue=False, share=mine)
        with pytest.raises(NoFreeSlots, match=r"3 models .* 2 of 4 training slots are free"):
            four.refuse_beyond_free(3, Share(by="bob"))
        assert four.free == 2
    finally:
        four.close()


def test_a_training_whose_owner_is_full_when_it_would_begin_is_cancelled(engine: LocalEngine) -> None:
    def refuse() -> None:
        raise QuotaExceeded("the quota is full")

    listed = Listed(engine)
    listed.submit("a1", admit=refuse)
    outcome = listed.last.result(60)
    assert (outcome.state, outcome.reason) == (State.CANCELLED, "the quota is full")
    listed.submit("b1")
    assert listed.last.result(60).state is State.TRAINED
    assert listed.begun == ["b1"]
    assert engine.free == 1
