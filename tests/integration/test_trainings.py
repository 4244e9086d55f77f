"""The room of jobs: estimated, started, followed, stopped, cancelled, repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from eventsieve.errors import BadModels, BadRequest, BadTable, Conflict, DatasetNotFound, JobNotFound, ModelNotFound
from eventsieve.records import (
    Dataset,
    EventWeights,
    Job,
    JobRequest,
    ModelEdit,
    ModelSpec,
    NegativeWeights,
    OnLimit,
    SchemaEdit,
    State,
    Threshold,
    Validation,
)
from eventsieve.service import Service
from eventsieve.service.datasets import Upload
from eventsieve.settings import Settings

ENDLESS = ModelSpec(name="endless", type="GradientBoosting", hyperparameters={"n_estimators": 100_000})


def add(service: Service, path: Path, **options: Any) -> Dataset:
    upload = Upload(path=path, name=path.name, digest=path.name.ljust(64, "0"), size=path.stat().st_size)
    return service.datasets.add([upload], **options)[0]


def add_table(service: Service, table: pa.Table, name: str = "table.parquet", **options: Any) -> Dataset:
    path = service.new_file().with_name(name)
    parquet.write_table(table, path)
    return add(service, path, **options)


def three_classes(events: int = 600, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, events)
    x = rng.normal(label, 1.0)
    return pa.table({"x": x, "y": rng.normal(-label, 2.0), "label": np.array(["ggH", "VBF", "bkg"])[label]})


def request(dataset: Dataset, *models: ModelSpec | str, **options: Any) -> JobRequest:
    specs = [ModelSpec(type=model) if isinstance(model, str) else model for model in models]
    return JobRequest(dataset=dataset.id, models=tuple(specs), **options)


def until(service: Service, job: Job, holds: Callable[[Job], bool], seconds: float = 60.0) -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = service.jobs.get(job.id)
        if holds(now):
            return now
        time.sleep(0.02)
    pytest.fail(f"it did not come to that: {service.jobs.get(job.id)}")


def ended(service: Service, job: Job) -> Job:
    return until(service, job, lambda now: now.final)


def states(job: Job) -> dict[str, State]:
    return {model.spec.name: model.state for model in job.models}


@pytest.fixture
def events(service: Service, events_csv: Path) -> Dataset:
    return add(service, events_csv)


def test_a_job_trains_models_that_know_where_they_come_from(service: Service, events: Dataset) -> None:
    job = service.jobs.submit(request(events, "LogReg", "RandomForest", "LogReg", seed=7))
    assert list(states(job)) == ["LogReg", "RandomForest", "LogReg-2"]
    assert all(model.estimate is not None for model in job.models)
    done = ended(service, job)
    assert set(states(done).values()) == {State.TRAINED}
    model = service.models.get("LogReg")
    assert (model.dataset, model.seed, model.job) == (events.id, 7, job.id)
    assert (model.validation.kind, model.validation.fraction) == ("holdout", 0.25)
    assert model.event_schema == events.event_schema
    assert {score.name for score in model.scores} >= {"accuracy", "roc_auc", "log_loss", "brier", "ams"}
    assert {score.weighted for score in model.scores if score.name == "roc_auc"} == {True, False}
    evaluation = service.models.evaluation("LogReg")
    assert evaluation.validation_events == round(0.25 * events.events)
    assert {model.scores for model in service.list_models()[::2]} == {model.scores}


def test_several_classes_are_trained_and_judged_by_folds(service: Service) -> None:
    dataset = add_table(service, three_classes())
    assert dataset.event_schema.class_names == ("VBF", "bkg", "ggH") or len(dataset.classes) == 3
    job = ended(
        service, service.jobs.submit(request(dataset, "LogReg", "SVM", validation=Validation(kind="folds", folds=3)))
    )
    assert set(states(job).values()) == {State.TRAINED}, job
    for name in ("LogReg", "SVM"):
        evaluation = service.models.evaluation(name)
        assert evaluation.validation_events == 600
        assert len(evaluation.curves) == 3
        assert all(curves.roc.auc > 0.5 for curves in evaluation.curves)


def test_another_data_set_can_be_the_judge(service: Service, events: Dataset, tmp_path: Path) -> None:
    other = add_table(service, three_classes(), "other.parquet")
    with pytest.raises(BadTable, match="does not look like"):
        service.jobs.submit(request(events, "LogReg", validation=Validation(kind="dataset", dataset=other.id)))
    with pytest.raises(BadRequest, match="same features as events to train on"):
        service.jobs.submit(request(events, "LogReg", validation=Validation(kind="dataset", dataset=events.id)))
    more = add_table(service, three_classes(seed=2), "more.parquet")
    job = service.jobs.submit(request(other, "LogReg", validation=Validation(kind="dataset", dataset=more.id)))
    assert states(ended(service, job)) == {"LogReg": State.TRAINED}
    assert service.models.evaluation("LogReg").validation_events == 600
    assert service.models.evaluation("LogReg").train_events == 600


def test_events_that_are_trained_on_too_are_left_out_of_another_data_set(service: Service) -> None:
    table = three_classes()
    ours = add_table(service, table.slice(0, 400), "ours.parquet")
    # Some come again, in another order of rows and columns, and one of the new ones twice.
    mixed = pa.concat_tables([table.slice(300), table.slice(599)]).take(np.arange(301)[::-1])
    theirs = add_table(service, mixed.select(["label", "y", "x"]), "theirs.parquet")
    validation = Validation(kind="dataset", dataset=theirs.id)
    job = ended(service, service.jobs.submit(request(ours, "LogReg", validation=validation)))
    assert any(text.startswith("100 of the 301 events to validate on") for text in job.warnings)
    assert service.models.evaluation("LogReg").validation_events == 201
    again = ended(service, service.jobs.retrain("LogReg", "again"))
    assert any(text.startswith("100 of the 301 events") for text in again.warnings)
    first, second = service.models.get("LogReg"), service.models.get("again")
    assert (second.digest, second.scores) == (first.digest, first.scores)


def test_events_that_come_twice_are_warned_of_before_a_split(service: Service) -> None:
    table = three_classes(300)
    twice = add_table(service, pa.concat_tables([table, table.slice(0, 20)]))
    split, whole = (
        ended(service, service.jobs.submit(request(twice, "LogReg", validation=Validation(kind=kind))))
        for kind in ("holdout", "none")
    )
    assert any(text.startswith("20 of 320 events have the same features as another") for text in split.warnings)
    assert not any("same features" in text for text in whole.warnings)


def test_every_fault_of_every_model_has_its_place(service: Service, events: Dataset) -> None:
    models = (
        ModelSpec(name="a", type="LogReg", hyperparameters={"C": -1, "nonsense": 2}),
        ModelSpec(name="a", type="Forest"),
    )
    with pytest.raises(BadModels) as error:
        service.jobs.submit(request(events, *models))
    assert set(error.value.faults) == {
        "/models/0/hyperparameters/C", "/models/0/hyperparameters/nonsense", "/models/1/name", "/models/1/type",
    }  # fmt: skip
    assert service.jobs.page().total == 0


def test_a_request_that_cannot_be_met_starts_nothing(service: Service, events: Dataset) -> None:
    with pytest.raises(DatasetNotFound, match="nonsense"):
        service.jobs.submit(JobRequest(dataset="nonsense", models=(ModelSpec(type="LogReg"),)))
    few = add_table(service, three_classes(6), "few.parquet", edit=SchemaEdit(label="label"))
    with pytest.raises(BadTable, match="10 folds"):
        service.jobs.submit(request(few, "LogReg", validation=Validation(kind="folds", folds=10)))
    bare = add_table(service, three_classes(), "bare.parquet")
    with pytest.raises(BadRequest, match="no column of weights"):
        service.jobs.submit(request(bare, "LogReg", weights=EventWeights.EVENT))
    assert service.jobs.page().total == 0


def test_negative_weights_need_a_policy(service: Service) -> None:
    table = three_classes()
    weights = np.where(np.arange(600) % 10 == 0, -0.5, 1.0)
    dataset = add_table(service, table.append_column("weight", pa.array(weights)), "negative.parquet")
    with pytest.raises(BadTable, match="60 events have negative weights"):
        service.jobs.submit(request(dataset, "LogReg", weights=EventWeights.EVENT))
    specs = [ModelSpec(name=policy, type="LogReg") for policy in ("drop", "absolute")]
    for spec in specs:
        policy = NegativeWeights(spec.name)
        ended(service, service.jobs.submit(request(dataset, spec, weights="event", negative_weights=policy)))
    drop, absolute = (service.models.get(spec.name) for spec in specs)
    assert drop.digest != absolute.digest
    assert any("of negative weight were not trained on" in remark for remark in drop.remarks), drop.remarks


def test_running_and_queued_models_are_cancelled_at_once(service: Service, events: Dataset) -> None:
    models = [ENDLESS.model_copy(update={"name": f"m{number}"}) for number in range(6)]
    job = service.jobs.submit(request(events, *models, seconds=120))
    until(service, job, lambda now: list(states(now).values()).count(State.RUNNING) == 4)
    one = service.jobs.cancel(job.id, "m5")
    assert states(one)["m5"] is State.CANCELLED
    assert states(one)["m4"] in (State.QUEUED, State.RUNNING)
    done = service.jobs.cancel(job.id)
    assert set(states(done).values()) == {State.CANCELLED}
    assert service.jobs.cancel(job.id) == done
    with pytest.raises(ModelNotFound, match="'m9'"):
        service.jobs.cancel(job.id, "m9")
    with pytest.raises(JobNotFound):
        service.jobs.cancel("nonsense")
    assert service.models.page().total == 0


def test_a_model_is_stopped_and_kept(service: Service, events: Dataset) -> None:
    job = service.jobs.submit(request(events, ENDLESS, seconds=120))
    version = service.jobs.version(job.id)
    running = until(service, job, lambda now: (now.models[0].progress.done or 0) > 3)
    assert running.models[0].progress.total == 100_000
    assert service.jobs.version(job.id) > version
    service.jobs.stop(job.id)
    assert states(ended(service, job)) == {"endless": State.TRAINED}
    model = service.models.get("endless")
    assert model.kept_early
    assert "100000" in " ".join(model.remarks).replace(",", "")
    # The store says that a job has ended before the process that trained it forgets its changes.
    until(service, job, lambda now: service.jobs.version(now.id) == 0)


def test_what_cannot_be_kept_is_not_stopped(service: Service, events: Dataset) -> None:
    svm = ModelSpec(name="svm", type="SVM", hyperparameters={"C": 1e6, "kernel": "linear"})
    job = service.jobs.submit(request(events, svm, ENDLESS, seconds=120))
    with pytest.raises(Conflict, match=r"'svm' \(SVM\) cannot be kept; .* cancel"):
        service.jobs.stop(job.id, "svm")
    until(service, job, lambda now: (now.models[1].progress.done or 0) > 1)
    service.jobs.stop(job.id)
    until(service, job, lambda now: now.models[1].state is State.TRAINED)
    assert states(service.jobs.get(job.id))["svm"] is not State.CANCELLED
    service.jobs.cancel(job.id)


def test_a_time_limit_may_keep_what_there_is(service: Service, events: Dataset) -> None:
    models = (ENDLESS, ModelSpec(name="svm", type="SVM"))
    job = ended(service, service.jobs.submit(request(events, *models, seconds=6, on_limit=OnLimit.KEEP)))
    assert states(job) == {"endless": State.TRAINED, "svm": State.TRAINED}
    assert job.models[0].seconds < 6.5
    assert service.models.get("endless").kept_early
    assert not service.models.get("svm").kept_early


def test_the_same_again_is_the_same_model(service: Service, events: Dataset) -> None:
    spec = ModelSpec(name="forest", type="RandomForest", hyperparameters={"n_estimators": 10})
    ended(service, service.jobs.submit(request(events, spec, seed=5)))
    service.datasets.remove(events.id)
    again = ended(service, service.jobs.retrain("forest"))
    assert states(again) == {"forest-2": State.TRAINED}
    first, second = service.models.get("forest"), service.models.get("forest-2")
    assert (first.digest, first.scores, first.evaluation) == (second.digest, second.scores, second.evaluation)


def test_a_data_set_in_use_is_neither_deleted_nor_edited(service: Service, events: Dataset) -> None:
    job = service.jobs.submit(request(events, ENDLESS, seconds=120))
    with pytest.raises(Conflict, match=job.id):
        service.datasets.remove(events.id)
    with pytest.raises(Conflict, match=job.id):
        service.datasets.edit(events.id, SchemaEdit(leave_out=("Weight",)))
    service.jobs.cancel(job.id)
    service.datasets.remove(events.id)
    assert service.datasets.page().total == 0


def test_what_will_not_fit_is_known_before(service: Service, events: Dataset) -> None:
    small, large = ModelSpec(type="LogReg"), ModelSpec(type="RandomForest", hyperparameters={"n_estimators": 10_000})
    quick, slow = service.jobs.estimate(request(events, small, large, seconds=10))
    assert (quick.fits, slow.fits) == (True, False)
    assert quick.low <= quick.seconds <= quick.high < slow.seconds
    job = service.jobs.submit(request(events, large, seconds=1))
    assert any("'RandomForest' is expected to take" in warning for warning in job.warnings)
    service.jobs.cancel(job.id)


def test_version_1_uses_what_version_2_has_made_of_a_model(
    service: Service, events: Dataset, unlabelled_csv: Path
) -> None:
    ended(service, service.jobs.submit(request(events, "LogReg")))
    before = service.predict(unlabelled_csv, "LogReg")
    service.models.edit("LogReg", ModelEdit(threshold=Threshold(kind="value", value=0.9)))
    after = service.predict(unlabelled_csv, "LogReg")
    np.testing.assert_array_equal(after.signal, after.score > 0.9)
    assert after.signal.sum() < before.signal.sum()


def test_version_1_says_that_it_knows_no_several_classes(service: Service, settings: Settings, tmp_path: Path) -> None:
    columns = {"event": "int64", "x": "float64", "y": "float64", "label": "object"}
    own = settings.model_copy(update={"DATASET_COLS": columns, "INDEX_COL": "event", "TARGET_COL": "label"})
    dataset = add_table(service, three_classes().append_column("event", pa.array(range(600))))
    ended(service, service.jobs.submit(request(dataset, "LogReg")))
    table = tmp_path / "table.csv"
    table.write_text("event,x,y\n1,2.0,3.0\n")
    with Service.open(own) as other, pytest.raises(Conflict, match="3 classes apart"):
        other.predict(table, "LogReg")
