from __future__ import annotations

import math

import pytest

from eventsieve.domain.facts import Facts
from eventsieve.domain.findings import findings
from eventsieve.domain.inference import INFERRED, infer
from eventsieve.domain.schema import load_schema
from eventsieve.records import ColumnSummary, Dtype, Schema

HIGGS = load_schema("atlas-higgs-2014")


def facts(name: str, *values: str, dtype: Dtype = "float64", **more: object) -> Facts:
    summary = ColumnSummary(name=name, dtype=dtype, values=values, missing=more.pop("missing", 0))
    return Facts(**({"summary": summary, "events": 1000, "lowest": 0.1, "second": 0.2, "highest": 9.0} | more))


def text(name: str, *values: str, **more: object) -> Facts:
    return facts(name, *values, dtype="object", lowest=math.inf, second=math.inf, highest=-math.inf, **more)


def whole(name: str, *values: str, **more: object) -> Facts:
    return facts(name, *values, dtype="int64", **more)


def roles(schema: Schema) -> dict[str, str]:
    return {column.name: column.role for column in schema.columns}


def higgs(*, without: tuple[str, ...] = (), label: tuple[str, ...] = ("b", "s")) -> list[Facts]:
    made = {"EventId": whole("EventId", unique=True), "Label": text("Label", *label)}
    return [made.get(c.name, facts(c.name)) for c in HIGGS.columns if c.name not in without]


def test_a_table_of_the_challenge_is_recognised():
    schema, guesses = infer(higgs())
    assert schema == HIGGS
    assert guesses == ()


def test_a_table_of_the_challenge_may_lack_label_weight_and_index():
    schema, _ = infer(higgs(without=("Label", "Weight", "EventId")))
    assert schema.name == "atlas-higgs-2014"
    assert schema.feature_names == HIGGS.feature_names
    assert (schema.label, schema.weight, schema.index, schema.class_names) == (None, None, None, ())


def test_columns_that_the_challenge_does_not_have_are_spectators():
    schema, _ = infer([*higgs(), text("KaggleSet", "b", "t"), facts("pt_of_my_own")])
    assert schema.feature_names == HIGGS.feature_names
    assert roles(schema)["KaggleSet"] == roles(schema)["pt_of_my_own"] == "spectator"


def test_without_one_feature_of_the_challenge_it_is_another_table():
    schema, _ = infer(higgs(without=("PRI_met",)))
    assert schema.name == INFERRED
    assert (schema.label and schema.label.name, schema.signal, schema.background) == ("Label", "s", ("b",))
    assert (schema.index_name, schema.weight and schema.weight.name) == ("EventId", "Weight")


def test_repeated_event_numbers_are_no_index():
    table = [f if f.name != "EventId" else whole("EventId") for f in higgs()]
    schema, _ = infer(table)
    assert schema.index is None
    assert any("EventId" in said and "repeat" in said for said in findings(schema, table))


def test_fair_universe_is_read_as_its_authors_mean_it():
    table = [
        *(facts(name, lowest=-25.0, lowest_count=300, second=-4.5, highest=4.5) for name in ("eta_1", "eta_2")),
        facts("mass", lowest=-25.0, lowest_count=300, second=20.0, highest=900.0),
        facts("weights"),
        text("detailed_labels", "diboson", "htautau", "ttbar", "ztautau"),
        facts("labels", "0", "1"),
    ]
    schema, _ = infer(table)
    assert roles(schema) == {
        **dict.fromkeys(("eta_1", "eta_2", "mass"), "feature"),
        "weights": "weight",
        "detailed_labels": "spectator",
        "labels": "label",
    }
    assert (schema.signal, schema.background, schema.undefined) == ("1", ("0",), -25.0)
    said = findings(schema, table)
    assert any("label=detailed_labels" in sentence for sentence in said)
    assert any("-25" in sentence and "eta_1, eta_2, mass" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("values", "signal", "background"),
    [
        (("b", "s"), "s", ("b",)),
        (("background", "signal"), "signal", ("background",)),
        (("bkg", "sig"), "sig", ("bkg",)),
        (("0", "1"), "1", ("0",)),
        (("-1", "1"), "1", ("-1",)),
        (("False", "True"), "True", ("False",)),
        (("htautau", "ztautau"), "htautau", ("ztautau",)),
        (("background", "zprime"), "zprime", ("background",)),
    ],
)
def test_the_signal_is_told_by_its_word(values, signal, background):
    schema, guesses = infer([facts("x"), text("label", *values)])
    assert (schema.signal, schema.background, schema.classes) == (signal, background, ())
    assert guesses == ()


