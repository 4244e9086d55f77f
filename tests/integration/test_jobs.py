"""Jobs over an engine whose tasks go on only when a test says so: what is handed on, and what is written down."""

from __future__ import annotations

import errno
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from databases import database_url, rows_of
from eventsieve.acting import Call, serving
from eventsieve.domain.events import Events, check
from eventsieve.domain.simulation import simulate
from eventsieve.errors import Conflict, ModelExists, ModelNotFound, NotReady, QuotaExceeded, StoreUnavailable
from eventsieve.records import (
    AccessRole,
    Actor,
    EventWeights,
    Job,
    Limits,
    Means,
    ModelSpec,
    ModelState,
    Outcome,
    Plan,
    Progress,
    Schema,
    State,
    Validation,
)
from eventsieve.storage.database import open_database
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.training import jobs as tested
from eventsieve.training import worker
from eventsieve.training.deadline import Task
from eventsieve.training.jobs import Jobs, Order
from eventsieve.training.turns import Share
from eventsieve.training.worker import Training
from modelstore import FLAVOURS, flavours

LONG = 120.0
"""Seconds that nothing here takes; whoever waits so long has not been told."""


class ByHand:
    """An engine whose tasks begin and end when a test calls them."""

    means = Means(threads=3)

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.said: list[tuple[Any, ...]] = []
        self.before: Callable[[], object] = lambda: None
        """Called before a task is submitted."""
        self.later: list[threading.Timer] = []
        self.at_the_end: list[Callable[[], object]] = []

    def reserve(self, tasks: int, *, queue: bool, share: Share) -> None:
        self.said.append(("reserve", tasks, queue, share.by))

    def unreserve(self, tasks: int, share: Share) -> None:
        self.said.append(("unreserve", tasks, share.by))

    def submit(self, task: Task) -> Future[Outcome]:
        self.before()
        self.tasks[name_of(task)] = task
        return Future()

    def cancel(self, task: Task) -> None:
        self.said.append(("cancel", name_of(task)))
        self.soon(lambda: task.done(Outcome(state=State.CANCELLED, reason="Cancelled.")))

    def stop(self, task: Task) -> None:
        self.said.append(("stop", name_of(task)))

    def interrupt(self, task: Task) -> None:
        if name_of(task) in self.tasks:
            self.said.append(("interrupt", name_of(task)))

    def close(self) -> None:
        while self.at_the_end:
            self.at_the_end.pop(0)()

    def soon(self, what: Callable[[], object]) -> None:
        """Do something in another thread, a moment later, as slots do."""
        timer = threading.Timer(0.1, what)
        self.later.append(timer)
        timer.start()


class World:
    """Jobs over a fresh store, as one process sees them."""

    def __init__(self, folder: Path, schema: Schema) -> None:
        self.folder = folder
        self.files = Files(folder / "models")
        self.registry = Registry(open_database(database_url(folder), folder / "lock"), self.files.owner)
        self.engine = ByHand()
        self.share = Share(by="ann", most=2)
        self.jobs = Jobs(self.files, self.registry, self.engine, lambda: self.share)  # type: ignore[arg-type]
        self.schema = schema
        self.events = check(simulate(40, seed=3), schema, labels="both classes")

    def order(self, *names: str, **options: Any) -> Order:
        models = [queued(name) for name in names]
        return Order(events=options.pop("events", self.events), models=models, limits=Limits(seconds=9.0), **options)

    def start(self, *names: str, **options: Any) -> Job:
        return self.jobs.start(self.order(*names, **options), queue=True).job

    def training(self, name: str) -> Training:
        """What a task was told, as its child reads it."""
        return Training.model_validate(json.loads(json.dumps(self.engine.tasks[name].arguments)))

    def trained(self, name: str) -> Outcome:
        """Write what the child of a task would have written."""
        training = self.training(name)
        training.artefact.write_bytes(b"a model")
        training.evaluation.write_bytes(b"an evaluation")
        found = {"digest": sha256(b"a model"), "evaluation": sha256(b"an evaluation")}
        return Outcome(state=State.TRAINED, seconds=1.0, **found)

    def states(self, job: Job) -> list[State]:
        return [model.state for model in self.jobs.get(job.id).models]

    def tables(self) -> list[str]:
        return sorted(path.stem for path in self.files.tables.folder.iterdir())

    def incoming(self) -> list[Path]:
        return [path for path in (self.files.root / "incoming").rglob("*") if path.is_file()]

    def close(self) -> None:
        for timer in self.engine.later:
            timer.join()
        self.jobs.close()
        self.registry.close()
        self.files.close()


