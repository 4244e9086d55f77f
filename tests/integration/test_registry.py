from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from databases import database_url
from eventsieve.errors import (
    AlreadyCurrent,
    BadConfiguration,
    DamagedArtefact,
    ModelExists,
    ModelNotFound,
    NoCurrentModel,
    NotFound,
)
from eventsieve.records import (
    Column,
    Job,
    Limits,
    Model,
    ModelSpec,
    ModelState,
    Outcome,
    Plan,
    Schema,
    Score,
    State,
    Table,
    Validation,
)
from eventsieve.storage import database as opening
from eventsieve.storage.database import open_database
from eventsieve.storage.registry import Registry
from eventsieve.storage.rows import Base

TABLE = Table(
    digest="t" * 64, schema_name="atlas-higgs-2014", events=10, signal=4, created=datetime(2026, 1, 1, tzinfo=UTC)
)
HELD_OUT = Plan(validation=Validation(kind="holdout", fraction=0.25))
TRAINED = Outcome(
    state=State.TRAINED,
    seconds=1.5,
    peak_memory=5_000_000_000,
    digest="a" * 64,
    versions={"python": "3.11"},
    features=("x", "y"),
    scores=(Score(name="accuracy", value=0.8, uncertainty=0.01), Score(name="ams", value=2.0, cut=0.7)),
    remarks=("a remark",),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(database_url(tmp_path), tmp_path / "lock")
    yield engine
    engine.dispose()


@pytest.fixture
def registry(database: Engine) -> Registry:
    return Registry(database, owner="me")


def nothing(*_: object) -> None:
    pass


def add(registry: Registry, *ids: str, settle: Callable[[], None] = nothing) -> Job:
    spec = ModelSpec(name="", type="LogReg", hyperparameters={"C": 1.0, "class_weight": None})
    models = [
        ModelState(spec=spec.model_copy(update={"name": name}), seed=2**32 - 1, state=State.QUEUED) for name in ids
    ]
    limits = Limits(seconds=2.0, memory=6_000_000_000)
    return registry.add_job(TABLE, models, plan=HELD_OUT, limits=limits, settle=settle)


def add_model(registry: Registry, name: str, digest: str = "a" * 64) -> None:
    job = add(registry, name)
    registry.finish(job.id, 0, TRAINED.model_copy(update={"digest": digest}), adopt=nothing)


def test_the_migrations_make_what_the_rows_say(database: Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


OLD_STORE = (
    "INSERT INTO jobs VALUES ('j1', 't', 'me', 0.2, 60.0, NULL, '2026-01-01 00:00:00')",
    "INSERT INTO jobs VALUES ('j2', 't', 'me', 0.0, NULL, 1000, '2026-01-02 00:00:00')",
    "INSERT INTO trainings VALUES ('j1', 0, 'forest', 'RandomForest', '{}', 3, 'trained', '', 1.5, NULL)",
    (
        "INSERT INTO models VALUES (1, 'forest', 'j1', 0, 'RandomForest', '{\"n\": 1}', 'd', 't', 3, 1.5, NULL, '{}', "
        "'[\"x\"]', '[]', '2026-01-01 00:00:00')"
    ),
    (
        "INSERT INTO models VALUES (2, 'svm', 'j2', 0, 'SVM', '{}', 'e', 't', 3, 1.5, NULL, '{}', '[\"x\"]', '[]', "
        "'2026-01-01 00:00:00')"
    ),
    "INSERT INTO scores VALUES (1, 0, 'accuracy', 0.8, 0.01, NULL)",
    "INSERT INTO scores VALUES (1, 1, 'ams', 2.0, NULL, 0.7)",
    "INSERT INTO choices VALUES (1, 'forest', '2026-01-01 00:00:00')",
)


@pytest.fixture
def old_store(tmp_path: Path) -> str:
    """A registry as version 0.1 left it."""
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OLD_STORE:
            connection.execute(text(statement))
    engine.dispose()
    return url


def test_a_store_of_the_first_version_is_taken_over(old_store: str, tmp_path: Path) -> None:
    engine = open_database(old_store, tmp_path / "lock")
    registry = Registry(engine, owner="me")
    forest, svm = registry.models()
    assert (forest.name, forest.hyperparameters, forest.current) == ("forest", {"n": 1}, True)
    assert forest.scores == (
        Score(name="accuracy", value=0.8, uncertainty=0.01),
        Score(name="ams", value=2.0, cut=0.7, weighted=True),
    )
    assert (forest.validation.kind, forest.validation.fraction) == ("holdout", 0.2)
    assert svm.validation.kind == "none"
    assert (forest.probabilities, svm.probabilities) == (True, False)
    assert forest.threshold.kind == "natural"
    assert registry.job("j1").models[0].state is State.TRAINED
    assert registry.past_trainings() == []
    assert forest.event_schema.feature_names == ("x",)
    schema = Schema(name="s", columns=(Column(name="x", dtype="float64"),))
    registry.describe({"t": schema}.get)
    assert [model.event_schema for model in registry.models()] == [schema, schema]
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_the_way_back_to_the_first_version_keeps_what_it_knows(old_store: str, tmp_path: Path) -> None:
    open_database(old_store, tmp_path / "lock").dispose()
    engine = create_engine(old_store)
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert connection.execute(text("SELECT id, type, seconds FROM models")).all() == [
            ("forest", "RandomForest", 1.5), ("svm", "SVM", 1.5),
        ]  # fmt: skip
    engine.dispose()


def test_a_job_is_read_as_it_was_written(registry: Registry) -> None:
    job = add(registry, "m1", "m2")
    assert registry.job(job.id) == job
    assert [model.spec.name for model in job.models] == ["m1", "m2"]
    assert job.limits == Limits(seconds=2.0, memory=6_000_000_000)
    assert job.created.tzinfo is not None
    assert not job.final
    with pytest.raises(NotFound, match="'nonsense'"):
        registry.job("nonsense")


def test_a_model_is_read_as_it_was_trained(registry: Registry) -> None:
    job = add(registry, "m1")
    registry.start(job.id, 0)
    assert registry.job(job.id).models[0].state is State.RUNNING
    registry.finish(job.id, 0, TRAINED, adopt=nothing)
    (model,) = registry.models()
    assert model.hyperparameters == {"C": 1.0, "class_weight": None}
    assert (model.digest, model.table, model.seed) == ("a" * 64, TABLE.digest, 2**32 - 1)
    assert (model.seconds, model.peak_memory) == (1.5, 5_000_000_000)
    assert (model.versions, model.features, model.remarks) == ({"python": "3.11"}, ("x", "y"), ("a remark",))
    assert model.scores == TRAINED.scores
    assert registry.job(job.id).final


def test_an_id_is_taken_by_a_model_and_by_a_training(registry: Registry) -> None:
    add_model(registry, "old")
    add(registry, "new")
    with pytest.raises(ModelExists, match="'old', 'new'"):
        add(registry, "old", "new", "other")
    registry.refuse_taken(["other"])


def test_a_refused_job_leaves_nothing(registry: Registry) -> None:
    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        add(registry, "m1", settle=fail)
    assert not any(registry.digests())
    add(registry, "m1")


def test_a_failed_training_is_no_model_and_frees_its_id(registry: Registry) -> None:
    job = add(registry, "m1")
    registry.finish(job.id, 0, Outcome(state=State.TIMED_OUT, reason="late", seconds=2.0), adopt=nothing)
    assert registry.models() == []
    state = registry.job(job.id).models[0]
    assert (state.state, state.reason, state.seconds) == (State.TIMED_OUT, "late", 2.0)
    add(registry, "m1")


def test_without_its_artefact_there_is_no_model(registry: Registry) -> None:
    def damaged() -> None:
        raise DamagedArtefact("not written whole")

    job = add(registry, "m1")
    outcome = registry.finish(job.id, 0, TRAINED, adopt=damaged)
    assert outcome.state is State.DIED
    assert registry.models() == []
    assert registry.job(job.id).models[0].reason == "not written whole"


def test_what_the_dead_were_training_is_interrupted(registry: Registry, database: Engine) -> None:
    mine = add(registry, "mine")
    other = Registry(database, owner="dead")
    theirs = add(other, "theirs")
    other.start(theirs.id, 0)
    assert registry.owners.bury(registry.owners.unfinished().keys() - {"me"}) == 1
    assert registry.job(theirs.id).models[0].state is State.INTERRUPTED
    assert registry.job(mine.id).models[0].state is State.QUEUED
    add(registry, "theirs")


def test_the_current_model(registry: Registry, database: Engine) -> None:
    with pytest.raises(NoCurrentModel):
        registry.current()
    with pytest.raises(NoCurrentModel):
        registry.unset()
    with pytest.raises(ModelNotFound, match="'m1'"):
        registry.choose("m1")
    for name in ("m1", "m2"):
        add_model(registry, name)
    registry.choose("m1")
    with pytest.raises(AlreadyCurrent, match="'m1'"):
        registry.choose("m1")
    registry.choose("m2")
    assert Registry(database, owner="another").current().name == "m2"
    assert [model.current for model in registry.models()] == [False, True]
    assert registry.unset() == "m2"
    with pytest.raises(NoCurrentModel):
        registry.current()
    with database.connect() as connection:
        history = connection.execute(text("SELECT model_id FROM choices ORDER BY number")).scalars().all()
    assert history == ["m1", "m2", None]


def test_a_removed_model_is_not_current(registry: Registry) -> None:
    add_model(registry, "m1")
    registry.choose("m1")
    registry.remove(["m1"])
    # The same id again is another model, which nobody has chosen.
    add_model(registry, "m1")
    with pytest.raises(NoCurrentModel):
        registry.current()


def test_removing_names_all_that_do_not_exist_and_removes_none(registry: Registry) -> None:
    add_model(registry, "m1")
    with pytest.raises(ModelNotFound, match="'x', 'y'"):
        registry.remove(["m1", "x", "y"])
    assert [model.name for model in registry.models()] == ["m1"]
    assert [model.name for model in registry.remove()] == ["m1"]
    assert registry.models() == []


def test_files_are_dropped_with_their_last_user(registry: Registry) -> None:
    dropped: list[str] = []
    for name in ("m1", "m2"):
        add_model(registry, name)  # both of the same artefact, on the same table
    for name, expected in (("m1", []), ("m2", ["a" * 64, TABLE.digest])):
        (model,) = registry.remove([name])
        registry.release_artefact(model.digest, dropped.append)
        registry.release_table(model.table, dropped.append)
        assert dropped == expected


def test_a_table_is_kept_while_a_training_needs_it(registry: Registry) -> None:
    dropped: list[str] = []
    job = add(registry, "m1")
    registry.release_table(TABLE.digest, dropped.append)
    assert dropped == []
    registry.finish(job.id, 0, Outcome(state=State.FAILED), adopt=nothing)
    registry.release_table(TABLE.digest, dropped.append)
    assert dropped == [TABLE.digest]


def test_finding_keeps_the_order_and_names_all_that_are_missing(registry: Registry) -> None:
    for name in ("m1", "m2"):
        add_model(registry, name)
    assert [model.name for model in registry.find(["m2", "m1"])] == ["m2", "m1"]
    with pytest.raises(ModelNotFound, match="'x', 'y'; there are: 'm1', 'm2'"):
        registry.find(["x", "m1", "y"])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "nonsense"),
        ("oracle13://u:secret@nowhere/x", "DATABASE_URL"),
        ("sqlite:////proc/nowhere/registry.sqlite", "DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_opened_names_the_setting(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        open_database(url, tmp_path / "lock")
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    engine = open_database(url, tmp_path / "lock")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(BadConfiguration, match="newer Eventsieve"):
        open_database(url, tmp_path / "lock")


def test_jobs_come_in_pages_the_newest_first(registry: Registry) -> None:
    jobs = [add(registry, f"m{number}") for number in range(5)]
    page = registry.jobs(offset=1, limit=2)
    assert (page.total, page.offset) == (5, 1)
    assert [job.id for job in page.items] == [jobs[3].id, jobs[2].id]
    assert registry.jobs(offset=9).items == ()


def test_a_data_set_is_in_use_while_a_job_trains_or_validates_on_it(registry: Registry) -> None:
    spec = ModelState(spec=ModelSpec(name="m", type="LogReg"), seed=0, state=State.QUEUED)
    plan = Plan(validation=Validation(kind="dataset", dataset="other"))
    job = registry.add_job(TABLE, [spec], limits=Limits(), settle=nothing, plan=plan, dataset="mine")
    assert registry.unfinished_jobs("mine") == registry.unfinished_jobs("other") == [job.id]
    assert registry.unfinished_jobs("third") == []
    registry.finish(job.id, 0, TRAINED, adopt=nothing)
    assert registry.unfinished_jobs("mine") == []


def test_past_trainings_tell_what_was_trained_and_what_it_took(registry: Registry) -> None:
    table = TABLE.model_copy(update={"features": 2, "classes": 2})
    spec = ModelState(spec=ModelSpec(name="m", type="LogReg", hyperparameters={"C": 2.0}), seed=0, state=State.QUEUED)
    plan = Plan(validation=Validation(kind="folds", folds=3))
    job = registry.add_job(table, [spec], limits=Limits(), settle=nothing, plan=plan)
    assert registry.past_trainings() == []
    registry.finish(job.id, 0, TRAINED, adopt=nothing)
    (past,) = registry.past_trainings()
    assert (past.type, past.hyperparameters, past.events, past.features, past.folds) == ("LogReg", {"C": 2.0}, 10, 2, 3)
    assert (past.seconds, past.peak_memory, past.state) == (1.5, 5_000_000_000, State.TRAINED)


def test_what_was_stopped_early_tells_only_that_it_takes_longer(registry: Registry) -> None:
    table = TABLE.model_copy(update={"features": 2})
    spec = ModelState(spec=ModelSpec(name="m", type="RandomForest"), seed=0, state=State.QUEUED)
    job = registry.add_job(table, [spec], limits=Limits(), settle=nothing)
    registry.finish(job.id, 0, TRAINED.model_copy(update={"kept_early": True}), adopt=nothing)
    assert registry.past_trainings()[0].state is State.TIMED_OUT
    assert registry.job(job.id).models[0].kept_early


def test_the_current_model_is_found_under_its_own_alias(registry: Registry) -> None:
    add_model(registry, "m1")
    with pytest.raises(ModelNotFound, match="no model 'current'; there are: 'm1'"):
        registry.find(["current"])
    registry.choose("m1")
    assert [model.name for model in registry.find(["current", "m1"])] == ["m1", "m1"]
    add_model(registry, "current", "b" * 64)
    assert [model.name for model in registry.find(["current"])] == ["current"]


def test_the_newest_revision_is_known_without_alembic(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", "eventsieve.storage:migrations")
    assert opening.newest_revision() == ScriptDirectory.from_config(config).get_current_head()
    engine = open_database(f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path / "lock")
    with engine.begin() as connection:
        assert opening._revisions(connection) == [opening.newest_revision()]
    engine.dispose()


def test_a_job_that_nobody_trains_is_given_up_by_its_own_process_alone(registry: Registry, database: Engine) -> None:
    lost, known, ended = add(registry, "lost", "failed"), add(registry, "known"), add(registry, "ended")
    registry.finish(lost.id, 1, Outcome(state=State.FAILED, reason="wrong"), adopt=nothing)
    registry.finish(ended.id, 0, Outcome(state=State.FAILED, reason="wrong"), adopt=nothing)
    theirs = add(Registry(database, owner="another"), "theirs")
    assert registry.disown([known.id]) == {TABLE.digest}
    states = [[model.state for model in registry.job(job.id).models] for job in (lost, known, ended, theirs)]
    assert states == [[State.INTERRUPTED, State.FAILED], [State.QUEUED], [State.FAILED], [State.QUEUED]]
    assert "send it again" in registry.job(lost.id).models[0].reason
    assert registry.job(lost.id).models[1].reason == "wrong"
    assert registry.disown([known.id]) == set()
    assert registry.is_own(known.id)
    assert not registry.is_own(theirs.id)


def test_a_list_of_jobs_begins_with_the_newest(registry: Registry) -> None:
    names = [add(registry, name).models[0].spec.name for name in ("m1", "m2", "m3")]
    page = registry.jobs()
    assert (page.offset, page.total) == (0, 3)
    assert [job.models[0].spec.name for job in page.items] == names[::-1]


def test_ids_that_are_taken_are_refused_before_anything_is_sent(registry: Registry) -> None:
    add(registry, "m1")
    with pytest.raises(ModelExists, match="'m1'"):
        registry.refuse_taken(["m0", "m1"])


def test_who_may_not_remove_one_removes_none(registry: Registry) -> None:
    for name in ("m1", "m2"):
        add_model(registry, name)
    asked: list[str] = []

    def check(model: Model) -> None:
        asked.append(model.name)
        if model.name == "m2":
            raise PermissionError(model.name)

    with pytest.raises(PermissionError, match="m2"):
        registry.remove(["m1", "m2"], check=check)
    assert asked == ["m1", "m2"]
    assert len(registry.models()) == 2


def test_choices_say_who_made_them(registry: Registry, database: Engine) -> None:
    add_model(registry, "m1")
    registry.choose("m1", by="ann")
    registry.unset(by="bob")
    registry.choose("m1")
    registry.remove(["m1"], by="cy")
    with database.connect() as connection:
        history = connection.execute(text("SELECT model_id, made_by FROM choices ORDER BY number")).all()
    assert [tuple(row) for row in history] == [("m1", "ann"), (None, "bob"), ("m1", ""), (None, "cy")]


def test_a_dropped_table_is_forgotten_and_others_are_not(registry: Registry) -> None:
    other = TABLE.model_copy(update={"digest": "u" * 64})
    model = ModelState(spec=ModelSpec(name="m2", type="LogReg", hyperparameters={}), seed=0, state=State.QUEUED)
    registry.add_job(other, [model], limits=Limits(), settle=nothing)
    job = add(registry, "m1")
    registry.finish(job.id, 0, Outcome(state=State.FAILED), adopt=nothing)
    registry.release_table(TABLE.digest, nothing)
    assert registry.digests().tables == {other.digest}


def test_what_has_failed_stays_so_whatever_comes_later(registry: Registry) -> None:
    job = add(registry, "m1")
    registry.finish(job.id, 0, Outcome(state=State.CANCELLED, reason="not wanted"), adopt=nothing)
    outcome = registry.finish(job.id, 0, TRAINED, adopt=nothing)
    assert (outcome.state, outcome.reason) == (State.CANCELLED, "not wanted")
    assert registry.models() == []
