from __future__ import annotations

import errno
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain import estimators
from eventsieve.domain.splitting import split
from eventsieve.errors import (
    BadConfiguration,
    BadRequest,
    BadTable,
    Conflict,
    DamagedArtefact,
    DuplicateIds,
    ModelExists,
    ModelNotFound,
    NoCurrentModel,
    NoFreeSlots,
    NoModels,
    NoReport,
    NotReady,
    StoreUnavailable,
    UnknownModelType,
)
from eventsieve.records import Job, Limits, ModelSpec, State
from eventsieve.service import Service
from eventsieve.settings import Settings, read_settings
from eventsieve.storage.readers import read_events

QUICK = {
    "LogReg": {},
    "SVM": {"max_iter": 200},
    "RandomForest": {"n_estimators": 5},
    "GradientBoosting": {"n_estimators": 5},
}


def train(service: Service, table: Path, specs: Sequence[ModelSpec], **options) -> Job:
    return service.wait(service.train(table, specs, **options))


def spec(name: str, kind: str = "LogReg", **hyperparameters) -> ModelSpec:
    return ModelSpec(name=name, type=kind, hyperparameters=hyperparameters)


def incoming(service: Service) -> list[Path]:
    return [path for path in (service._files.root / "incoming").rglob("*") if path.is_file()]


def test_from_a_table_to_predictions(service: Service, events_csv: Path, unlabelled_csv: Path) -> None:
    job = train(service, events_csv, [spec(kind, kind, **quick) for kind, quick in QUICK.items()])
    assert {model.spec.name: model.state for model in job.models} == dict.fromkeys(QUICK, State.TRAINED)
    assert [model.name for model in service.all_models()] == list(QUICK)
    scores = service.compare(events_csv, list(QUICK), ["accuracy", "roc_auc"])
    assert all(score.value > 0.5 for row in scores.values() for score in row)
    service.choose("RandomForest")
    predictions = service.predict(unlabelled_csv)
    assert predictions.model == "RandomForest"
    assert predictions.index.tolist() == list(range(350_000, 350_500))
    assert 0.1 < predictions.signal.mean() < 0.6
    np.testing.assert_array_equal(predictions.signal, predictions.score > 0.5)
    assert incoming(service) == []


@pytest.mark.parametrize("kind", QUICK)
def test_a_stored_model_is_the_model_that_was_fitted(service: Service, events_csv: Path, kind: str) -> None:
    train(service, events_csv, [spec("m", kind, **QUICK[kind])], seed=7)
    events = read_events(events_csv, service.schema, labels="required")
    pipeline = estimators.build(kind, QUICK[kind], 7)
    estimators.fit(pipeline, events.features, events.labels)
    expected = estimators.score_events(pipeline, events.features)
    np.testing.assert_allclose(service.predict(events_csv, "m").score, expected, rtol=0, atol=1e-12)


def test_the_same_training_gives_the_same_digest(service: Service, events_csv: Path) -> None:
    forests = [spec(name, "RandomForest", n_estimators=5) for name in "ab"]
    train(service, events_csv, forests, seed=1)
    train(service, events_csv, [spec("c", "RandomForest", n_estimators=5)], seed=2)
    first, second, other = service.all_models()
    assert first.digest == second.digest
    assert first.digest != other.digest
    assert (first.seed, other.seed) == (1, 2)
    assert {"python", "scikit-learn", "numpy", "eventsieve"} <= first.versions.keys()
    # Two models of one artefact: the file stays until the second goes.
    service.remove("a")
    assert len(service.predict(events_csv, "b").index) == 2000
    service.remove("b")
    assert not service._files.artefacts.path(first.digest).exists()