def name_of(task: Task) -> str:
    return str(task.arguments["spec"]["name"])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def queued(name: str, state: State = State.QUEUED) -> ModelState:
    kind = "SVM" if name.startswith("svm") else "GradientBoosting"
    return ModelState(spec=ModelSpec(name=name, type=kind), seed=len(name), state=state)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "no room")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventsieve.training.unwritten.RETRY_SECONDS", 600.0)
    monkeypatch.setattr(tested, "CANCEL_SECONDS", LONG)


@pytest.fixture
def world(tmp_path: Path, schema: Schema) -> Iterator[World]:
    opened = World(tmp_path, schema)
    yield opened
    opened.close()


# the start


def test_a_job_is_written_down_as_it_was_ordered(world: World, schema: Schema) -> None:
    plan = Plan(weights=EventWeights.BALANCED)
    with serving(Call(actor=Actor(name="eva", role=AccessRole.TRAINER))) as call:
        started = world.jobs.start(world.order("a", "bb", plan=plan, dataset="d", warnings=["Beware."]), queue=False)
    job = world.registry.job(started.job.id)
    assert (job.plan, job.dataset, job.warnings, job.limits) == (plan, "d", ("Beware.",), Limits(seconds=9.0))
    assert (job.by, [model.spec.name for model in job.models]) == ("eva", ["a", "bb"])
    assert call.touched == [f"job:{job.id}", "model:a", "model:bb"]
    assert len(started.futures) == 2
    assert world.engine.said == [("reserve", 2, False, "ann")]
    assert world.tables() == [job.table]
    signal = world.events.signal_count
    assert rows_of(world.folder, "SELECT schema_name, events, signal, features, classes FROM tables") == [
        (schema.name, 40, signal, len(schema.features), 2)
    ]
    assert world.incoming() == []


def test_a_child_is_told_what_to_train_and_where_to_write(world: World) -> None:
    job = world.start("a", "bb")
    task, training = world.engine.tasks["bb"], world.training("bb")
    assert (training.spec, training.seed) == (job.models[1].spec, 2)
    assert (training.plan, training.limits, training.means) == (job.plan, job.limits, world.engine.means)
    assert (training.table, training.validation) == (world.files.tables.path(job.table), None)
    assert training.artefact != training.evaluation
    assert {training.artefact.parent, training.evaluation.parent} == {world.files.new().parent}
    module, function = task.run.split(":")
    assert getattr(import_module(module), function) is worker.train
    assert (task.limits, task.share) == (job.limits, world.share)


def test_events_to_validate_on_have_a_table_of_their_own_that_is_sent_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def send(path: Path, key: str) -> None:
        assert path.is_file()
        sent.append(key)

    monkeypatch.setattr(world.files.tables, "send", send)
    other = check(simulate(30, seed=4), world.schema, labels="both classes")
    plan = Plan(validation=Validation(kind="dataset", dataset="e"))
    job = world.start("a", plan=plan, validation=other)
    validation = world.registry.validation_table(job.id)
    assert validation is not None
    assert sent == [job.table, validation]
    assert world.tables() == sorted(sent)
    assert world.training("a").validation == world.files.tables.path(validation)
    assert rows_of(world.folder, f"SELECT events FROM tables WHERE digest = '{job.table}'") == [(40,)]
    world.engine.tasks["a"].done(Outcome(state=State.FAILED, reason="No."))
    assert world.tables() == []


