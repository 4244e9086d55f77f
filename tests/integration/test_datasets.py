from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import uproot
from sqlalchemy import update

from databases import database_url
from eventsieve.errors import BadRequest, BadTable, Conflict, DamagedArtefact, DatasetNotFound, TooLarge
from eventsieve.records import Dataset, Plan, Reading, SchemaEdit, State
from eventsieve.service.datasets import Datasets, Upload
from eventsieve.storage.database import open_database
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.storage.rows import JobRow, TrainingRow

CSV = b"event,pt,njets,weight,label\n1,0.5,2,1.5,s\n2,-2.5,,-0.5,b\n3,3.5,1,2,b\n"

Add = Callable[..., tuple[Dataset, bool]]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    opened = Files(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def registry(files: Files) -> Iterator[Registry]:
    opened = Registry(open_database(database_url(files.root), files.root / "lock"), files.owner)
    yield opened
    opened.close()


@pytest.fixture
def room(files: Files, registry: Registry) -> Datasets:
    return Datasets(files, registry, max_table_bytes=1 << 30, max_dataset_bytes=1 << 30)


@pytest.fixture
def add(room: Datasets) -> Add:
    """Adds files, given as bytes or as pairs of bytes and label."""

    def add(*contents: bytes | tuple[bytes, str], **options: object) -> tuple[Dataset, bool]:
        uploads = []
        for place, content in enumerate(contents):
            data, label = content if isinstance(content, tuple) else (content, None)
            path = room.new_file()
            path.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            uploads.append(Upload(path, f"C:\\data\\events{place}.csv", digest, len(data), label))
        return room.add(uploads, **options)

    return add


@pytest.fixture
def used(registry: Registry) -> Callable[..., str]:
    """Writes down a job on a data set."""

    def used(dataset: str | None, *, validation: str | None = None, state: State = State.QUEUED) -> str:
        plan = Plan.model_validate(
            {"validation": {"kind": "dataset", "dataset": validation}} if validation is not None else {}
        )
        row = JobRow(
            id="job-of-" + state,
            table="0" * 64,
            dataset=dataset,
            owner="me",
            plan=plan.model_dump(mode="json"),
            warnings=[],
            created=datetime.now(UTC),
            trainings=[
                TrainingRow(position=0, model_id="m", type="LogReg", hyperparameters={}, seed=0, state=state, events=3)
            ],
        )
        with registry._begin() as session:
            session.add(row)
        return str(row.id)

    return used


def test_a_table_becomes_a_data_set(add: Add, room: Datasets):
    dataset, new = add(CSV)
    assert new
    assert dataset.name == "events0.csv"
    assert (dataset.digest, dataset.size) == (hashlib.sha256(CSV).hexdigest(), len(CSV))
    assert (dataset.format, dataset.events) == ("csv", 3)
    assert [part.model_dump() for part in dataset.parts] == [
        {"file": "C:\\data\\events0.csv", "tree": None, "label": None, "events": 3}
    ]
    assert [column.name for column in dataset.columns] == ["event", "pt", "njets", "weight", "label"]
    assert dataset.event_schema.feature_names == ("pt", "njets")
    assert [count.model_dump() for count in dataset.classes] == [
        {"label": "b", "events": 2, "weight": 1.5, "negative": 1},
        {"label": "s", "events": 1, "weight": 1.5, "negative": 0},
    ]
    assert any("njets" in warning and "not defined" in warning for warning in dataset.warnings)
    assert room.get(dataset.id) == dataset


def test_its_events_are_checked_events(add: Add, room: Datasets):
    events = room.events(add(CSV)[0].id, "both classes")
    np.testing.assert_array_equal(events.features, [[0.5, 2], [-2.5, np.nan], [3.5, 1]])
    assert events.index.tolist() == [1, 2, 3]
    assert events.targets.tolist() == [1, 0, 0]
    assert events.weight is not None
    assert events.weight.tolist() == [1.5, -0.5, 2]
    assert events.remarks == ()


def test_its_columns_come_in_batches(add: Add, room: Datasets):
    table = pa.Table.from_batches(room.batches(add(CSV)[0].id, ["label", "event"]))
    assert table.to_pydict() == {"label": ["s", "b", "b"], "event": [1, 2, 3]}


def test_the_same_bytes_read_in_the_same_way_are_one_data_set(add: Add, room: Datasets):
    dataset, _ = add(CSV, name="first")
    assert add(CSV, name="second") == (dataset, False)
    assert add(CSV, edit=SchemaEdit(weight="")) != (dataset, False)
    assert add(CSV, reading=Reading(branches=("pt", "label")))[1]
    assert room.page().total == 3


def test_the_same_bytes_are_still_the_data_set_after_it_was_edited_and_renamed(add: Add, room: Datasets):
    dataset, _ = add(CSV)
    room.rename(dataset.id, "mine")
    edited = room.edit(dataset.id, SchemaEdit(weight=""))
    assert add(CSV) == (edited, False)
    assert edited.name == "mine"


def test_the_newest_data_set_is_listed_first(add: Add, room: Datasets):
    made = [add(CSV, reading=Reading(branches=("label", name)))[0] for name in ("pt", "njets", "[pn]*")]
    page = room.page(offset=1, limit=1)
    assert (page.items, page.total, page.offset) == ((made[1],), 3, 1)


def test_a_data_set_survives_the_process(add: Add, room: Datasets, files: Files, registry: Registry):
    dataset, _ = add(CSV)
    files.living_owners()
    files.sweep(registry.digests())
    again = Datasets(files, registry, max_table_bytes=1 << 30, max_dataset_bytes=1 << 30)
    assert again.get(dataset.id) == dataset
    assert len(again.events(dataset.id, "required")) == 3


def test_a_name_is_text_of_a_sensible_length(add: Add, room: Datasets):
    dataset, _ = add(CSV, name="Higgs → ττ")
    assert dataset.name == "Higgs → ττ"
    for name in ("", "x" * 129, "a\0b", "\ud800"):
        with pytest.raises(BadRequest) as caught:
            room.rename(dataset.id, name)
        assert "/name" in caught.value.faults
    assert room.get(dataset.id).name == "Higgs → ττ"


def test_what_is_not_there_is_named(room: Datasets):
    for verb in (
        room.get,
        room.remove,
        lambda each: room.rename(each, "x"),
        lambda each: room.edit(each, SchemaEdit()),
        lambda each: room.events(each, "optional"),
        lambda each: room.batches(each, []),
    ):
        with pytest.raises(DatasetNotFound, match="'nothing'"):
            verb("nothing")


def test_a_bad_file_leaves_nothing_behind(add: Add, room: Datasets, files: Files):
    with pytest.raises(BadTable, match="line 3 has 2"):
        add(b"a,b,c\n1,2,3\n1,2\n")
    with pytest.raises(BadRequest, match="lable"):
        add(CSV, edit=SchemaEdit(label="lable"))
    with pytest.raises(BadTable, match="no column to train on"):
        add(CSV, reading=Reading(branches=("event", "label")))
    with pytest.raises(BadRequest, match="No file"):
        add()
    assert room.page().total == 0
    assert list(files.datasets.folder.iterdir()) == []
    assert list(files.new().parent.glob("*.arrow")) == []


def test_a_data_set_that_is_too_large_is_refused_with_the_setting(files: Files, registry: Registry, tmp_path: Path):
    small = Datasets(files, registry, max_table_bytes=1 << 30, max_dataset_bytes=1000)
    path = tmp_path / "many.csv"
    path.write_bytes(b"x,label\n" + b"1,s\n2,b\n" * 200)
    with pytest.raises(TooLarge, match="MAX_DATASET_MB"):
        small.add([Upload(path, "many.csv", "0" * 64, 1)])


def test_events_that_do_not_fit_into_memory_are_refused_with_the_cure(add: Add, files: Files, registry: Registry):
    dataset, _ = add(CSV)
    small = Datasets(files, registry, max_table_bytes=100, max_dataset_bytes=1 << 30)
    with pytest.raises(TooLarge, match="MAX_TABLE_MB"):
        small.events(dataset.id, "required")


def test_a_lost_file_is_named(add: Add, room: Datasets, files: Files):
    dataset, _ = add(CSV)
    next(files.datasets.folder.iterdir()).unlink()
    with pytest.raises(DamagedArtefact, match="upload it again"):
        room.events(dataset.id, "required")


# the schema


def test_an_edit_given_at_once_is_that_made_later(add: Add, room: Datasets):
    edit = SchemaEdit(signal="b", index="", leave_out=("event",))
    at_once, _ = add(CSV, edit=edit)
    later = room.edit(add(CSV)[0].id, edit)
    assert later.event_schema == at_once.event_schema
    assert later.classes == at_once.classes
    assert later.warnings == at_once.warnings
    assert [count.label for count in later.classes] == ["s", "b"]


def test_what_was_said_of_the_file_is_still_said_after_an_edit(add: Add, room: Datasets, tmp_path: Path):
    pq.write_table(pa.table({"x": [1.0, 2.0], "jets": [[1.0], []], "label": [0, 1]}), tmp_path / "t")
    dataset, _ = add((tmp_path / "t").read_bytes())
    edited = room.edit(dataset.id, SchemaEdit(signal="0"))
    assert any("jets" in warning for warning in dataset.warnings)
    assert any("jets" in warning for warning in edited.warnings)


def test_a_refused_edit_changes_nothing(add: Add, room: Datasets):
    dataset, _ = add(CSV)
    with pytest.raises(BadRequest):
        room.edit(dataset.id, SchemaEdit(weight="", signal="x"))
    assert room.get(dataset.id) == dataset


def test_a_feature_that_gives_the_label_away_is_reported(add: Add, room: Datasets):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 500)
    rows = "".join(f"{rng.normal()},{each * 2 - 0.5},{each}\n" for each in label)
    dataset, _ = add(f"x,copy,label\n{rows}".encode())
    assert any("Feature copy alone tells 1 from the rest" in warning for warning in dataset.warnings)
    edited = room.edit(dataset.id, SchemaEdit(leave_out=("copy",)))
    assert not any("alone" in warning for warning in edited.warnings)


