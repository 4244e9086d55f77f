from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eventsieve.domain.simulation import simulate
from eventsieve.errors import BadRequest, BadTable, DatasetNotFound, ModelNotFound
from eventsieve.records import Dataset, Model, Predictions, Schema, SchemaEdit, Threshold
from eventsieve.service import Service
from eventsieve.service import scores as module
from eventsieve.service.predictions import Predicting
from eventsieve.service.scores import Scores, key_of
from eventsieve.storage.files import ORPHAN_SECONDS, Files
from eventsieve.storage.scores import ScoredRows, ScoreFiles, Unkept
from modelstore import ALL, FLAVOURS, Store, flavours

LABELLED = simulate(3000, seed=4, first_id=350_000)


@pytest.fixture
def store(tmp_path: Path, schema: Schema) -> Iterator[Store]:
    opened = Store(tmp_path, schema)
    opened.datasets.tables |= {
        "train": simulate(1500, seed=3),
        "labelled": LABELLED,
        "unlabelled": LABELLED.drop_columns(["Weight", "Label"]),
    }
    yield opened
    opened.close()


@pytest.fixture
def model(store: Store) -> Model:
    return store.train("logistic", "LogReg", "train", ALL)


def room_of(store: Store) -> Scores:
    return Scores(store.datasets, store.files, store.registry, store.load)


@pytest.fixture
def room(store: Store, model: Model) -> Scores:
    return room_of(store)


def predictions(store: Store, ref: str, dataset: str, **options: Any) -> Predictions:
    room = Predicting(store.datasets, store.files, store.registry, store.load)
    return Predictions.model_validate_json(room.predict(ref, dataset, kind="json", **options).path.read_bytes())


def kept(store: Store) -> list[Path]:
    return sorted(store.files.scores.folder.iterdir())