def test_events_may_be_validated_on_themselves(world: World) -> None:
    job = world.start("a", validation=world.events)
    assert world.tables() == [job.table]
    assert world.incoming() == []


def test_several_classes_are_counted(world: World) -> None:
    events: Events = check(flavours(30), FLAVOURS, labels="both classes")
    world.start("a", events=events)
    assert rows_of(world.folder, "SELECT events, signal, features, classes FROM tables") == [(30, 0, 2, 3)]


def test_what_has_failed_before_is_not_trained(world: World) -> None:
    models = [queued("a", State.FAILED), queued("bb")]
    job = world.jobs.start(Order(events=world.events, models=models, limits=Limits()), queue=True).job
    assert list(world.engine.tasks) == ["bb"]
    assert world.training("bb").seed == 2
    assert world.engine.said == [("reserve", 1, True, "ann")]
    assert world.tables() == [job.table]


def test_nothing_is_kept_where_all_has_failed_before(world: World) -> None:
    models = [queued("a", State.FAILED)]
    started = world.jobs.start(Order(events=world.events, models=models, limits=Limits()), queue=True)
    assert started.futures == ()
    assert world.tables() == []
    assert world.jobs.version(started.job.id) == 0


def test_a_refused_job_gives_its_places_back(world: World) -> None:
    world.start("a")
    with pytest.raises(ModelExists):
        world.start("a", "bb")
    assert world.engine.said[1:] == [("reserve", 2, True, "ann"), ("unreserve", 2, "ann")]
    assert world.incoming() == []


def test_who_may_start_nothing_is_asked_first(world: World) -> None:
    def refuse() -> None:
        raise QuotaExceeded("Enough.")

    world.share = Share(by="bob", admit=refuse)
    with pytest.raises(QuotaExceeded):
        world.start("a")
    assert world.engine.said == []


# how far it has come


def test_progress_and_versions_tell_what_happens(world: World) -> None:
    job = world.start("a", "bb")
    versions = [0, world.jobs.version(job.id)]
    task = world.engine.tasks["bb"]

    task.started()
    versions.append(world.jobs.version(job.id))
    assert world.states(job) == [State.QUEUED, State.RUNNING]

    task.progress(Progress(stage="fitting", done=3))
    versions.append(world.jobs.version(job.id))
    assert [model.progress.done for model in world.jobs.get(job.id).models] == [None, 3]

    task.done(Outcome(state=State.FAILED, reason="No."))
    versions.append(world.jobs.version(job.id))
    assert [model.progress for model in world.jobs.get(job.id).models] == [Progress(), Progress()]
    assert versions == sorted(set(versions))

    world.engine.tasks["a"].done(Outcome(state=State.FAILED, reason="No."))
    assert world.jobs.version(job.id) == 0


