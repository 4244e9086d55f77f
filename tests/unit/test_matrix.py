"""The matrix that is filled in one pass is that of the columns read one by one, and is not made of a faulty table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eventsieve.domain import events, matrix
from eventsieve.domain.events import check
from eventsieve.domain.matrix import plain_matrix
from eventsieve.errors import BadTable
from eventsieve.records import Column, Schema

EVENTS = 5000


def schema_of(**fields: Any) -> Schema:
    columns = (
        Column(name="id", dtype="int64", role="index"),
        Column(name="a", dtype="float64", role="feature"),
        Column(name="n", dtype="int64", role="feature"),
        Column(name="b", dtype="float64", role="feature"),
    )
    return Schema(name="three", columns=columns, **fields)


def table_of(**columns: Any) -> pa.Table:
    rng = np.random.default_rng(3)
    plain = {
        "b": np.where(rng.random(EVENTS) < 0.2, -999.0, rng.normal(size=EVENTS)),
        "id": np.arange(EVENTS),
        "n": np.where(rng.random(EVENTS) < 0.2, -999, rng.integers(0, 4, EVENTS)),
        "a": rng.normal(size=EVENTS) * 1e300,
    }
    return pa.table(plain | columns)


def slowly(table: pa.Table, schema: Schema, monkeypatch: pytest.MonkeyPatch) -> events.Events:
    with monkeypatch.context() as patched:
        patched.setattr(events, "plain_matrix", lambda *_: None)
        return check(table, schema, labels="ignored")


@pytest.mark.parametrize(
    "cut", [lambda t: t, lambda t: pa.concat_tables([t.slice(0, 1), t.slice(1, 3000), t.slice(9)])]
)
@pytest.mark.parametrize("fields", [{"undefined": -999.0}, {}, {"undefined": -999.0, "gaps": True}])
def test_a_good_table_gives_the_same_as_column_by_column(
    cut: Callable[[pa.Table], pa.Table], fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = schema_of(**fields)
    table = cut(table_of())
    table = table.set_column(table.column_names.index("id"), "id", pa.array(np.arange(table.num_rows)))
    found = plain_matrix(table, schema)
    assert found is not None
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, slowly(table, schema, monkeypatch).features)


def test_gaps_are_kept_where_the_schema_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(a=np.where(np.arange(EVENTS) % 7 == 0, np.nan, 1.5))
    schema = schema_of(undefined=-999.0, gaps=True)
    found = plain_matrix(table, schema)
    assert found is not None
    np.testing.assert_array_equal(found, slowly(table, schema, monkeypatch).features)
    assert plain_matrix(table, schema_of(undefined=-999.0)) is None


@pytest.mark.parametrize("place", [0, matrix._ROWS - 1, matrix._ROWS, EVENTS - 1])
@pytest.mark.parametrize(("name", "value"), [("a", np.inf), ("a", np.nan), ("b", -np.inf), ("n", 0.5)])
def test_a_fault_anywhere_is_left_to_who_names_it(name: str, value: float, place: int) -> None:
    values = table_of()[name].to_numpy().astype(float)
    values[place] = value
    table = table_of(**{name: values})
    schema = schema_of(undefined=-999.0)
    assert plain_matrix(table, schema) is None
    with pytest.raises(BadTable, match=rf"Column {name}: the value in row {place + 1},"):
        check(table, schema, labels="ignored")


@pytest.mark.parametrize(
    "column",
    [pa.array([None] + [1.0] * (EVENTS - 1)), pa.array(["1"] * EVENTS), pa.array(np.ones(EVENTS, np.float32))],
    ids=["null", "text", "float32"],
)
def test_other_columns_than_plain_numbers_are_left_to_the_slow_way(column: pa.Array) -> None:
    assert plain_matrix(table_of(a=column), schema_of(undefined=-999.0)) is None