def test_several_classes_are_counted(add: Add, room: Datasets):
    dataset, _ = add(b"x,class\n1,tt\n2,wj\n3,tt\n4,zj\n")
    assert [(count.label, count.events) for count in dataset.classes] == [("tt", 2), ("wj", 1), ("zj", 1)]
    assert room.events(dataset.id, "both classes").targets.tolist() == [0, 1, 0, 2]


def test_a_signal_against_all_others_is_counted(add: Add, room: Datasets):
    dataset, _ = add(b"x,class\n1,tt\n2,wj\n3,tt\n4,zj\n5,\n", edit=SchemaEdit(signal="wj"))
    assert [(count.label, count.events) for count in dataset.classes] == [("not wj", 3), ("wj", 1)]
    assert any("1 events have no label" in warning for warning in dataset.warnings)
    with pytest.raises(BadTable, match="empty"):
        room.events(dataset.id, "required")


def test_events_of_one_class_are_a_data_set_and_no_training(add: Add, room: Datasets):
    dataset, _ = add(b"x,label\n1,s\n2,s\n")
    assert any("training needs other events" in warning for warning in dataset.warnings)
    with pytest.raises(BadTable, match="training needs background"):
        room.events(dataset.id, "both classes")


def test_events_may_be_read_by_another_schema(add: Add, room: Datasets):
    first, _ = add(CSV)
    second, _ = add(CSV.replace(b"njets", b"n_jets"))
    with pytest.raises(BadTable, match="njets"):
        room.events(second.id, "both classes", schema=first.event_schema)
    assert len(room.events(first.id, "both classes", schema=first.event_schema)) == 3


