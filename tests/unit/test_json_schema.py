"""The JSON Schema of each type against the reader of hyperparameters: both take the same values."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsieve.domain.estimators import CATALOGUE, json_schema, resolve
from eventsieve.errors import BadHyperparameters

every_type = pytest.mark.parametrize("name", CATALOGUE)

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    0.0,
    0.5,
    1.0,
    1.5,
    -0.5,
    1e-9,
    100,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    "inf",
    "sqrt",
    "log2",
    "balanced",
    "balanced_subsample",
    "lbfgs",
    "rbf",
    "precomputed",
    "deprecated",
    "friedman_mse",
    "zero",
    "zzz",
    [],
    [1],
    {},
    {"s": 1.0},
    {"s": 1.0, "b": 2.0},
    {"s": 0},
    {"s": -1.0, "b": 1.0},
    {"x": 1.0},
]


def takes(name: str, parameter: str, value: Any) -> bool:
    """Whether the reader takes the value, rules about several parameters aside."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as JSON from a language without whole numbers has it
    try:
        resolve(name, {parameter: value})
    except BadHyperparameters as refused:
        return "needs" in refused.faults.get(parameter, "needs")
    return True


@every_type
@pytest.mark.parametrize("classes", [("b", "s"), ("a", "b", "c")])
def test_it_is_a_schema_and_its_defaults_are_valid(name: str, classes: tuple[str, ...]) -> None:
    schema = json_schema(CATALOGUE[name], classes)
    jsonschema.Draft202012Validator.check_schema(schema)
    json.dumps(schema, allow_nan=False)
    defaults = {key: value["default"] for key, value in schema["properties"].items()}
    assert defaults == resolve(name, {}, classes)
    jsonschema.validate(defaults, schema)
    assert schema["title"] == CATALOGUE[name].title
    assert all(value["description"] for value in schema["properties"].values())


@every_type
def test_it_takes_what_the_reader_takes(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(CATALOGUE[name]))
    for parameter in CATALOGUE[name].parameters:
        for value in VALUES:
            expected = takes(name, parameter.name, value)
            assert validator.is_valid({parameter.name: value}) == expected, (parameter.name, value)
    assert not validator.is_valid({"no_such_parameter": 1})
    assert not validator.is_valid({"n_jobs": 1})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([(name, parameter.name) for name in CATALOGUE for parameter in CATALOGUE[name].parameters]),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_it_takes_the_numbers_that_the_reader_takes(parameter: tuple[str, str], value: Any) -> None:
    name, key = parameter
    schema = json_schema(CATALOGUE[name])
    assert jsonschema.Draft202012Validator(schema).is_valid({key: value}) == takes(name, key, value)


@every_type
def test_what_the_reader_gives_back_is_valid(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(CATALOGUE[name]))
    for parameter in CATALOGUE[name].parameters:
        for value in [*parameter.choices, *parameter.hidden, "inf", math.inf, "0,5", "3", "", "None", '{"s": 2}']:
            if takes(name, parameter.name, value):
                try:
                    values = resolve(name, {parameter.name: value})
                except BadHyperparameters:
                    continue  # a rule
                assert validator.is_valid(values), (parameter.name, value)


def test_rules_are_said_in_sentences() -> None:
    two, three = (json_schema(CATALOGUE["LogReg"], classes)["x-rules"] for classes in (("b", "s"), ("a", "b", "c")))
    assert {"parameters": ["dual", "solver"], "rule": "dual=true needs solver='liblinear'."} in two
    assert len(three) == len(two) + 1
    assert "needs two classes" in three[-1]["rule"]


def test_weights_are_those_of_the_classes() -> None:
    schema = json_schema(CATALOGUE["SVM"], ("ttbar", "qcd", "higgs"))
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"class_weight": {"higgs": 3, "qcd": 0.5}})
    assert not validator.is_valid({"class_weight": {"s": 3}})
    assert not validator.is_valid({"class_weight": {"higgs": 0}})


@every_type
def test_the_important_parameters_are_parameters_each_once(name):
    schema = json_schema(CATALOGUE[name])
    important = schema["x-important"]
    assert important
    assert len(important) == len(set(important))
    assert set(important) <= schema["properties"].keys()
