from __future__ import annotations

import pytest

from eventsieve.domain.edits import edited
from eventsieve.domain.facts import Facts
from eventsieve.domain.inference import infer
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadRequest
from eventsieve.records import ColumnSummary, Dtype, Schema, SchemaEdit


def facts(name: str, *values: str, dtype: Dtype = "float64", **more: object) -> Facts:
    summary = ColumnSummary(name=name, dtype=dtype, values=values, missing=more.pop("missing", 0))
    return Facts(**({"summary": summary, "events": 1000, "lowest": 0.1, "second": 0.2, "highest": 9.0} | more))


TABLE = (
    facts("pt"),
    facts("eta", missing=4),
    facts("number", dtype="int64", unique=True),
    facts("weights"),
    facts("labels", "0", "1"),
    facts("process", "diboson", "htautau", "ttbar", dtype="object"),
    facts("site", dtype="object"),
)
SCHEMA = infer(TABLE)[0]


def roles(schema: Schema) -> dict[str, str]:
    return {column.name: column.role for column in schema.columns}


def faults(**changes: object) -> dict[str, str]:
    with pytest.raises(BadRequest) as caught:
        edited(SCHEMA, TABLE, SchemaEdit(**changes))
    assert caught.value.faults
    return caught.value.faults


def test_no_change_is_none():
    assert edited(SCHEMA, TABLE, SchemaEdit()) == SCHEMA


def test_a_label_of_more_than_two_values_becomes_several_classes():
    schema = edited(SCHEMA, TABLE, SchemaEdit(label="process"))
    assert schema.class_names == ("diboson", "htautau", "ttbar")
    assert schema.signal_code == 1
    assert roles(schema)["labels"] == "spectator"  # what was the label would give the new one away


def test_a_signal_of_many_values_makes_the_others_background():
    schema = edited(SCHEMA, TABLE, SchemaEdit(label="process", signal="ttbar"))
    assert (schema.signal, schema.background, schema.classes) == ("ttbar", (), ())
    assert schema.class_names == ("not ttbar", "ttbar")


def test_classes_may_be_in_any_order_and_of_equal_right():
    schema = edited(SCHEMA, TABLE, SchemaEdit(label="process", signal="", classes=("ttbar", "diboson", "htautau")))
    assert schema.class_names == ("ttbar", "diboson", "htautau")
    assert schema.signal is None
    assert edited(SCHEMA, TABLE, SchemaEdit(label="process", signal="")).signal_code is None


def test_signal_and_background_may_change_places():
    schema = edited(SCHEMA, TABLE, SchemaEdit(signal="0"))
    assert (schema.signal, schema.background, schema.class_names) == ("0", ("1",), ("1", "0"))
    assert edited(SCHEMA, TABLE, SchemaEdit(signal="1.0")).signal == "1"  # as 1 is spelled elsewhere


def test_two_classes_are_background_and_signal():
    schema = edited(SCHEMA, TABLE, SchemaEdit(classes=("1", "0")))
    assert (schema.class_names, schema.classes, schema.signal) == (("1", "0"), (), "0")


def test_no_label_is_no_classes():
    schema = edited(SCHEMA, TABLE, SchemaEdit(label=""))
    assert (schema.label, schema.signal, schema.class_names) == (None, None, ())
    assert roles(schema)["labels"] == "spectator"


def test_index_and_weight_are_chosen_and_given_up():
    schema = edited(SCHEMA, TABLE, SchemaEdit(index="number", weight=""))
    assert schema.index_name == "number"
    assert schema.weight is None
    assert roles(schema)["weights"] == "spectator"
    assert edited(schema, TABLE, SchemaEdit(index="")).index_name == "row"


def test_what_is_left_out_is_said_in_full_and_text_always_is():
    schema = edited(SCHEMA, TABLE, SchemaEdit(leave_out=("pt",)))
    assert roles(schema) == {
        **dict.fromkeys(("pt", "process", "site"), "spectator"),
        **dict.fromkeys(("eta", "number"), "feature"),
        "weights": "weight",
        "labels": "label",
    }
    assert roles(edited(schema, TABLE, SchemaEdit(leave_out=("number",))))["pt"] == "feature"


def test_gaps_follow_the_features():
    assert SCHEMA.gaps
    assert not edited(SCHEMA, TABLE, SchemaEdit(leave_out=("eta",))).gaps


def test_the_undefined_value_and_units_are_set_and_cleared():
    schema = edited(SCHEMA, TABLE, SchemaEdit(undefined=-999, units={"pt": "GeV"}))
    assert schema.undefined == -999
    assert schema.columns[0].unit == "GeV"
    cleared = edited(schema, TABLE, SchemaEdit(undefined=None))
    assert cleared.undefined is None
    assert cleared.columns[0].unit == "GeV"


def test_unknown_columns_are_named_with_those_that_are_like_them():
    found = faults(label="lables", weight="mass", leave_out=("pt", "ptt"), units={"ete": "1"})
    assert set(found) == {"/label", "/weight", "/leave_out/1", "/units/ete"}
    assert "labels" in found["/label"]
    assert "'ptt'" in found["/leave_out/1"]
    assert "eta" in found["/units/ete"]


def test_a_value_that_is_not_there_is_named_with_those_that_are():
    assert "there are: 0, 1" in faults(signal="s")["/signal"]
    assert "diboson, htautau, ttbar" in faults(label="process", classes=("htautau", "ttbar", "wjets"))["/classes"]


def test_events_of_no_class_are_refused_by_name():
    assert "diboson" in faults(label="process", classes=("htautau", "ttbar"))["/classes"]


@pytest.mark.parametrize(
    ("changes", "place", "word"),
    [
        ({"label": "pt"}, "/label", "more than 20"),
        ({"label": "site"}, "/label", "more than 20"),
        ({"index": "pt"}, "/index", "each once"),
        ({"weight": "process"}, "/weight", "finite number"),
        ({"weight": "eta"}, "/weight", "finite number"),
        ({"label": "labels", "weight": "labels"}, "/label", "at once"),
        ({"label": "labels", "leave_out": ("labels",)}, "/label", "left out"),
        ({"leave_out": ("pt", "eta", "number")}, "/leave_out", "train on"),
        ({"signal": ""}, "/signal", "0, 1"),
        ({"classes": ("1",)}, "/classes", "0"),
        ({"classes": ("1", "0", "1")}, "/classes", "once"),
        ({"label": "process", "classes": ("diboson", "htautau", "ttbar"), "signal": "1"}, "/signal", "'1'"),
        ({"undefined": float("nan")}, "/undefined", "finite"),
        ({"name": "cms"}, "/name", "atlas-higgs-2014"),
        ({"name": "atlas-higgs-2014"}, "/name", "PRI_met"),
    ],
)
def test_a_change_that_cannot_be_made_has_its_place_and_its_cure(changes, place, word):
    assert word in faults(**changes)[place]


def test_a_schema_that_comes_with_eventsieve_is_taken_before_the_other_changes():
    higgs = load_schema("atlas-higgs-2014")
    table = [facts(column.name) for column in higgs.columns if column.role == "feature"]
    table += [facts("Label", "b", "s", dtype="object"), facts("kind", "0", "1")]
    other = infer([*table, facts("x")], label="kind")[0]
    assert other.label is not None
    assert other.label.name == "kind"
    schema = edited(other, table, SchemaEdit(name="atlas-higgs-2014", signal="b"))
    assert (schema.signal, schema.background) == ("b", ("s",))
    assert schema.class_weight_sums == higgs.class_weight_sums
    assert schema.index is None