def test_scores_are_of_events_that_the_model_never_saw(service: Service, events_csv: Path) -> None:
    train(service, events_csv, [spec("m", "GradientBoosting", n_estimators=20)], holdout=0.25, seed=5)
    events = read_events(events_csv, service.schema, labels="required")
    kept, out = split(events.labels, 0.25, seed=5)
    pipeline = estimators.build("GradientBoosting", {"n_estimators": 20}, 5)
    estimators.fit(pipeline, events.features[kept], events.labels[kept])
    expected = roc_auc_score(events.labels[out], estimators.score_events(pipeline, events.features[out]))
    scores = {score.name: score.value for score in service.all_models()[0].scores if not score.weighted}
    assert scores["roc_auc"] == pytest.approx(expected, abs=1e-12)


def test_one_bad_model_does_not_spoil_the_others(service: Service, events_csv: Path) -> None:
    specs = [spec("typo", C="zzz"), spec("good"), spec("slow", "SVM", C=1e6, tol=1e-9)]
    job = train(service, events_csv, specs, limits=Limits(seconds=0.4))
    states = {model.spec.name: model for model in job.models}
    assert states["typo"].state is State.FAILED
    assert "zzz" in states["typo"].reason
    assert states["slow"].state is State.TIMED_OUT
    assert states["good"].state is State.TRAINED
    assert [model.name for model in service.all_models()] == ["good"]
    assert service._engine.free == 4


def test_what_the_estimator_refuses_has_its_reason(service: Service, events_csv: Path) -> None:
    job = train(service, events_csv, [spec("m", "GradientBoosting", validation_fraction=1e-6, n_iter_no_change=2)])
    (model,) = job.models
    assert model.state is State.FAILED
    assert "test_size" in model.reason


def test_too_much_memory_has_its_own_outcome(service: Service, events_csv: Path) -> None:
    limits = Limits(seconds=60, memory=300 << 20)
    job = train(service, events_csv, [spec("m", "RandomForest", n_estimators=20_000)], limits=limits)
    assert job.models[0].state is State.OUT_OF_MEMORY


def test_nothing_is_kept_of_a_job_without_a_model(service: Service, events_csv: Path) -> None:
    train(service, events_csv, [spec("typo", C="zzz")])
    train(service, events_csv, [spec("slow", "SVM", C=1e6, tol=1e-9)], limits=Limits(seconds=0.1))
    assert list(service._files.tables.folder.iterdir()) == []
    assert list(service._files.artefacts.folder.iterdir()) == []
    assert incoming(service) == []


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "no room")


@pytest.fixture(autouse=True)
def _only_who_asks_catches_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventsieve.training.unwritten.RETRY_SECONDS", 600.0)


def test_a_start_that_cannot_be_written_down_keeps_nobody_from_training(
    service: Service, events_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service._registry, "start", full)
    (model,) = train(service, events_csv, [spec("m")]).models
    assert model.state is State.TRAINED


