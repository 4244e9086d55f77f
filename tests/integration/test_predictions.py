from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import uproot

from eventsieve.domain.simulation import simulate
from eventsieve.errors import BadRequest, BadTable, Conflict, DamagedArtefact, DatasetNotFound, ModelNotFound
from eventsieve.records import Model, Predictions, Schema, Threshold
from eventsieve.service.predictions import Predicting
from modelstore import ALL, FLAVOURS, Store, flavours

TO_PREDICT = simulate(3000, seed=4, first_id=350_000).drop_columns(["Weight", "Label"])


@pytest.fixture
def store(tmp_path: Path, schema: Schema) -> Iterator[Store]:
    opened = Store(tmp_path, schema)
    opened.datasets.tables |= {"train": simulate(1500, seed=3), "other": TO_PREDICT}
    yield opened
    opened.close()


@pytest.fixture
def model(store: Store) -> Model:
    return store.train("logistic", "LogReg", "train", ALL)


@pytest.fixture
def room(store: Store) -> Predicting:
    return Predicting(store.datasets, store.files, store.registry, store.load)


def parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path, row_group_size=1000)
    return path


def answer(room: Predicting, ref: str, source: Path | str) -> Predictions:
    return Predictions.model_validate_json(room.predict(ref, source, kind="json").path.read_bytes())


def expected(store: Store, model: Model, table: pa.Table, schema: Schema) -> np.ndarray:
    """What scikit-learn says when it is asked without any of our batches."""
    features = np.column_stack([table[name].to_numpy().astype(float) for name in schema.feature_names])
    features[features == -999.0] = np.nan
    return np.asarray(store.load(model.digest).predict_proba(features)[:, 1])


def test_a_file_and_a_data_set_give_the_scores_of_scikit_learn_in_order(
    room: Predicting, store: Store, model: Model, schema: Schema, tmp_path: Path
) -> None:
    scores = expected(store, model, TO_PREDICT, schema)
    for source in (parquet(tmp_path / "t", TO_PREDICT), "other"):
        found = answer(room, "logistic", source)
        np.testing.assert_allclose(found.score, scores, rtol=0, atol=1e-12)
        assert found.index == tuple(TO_PREDICT["EventId"].to_pylist())
        assert found.index_name == "EventId"
        assert found.label == tuple("s" if score > 0.5 else "b" for score in found.score)
        assert found.probabilities["s"] == found.score
        np.testing.assert_allclose(np.add(found.probabilities["s"], found.probabilities["b"]), 1.0)
        assert found.dataset == (source if source == "other" else None)


def test_a_finished_file_is_told_about(room: Predicting, model: Model) -> None:
    done = room.predict("logistic", "other", kind="csv")
    assert done.events == 3000
    assert sum(done.counts.values()) == 3000
    assert set(done.counts) == {"b", "s"}
    assert done.filename == "logistic-predictions.csv"
    assert done.media_type.startswith("text/csv")
    assert done.path.is_file()


def test_columns_may_be_in_any_order_and_others_are_ignored(room: Predicting, model: Model, tmp_path: Path) -> None:
    table = TO_PREDICT.select(TO_PREDICT.column_names[::-1]).append_column("extra", pa.array(["x"] * 3000))
    found = answer(room, "logistic", parquet(tmp_path / "t", table))
    assert found.score == answer(room, "logistic", "other").score
    assert "extra" in found.remarks[0]


def test_without_event_numbers_rows_are_counted(room: Predicting, model: Model, tmp_path: Path) -> None:
    found = answer(room, "logistic", parquet(tmp_path / "t", TO_PREDICT.drop_columns("EventId")))
    assert found.index_name == "row"
    assert found.index == tuple(range(3000))
    assert "EventId" in found.remarks[0]


def test_event_numbers_may_repeat(room: Predicting, model: Model, tmp_path: Path) -> None:
    twice = pa.concat_tables([TO_PREDICT, TO_PREDICT])
    assert len(answer(room, "logistic", parquet(tmp_path / "t", twice)).index) == 6000


def test_weights_and_labels_are_not_looked_at(room: Predicting, model: Model, tmp_path: Path) -> None:
    table = TO_PREDICT.append_column("Weight", pa.array(["none"] * 3000)).append_column("Label", pa.nulls(3000))
    assert len(answer(room, "logistic", parquet(tmp_path / "t", table)).score) == 3000