# parts


def test_signal_and_background_may_come_apart(add: Add, room: Datasets):
    dataset, _ = add((b"x\n1\n2\n", "signal"), (b"x\n3\n", "background"))
    assert dataset.event_schema.label is not None
    assert dataset.event_schema.label.name == "class"
    assert [(count.label, count.events) for count in dataset.classes] == [("background", 1), ("signal", 2)]
    assert [(part.label, part.events) for part in dataset.parts] == [("signal", 2), ("background", 1)]
    assert room.events(dataset.id, "both classes").targets.tolist() == [1, 1, 0]


def test_labels_and_order_of_parts_make_other_data_sets(add: Add):
    signal, background = b"x\n1\n2\n", b"x\n3\n"
    digests = {
        add((signal, "s"), (background, "b"))[0].digest,
        add((background, "b"), (signal, "s"))[0].digest,
        add((signal, "b"), (background, "s"))[0].digest,
        add(signal, background)[0].digest,
    }
    assert len(digests) == 4
    assert add((signal, "s"), (background, "b"))[1] is False


def test_trees_of_one_file_may_be_the_classes(add: Add, room: Datasets, tmp_path: Path):
    with uproot.recreate(tmp_path / "tmva.root") as file:
        for name, values in (("TreeS", [1.0, 2.0]), ("TreeB", [3.0])):
            file.mktree(name, {"var": np.dtype("f4")}).extend({"var": np.array(values)})
    dataset, _ = add((tmp_path / "tmva.root").read_bytes(), reading=Reading(trees=("TreeS=signal", "TreeB=background")))
    assert [(part.tree, part.label, part.events) for part in dataset.parts] == [
        ("TreeS", "signal", 2),
        ("TreeB", "background", 1),
    ]
    assert dataset.format == "root"
    assert dataset.event_schema.signal == "signal"