def test_an_end_that_cannot_be_written_down_is_kept_until_there_is_room(
    service: Service, events_csv: Path, unlabelled_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(service._registry, "finish", full)
        started = service.train(events_csv, [spec("m")])
        with pytest.raises(OSError, match="no room"):
            service.wait(started)
    assert service._engine.free == 4
    assert service.list_models() == []
    (running,) = service.job(started.job.id).models
    assert running.state is State.RUNNING
    service._tidy()
    (trained,) = service.job(started.job.id).models
    assert trained.state is State.TRAINED
    assert len(service.predict(unlabelled_csv, "m").index) == 500
    assert incoming(service) == []


def test_an_end_of_which_only_the_databases_answer_was_lost_stays_as_it_is(
    service: Service, events_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = service._registry.finish

    def finish_in_silence(*args: Any, **more: Any) -> None:
        finish(*args, **more)
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(service._registry, "finish", finish_in_silence)
        started = service.train(events_csv, [spec("m")])
        with pytest.raises(StoreUnavailable, match="gone"):
            service.wait(started)
    service._tidy()
    assert [model.state for model in service.job(started.job.id).models] == [State.TRAINED]
    assert [model.name for model in service.list_models()] == ["m"]


def test_an_end_that_fails_for_another_reason_is_told(
    service: Service, events_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(service._registry, "finish", fail)
        started = service.train(events_csv, [spec("m")])
        with pytest.raises(ValueError, match="on purpose"):
            service.wait(started)
    service._tidy()
    (lost,) = service.job(started.job.id).models
    assert lost.state is State.DIED
    assert "on purpose" in lost.reason
    assert incoming(service) == []


def test_a_job_of_which_only_the_databases_answer_was_lost_is_ended(
    service: Service, events_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_job = service._registry.add_job

    def add_in_silence(*args: Any, **more: Any) -> None:
        add_job(*args, **more)
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(service._registry, "add_job", add_in_silence)
        with pytest.raises(StoreUnavailable, match="gone"):
            service.train(events_csv, [spec("m")])
    going = service.train(events_csv, [spec("other", "RandomForest", n_estimators=100_000)])
    (lost,) = next(job for job in service._registry.jobs().items if job.id != going.job.id).models
    assert lost.state is State.INTERRUPTED
    assert "send it again" in lost.reason
    assert not service.job(going.job.id).final
    service._jobs.cancel(going.job.id)
    assert service._engine.free == 4
    train(service, events_csv, [spec("m")])


def test_two_requests_may_catch_up_at_once(service: Service) -> None:
    written: list[str] = []
    both = threading.Barrier(2, timeout=20)

    def write() -> None:
        written.append("the end")
        both.wait()

    service._jobs._unwritten.later("a job", "the end", write)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(service._jobs.catch_up)
        while not written:
            time.sleep(0.001)
        service._jobs.catch_up()  # does not wait for the other, nor write it again
        both.wait()
        first.result()
    assert written == ["the end"]


@pytest.mark.parametrize(
    ("specs", "error", "says"),
    [
        ([], BadRequest, "at least one"),
        ([spec("")], BadRequest, "is empty"),
        ([spec("x" * 129)], BadRequest, "128"),
        ([spec("a\0b")], BadRequest, "no text"),
        ([spec("a"), spec("b"), spec("a")], DuplicateIds, "'a'"),
        ([spec("a", "XGBoost")], UnknownModelType, "LogReg, SVM, RandomForest, GradientBoosting"),
        ([spec(name) for name in "abcde"], NoFreeSlots, "5 models .* 4 of 4"),
    ],
)
def test_refused_requests_train_nothing(service: Service, events_csv: Path, specs, error, says) -> None:
    with pytest.raises(error, match=says):
        service.train(events_csv, specs, queue=False)
    assert service.list_models() == []
    assert service._engine.free == 4
    assert incoming(service) == []


def test_a_taken_id_is_refused(service: Service, events_csv: Path) -> None:
    train(service, events_csv, [spec("m")])
    with pytest.raises(ModelExists, match="'m'"):
        service.train(events_csv, [spec("m"), spec("n")])
    service.remove("m")
    train(service, events_csv, [spec("m")])


def test_a_bad_table_trains_nothing(service: Service, unlabelled_csv: Path) -> None:
    with pytest.raises(BadTable, match="Label"):
        service.train(unlabelled_csv, [spec("m")])
    assert service._engine.free == 4


def test_models_wait_for_a_slot(events_csv: Path, settings: Settings) -> None:
    one_slot = settings.model_copy(update={"NUM_CPUS": 1})
    with Service.open(one_slot) as service:
        job = train(service, events_csv, [spec(name) for name in "abc"])
        assert {model.state for model in job.models} == {State.TRAINED}


def test_what_does_not_exist(service: Service, events_csv: Path) -> None:
    for use in (service.all_models, service.remove_all):
        with pytest.raises(NoModels):
            use()
    for use in (service.current, service.unset, lambda: service.predict(events_csv)):
        with pytest.raises(NoCurrentModel):
            use()
    with pytest.raises(ModelNotFound, match="'x', 'y'"):
        service.compare(events_csv, ["x", "y"])
    with pytest.raises(BadRequest, match="at least one"):
        service.compare(events_csv, [])


def test_a_damaged_artefact_spoils_one_model_only(service: Service, events_csv: Path) -> None:
    train(service, events_csv, [spec("good"), spec("bad", C=0.1)])
    _, bad = service.all_models()
    path = service._files.artefacts.path(bad.digest)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DamagedArtefact, match="'bad' cannot be used"):
        service.predict(events_csv, "bad")
    with pytest.raises(DamagedArtefact, match="'bad'"):
        service.compare(events_csv, ["good", "bad"])
    assert len(service.predict(events_csv, "good").index) == 2000
    service.remove("bad")
    assert [model.name for model in service.all_models()] == ["good"]


def test_everything_survives_a_restart(settings: Settings, events_csv: Path) -> None:
    with Service.open(settings) as service:
        train(service, events_csv, [spec("m")])
        service.choose("m")
        before = service.predict(events_csv).score
    with Service.open(settings) as service:
        assert service.current().name == "m"
        np.testing.assert_array_equal(service.predict(events_csv).score, before)


def test_two_processes_share_a_store(settings: Settings, service: Service, events_csv: Path) -> None:
    with Service.open(settings) as other:
        train(other, events_csv, [spec("m")])
        other.choose("m")
        assert service.current().name == "m"
        assert len(service.predict(events_csv).index) == 2000
        started = other.train(events_csv, [spec("long", "SVM", C=1e6, tol=1e-12)])
        with pytest.raises(ModelExists, match="'long'"):
            service.train(events_csv, [spec("long")])
    # The other one has left in the middle of it.
    assert service.job(started.job.id).models[0].state is State.INTERRUPTED
    train(service, events_csv, [spec("long")])


def test_a_model_of_other_columns_is_refused(settings: Settings, events_csv: Path) -> None:
    with Service.open(settings) as service:
        train(service, events_csv, [spec("m")])
    fewer = settings.model_copy(update={"NON_FEATURE_COLS": ["Weight", "DER_mass_MMC"]})
    with Service.open(fewer) as service, pytest.raises(Conflict, match="other columns"):
        service.predict(events_csv, "m")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"MODEL_TYPES": ["LogReg", "Oracle"]}, "MODEL_TYPES names Oracle"),
        ({"AVAILABLE_SCORINGS": ["luck"]}, "AVAILABLE_SCORINGS names luck"),
        ({"SCHEMA": "lhcb"}, "atlas-higgs-2014"),
        ({"TARGET_COL": "nowhere"}, "nowhere"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
    ],
)
def test_bad_settings_are_named_before_anything_starts(settings: Settings, given, says: str) -> None:
    with pytest.raises(BadConfiguration, match=says):
        Service.open(read_settings(**settings.model_dump(exclude_none=True) | given))
    owners = settings.MODEL_DIR / "owners"
    assert not owners.exists() or list(owners.iterdir()) == []


