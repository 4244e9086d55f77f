"""Forms made of JSON Schemas: every hyperparameter of every type, with real schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from eventsieve.domain.estimators import CATALOGUE, json_schema, resolve
from eventsieve.domain.estimators.reading import read
from eventsieve.web.forms import inputs
from eventsieve.web.forms.draft import free_name
from eventsieve.web.forms.presets import DEFAULTS, PRESETS, STARTER, presets_of
from eventsieve.web.forms.schema import Field, fields_of, in_words

PARAMETERS = [
    (name, field)
    for name, estimator in CATALOGUE.items()
    for part in fields_of(json_schema(estimator))
    for field in part
]
every_parameter = pytest.mark.parametrize(
    ("type_name", "field"), PARAMETERS, ids=[f"{name}-{field.name}" for name, field in PARAMETERS]
)


def field(type_name: str, name: str) -> Field:
    return next(field for type_, field in PARAMETERS if (type_, field.name) == (type_name, name))


@pytest.fixture
def state(monkeypatch) -> dict[str, Any]:
    """A session's state, without a session."""
    entries: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", entries)
    return entries


# what a schema says


def test_important_parameters_come_first_and_none_is_lost():
    for name, estimator in CATALOGUE.items():
        important, others = fields_of(json_schema(estimator))
        assert [each.name for each in important] == list(estimator.important)
        assert {each.name for each in [*important, *others]} == {each.name for each in estimator.parameters}, name


@every_parameter
def test_no_value_is_typed_as_text(type_name, field):
    assert field.widget in ("toggle", "number", "choice", "kinds")
    assert field.option_of(field.default) is field.options[0]
    assert field.takes(field.default)
    assert field.help


@pytest.mark.parametrize(
    ("type_name", "name", "widget", "options"),
    [
        ("LogReg", "dual", "toggle", ["=false", "=true"]),
        ("LogReg", "max_iter", "number", ["integer"]),
        ("LogReg", "solver", "choice", [f'="{each}"' for each in CATALOGUE["LogReg"].parameters[-3].choices]),
        ("LogReg", "C", "kinds", ["number", '="inf"']),
        ("LogReg", "class_weight", "kinds", ["=null", "weights", '="balanced"']),
        ("RandomForest", "max_features", "kinds", ['="sqrt"', '="log2"', "integer", "number", "=null"]),
        ("RandomForest", "max_depth", "kinds", ["=null", "integer"]),
    ],
)
def test_a_parameter_gets_the_widget_of_its_type(type_name, name, widget, options):
    found = field(type_name, name)
    assert (found.widget, [option.id for option in found.options]) == (widget, options)


def test_bounds_that_are_excluded_are_excluded():
    (number, _) = field("LogReg", "C").options
    assert not number.takes(0.0)
    assert number.takes(1e-300)
    count, fraction = field("RandomForest", "min_samples_leaf").options
    assert (count.low, count.takes(0), count.takes(1)) == (1, False, True)
    assert (fraction.takes(1.0), fraction.takes(0.999)) == (False, True)
    assert field("GradientBoosting", "subsample").options[0].high == 1.0


def test_a_whole_number_is_a_count_where_there_are_counts_and_a_number_elsewhere():
    assert field("RandomForest", "max_samples").option_of(5).kind == "integer"
    assert field("RandomForest", "max_samples").option_of(1.0).kind == "number"
    assert field("LogReg", "C").option_of(10).kind == "number"


def test_what_is_for_older_programs_is_offered_only_where_it_is_the_default():
    criterion = field("GradientBoosting", "criterion")
    assert [option.hidden for option in criterion.options] == [True, False, True]
    assert criterion.default == "deprecated"


def test_names_of_classes_that_have_weights():
    important, _ = fields_of(json_schema(CATALOGUE["LogReg"], ("qcd", "tt", "W+jets")))
    weights = next(option for each in important for option in each.options if option.kind == "weights")
    assert weights.classes == ("qcd", "tt", "W+jets")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0001, "0.0001"),
        (1e-7, "1e-07"),
        (100, "100"),
        (None, "none"),
        (True, "yes"),
        ("inf", "∞"),
        ("deprecated", "automatic"),
        ({"s": 2.0, "b": 1.0}, "s: 2, b: 1"),
    ],
)
def test_values_in_words(value, words):
    assert in_words(value) == words


# what inputs hold


@every_parameter
def test_an_input_holds_every_kind_of_value_and_gives_it_back(state, type_name, field):
    values = [field.default]
    for option in field.options:
        match option.kind:
            case "value":
                values.append(option.value)
            case "weights":
                values.append({"b": 0.5, "s": 2.0})
            case _:
                values += [bound for bound in (option.low, option.high, option.clipped(3)) if bound is not None]
    for value in values:
        inputs.put("key", field, value)
        assert inputs.get("key", field) == value
        assert type(inputs.get("key", field)) is type(value)
        json.dumps(state)


@every_parameter
def test_what_an_input_holds_is_taken_by_the_server(state, type_name, field):
    for option in field.options:
        inputs.put("key", field, field.default)
        if field.widget == "toggle":
            state["key"] = option.value
        elif field.widget != "number":
            state["key"] = option.id
        parameter = next(each for each in CATALOGUE[type_name].parameters if each.name == field.name)
        assert read(parameter, inputs.get("key", field)) == inputs.get("key", field)