def test_a_start_is_written_down_with_its_moment_when_that_can_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HourAgo(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(hours=1)

    start, is_full = world.registry.start, [True, False]

    def start_where_there_is_room(*what: Any) -> None:
        if is_full.pop(0):
            full()
        start(*what)

    job = world.start("a")
    monkeypatch.setattr(tested, "datetime", HourAgo)
    monkeypatch.setattr(world.registry, "start", start_where_there_is_room)
    world.engine.tasks["a"].started()
    assert world.states(job) == [State.QUEUED]
    world.jobs.catch_up()
    (model,) = world.jobs.get(job.id).models
    assert model.state is State.RUNNING
    assert model.seconds >= 3600


# the end


def test_a_trained_model_is_kept_with_its_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    sent: list[Any] = []
    world.jobs.chronicle.job_ended = told.append
    monkeypatch.setattr(world.files, "send_trained", lambda *what: sent.append(what))
    job = world.start("a")
    outcome, training = world.trained("a"), world.training("a")
    world.engine.tasks["a"].done(outcome)
    (model,) = world.registry.find(["a"])
    assert (model.digest, model.evaluation, model.event_schema) == (outcome.digest, outcome.evaluation, world.schema)
    assert world.files.read_artefact(model.digest) == b"a model"
    assert world.files.evaluations.read(model.evaluation) == b"an evaluation"
    assert rows_of(world.folder, "SELECT stored_bytes FROM models") == [(len(b"a model") + len(b"an evaluation"),)]
    assert sent == [(training.artefact, outcome.digest, training.evaluation, outcome.evaluation)]
    assert told == [[State.TRAINED]]
    assert world.tables() == [job.table]
    assert world.incoming() == []


def test_an_evaluation_need_not_be(world: World) -> None:
    job = world.start("a")
    outcome = world.trained("a").model_copy(update={"evaluation": None})
    world.engine.tasks["a"].done(outcome)
    assert world.states(job) == [State.TRAINED]
    assert world.incoming() == []


def test_a_model_without_an_artefact_is_none(world: World) -> None:
    job = world.start("a")
    world.engine.tasks["a"].done(world.trained("a").model_copy(update={"digest": None}))
    assert world.states(job) == [State.DIED]


def test_a_failed_training_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(world.files, "send_trained", lambda *what: sent.append(what))
    job = world.start("a")
    world.trained("a")
    world.engine.tasks["a"].done(Outcome(state=State.FAILED, reason="No."))
    assert world.states(job) == [State.FAILED]
    assert (world.tables(), world.incoming(), sent) == ([], [], [])


def test_an_end_whose_commit_fails_is_written_down_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def adopt_only(*_: object, adopt: Callable[[], None], **__: object) -> None:
        adopt()
        raise StoreUnavailable("gone")

    job = world.start("a")
    outcome = world.trained("a")
    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "finish", adopt_only)
        with pytest.raises(StoreUnavailable):
            world.engine.tasks["a"].done(outcome)
    world.jobs.catch_up()
    assert world.states(job) == [State.TRAINED]


def test_an_end_that_is_lost_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = world.start("a")
    world.trained("a")
    world.engine.tasks["a"].lost(ValueError("on purpose"))
    assert world.jobs.version(job.id) == 0
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert f"training 0 of job {job.id}" in record.getMessage()
    assert record.exc_info is not None
    world.jobs.catch_up()
    (model,) = world.jobs.get(job.id).models
    assert (model.state, "on purpose" in model.reason) == (State.DIED, True)
    assert world.incoming() == []


def test_a_job_that_nobody_knows_is_ended_and_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_job = world.registry.add_job

    def in_silence(*args: Any, **more: Any) -> None:
        add_job(*args, **more)
        raise StoreUnavailable("gone")

    other = check(simulate(30, seed=4), world.schema, labels="both classes")
    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "add_job", in_silence)
        with pytest.raises(StoreUnavailable, match="gone"):
            world.start("lost", events=other)
    (lost,) = world.registry.jobs().items
    known = world.start("a")
    world.jobs.catch_up()
    assert (world.states(lost), world.states(known)) == ([State.INTERRUPTED], [State.QUEUED])
    assert world.tables() == [known.table]


# ended from outside


def test_what_is_cancelled_has_ended_when_that_returns(world: World) -> None:
    job = world.start("a", "bb", "svm")
    one = world.jobs.cancel(job.id, "bb")
    assert [model.state for model in one.models] == [State.QUEUED, State.CANCELLED, State.QUEUED]
    whole = world.jobs.cancel(job.id)
    assert {model.state for model in whole.models} == {State.CANCELLED}
    said = [name for what, name, *_ in world.engine.said if what == "cancel"]
    assert (said[0], sorted(said[1:])) == ("bb", ["a", "svm"])
    assert world.jobs.cancel(job.id) == whole
    with pytest.raises(ModelNotFound, match="'x'; it trains 'a', 'bb', 'svm'"):
        world.jobs.cancel(job.id, "x")


