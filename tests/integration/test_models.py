from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evaluations import evaluation
from eventsieve.domain.simulation import simulate
from eventsieve.errors import (
    AliasNotFound,
    AlreadyCurrent,
    BadRequest,
    Conflict,
    DamagedArtefact,
    ModelExists,
    ModelNotFound,
    NoCurrentModel,
    NotFound,
)
from eventsieve.records import ModelEdit, Schema, Score, Threshold
from eventsieve.service.exports import Exports
from eventsieve.service.models import Models
from eventsieve.training.engine import LocalEngine
from modelstore import ALL, FLAVOURS, Store, flavours

AMS = (Score(name="ams", value=1.0, cut=0.3), Score(name="ams", value=2.0, cut=0.8, weighted=True))


@pytest.fixture
def store(tmp_path: Path, schema: Schema) -> Iterator[Store]:
    opened = Store(tmp_path, schema)
    opened.datasets.tables |= {"train": simulate(600, seed=3), "other": simulate(600, seed=4)}
    yield opened
    opened.close()


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    opened = LocalEngine(1)
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store, engine: LocalEngine) -> Models:
    store.train("first", "LogReg", "train", scores=AMS, evaluation=evaluation())
    store.train("second", "LogReg", "other", ALL, C=0.1)
    return Models(store.datasets, store.files, store.registry, Exports(store.files, engine))


# lists and edits


def test_models_are_listed_in_pages_and_by_tag_type_and_data_set(room: Models) -> None:
    room.edit("second", ModelEdit(tags=("good", "fast")))
    assert [model.name for model in room.page().items] == ["first", "second"]
    page = room.page(offset=1, limit=1)
    assert ([model.name for model in page.items], page.total, page.offset) == (["second"], 2, 1)
    assert [model.name for model in room.page(tag="good").items] == ["second"]
    assert [model.name for model in room.page(dataset="train").items] == ["first"]
    assert room.page(type="SVM").total == 0


def test_an_edit_changes_what_is_given_and_nothing_else(room: Models) -> None:
    room.edit("first", ModelEdit(tags=("a", "b", "a"), note="It is\ngood."))
    model = room.edit("first", ModelEdit(name="renamed"))
    assert (model.name, model.tags, model.note) == ("renamed", ("a", "b"), "It is\ngood.")
    with pytest.raises(ModelNotFound):
        room.get("first")


def test_a_bad_edit_names_all_faults_and_changes_nothing(room: Models) -> None:
    with pytest.raises(BadRequest) as caught:
        room.edit("first", ModelEdit(name="a\0b", tags=("fine", "", "x" * 65), note="a\0b"))
    assert set(caught.value.faults) == {"/name", "/tags/1", "/tags/2", "/note"}
    with pytest.raises(ModelExists):
        room.edit("first", ModelEdit(name="second", note="new"))
    assert room.get("first").note == ""


def test_names_and_aliases_share_one_space(room: Models, store: Store) -> None:
    room.set_alias("best", "first")
    with pytest.raises(ModelExists, match="alias"):
        room.edit("second", ModelEdit(name="best"))
    with pytest.raises(Conflict, match="a model"):
        room.set_alias("second", "first")
    store.queue("coming", "train")
    with pytest.raises(Conflict, match="being trained"):
        room.set_alias("coming", "first")
    with pytest.raises(ModelExists, match="being trained"):
        room.edit("second", ModelEdit(name="coming"))


# aliases


def test_an_alias_names_a_model_and_can_be_moved_and_dropped(room: Models) -> None:
    room.set_alias("best", "first")
    assert room.get("best").name == "first"
    assert room.get("first").aliases == ("best",)
    room.set_alias("best", "second")
    assert room.get("best").name == "second"
    assert room.get("first").aliases == ()
    assert [(alias.name, alias.model) for alias in room.aliases()] == [("best", "second")]
    room.edit("best", ModelEdit(name="newer"))
    assert room.get("best").name == "newer"
    room.drop_alias("best")
    with pytest.raises(ModelNotFound):
        room.get("best")
    with pytest.raises(AliasNotFound):
        room.drop_alias("best")