def test_a_fault_far_down_is_refused_by_its_row_and_leaves_no_file(
    room: Predicting, store: Store, model: Model, tmp_path: Path
) -> None:
    values = TO_PREDICT["PRI_tau_pt"].to_pylist()
    values[2500] = float("nan")
    table = TO_PREDICT.set_column(TO_PREDICT.column_names.index("PRI_tau_pt"), "PRI_tau_pt", pa.array(values))
    with pytest.raises(BadTable, match=r"PRI_tau_pt.*row 2501") as caught:
        room.predict("logistic", parquet(tmp_path / "t", table), kind="parquet")
    assert len(caught.value.faults) == 1
    assert not list(store.files.new().parent.iterdir())


def test_missing_columns_are_named_once(room: Predicting, model: Model, tmp_path: Path) -> None:
    table = TO_PREDICT.drop_columns(["DER_mass_vis", "PRI_met"])
    with pytest.raises(BadTable) as caught:
        room.predict("logistic", parquet(tmp_path / "t", table), kind="csv")
    assert str(caught.value).count("DER_mass_vis") == 1
    assert "PRI_met" in str(caught.value)


def test_a_column_that_the_file_has_in_a_form_that_cannot_be_read_is_explained(
    room: Predicting, model: Model, tmp_path: Path
) -> None:
    jagged = pa.array([[1.0, 2.0]] * 3000)
    table = TO_PREDICT.drop_columns("PRI_met").append_column("PRI_met", jagged)
    with pytest.raises(BadTable, match=r"PRI_met is missing.*list"):
        room.predict("logistic", parquet(tmp_path / "t", table), kind="csv")


def test_numbers_that_no_model_takes_are_named(room: Predicting, store: Store, tmp_path: Path) -> None:
    store.train("forest", "RandomForest", "train", ALL, n_estimators=3)
    values = TO_PREDICT["PRI_met"].to_pylist()
    values[1700] = 1e300
    table = TO_PREDICT.set_column(TO_PREDICT.column_names.index("PRI_met"), "PRI_met", pa.array(values))
    with pytest.raises(BadTable, match=r"PRI_met.*row 1701.*too large"):
        room.predict("forest", parquet(tmp_path / "t", table), kind="csv")


def test_text_whose_columns_turn_out_to_be_of_another_type_is_read_again(
    room: Predicting, model: Model, tmp_path: Path
) -> None:
    table = pa.concat_tables([TO_PREDICT] * 12)
    rows = table["PRI_jet_num"].cast(pa.string()).to_pylist()
    rows[-1] = " 2.0 "
    table = table.set_column(table.column_names.index("PRI_jet_num"), "PRI_jet_num", pa.array(rows))
    pacsv.write_csv(table, tmp_path / "t.csv")
    assert len(answer(room, "logistic", tmp_path / "t.csv").score) == 36_000


def test_a_root_friend_has_the_entries_of_the_ntuple(room: Predicting, model: Model, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "in.root") as file:
        file["events"] = {name: TO_PREDICT[name].to_numpy() for name in TO_PREDICT.column_names}
    done = room.predict("logistic", tmp_path / "in.root", kind="root")
    with uproot.open(tmp_path / "in.root") as ours, uproot.open(done.path) as friend:
        assert friend["eventsieve"]["index"].array().tolist() == ours["events"]["EventId"].array().tolist()
        signal = int((friend["eventsieve"]["label"].array() == 1).to_numpy().sum())
    assert signal == done.counts["s"]


def test_the_threshold_of_the_model_decides(room: Predicting, store: Store, model: Model) -> None:
    store.registry.book.edit("logistic", threshold=Threshold(kind="value", value=0.9))
    found = answer(room, "logistic", "other")
    assert found.threshold == 0.9
    assert [label == "s" for label in found.label] == [score > 0.9 for score in found.score]


def test_decision_values_are_cut_at_zero(room: Predicting, store: Store) -> None:
    store.train("vectors", "SVM", "train", ALL, probability=False)
    found = answer(room, "vectors", "other")
    assert found.probabilities == {}
    assert found.threshold == 0.0
    assert [label == "s" for label in found.label] == [score > 0.0 for score in found.score]
    assert min(found.score) < 0.0


def test_of_several_classes_the_likeliest_is_predicted(tmp_path: Path) -> None:
    with closing(Store(tmp_path, FLAVOURS)) as store:
        store.datasets.tables |= {"train": flavours(900), "other": flavours(500, seed=1)}
        store.train("flavour", "RandomForest", "train", ALL, n_estimators=20)
        found = answer(Predicting(store.datasets, store.files, store.registry, store.load), "flavour", "other")
    matrix = np.column_stack([found.probabilities[name] for name in FLAVOURS.classes])
    assert found.label == tuple(FLAVOURS.classes[code] for code in matrix.argmax(axis=1))
    assert found.score == tuple(matrix.max(axis=1))
    assert found.threshold is None
    truth = flavours(500, seed=1)["flavour"].to_pylist()
    assert np.mean([a == b for a, b in zip(found.label, truth, strict=True)]) > 0.8