class Counting:
    """Loads models, and counts how often."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.times = 0

    def __call__(self, digest: str) -> Any:
        self.times += 1
        return self.store.load(digest)


# what is said


@pytest.mark.parametrize("dataset", ["labelled", "unlabelled"])
def test_counts_are_those_of_the_predictions(room: Scores, store: Store, dataset: str) -> None:
    score = np.array(predictions(store, "logistic", dataset).score)
    found = room.summary("logistic", dataset, bins=50)
    assert (found.events, found.threshold, found.signal, found.classes) == (3000, 0.5, "s", ("b", "s"))
    assert found.edges == tuple(place / 50 for place in range(51))
    truth = np.array(LABELLED["Label"].to_pylist()) if dataset == "labelled" else np.full(3000, None)
    weight = LABELLED["Weight"].to_numpy()
    assert [each.label for each in found.scores] == (["b", "s"] if dataset == "labelled" else [None])
    for each in found.scores:
        mine = truth == each.label
        assert each.counts == tuple(np.histogram(score[mine], bins=found.edges)[0])
        assert each.above == tuple(int(np.sum(score[mine] > edge)) for edge in found.edges)
        assert each.selected == np.sum(score[mine] > 0.5)
        assert each.events == mine.sum()
        if dataset == "labelled":
            np.testing.assert_allclose(each.weights_above, [weight[mine & (score > e)].sum() for e in found.edges])
            assert each.weight_selected == pytest.approx(weight[mine & (score > 0.5)].sum())
            assert each.weight == pytest.approx(weight[mine].sum())
            np.testing.assert_allclose(sum(each.weights), each.weight)
        else:
            assert (each.weight, each.weights, each.weight_selected) == (None, (), None)
    assert found.predicted == {"b": int(np.sum(score <= 0.5)), "s": int(np.sum(score > 0.5))}


def test_scores_that_lie_on_edges_are_counted_as_a_cut_there_takes_them(store: Store) -> None:
    # The scores of a tree of few leaves and of few trees are few numbers, many of them at edges.
    store.train("trees", "RandomForest", "train", ALL, n_estimators=4, max_depth=1)
    score = np.array(predictions(store, "trees", "labelled").score)
    edges = np.unique(score)[:-1]
    for edge in edges:
        found = room_of(store).summary("trees", "labelled", threshold=float(edge))
        assert sum(each.selected or 0 for each in found.scores) == np.sum(score > edge)
    found = room_of(store).summary("trees", "labelled", bins=1000)
    for edge, above in zip(found.edges, np.sum([each.above for each in found.scores], axis=0), strict=True):
        assert above == np.sum(score > edge)
    assert sum(sum(each.counts) for each in found.scores) == 3000


def test_rows_are_those_of_the_predictions_with_their_numbers(room: Scores, store: Store) -> None:
    whole = predictions(store, "logistic", "unlabelled")
    # The data set comes in batches of 700 events.
    for offset, limit in ((0, 100), (650, 100), (699, 1), (700, 1), (0, 1000), (1350, 800), (2990, 100)):
        page = room.page("logistic", "unlabelled", offset=offset, limit=limit)
        chosen = slice(offset, offset + limit)
        assert page.index == whole.index[chosen]
        assert page.score == whole.score[chosen]
        assert page.label == whole.label[chosen]
        assert page.probabilities == {name: values[chosen] for name, values in whole.probabilities.items()}
        assert (page.total, page.offset, page.index_name) == (3000, offset, "EventId")
    assert room.page("logistic", "unlabelled", offset=5000).index == ()


def test_kept_scores_are_what_a_file_of_predictions_is_made_of(room: Scores, store: Store) -> None:
    before = predictions(store, "logistic", "unlabelled")
    room.summary("logistic", "unlabelled")

    def never(*_: Any) -> Any:
        raise AssertionError("it is computed again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eventsieve.service.predictions.score_part", never)
        assert predictions(store, "logistic", "unlabelled") == before
        cut = predictions(store, "logistic", "unlabelled", threshold=0.9)
    assert cut.threshold == 0.9
    assert cut.label == tuple("s" if score > 0.9 else "b" for score in before.score)


def test_decision_values_are_counted_between_round_numbers(store: Store) -> None:
    store.train("vectors", "SVM", "train", ALL, probability=False)
    score = np.array(predictions(store, "vectors", "labelled").score)
    found = room_of(store).summary("vectors", "labelled", bins=100)
    assert found.threshold == 0.0
    assert found.edges[0] <= score.min() < score.max() <= found.edges[-1]
    assert 0.0 in found.edges
    assert len(found.edges) <= 103
    for each, above in zip(found.edges, np.sum([each.above for each in found.scores], axis=0), strict=True):
        assert above == np.sum(score > each)
    assert room_of(store).summary("vectors", "labelled", threshold=-0.3).threshold == -0.3


def test_of_several_classes_each_has_its_own_score(tmp_path: Path) -> None:
    with closing(Store(tmp_path, FLAVOURS)) as store:
        table = flavours(500, seed=1)
        store.datasets.tables |= {"train": flavours(900), "other": table, "bare": table.drop_columns("flavour")}
        store.train("flavour", "RandomForest", "train", ALL, n_estimators=20)
        room = room_of(store)
        whole = predictions(store, "flavour", "other")
        truth = np.array(table["flavour"].to_pylist())
        found = room.summary("flavour", "other", bins=20)
        bare = room.summary("flavour", "bare", bins=20)
        assert (found.threshold, found.signal) == (None, None)
        assert found.predicted == {name: whole.label.count(name) for name in FLAVOURS.classes}
        for name, own, every in zip(FLAVOURS.classes, found.scores, bare.scores, strict=True):
            score = np.array(whole.probabilities[name])
            assert (own.label, own.score_of, own.selected) == (name, name, None)
            assert own.above == tuple(int(np.sum(score[truth == name] > edge)) for edge in found.edges)
            assert (every.label, every.score_of) == (None, name)
            assert every.above == tuple(int(np.sum(score > edge)) for edge in found.edges)
        assert room.page("flavour", "other", offset=10, limit=5).label == whole.label[10:15]
        with pytest.raises(BadRequest, match="likeliest class"):
            room.summary("flavour", "other", threshold=0.5)


def test_events_without_a_label_and_weights_that_are_none_are_told(room: Scores, store: Store) -> None:
    labels = ["?" if place < 10 else label for place, label in enumerate(LABELLED["Label"].to_pylist())]
    weights = [float("nan") if place == 2500 else 1.0 for place in range(3000)]
    table = LABELLED.set_column(LABELLED.column_names.index("Label"), "Label", pa.array(labels))
    store.datasets.tables["odd"] = table.set_column(table.column_names.index("Weight"), "Weight", pa.array(weights))
    found = room.summary("logistic", "odd")
    assert [each.label for each in found.scores] == ["b", "s", None]
    assert found.scores[2].events == 10
    assert all(each.weight is None and each.weights == () for each in found.scores)
    assert any("Weight" in remark for remark in found.remarks)


# what is refused


def test_what_cannot_be_asked_is_refused(room: Scores, store: Store) -> None:
    with pytest.raises(ModelNotFound):
        room.summary("nobody", "labelled")
    with pytest.raises(DatasetNotFound):
        room.page("logistic", "nothing")
    with pytest.raises(BadRequest, match="from 0 to 1"):
        room.summary("logistic", "labelled", threshold=1.5)
    with pytest.raises(BadRequest, match="bins"):
        room.summary("logistic", "labelled", bins=0)
    with pytest.raises(BadRequest, match="page"):
        room.page("logistic", "labelled", limit=1001)
    store.datasets.tables["narrow"] = LABELLED.drop_columns("PRI_met")
    with pytest.raises(BadTable, match="PRI_met is missing"):
        room.summary("logistic", "narrow")
    assert kept(store) == []
    assert not list(store.files.new().parent.iterdir())


# what is kept


def test_scores_are_computed_once_whatever_is_asked_of_them(store: Store, model: Model) -> None:
    load = Counting(store)
    room = Scores(store.datasets, store.files, store.registry, load)
    first = room.summary("logistic", "labelled")
    room.summary("logistic", "labelled", bins=7, threshold=0.7)
    room.page("logistic", "labelled")
    store.registry.book.edit("logistic", threshold=Threshold(kind="value", value=0.9), new_name="renamed")
    again = room.summary("renamed", "labelled")
    assert load.times == 1
    assert (again.threshold, again.model) == (0.9, "renamed")
    assert again.scores[1].above == first.scores[1].above
    assert (again.scores[1].selected or 0) < (first.scores[1].selected or 0)


def test_who_asks_meanwhile_waits_and_computes_nothing(store: Store, model: Model) -> None:
    begun, go = threading.Event(), threading.Event()
    load = Counting(store)

    def slow(digest: str) -> Any:
        begun.set()
        assert go.wait(20)
        return load(digest)

    room = Scores(store.datasets, store.files, store.registry, slow)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(room.summary, "logistic", "labelled") for _ in range(4)]
        assert begun.wait(20)
        go.set()
        assert len({each.result(20).model_dump_json() for each in asked}) == 1
    assert load.times == 1


@pytest.mark.parametrize("damage", ["bytes", "end", "nothing"])
def test_a_damaged_file_is_made_again(room: Scores, store: Store, damage: str) -> None:
    whole = room.summary("logistic", "labelled")
    rows = room.page("logistic", "labelled", offset=1400)
    before = predictions(store, "logistic", "labelled")
    (path,) = kept(store)

    def break_it() -> None:
        content = bytearray(path.read_bytes())
        if damage == "bytes":
            content[len(content) // 2] ^= 0xFF
        path.write_bytes(content[: {"bytes": len(content), "end": len(content) - 9, "nothing": 0}[damage]])

    break_it()
    assert room.summary("logistic", "labelled") == whole
    break_it()
    assert predictions(store, "logistic", "labelled") == before
    assert room.page("logistic", "labelled", offset=1400) == rows


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    files = Files(tmp_path)
    kept = ScoreFiles(files.scores, most_files=2, most_bytes=1 << 20)
    rows = [ScoredRows(np.arange(3), np.array([0.1, 0.2, 0.3]))]
    kept.keep("a", files.new(), rows)
    kept.keep("b", files.new(), rows)
    for age, name in enumerate("ba", start=1):
        os.utime(files.scores.path(name), (time.time() - 1000 * age,) * 2)
    with kept.open("a") as file:
        assert file.range() == (0.1, 0.3)
    kept.keep("c", files.new(), rows)
    assert {path.stem for path in files.scores.folder.iterdir()} == {"a", "c"}
    with pytest.raises(Unkept), kept.open("b"):
        pass
    one = ScoreFiles(files.scores, most_bytes=1)
    one.keep("d", files.new(), rows)
    assert {path.stem for path in files.scores.folder.iterdir()} == {"d"}
    files.close()


# the life of data sets and models, in a real service


@pytest.fixture
def stored(service: Service, store: Store, model: Model) -> tuple[Service, Dataset]:
    """A service that has the model, and the events as a data set."""
    dataset, _ = service.simulations.add(400, seed=4)
    service._registry = store.registry
    for room in (service.scores, service.models, service.predictions):
        room._registry = store.registry
        room._load = store.load
    service.models._files = store.files
    return service, dataset


def names(service: Service) -> list[str]:
    return [path.stem for path in service._files.scores.folder.iterdir()]


def test_an_edit_of_the_schema_makes_them_anew_and_forgets_the_old(stored: tuple[Service, Dataset]) -> None:
    service, dataset = stored
    first = service.scores.summary("logistic", dataset.id)
    assert [each.label for each in first.scores] == ["b", "s"]
    service.datasets.edit(dataset.id, SchemaEdit(label=""))
    assert names(service) == []
    second = service.scores.summary("logistic", dataset.id)
    assert [each.label for each in second.scores] == [None]
    assert second.scores[0].above == tuple(np.sum([each.above for each in first.scores], axis=0))


def test_they_are_forgotten_with_the_data_set_and_with_the_model(stored: tuple[Service, Dataset]) -> None:
    service, dataset = stored
    other, _ = service.simulations.add(300, seed=5, unlabelled=True)
    service.scores.summary("logistic", dataset.id)
    service.scores.summary("logistic", other.id)
    service.datasets.remove(dataset.id)
    assert len(names(service)) == 1
    service.models.remove("logistic")
    assert names(service) == []


def test_old_files_of_what_is_gone_are_swept(stored: tuple[Service, Dataset], model: Model) -> None:
    service, dataset = stored
    service.scores.summary("logistic", dataset.id)
    shelf = service._files.scores
    for name in (f"{model.digest}-gone-1", f"gone-{dataset.id}-1", "nonsense"):
        shelf.path(name).write_bytes(b"")
    for path in shelf.folder.iterdir():
        os.utime(path, (time.time() - 2 * ORPHAN_SECONDS,) * 2)
    service.scores.sweep({model.digest}, {dataset.id})
    assert names(service) == [key_of(model, dataset)]
    assert module.VERSION == 1


def test_simulated_events_are_a_data_set_like_any_other(service: Service) -> None:
    dataset, new = service.simulations.add(300, seed=2)
    assert new
    assert (dataset.events, dataset.event_schema.name) == (300, "atlas-higgs-2014")
    assert {each.label for each in dataset.classes} == {"b", "s"}
    assert "simulated" in dataset.name
    again, new = service.simulations.add(300, seed=2)
    assert (again, new) == (dataset, False)
    bare, new = service.simulations.add(300, seed=2, first_id=350_000, unlabelled=True)
    assert new
    assert bare.event_schema.label is None
    assert bare.event_schema.weight is None
    table = pa.Table.from_batches(service.datasets.batches(bare.id, ["EventId", "PRI_met"]))
    expected = simulate(300, 2, first_id=350_000)
    assert table["PRI_met"].to_pylist() == expected["PRI_met"].to_pylist()
    assert table["EventId"][0].as_py() == 350_000
    assert not list(service._files._incoming.iterdir())
    for events, seed in ((0, 0), (1_000_001, 0), (10, -1)):
        with pytest.raises(BadRequest, match="simulated events"):
            service.simulations.add(events, seed=seed)
