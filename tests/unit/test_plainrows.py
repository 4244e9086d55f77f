"""Plain rows: what they read is what the whole way reads, and what they do not read is left to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsieve.domain.plainrows import PlainRows
from eventsieve.domain.predictions import check_parts
from eventsieve.domain.rows import table_of
from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Column, Schema

SCHEMA = Schema(
    name="toy",
    undefined=-999.0,
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="x", dtype="float64"),
        Column(name="n", dtype="int64"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="label", dtype="object", role="label"),
    ),
)
GAPS = SCHEMA.model_copy(update={"undefined": None, "gaps": True})
STRICT = SCHEMA.model_copy(update={"undefined": None})
HALVES = SCHEMA.model_copy(update={"undefined": -0.5})
SINGLE = Schema(name="single", columns=(Column(name="x", dtype="float64"),))
SCHEMAS = [SCHEMA, GAPS, STRICT, HALVES]

PLAIN: list[Any] = [{"x": 1.5, "n": 2}, {"x": -999, "n": -999.0}, {"x": 0, "n": 1e300}]
NOT_PLAIN: list[Any] = [
    {"x": 1.5},
    {"x": 1.5, "n": 2, "w": 1.0},
    {"x": 1.5, "n": 2, "other": None},
    {"x": True, "n": 2},
    {"x": "1.5", "n": 2},
    {"x": [1.5], "n": 2},
    {"x": {}, "n": 2},
    {"x": 10**400, "n": 2},
    {"x": 1.5, "n": 2.5},
    {"x": float("inf"), "n": 2},
    {"x": 1.5, "n": 2, "id": None},
    {"x": 1.5, "n": 2, "id": 1.0},
    {"x": 1.5, "n": 2, "id": True},
    {"x": 1.5, "n": 2, "id": 2**63},
    {"x": 1.5, "n": 2, "id": -(2**63) - 1},
    {},
]


def whole_way(rows: list[Any], schema: Schema) -> Any:
    table = table_of(rows, schema)
    (part,) = check_parts(table.to_batches(), schema, table.column_names)
    return part


def same(rows: list[Any], schema: Schema) -> bool:
    """Whether the rows were read, and then as the whole way reads them."""
    part = PlainRows(schema).read(rows)
    if part is None:
        return False
    expected = whole_way(rows, schema)
    for name in ("rows", "features", "index"):
        ours, theirs = getattr(part, name), getattr(expected, name)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert part.features.flags.c_contiguous
    assert (part.index is part.rows) == (expected.index is expected.rows)
    return True


@pytest.mark.parametrize("schema", SCHEMAS)
def test_plain_rows_are_read(schema: Schema) -> None:
    assert same(PLAIN, schema)
    assert same([{**row, "id": 2**63 - 1 - place} for place, row in enumerate(PLAIN)], schema)


def test_events_may_have_the_same_number_as_they_may_in_a_file() -> None:
    assert same([{"x": 1.0, "n": 1, "id": 7}, {"x": 2.0, "n": 1, "id": 7}], SCHEMA)


def test_a_single_feature_and_no_index() -> None:
    assert same([{"x": 1.0}, {"x": 2}], SINGLE)


def test_null_is_plain_where_something_may_be_undefined() -> None:
    rows = [{"x": None, "n": None}]
    assert same(rows, SCHEMA)
    assert same(rows, GAPS)
    assert not same(rows, STRICT)


@pytest.mark.parametrize("row", NOT_PLAIN)
@pytest.mark.parametrize("before", [[], PLAIN])
def test_everything_else_is_left_alone(row: Any, before: list[Any]) -> None:
    assert PlainRows(SCHEMA).read([*before, row]) is None


def test_numbers_in_some_rows_only_are_left_alone() -> None:
    rows = [{"x": 1.0, "n": 1, "id": 7}, {"x": 2.0, "n": 1}]
    assert PlainRows(SCHEMA).read(rows) is None
    assert PlainRows(SCHEMA).read(rows[::-1]) is None


VALUES = st.one_of(
    st.floats(allow_nan=False),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from([-999, -999.0, -0.5, 2**63, -(2**63), 1e308, 2.0**53 + 2, 0.0, -0.0]),
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["x", "n", "id", "w", "y"]), VALUES, min_size=1), min_size=1, max_size=4
)


@given(ROWS, st.sampled_from(SCHEMAS))
def test_no_rows_are_read_that_the_whole_way_refuses_or_reads_otherwise(rows: list[Any], schema: Schema) -> None:
    same(rows, schema)


NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70))
WHOLE = st.integers(-(2**70), 2**70)


@given(st.lists(st.fixed_dictionaries({"x": NUMBERS, "n": WHOLE}), min_size=1, max_size=4), st.sampled_from(SCHEMAS))
def test_all_ordinary_rows_are_read(rows: list[Any], schema: Schema) -> None:
    assert same(rows, schema)


def test_the_whole_way_refuses_what_is_no_event() -> None:
    for row in ({"x": 1.5}, {"x": 1.5, "n": 2.5}):
        with pytest.raises((BadRequest, BadTable)):
            whole_way([row], SCHEMA)
