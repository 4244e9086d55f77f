from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from eventsieve.domain.simulation import simulate
from eventsieve.domain.splitting import plan_split
from eventsieve.errors import BadRequest, BadTable, Conflict, DatasetNotFound, ModelNotFound
from eventsieve.records import Comparison, Schema, Threshold
from eventsieve.service.comparisons import Comparisons
from modelstore import ALL, FLAVOURS, HOLDOUT, Store, flavours

TRAIN, OTHER = simulate(2000, seed=3), simulate(1500, seed=4, first_id=350_000)


@pytest.fixture
def store(tmp_path: Path, schema: Schema) -> Iterator[Store]:
    opened = Store(tmp_path, schema)
    opened.datasets.tables |= {"train": TRAIN, "other": OTHER}
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store) -> Comparisons:
    return Comparisons(store.datasets, store.files, store.registry, store.load, seed=0)


def value(found: Comparison, model: str, name: str, *, weighted: bool) -> float:
    return next(s.value for s in found.scores[model] if s.name == name and s.weighted == weighted)


def test_models_are_scored_on_the_events_that_none_of_them_was_trained_on(store: Store, room: Comparisons) -> None:
    models = [store.train("one", "LogReg", "train", seed=1), store.train("two", "RandomForest", "train", seed=2)]
    events = store.datasets.events("train", "both classes")
    fresh = np.ones(len(events), bool)
    for model in models:
        (part,) = plan_split(HOLDOUT.validation, events.targets, model.seed)
        fresh[part.train] = False
    found = room.compare(["one", "two"], "train")
    assert found.events == fresh.sum() > 50
    assert found.seen == (~fresh).sum()
    for model in models:
        score = store.load(model.digest).predict_proba(events.features[fresh])[:, 1]
        truth, weight = events.targets[fresh], events.weight[fresh]
        assert value(found, model.name, "roc_auc", weighted=False) == pytest.approx(roc_auc_score(truth, score))
        weighted = roc_auc_score(truth, score, sample_weight=weight)
        assert value(found, model.name, "roc_auc", weighted=True) == pytest.approx(weighted)
    assert set(found.ranking) == {"one", "two"}
    assert found.differences
    assert found.verdict


def test_events_of_another_data_set_are_all_fresh(store: Store, room: Comparisons) -> None:
    store.train("one", "LogReg", "train", ALL)
    found = room.compare(["one"], "other")
    assert (found.events, found.seen) == (1500, 0)


def test_events_that_were_seen_are_found_again_in_another_data_set(store: Store, room: Comparisons) -> None:
    store.train("one", "LogReg", "train", ALL)
    mixed = pa.concat_tables([OTHER, TRAIN.slice(0, 300)])
    store.datasets.tables["mixed"] = mixed.select(mixed.column_names[::-1])
    found = room.compare(["one"], "mixed")
    assert (found.events, found.seen) == (1500, 300)


def test_a_comparison_without_fresh_events_is_a_conflict_with_the_cure(store: Store, room: Comparisons) -> None:
    store.train("one", "LogReg", "train", ALL)
    with pytest.raises(Conflict, match="hold-out, or bring another data set"):
        room.compare(["one"], "train")


def test_a_model_of_folds_has_seen_everything(store: Store, room: Comparisons) -> None:
    folds = HOLDOUT.model_copy(update={"validation": HOLDOUT.validation.model_copy(update={"kind": "folds"})})
    store.train("one", "LogReg", "train", folds)
    with pytest.raises(Conflict, match="hold-out"):
        room.compare(["one"], "train")


def test_the_threshold_of_each_model_decides(store: Store, room: Comparisons) -> None:
    model = store.train("one", "LogReg", "train", ALL)
    store.registry.book.edit("one", threshold=Threshold(kind="value", value=0.9))
    events = store.datasets.events("other", "both classes")
    decided = store.load(model.digest).predict_proba(events.features)[:, 1] > 0.9
    accuracy = accuracy_score(events.targets, decided)
    assert value(room.compare(["one"], "other"), "one", "accuracy", weighted=False) == pytest.approx(accuracy)


def test_several_classes_are_compared_too(tmp_path: Path) -> None:
    with closing(Store(tmp_path, FLAVOURS)) as store:
        store.datasets.tables |= {"train": flavours(600), "other": flavours(400, seed=1)}
        store.train("good", "RandomForest", "train", ALL, n_estimators=30)
        store.train("poor", "RandomForest", "train", ALL, n_estimators=1, max_depth=1)
        room = Comparisons(store.datasets, store.files, store.registry, store.load, seed=0)
        found = room.compare(["poor", "good"], "other")
    assert found.ranking == ("good", "poor")
    assert found.mcnemar[0].better == "good"
    assert "good" in found.verdict


def test_models_of_different_classes_are_a_conflict_that_names_them(
    store: Store, room: Comparisons, schema: Schema
) -> None:
    store.train("binary", "LogReg", "train", ALL)
    store.datasets.tables["flavours"] = flavours(300)
    store.train("flavour", "LogReg", "flavours", ALL, schema=FLAVOURS)
    with pytest.raises(Conflict, match=r"'binary': b, s; 'flavour': b, c, light"):
        room.compare(["binary", "flavour"], "other")


def test_models_that_look_at_different_columns_can_be_compared(store: Store, room: Comparisons, schema: Schema) -> None:
    columns = [column for column in schema.columns if not column.name.startswith("DER_mass_MMC")]
    fewer = Schema.model_validate(schema.model_dump() | {"columns": columns})
    store.train("all", "LogReg", "train", ALL)
    store.train("fewer", "LogReg", "train", ALL, schema=fewer)
    assert room.compare(["all", "fewer"], "other").events == 1500


def test_a_data_set_that_lacks_columns_is_refused_with_the_model(store: Store, room: Comparisons) -> None:
    store.train("one", "LogReg", "train", ALL)
    store.datasets.tables["poor"] = OTHER.drop_columns(["PRI_met"])
    with pytest.raises(BadTable, match=r"'one'.*PRI_met"):
        room.compare(["one"], "poor")


def test_what_does_not_exist_is_refused(store: Store, room: Comparisons) -> None:
    store.train("one", "LogReg", "train", ALL)
    with pytest.raises(BadRequest, match="0 models"):
        room.compare([], "other")
    with pytest.raises(ModelNotFound, match="nobody"):
        room.compare(["one", "nobody"], "other")
    with pytest.raises(DatasetNotFound):
        room.compare(["one"], "nothing")


def test_a_model_whose_events_are_gone_cannot_be_compared(store: Store, room: Comparisons) -> None:
    model = store.train("one", "LogReg", "train", ALL)
    store.files.tables.drop(model.table)
    with pytest.raises(Conflict, match="train it again"):
        room.compare(["one"], "other")