def test_of_two_words_that_say_nothing_one_is_guessed_and_said_so():
    schema, guesses = infer([facts("x"), text("label", "GG", "GT")])
    assert (schema.signal, schema.background) == ("GT", ("GG",))
    assert len(guesses) == 1
    assert "signal=GG" in guesses[0]


@pytest.mark.parametrize(
    ("values", "signal"),
    [
        (("diboson", "htautau", "ttbar", "ztautau"), "htautau"),
        (("0", "1", "2"), None),
        (("signal", "tt", "wjets"), "signal"),
        (("hbb", "hgg", "ttbar"), None),
        (("b", "c", "light"), None),
    ],
)
def test_more_than_two_values_are_classes_and_a_signal_only_where_unmistakable(values, signal):
    schema, _ = infer([facts("x"), text("class", *values)])
    assert schema.class_names == values
    assert schema.signal == signal


@pytest.mark.parametrize(
    ("value", "signal", "background"), [("1", "1", ()), ("0", "1", ("0",)), ("b", "s", ("b",)), ("zh", "zh", ())]
)
def test_a_label_of_one_value_is_a_label_and_a_warning(value, signal, background):
    table = [facts("x"), text("label", value)]
    schema, _ = infer(table)
    assert (schema.signal, schema.background) == (signal, background)
    assert any("training needs other events" in said for said in findings(schema, table))


def test_without_names_the_first_column_of_two_values_is_the_label():
    schema, _ = infer([facts("c0"), whole("c1", "0", "1"), facts("c2", "0", "1")], named=False)
    assert schema.label is not None
    assert schema.label.name == "c1"


def test_with_names_a_column_of_two_values_is_no_label_unless_it_is_called_one():
    table = [facts("x"), whole("has_jet", "0", "1")]
    schema, _ = infer(table)
    assert schema.label is None
    assert schema.feature_names == ("x", "has_jet")
    assert any("has_jet" in said and "trained" in said for said in findings(schema, table))


def test_a_column_of_text_that_speaks_of_signal_and_background_is_the_label():
    schema, _ = infer([facts("x"), text("what", "background", "signal"), text("tool", "a", "b")])
    assert schema.label is not None
    assert schema.label.name == "what"
    assert roles(schema)["tool"] == "spectator"


def test_the_label_that_is_given_is_taken_and_others_like_it_are_no_features():
    schema, _ = infer([facts("x"), facts("target", "0", "1"), text("class", "qcd", "zh")], label="class")
    assert roles(schema) == {"x": "feature", "target": "spectator", "class": "label"}


def test_columns_that_say_nothing_of_physics_are_left_out():
    table = [
        facts("pt"),
        whole("Run", "1"),
        whole("Event", unique=True),
        facts("mcEventWeight"),
        facts("weight_jes_up"),
        facts("Weight"),
        facts("void", missing=1000),
        text("site", "CERN", "FNAL"),
        whole("target", "0", "1"),
    ]
    schema, _ = infer(table)
    assert roles(schema) == {
        "pt": "feature",
        "Event": "index",
        "Weight": "weight",
        "target": "label",
        **dict.fromkeys(("Run", "mcEventWeight", "weight_jes_up", "void", "site"), "spectator"),
    }
    said = " ".join(findings(schema, table))
    assert all(name in said for name in ("Run", "mcEventWeight", "weight_jes_up", "void", "site"))