# while jobs use it


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_data_set_that_a_job_uses_is_neither_deleted_nor_edited(add: Add, room: Datasets, used, registry, state):
    dataset, _ = add(CSV)
    job = used(dataset.id, state=state)
    for verb in (lambda: room.remove(dataset.id), lambda: room.edit(dataset.id, SchemaEdit(weight=""))):
        with pytest.raises(Conflict, match=job):
            verb()
    assert room.rename(dataset.id, "other").name == "other"
    with registry._begin() as session:
        session.execute(update(TrainingRow).values(state=State.TRAINED))
    room.edit(dataset.id, SchemaEdit(weight=""))
    room.remove(dataset.id)
    assert room.page().total == 0


def test_a_data_set_that_a_job_validates_on_is_not_deleted(add: Add, room: Datasets, used):
    dataset, _ = add(CSV)
    job = used(None, validation=dataset.id)
    with pytest.raises(Conflict, match=job):
        room.remove(dataset.id)


def test_the_file_goes_with_the_last_data_set_that_shares_it(add: Add, room: Datasets, files: Files):
    first, _ = add(CSV)
    second, _ = add(CSV, edit=SchemaEdit(weight=""))
    assert len(list(files.datasets.folder.iterdir())) == 1
    room.remove(first.id)
    assert len(room.events(second.id, "required")) == 3
    room.remove(second.id)
    assert list(files.datasets.folder.iterdir()) == []


# real events


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "meaning", "features", "classes"),
    [
        ("higgsml_training_17889.csv.gz", ("atlas-higgs-2014", "Label", "EventId", "Weight", -999), 30, (11795, 6094)),
        ("higgsml_test_99.csv", ("atlas-higgs-2014", None, "EventId", None, -999), 30, ()),
        ("uci_higgs_lightgbm_train_7000.tsv.gz", ("own-columns", "c0", "row", None, None), 28, (3284, 3716)),
        ("uci_higgs_lightgbm_test_500.tsv", ("own-columns", "c0", "row", None, None), 28, (228, 272)),
        ("mlhep2016_higgs_10000.root", ("own-columns", "target", "event_id", None, None), 28, (4715, 5285)),
        ("mlhep2016_higgs_10000_spaced.csv.gz", ("own-columns", "target", "event_id", None, None), 28, (4715, 5285)),
        ("fair_universe_labelled_1000.parquet", ("own-columns", "labels", "row", "weights", -25), 28, (664, 336)),
        ("cms_zmumu_2304.root", ("own-columns", None, "row", None, None), 17, ()),
    ],
)
def test_published_events_are_read_as_their_authors_mean_them(
    real_data: Path, add: Add, room: Datasets, *, file, meaning, features, classes
):
    dataset, _ = add((real_data / file).read_bytes())
    found = dataset.event_schema
    label, weight = (column and column.name for column in (found.label, found.weight))
    assert (found.name, label, found.index_name, weight, found.undefined) == meaning
    assert len(found.features) == features
    assert tuple(count.events for count in dataset.classes) == classes
    assert room.events(dataset.id, "optional").features.shape == (dataset.events, features)
    assert not any("gives the label away" in warning for warning in dataset.warnings)


@pytest.mark.real
def test_the_four_classes_of_fair_universe_can_be_chosen(real_data: Path, add: Add, room: Datasets):
    data = (real_data / "fair_universe_labelled_1000.parquet").read_bytes()
    dataset, _ = add(data, edit=SchemaEdit(label="detailed_labels"))
    assert dataset.event_schema.class_names == ("diboson", "htautau", "ttbar", "ztautau")
    assert dataset.event_schema.signal == "htautau"
    assert "labels" not in dataset.event_schema.feature_names
    assert sum(count.events for count in dataset.classes) == 1000
    leaky = room.edit(dataset.id, SchemaEdit(leave_out=()))
    assert any("Feature labels alone tells htautau" in warning for warning in leaky.warnings)


@pytest.mark.real
def test_the_same_events_as_root_and_as_spaced_text_are_the_same(real_data: Path, add: Add, room: Datasets):
    one = room.events(add((real_data / "mlhep2016_higgs_10000.root").read_bytes())[0].id, "required")
    other = room.events(add((real_data / "mlhep2016_higgs_10000_spaced.csv.gz").read_bytes())[0].id, "required")
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(one.targets, other.targets)
    np.testing.assert_allclose(one.features, other.features, rtol=1e-4)


@pytest.mark.real
def test_weights_are_summed_by_class(real_data: Path, add: Add):
    path = real_data / "higgsml_training_17889.csv.gz"
    with pa.input_stream(str(path), compression="gzip") as stream:
        table = pacsv.read_csv(stream)
    dataset, _ = add(path.read_bytes())
    weight, label = table["Weight"].to_numpy(), np.array(table["Label"].to_pylist())
    for count in dataset.classes:
        assert count.weight == pytest.approx(weight[label == count.label].sum(), rel=1e-12)