def test_a_value_that_is_not_taken_becomes_the_default(state):
    inputs.put("key", field("LogReg", "C"), "zzz")
    assert inputs.get("key", field("LogReg", "C")) == 1.0


def test_only_what_differs_is_sent(state):
    important, others = fields_of(json_schema(CATALOGUE["RandomForest"]))
    fields = [*important, *others]
    inputs.put_all("key", fields, {"n_estimators": 300, "max_features": 0.5, "bootstrap": True})
    assert inputs.changed("key", fields) == {"n_estimators": 300, "max_features": 0.5}


# presets


@pytest.mark.parametrize(("type_name", "preset"), [(name, preset) for name in PRESETS for preset in PRESETS[name]])
def test_presets_are_what_the_server_takes_and_change_what_they_say(state, type_name, preset):
    values = dict(PRESETS[type_name][preset])
    resolved = resolve(type_name, values)
    assert {name: resolved[name] for name in values} == values
    important, others = fields_of(json_schema(CATALOGUE[type_name]))
    inputs.put_all("key", [*important, *others], values)
    assert inputs.changed("key", [*important, *others]) == values


def test_every_type_has_presets_and_one_that_is_not_known_has_its_defaults():
    assert PRESETS.keys() == CATALOGUE.keys()
    assert presets_of("Perceptron") == {DEFAULTS: {}}
    assert set(STARTER) <= CATALOGUE.keys()


def test_free_names():
    assert free_name("SVM", {"LogReg"}) == "SVM"
    assert free_name("SVM", {"SVM", "SVM-2"}) == "SVM-3"
    assert free_name("SVM-2", {"SVM", "SVM-2"}) == "SVM-3"
    assert free_name("pt-40", {"pt-40"}) == "pt-40-2"


# how inputs are drawn


def drawn(type_name: str, values: dict[str, Any] | None = None, faults: dict[str, str] | None = None) -> AppTest:
    def script(type_name, values, faults):
        import streamlit as st

        from eventsieve.domain.estimators import CATALOGUE, json_schema
        from eventsieve.web.forms import inputs
        from eventsieve.web.forms.schema import fields_of

        important, others = fields_of(json_schema(CATALOGUE[type_name]))
        if "begun" not in st.session_state:
            inputs.put_all("key", [*important, *others], values)
            st.session_state["begun"] = True
        inputs.draw_all("key", [*important, *others], faults)
        st.session_state["sent"] = inputs.changed("key", [*important, *others])

    app = AppTest.from_function(script, kwargs={"type_name": type_name, "values": values or {}, "faults": faults or {}})
    app.run(timeout=30)
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("type_name", CATALOGUE)
def test_a_form_begins_with_the_defaults_and_sends_nothing(type_name):
    app = drawn(type_name)
    assert app.session_state["sent"] == {}
    assert not app.text_input
    assert not app.text_area


def test_what_is_entered_is_sent():
    app = drawn("RandomForest")
    app.selectbox(key="key:max_features").select("number").run()
    app.number_input(key="key:max_features:number").set_value(0.25).run()
    app.number_input(key="key:n_estimators:integer").set_value(7).run()
    app.toggle(key="key:oob_score").set_value(True).run()
    app.selectbox(key="key:class_weight").select("weights").run()
    app.number_input(key="key:class_weight:weight:s:number").set_value(3.0).run()
    assert app.session_state["sent"] == {
        "max_features": 0.25,
        "n_estimators": 7,
        "oob_score": True,
        "class_weight": {"b": 1.0, "s": 3.0},
    }
    app.selectbox(key="key:max_features").select('="sqrt"').run()
    assert "max_features" not in app.session_state["sent"]


def test_small_numbers_are_shown_whole():
    tolerance = drawn("LogReg").number_input(key="key:tol:number")
    assert (tolerance.value, tolerance.proto.format, tolerance.step) == (0.0001, "%g", pytest.approx(1e-5))


def test_a_number_that_is_emptied_is_the_default():
    app = drawn("RandomForest", {"n_estimators": 300})
    app.number_input(key="key:n_estimators:integer").set_value(None).run()
    assert app.session_state["sent"] == {}
    assert app.number_input(key="key:n_estimators:integer").proto.placeholder == "100"


def test_the_default_and_the_meaning_stand_in_the_help():
    help_ = drawn("RandomForest", {"n_estimators": 5}).number_input(key="key:n_estimators:integer").help
    assert "number of trees" in help_
    assert "100" in help_


def test_a_fault_stands_below_its_field():
    app = drawn("LogReg", {"l1_ratio": 0.5}, {"l1_ratio": "An elastic-net penalty needs solver='saga'."})
    (told,) = [each.value for each in app.markdown if "elastic" in each.value]
    assert told.startswith(":red[")


def test_a_value_for_older_programs_is_kept_where_an_earlier_job_had_it():
    app = drawn("GradientBoosting", {"criterion": "friedman_mse"})
    assert app.session_state["sent"] == {"criterion": "friedman_mse"}
    assert not app.exception