def test_it_can_be_stopped_between_batches(room: Predicting, store: Store, model: Model) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(CancelledError):
        room.predict("logistic", "other", kind="arrow", stopped=stopped)
    assert not list(store.files.new().parent.iterdir())


def test_what_does_not_exist_is_refused(room: Predicting, model: Model) -> None:
    with pytest.raises(ModelNotFound, match="nobody"):
        room.predict("nobody", "other", kind="csv")
    with pytest.raises(DatasetNotFound):
        room.predict("logistic", "nothing", kind="csv")
    with pytest.raises(ModelNotFound):
        room.predict("../../artefacts/x", "other", kind="csv")


def test_a_damaged_model_says_what_to_do(room: Predicting, store: Store, model: Model) -> None:
    store.files.artefacts.path(model.digest).write_bytes(b"something else")
    with pytest.raises(DamagedArtefact, match=r"'logistic'.*train it again"):
        room.predict("logistic", "other", kind="csv")


def test_an_alias_is_as_good_as_a_name(room: Predicting, store: Store, model: Model) -> None:
    store.registry.book.set_alias("best", "logistic")
    assert answer(room, "best", "other").model == "logistic"


# rows


def rows_of(table: pa.Table, count: int) -> list[dict[str, object]]:
    return [dict(row) for row in table.slice(0, count).to_pylist()]


def test_rows_give_what_the_table_gives(room: Predicting, model: Model) -> None:
    found = room.rows("logistic", rows_of(TO_PREDICT, 50))
    whole = answer(room, "logistic", "other")
    assert found.score == pytest.approx(whole.score[:50], abs=1e-12)
    assert found.index == whole.index[:50]
    assert found.label == whole.label[:50]
    assert found.probabilities["b"] == pytest.approx(whole.probabilities["b"][:50], abs=1e-12)


def test_null_is_undefined_where_the_schema_has_an_undefined_value(room: Predicting, model: Model) -> None:
    rows = rows_of(TO_PREDICT, 50)
    same = [{name: None if value == -999.0 else value for name, value in row.items()} for row in rows]
    assert any(None in row.values() for row in same)
    assert room.rows("logistic", same).score == room.rows("logistic", rows).score


def test_faults_of_rows_have_their_places(room: Predicting, model: Model) -> None:
    rows = rows_of(TO_PREDICT, 3)
    del rows[1]["PRI_met"]
    rows[2]["PRI_tau_pt"] = "many"
    rows[2]["EventId"] = 1.5
    with pytest.raises(BadRequest) as caught:
        room.rows("logistic", rows)
    assert set(caught.value.faults) == {"/events/1/PRI_met", "/events/2/PRI_tau_pt", "/events/2/EventId"}
    assert "missing" in caught.value.faults["/events/1/PRI_met"]


def test_many_faults_of_rows_are_counted(room: Predicting, model: Model) -> None:
    with pytest.raises(BadRequest, match="40 more faults") as caught:
        room.rows("logistic", [{}, {}])
    assert len(caught.value.faults) == 20


@pytest.mark.parametrize("value", [True, [1.0], {"a": 1}, 10**400, "1.0"])
def test_what_is_no_number_is_refused(room: Predicting, model: Model, value: object) -> None:
    rows = rows_of(TO_PREDICT, 1)
    rows[0]["PRI_met"] = value
    with pytest.raises(BadRequest, match="PRI_met"):
        room.rows("logistic", rows)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308])
def test_what_is_no_finite_number_is_refused_with_its_row(room: Predicting, store: Store, value: float) -> None:
    store.train("forest", "RandomForest", "train", ALL, n_estimators=3)
    rows = rows_of(TO_PREDICT, 2)
    rows[1]["PRI_met"] = value
    with pytest.raises(BadTable, match=r"PRI_met.*row 2"):
        room.rows("forest", rows)


def test_no_rows_are_refused(room: Predicting, model: Model) -> None:
    with pytest.raises(BadRequest, match="0 events"):
        room.rows("logistic", [])


def test_a_model_whose_classes_are_lost_is_a_conflict(
    room: Predicting, store: Store, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = model.event_schema.model_dump() | {
        "columns": [column for column in model.event_schema.columns if column.role != "label"]
    }
    lost = model.model_copy(update={"event_schema": Schema.model_validate(bare)})
    monkeypatch.setattr(store.registry, "find", lambda _: [lost])
    with pytest.raises(Conflict, match="train it again"):
        room.rows("logistic", rows_of(TO_PREDICT, 1))