def test_features_may_be_whole_by_chance():
    schema, _ = infer([whole("njets"), facts("label", "0", "1")])
    assert schema.features[0].dtype == "float64"


@pytest.mark.parametrize(
    ("columns", "undefined"),
    [
        # a charge, and identities of particles: far apart, but nothing else is between them
        ([("q1", -1.0, 1.0, 1.0, ("-1", "1"))] * 2, None),
        ([("pdg", -11.0, 11.0, 11.0, ("-11", "11"))] * 2, None),
        # only one column, and no number that is used for nothing else
        ([("x", -500.0, 0.0, 10.0, ())], None),
        ([("x", -999.0, 0.0, 10.0, ())], -999.0),
        ([("x", -500.0, 0.0, 10.0, ()), ("y", -500.0, -400.0, 1000.0, ())], -500.0),
        # the end of a distribution, in no column apart from it
        ([("x", -50.0, -49.5, 50.0, ())] * 2, None),
        ([("x", -999.5, 0.0, 10.0, ())] * 2, None),
    ],
)
def test_the_undefined_value_is_a_number_apart_from_the_others_in_several_columns(columns, undefined):
    table = [
        facts(f"{name}{place}", *values, lowest=lowest, lowest_count=50, second=second, highest=highest)
        for place, (name, lowest, second, highest, values) in enumerate(columns)
    ]
    assert infer(table)[0].undefined == undefined


def test_a_number_that_is_there_once_is_no_undefined_value():
    table = [facts(name, lowest=-999.0, lowest_count=1, second=0.0) for name in "xy"]
    assert infer(table)[0].undefined is None


def test_of_two_undefined_values_the_more_common_is_taken_and_the_other_named():
    table = [facts(name, lowest=-999.0, lowest_count=9, second=0.0) for name in "xyz"]
    table += [facts(name, lowest=-99.0, lowest_count=9, second=0.0) for name in "uv"]
    schema, guesses = infer(table)
    assert schema.undefined == -999.0
    assert "-99 may mean" in guesses[0]


def test_empty_values_of_features_are_gaps_and_those_of_others_are_not():
    schema, _ = infer([facts("x", missing=3), facts("label", "0", "1")])
    assert schema.gaps
    schema, _ = infer([facts("x"), facts("label", "0", "1", missing=3), text("site", missing=5)])
    assert not schema.gaps


def test_what_cannot_be_trained_on_is_said_before_training():
    table = [
        facts("x", missing=3),
        facts("y", infinite=2),
        facts("z", "4"),
        facts("weight", missing=1),
        facts("label", "0", "1", missing=7),
    ]
    schema, _ = infer(table)
    said = " ".join(findings(schema, table))
    assert "not defined for this event': x" in said
    assert "Infinite values cannot be trained on; mend or leave out: y" in said
    assert "same value throughout tells nothing; leave out: z" in said
    assert "1 events have no finite weight in column weight" in said
    assert "7 events have no label in column label" in said


def test_a_column_of_numbers_and_a_stray_word_is_named_with_the_word():
    table = [facts("x"), text("pt", numbers=999, stray="abc"), text("where", numbers=3, stray="CERN")]
    schema, _ = infer(table)
    said = " ".join(findings(schema, table))
    assert "Column pt is left out as text, though it seems to hold numbers: mend values like 'abc'" in said
    assert "Text cannot be trained on and is left out: where." in said


def test_a_label_of_too_many_values_is_no_feature_and_is_named():
    table = [facts("x"), facts("target")]
    schema, _ = infer(table)
    assert roles(schema) == {"x": "feature", "target": "spectator"}
    assert "Column target looks like a label, of more than 20 values" in " ".join(findings(schema, table))


def test_why_a_column_is_left_out_is_said_once():
    table = [facts("x"), whole("label", "0", "1"), text("detailed_labels", "a", "b", "c"), text("where")]
    schema, _ = infer(table)
    said = findings(schema, table)
    assert [sentence for sentence in said if "detailed_labels" in sentence] == [said[0]]
    assert said[1:] == ("Text cannot be trained on and is left out: where.",)
