"""Data sets: the page, the choice of one, and what becomes of an upload."""

from __future__ import annotations

import json

import pytest

from eventsieve.client import Dataset
from eventsieve.errors import BadTable, DatasetNotFound, ServerUnreachable
from eventsieve.web.places import Place
from eventsieve.web.widgets.upload import _query, outcome_of
from web.appt import alerts, open_page, run, texts


def keys(app):
    return {each.key for each in app.button}


def unused(fake):
    """The data set with labels, when no job needs it any more."""
    fake.finish()
    while not all(job.final for job in fake.jobs()):
        pass
    return fake.labelled


# all of them


def test_all_data_sets_stand_in_a_table(filled):
    app = open_page(Place.DATA, client=filled)
    (table,) = app.dataframe
    assert list(table.value["name"]) == [each.name for each in filled.datasets()]
    assert list(table.value["events"]) == [each.events for each in filled.datasets()]


def test_an_empty_store_says_what_to_do_first(empty):
    app = open_page(Place.DATA, client=empty)
    assert "simulated sample" in app.info[0].value
    assert "data sample" in keys(app)
    assert not app.dataframe


def test_a_server_that_is_down_is_told(filled):
    filled.failing = ServerUnreachable("http://localhost", "gone")
    assert "gone" in alerts(open_page(Place.DATA, client=filled))[0]


# one


def test_one_data_set_is_told_with_its_classes_and_columns(filled):
    dataset = filled.labelled
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    classes, columns, *_ = (each.value for each in app.dataframe)
    assert list(classes["events"]) == [each.events for each in dataset.classes]
    assert list(classes["weight"]) == [each.weight for each in dataset.classes]
    assert list(columns["name"]) == [each.name for each in dataset.event_schema.columns]
    assert dict(zip(columns["name"], columns["role"], strict=True))["Weight"] == "weight"
    assert {link.proto.page for link in app.get("page_link")} >= {"train", "eda", "predict"}


def test_a_data_set_without_labels_is_not_offered_for_training(filled):
    app = open_page(Place.DATA, client=filled, query={"id": filled.unlabelled.id})
    assert "No labels" in app.info[0].value
    assert "Train a model" not in [link.proto.label for link in app.get("page_link")]


def test_a_link_to_nothing_is_told_and_all_are_shown(filled):
    app = open_page(Place.DATA, client=filled, query={"id": "nope"})
    assert "There is no data set nope" in alerts(app)[0]
    assert app.dataframe


def test_what_the_reader_says_of_the_columns_is_saved(filled):
    dataset = unused(filled)
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.selectbox(key="schema weight").select("")
    app.multiselect(key="schema leave_out").select("PRI_tau_phi")
    app.number_input(key="schema undefined").set_value(-5.0)
    app.button(key="schema save").click()
    run(app)
    schema = filled.dataset(dataset.id).event_schema
    assert schema.weight is None
    assert schema.undefined == -5.0
    assert "PRI_tau_phi" not in schema.feature_names
    assert schema.label.name == "Label"


def test_the_background_can_be_made_the_signal(filled):
    dataset = unused(filled)
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.selectbox(key="schema signal Label").select("b")
    app.button(key="schema save").click()
    run(app)
    assert filled.dataset(dataset.id).event_schema.signal == "b"


def test_a_fault_stands_at_its_field_and_changes_nothing(filled):
    dataset = unused(filled)
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.selectbox(key="schema weight").select("EventId")
    app.button(key="schema save").click()
    run(app)
    assert len(app.error) == 2
    assert all("cannot be" in each.value for each in app.error)
    assert filled.dataset(dataset.id) == dataset


def test_it_gets_another_name(filled):
    dataset = filled.labelled
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.text_input(key="new name").set_value(" *new*  ")
    next(each for each in app.button if each.form_id == "rename").click()
    run(app)
    assert filled.dataset(dataset.id).name == "*new*"
    assert "\\*new\\*" in app.title[0].value


def test_it_is_removed_only_when_that_was_said_twice(filled):
    dataset = filled.unlabelled
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.button(key="remove").click()
    run(app)
    assert filled.dataset(dataset.id) == dataset
    assert "are gone then" in texts(app)
    app.button(key="accept").click()
    run(app)
    with pytest.raises(DatasetNotFound):
        filled.dataset(dataset.id)


def test_a_data_set_of_a_running_job_stays_and_it_is_told_why(filled):
    dataset = filled.labelled
    app = open_page(Place.DATA, client=filled, query={"id": dataset.id})
    app.button(key="remove").click()
    run(app)
    app.button(key="accept").click()
    run(app)
    assert "job" in alerts(app)[0]
    assert filled.dataset(dataset.id) == dataset


# what becomes of an upload


def test_an_upload_has_become_a_data_set(filled):
    found = outcome_of(filled, {"status": 201, "body": filled.labelled.id, "file": "a.csv"})
    assert isinstance(found, Dataset)


def test_a_refusal_is_what_the_server_said(filled):
    document = {"type": "urn:eventsieve:BadTable", "errors": [{"detail": "Row 3 is short."}, {"detail": "No."}]}
    found = outcome_of(filled, {"status": 422, "body": json.dumps(document)})
    assert isinstance(found, BadTable)
    assert found.faults == ("Row 3 is short.", "No.")


@pytest.mark.parametrize("outcome", [{"status": 0, "body": ""}, {"status": 502, "body": '{"detail": "refused"}'}, {}])
def test_a_connection_that_broke_off_is_told(filled, outcome):
    assert isinstance(outcome_of(filled, outcome), ServerUnreachable)


def test_a_data_set_that_is_gone_already_is_told(filled):
    assert isinstance(outcome_of(filled, {"status": 201, "body": "nope"}), DatasetNotFound)


@pytest.mark.parametrize(
    ("said", "query"),
    [
        (("", "", "auto"), []),
        ((" n ", "sig = s, bkg=b ,", "no"), [("name", "n"), ("tree", "sig = s"), ("tree", "bkg=b"), ("header", "no")]),
    ],
)
def test_how_to_read_goes_with_the_upload(said, query):
    assert _query(*said) == query


# the choice of one


def chosen(app):
    return app.selectbox(key="dataset").value


def test_the_newest_is_chosen_at_first_and_stands_in_the_address(filled):
    app = open_page(Place.TRAIN, client=filled)
    assert chosen(app) == filled.labelled.id
    assert filled.labelled.id in app.query_params["dataset"]


def test_a_link_chooses(filled):
    app = open_page(Place.EDA, client=filled, query={"dataset": filled.unlabelled.id})
    assert filled.unlabelled.id in [each.value for each in app.selectbox]


def test_a_link_to_no_data_set_is_told_and_not_replaced(filled):
    app = open_page(Place.TRAIN, client=filled, query={"dataset": "nope"})
    assert "There is no data set nope" in alerts(app)[0]
    assert chosen(app) is None
    app.selectbox(key="dataset").select(filled.labelled.id)
    run(app)
    assert chosen(app) == filled.labelled.id
    assert not [each for each in alerts(app) if "nope" in each]


def test_a_link_to_one_without_labels_is_told_where_labels_are_needed(filled):
    app = open_page(Place.TRAIN, client=filled, query={"dataset": filled.unlabelled.id})
    assert "has no labels" in alerts(app)[0]
    assert chosen(app) is None


def test_the_sample_is_chosen_when_it_has_come(empty):
    app = open_page(Place.TRAIN, client=empty)
    assert chosen(app) is None
    app.button(key="dataset sample").click()
    run(app)
    (dataset,) = empty.datasets()
    assert chosen(app) == dataset.id