def test_only_what_can_be_kept_is_stopped(world: World) -> None:
    job = world.start("a", "bb", "svm")
    world.jobs.stop(job.id, "bb")
    assert world.engine.said[1:] == [("stop", "bb")]
    assert world.jobs.stop(job.id) == world.jobs.get(job.id)
    assert sorted(world.engine.said[2:]) == [("stop", "a"), ("stop", "bb")]
    for name in ("a", "bb"):
        world.engine.tasks[name].done(Outcome(state=State.FAILED, reason="No."))
    assert world.jobs.stop(job.id, "a") == world.jobs.get(job.id)
    with pytest.raises(Conflict, match=r"unfinished of 'svm' \(SVM\) cannot be kept"):
        world.jobs.stop(job.id)
    assert len(world.engine.said) == 4


def test_another_processs_job_cannot_be_ended_from_here(world: World, tmp_path: Path) -> None:
    job = world.start("a")
    registry = Registry(open_database(database_url(tmp_path), tmp_path / "lock"), "another")
    there = Jobs(world.files, registry, ByHand())  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="another process"):
        there.cancel(job.id)
    world.engine.tasks["a"].done(Outcome(state=State.FAILED, reason="No."))
    assert there.cancel(job.id).models[0].state is State.FAILED
    there.close()
    registry.close()


# the end of the process


def test_before_the_end_it_waits_for_what_is_trained_and_begins_nothing(world: World) -> None:
    job = world.start("a", "bb")
    assert not world.jobs.ending
    for name in ("a", "bb"):
        world.engine.soon(lambda task=world.engine.tasks[name]: task.done(Outcome(state=State.FAILED, reason="No.")))
    world.jobs.drain(LONG)
    assert world.states(job) == [State.FAILED] * 2
    assert world.engine.said[1:] == [("interrupt", "a"), ("interrupt", "bb")]
    assert world.jobs.ending
    with pytest.raises(NotReady) as refused:
        world.start("ccc")
    assert LONG - 60 < refused.value.retry_after <= LONG
    assert f"in {refused.value.retry_after} s" in str(refused.value)
    assert world.engine.said[-1] == ("unreserve", 1, "ann")
    world.jobs.drain(-5.0)
    with pytest.raises(NotReady) as refused:
        world.start("ccc")
    assert refused.value.retry_after == 1


def test_what_starts_while_the_end_begins_is_interrupted(world: World) -> None:
    job = world.start("a")
    assert world.engine.said == [("reserve", 1, True, "ann")]
    world.engine.before = lambda: world.jobs.drain(0.0)
    world.start("bb")
    assert world.engine.said[-2:] == [("interrupt", "a"), ("interrupt", "bb")]
    assert world.states(job) == [State.QUEUED]


def test_what_the_end_of_the_process_ends_is_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.start("a", "bb", "ccc", "dddd")
    tasks = world.engine.tasks
    tasks["dddd"].done(Outcome(state=State.CANCELLED, reason="Cancelled."))
    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "finish", full)
        with pytest.raises(OSError, match="no room"):
            tasks["ccc"].done(Outcome(state=State.FAILED, reason="No."))
    outcome = world.trained("bb")
    world.engine.at_the_end = [
        lambda: tasks["a"].done(Outcome(state=State.CANCELLED, reason="Cancelled.")),
        lambda: tasks["bb"].done(outcome),
    ]
    world.jobs.close()
    models = world.jobs.get(job.id).models
    assert [model.state for model in models] == [State.INTERRUPTED, State.TRAINED, State.FAILED, State.CANCELLED]
    assert "stopped during the training" in models[0].reason