@pytest.mark.slow
def test_the_report_is_made_once_and_then_is_there(service: Service, settings: Settings) -> None:
    with pytest.raises(NotReady) as caught:
        service.report()
    assert caught.value.retry_after > 0
    making = service._report._making
    assert making is not None
    making.result()
    path = service.report()
    assert path == settings.PDF_PATH
    assert path.read_bytes().startswith(b"%PDF-")
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_no_report_is_wanted(settings: Settings) -> None:
    with Service.open(settings.model_copy(update={"PDF_PATH": None})) as service, pytest.raises(NoReport):
        service.report()


def test_a_report_that_cannot_be_made_says_why(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = settings.model_copy(update={"PDF_PATH": tmp_path / "file" / "eda.pdf"})
    with Service.open(blocked) as service:
        with pytest.raises(NotReady):
            service.report()
        service._report._making.result()
        with pytest.raises(NoReport, match="PDF_PATH"):
            service.report()


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PDF_PATH", "TARGET_COL", "SIGNAL", "INDEX_COL", "DATABASE_URL", "LOG_CONFIG_PATH"):
        monkeypatch.setenv(f"EVENTSIEVE_{name}", "")
    settings = read_settings()
    assert settings.PDF_PATH is settings.LOG_CONFIG_PATH is None
    assert settings.event_schema() == read_settings(SIGNAL="s", TARGET_COL="Label").event_schema()
    assert settings.database_url.startswith("sqlite:///")