def test_an_alias_must_be_a_name(room: Models) -> None:
    with pytest.raises(BadRequest):
        room.set_alias("", "first")
    with pytest.raises(ModelNotFound):
        room.set_alias("x", "nobody")


# thresholds


def test_the_natural_threshold_has_its_value(room: Models) -> None:
    assert room.get("first").threshold == Threshold(kind="natural", value=0.5)
    assert room.page().items[0].threshold.value == 0.5


def test_a_threshold_can_be_the_best_ams_cut_or_a_value(room: Models) -> None:
    model = room.edit("first", ModelEdit(threshold=Threshold(kind="best_ams")))
    assert model.threshold == Threshold(kind="best_ams", value=0.8)
    model = room.edit("first", ModelEdit(threshold=Threshold(kind="value", value=0.25)))
    assert model.threshold == Threshold(kind="value", value=0.25)
    model = room.edit("first", ModelEdit(threshold=Threshold(kind="natural", value=0.25)))
    assert model.threshold == Threshold(kind="natural", value=0.5)


@pytest.mark.parametrize(
    ("ref", "threshold", "pointer"),
    [
        ("second", Threshold(kind="best_ams"), "/threshold/kind"),
        ("first", Threshold(kind="value"), "/threshold/value"),
        ("first", Threshold(kind="value", value=1.5), "/threshold/value"),
        ("first", Threshold(kind="value", value=-0.1), "/threshold/value"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused_in_its_place(
    room: Models, ref: str, threshold: Threshold, pointer: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        room.edit(ref, ModelEdit(threshold=threshold))
    assert set(caught.value.faults) == {pointer}


def test_decision_values_may_have_any_threshold(room: Models, store: Store) -> None:
    store.train("vectors", "SVM", "train", ALL, probability=False)
    assert room.get("vectors").threshold.value == 0.0
    model = room.edit("vectors", ModelEdit(threshold=Threshold(kind="value", value=-1.5)))
    assert model.threshold.value == -1.5


def test_several_classes_have_no_threshold(tmp_path: Path, engine: LocalEngine) -> None:
    with closing(Store(tmp_path, FLAVOURS)) as store:
        store.datasets.tables["train"] = flavours(300)
        store.train("flavour", "LogReg", "train", ALL)
        room = Models(store.datasets, store.files, store.registry, Exports(store.files, engine))
        assert room.get("flavour").threshold.value is None
        with pytest.raises(BadRequest, match="likeliest"):
            room.edit("flavour", ModelEdit(threshold=Threshold(kind="value", value=0.5)))
        assert "It tells 3 classes apart: b, c, light." in room.card("flavour", "md")


# the current model


def history(room: Models) -> list[str | None]:
    return [choice.model for choice in room.history().items]


def test_who_made_which_model_current_is_kept_newest_first(room: Models) -> None:
    with pytest.raises(NoCurrentModel):
        room.current()
    room.choose("first", by="Marie")
    choice = room.choose("second", by="Pierre")
    assert (choice.model, choice.by) == ("second", "Pierre")
    assert room.current().name == "second"
    assert room.get("second").current
    room.unset(by="Irène")
    page = room.history()
    assert [(each.model, each.by) for each in page.items] == [
        (None, "Irène"),
        ("second", "Pierre"),
        ("first", "Marie"),
    ]
    assert page.total == 3
    assert room.history(offset=2, limit=5).items[0].by == "Marie"


def test_choosing_goes_by_alias_too_and_not_twice(room: Models) -> None:
    room.set_alias("best", "first")
    assert room.choose("best").model == "first"
    with pytest.raises(AlreadyCurrent):
        room.choose("first")
    with pytest.raises(BadRequest):
        room.choose("second", by="x" * 129)


def test_rollback_makes_current_what_was_before(room: Models) -> None:
    room.choose("first")
    with pytest.raises(Conflict, match="choose one"):
        room.rollback()
    room.choose("second")
    assert room.rollback(by="Marie").model == "first"
    assert room.current().name == "first"
    assert room.history().items[0].by == "Marie"
    assert room.rollback().model == "second"
    room.unset()
    assert room.rollback().model == "second"


def test_rollback_skips_models_that_are_gone(room: Models, store: Store) -> None:
    store.train("third", "LogReg", "train", ALL, C=7)
    for name in ("first", "second", "third"):
        room.choose(name)
    room.remove("second")
    # Another model of that name is another model.
    store.train("second", "LogReg", "train", ALL, C=8)
    assert room.rollback().model == "first"


def test_renaming_renames_the_past_of_this_model_only(room: Models, store: Store) -> None:
    room.choose("first")
    room.remove("first")
    store.train("first", "LogReg", "train", ALL, C=9)
    room.choose("first")
    room.edit("first", ModelEdit(name="newer"))
    assert room.current().name == "newer"
    assert history(room) == ["newer", None, "first"]


# removing


def test_removing_a_model_unsets_it_and_removes_its_aliases_and_files(room: Models, store: Store) -> None:
    model = room.get("first")
    room.set_alias("best", "first")
    room.choose("first")
    room.remove("best")
    with pytest.raises(NoCurrentModel):
        room.current()
    assert history(room) == [None, "first"]
    assert room.aliases() == ()
    assert not store.files.artefacts.path(model.digest).exists()
    assert not store.files.tables.path(model.table).exists()
    assert not store.files.evaluations.path(str(model.evaluation)).exists()
    assert room.page().total == 1


def test_an_artefact_that_two_models_share_stays(room: Models, store: Store) -> None:
    twin = store.train("twin", "LogReg", "train")
    assert twin.digest == room.get("first").digest
    room.remove("first")
    assert room.artefact("twin").is_file()


# what is known of a model


def test_the_evaluation_is_what_was_stored(room: Models, store: Store) -> None:
    assert room.evaluation("first") == evaluation()
    with pytest.raises(NotFound, match="Train it again with a validation"):
        room.evaluation("second")
    store.files.evaluations.path(str(room.get("first").evaluation)).write_text("{}")
    with pytest.raises(DamagedArtefact, match="'first'"):
        room.evaluation("first")


def test_the_artefact_is_the_file_that_was_stored(room: Models, store: Store) -> None:
    path = room.artefact("first")
    assert path == store.files.artefacts.path(room.get("first").digest)
    path.write_bytes(b"x")
    with pytest.raises(DamagedArtefact):
        room.artefact("first")
    path.unlink()
    with pytest.raises(DamagedArtefact):
        room.artefact("first")


@pytest.mark.parametrize("kind", ["md", "html"])
def test_the_card_tells_of_the_stored_model(room: Models, kind: str) -> None:
    card = room.card("first", kind)  # type: ignore[arg-type]
    model = room.get("first")
    for text in (model.digest, model.table, "a data set", "LogReg", "lbfgs", "3.13", "0.25 of the events"):
        assert text in card
    assert "no events were kept" in room.card("second", kind)  # type: ignore[arg-type]


def test_a_card_does_not_need_the_data_set(room: Models, store: Store) -> None:
    store.datasets.tables.clear()
    assert "not in the store" in room.card("first", "md")


# ONNX


def test_a_model_is_exported_once_for_each_threshold(room: Models, store: Store) -> None:
    pytest.importorskip("onnxruntime")
    path, check = room.onnx("first")
    assert path is not None
    assert check.reproduces
    assert check.size == path.stat().st_size
    made = path.stat().st_mtime_ns
    assert room.onnx("first") == (path, check)
    assert path.stat().st_mtime_ns == made
    room.edit("first", ModelEdit(threshold=Threshold(kind="value", value=0.9)))
    other, _ = room.onnx("first")
    assert other not in (None, path)
    room.remove("first")
    assert not list(store.files.exports.folder.iterdir())


def test_an_export_that_fails_says_why_and_is_not_kept(room: Models, store: Store) -> None:
    store.files.tables.path(room.get("first").table).write_bytes(b"x")
    path, check = room.onnx("first")
    assert path is None
    assert not check.reproduces
    assert "damaged" in check.reason
    assert not list(store.files.exports.folder.iterdir())
