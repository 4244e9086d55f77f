from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsieve.domain.events import Events, check, needed
from eventsieve.domain.values import _NUMBER
from eventsieve.errors import BadTable
from eventsieve.records import Column, Schema

SCHEMA = Schema(
    name="toy",
    undefined=-999.0,
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="x", dtype="float64"),
        Column(name="n", dtype="int64"),
        Column(name="note", dtype="object", role="spectator"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="label", dtype="object", role="label"),
    ),
)
UNSET = "empty, NaN or infinite (write -999 where it is not defined)"
GOOD: dict[str, Any] = {"id": [1, 2, 3], "x": [0.5, -999.0, 2.0], "n": [0, 1, -999], "w": [1.0, -2.0, 0.0]}
LABELLED = GOOD | {"label": ["s", "b", "b"]}


def table(**changes: Any) -> pa.Table:
    """The good labelled table, some columns changed; ``None`` leaves one out."""
    columns = LABELLED | changes
    return pa.table({name: values for name, values in columns.items() if values is not None})


def faults(data: pa.Table, schema: Schema = SCHEMA, **options: Any) -> tuple[str, ...]:
    with pytest.raises(BadTable) as refused:
        check(data, schema, **({"labels": "both classes"} | options))
    return refused.value.faults


def test_a_good_table() -> None:
    events = check(table(), SCHEMA, labels="both classes")
    np.testing.assert_array_equal(events.features, [[0.5, 0.0], [np.nan, 1.0], [2.0, np.nan]])
    assert events.features.flags.c_contiguous
    assert events.features.dtype == np.float64
    np.testing.assert_array_equal(events.index, [1, 2, 3])
    assert events.index.dtype == np.int64
    assert events.weight is not None
    np.testing.assert_array_equal(events.weight, [1.0, -2.0, 0.0])
    assert events.label is not None
    assert events.label.tolist() == [True, False, False]
    assert (len(events), events.signal_count, events.remarks) == (3, 1, ())


def test_columns_come_in_any_order_and_as_text_that_spells_numbers() -> None:
    text = {
        "label": ["s ", " b", "b"],
        "w": ["1", " -2e0 ", "+.0"],
        "n": ["0.0", "1", "-999.0"],
        "x": [" .5", "-999", "2."],
        "id": ["1", "2.0", " +3"],
    }
    events, expected = (check(data, SCHEMA, labels="both classes") for data in (pa.table(text), table()))
    np.testing.assert_array_equal(events.features, expected.features)
    np.testing.assert_array_equal(events.index, expected.index)
    np.testing.assert_array_equal(events.weight, expected.weight)
    np.testing.assert_array_equal(events.label, expected.label)


@pytest.mark.parametrize(
    "kind", [pa.float32(), pa.int8(), pa.uint16(), pa.decimal128(10, 2), pa.string(), pa.large_string(), pa.binary()]
)
def test_numbers_may_be_stored_in_many_ways(kind: pa.DataType) -> None:
    column = pa.array([1, 2, 3]).cast(pa.string()).cast(kind)
    events = check(table(id=column, x=column, n=column, w=column), SCHEMA, labels="both classes")
    np.testing.assert_array_equal(events.features, [[1, 1], [2, 2], [3, 3]])
    assert events.index.tolist() == [1, 2, 3]


def test_values_by_reference_into_a_dictionary_are_read() -> None:
    data = table(label=pa.array(["s", "b", "b"]).dictionary_encode(), x=pa.array(["1", "2", "2"]).dictionary_encode())
    events = check(data, SCHEMA, labels="both classes")
    assert events.features[:, 0].tolist() == [1, 2, 2]
    assert events.signal_count == 1


@pytest.mark.parametrize("as_text", [False, True])
def test_event_numbers_are_exact_in_all_of_int64(as_text: bool) -> None:  # noqa: FBT001
    numbers = [2**53 + 1, 2**63 - 1, -(2**63)]
    events = check(table(id=[str(n) for n in numbers] if as_text else numbers), SCHEMA, labels="both classes")
    assert events.index.tolist() == numbers


@pytest.mark.parametrize(
    ("ids", "fault"),
    [
        ([1.0, 2.0**53 + 2, 3.0], "Column id: the value in row 2, 9007199254740994.0, is too large to be exact."),
        (["1", "2", "9223372036854775808"], "Column id: the value in row 3, '9223372036854775808', is too large"),
        (["1", "2.5", "x"], "Column id: the value in row 3, 'x', is not a number."),
        (["1", "2.5", "x"], "Column id: the value in row 2, '2.5', is not whole."),
        (["1", "", "1e3"], "Column id: the value in row 2, '', is empty, NaN or infinite."),
        ([1, None, 3], "Column id: the value in row 2, None, is empty, NaN or infinite."),
        (pa.array([1, 2, 2**64 - 1], pa.uint64()), "is too large to be exact"),
        ([7, 8, 7], "Column id: 1 event number is used more than once; the first is 7 in row 1, row 3."),
        (
            ["7", "7.0", "7e0"],
            "Column id: 1 event number is used more than once; the first is 7 in row 1, row 2, row 3.",
        ),
    ],
)
def test_bad_event_numbers(ids: Any, fault: str) -> None:
    assert fault in " ".join(faults(table(id=ids)))


def test_duplicates_are_counted_and_the_first_is_shown_with_its_rows() -> None:
    ids = np.concatenate([np.arange(100, 0, -1), [90, 5, 90, 90, 90]])
    data = pa.table({"id": ids, "x": ids, "n": ids})
    (fault,) = faults(data, labels="ignored", line_of=lambda row: row + 1)
    assert fault == (
        "Column id: 2 event numbers are used more than once; the first is 90 in "
        "row 11 (line 12), row 101 (line 102), row 103 (line 104) and 2 more."
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"x": ["1", "two", "0,5"]}, "Column x: 2 values are not a number; the first is 'two' in row 2 (line 3)."),
        ({"x": [1.0, math.nan, math.inf]},
         f"Column x: 2 values are {UNSET}; the first is nan in row 2 (line 3)."),
        ({"x": ["1", "-inf", "2"]},
         f"Column x: the value in row 2 (line 3), '-inf', is {UNSET}."),
        ({"n": [0, 1.5, 2]}, "Column n: the value in row 2 (line 3), 1.5, is not whole."),
        ({"w": ["", "1", "NaN"]}, "Column w: 2 values are empty, NaN or infinite; the first is '' in row 1 (line 2)."),
        ({"x": [True, False, True]}, "Column x holds values of type bool, not numbers."),
        ({"x": [[1], [2], [3]]}, "Column x holds values of type list<item: int64>, not numbers."),
        ({"x": [b"\xff", b"1", b"2"]}, "Column x holds bytes that are not UTF-8 text."),
        ({"x": ["1", "y" * 99, "2"]}, f"Column x: the value in row 2 (line 3), '{'y' * 36}..., is not a number."),
        ({"label": ["s", "x", "b"]},
         "Column label: 1 label is neither signal ('s') nor background ('b'); the first is 'x' in row 2 (line 3)."),
        ({"label": ["s", None, " "]},
         "Column label: 2 labels are neither signal ('s') nor background ('b'); the first is empty in row 2 (line 3)."),
        ({"label": ["s", "s", "s"]}, "Column label: all events are signal; training needs background ('b') as well."),
        ({"label": ["b", "b", "b"]}, "Column label: all events are background; training needs signal ('s') as well."),
        ({"label": [[1], [2], [3]]}, "Column label holds values of type list<item: int64>, not labels."),
        ({"x": None}, "Column x is missing."),
        ({"id": None}, "Column id is missing."),
        ({"label": None}, "Column label is missing."),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(changes: dict[str, Any], fault: str) -> None:
    assert faults(table(**changes), line_of=lambda row: row + 1) == (fault,)


def test_all_faults_are_named_at_once() -> None:
    found = faults(table(id=[1, 1, 2], x=None, n=["a", "", "2"], label=["q", "s", "b"], w=[math.nan, 1, 1]))
    assert [fault.split(":")[0] for fault in found] == [
        "Column x is missing.", "Column id", "Column n", "Column n", "Column w", "Column label",
    ]  # fmt: skip


def test_a_table_of_something_else_is_called_that_and_every_missing_column_is_named() -> None:
    first, second = faults(pa.table({"a": [1], "b": [2]}))
    assert first == "The table does not look like toy: it has 0 of the 4 columns that are needed."
    assert second == ("4 columns are missing: id, x, n, label. The table has columns that are not in the schema: a, b.")


def test_a_table_without_header_is_called_that() -> None:
    assert "first line holds numbers" in faults(pa.table({"1": [1], "0.5": [2]}))[1]


def test_a_column_that_appears_twice() -> None:
    data = pa.table([*table().columns, pa.array([1, 2, 3])], names=[*table().column_names, "x"])
    assert faults(data) == ("Column x appears 2 times.",)


def test_a_header_says_more_than_the_columns_that_were_read() -> None:
    header = [*table().column_names, "x", "", ""]
    assert faults(table(), header=header) == ("Column x appears 2 times.",)


@pytest.mark.parametrize("labels", ["ignored", "optional", "required", "both classes"])
def test_no_rows(labels: str) -> None:
    assert faults(table().slice(0, 0), labels=labels) == ("The table has a header but no events.",)


def test_predicting_ignores_label_and_weight_whatever_they_hold() -> None:
    events = check(table(label=[[1], [], []], w=["rubbish", "", None]), SCHEMA, labels="ignored")
    assert (events.label, events.weight, events.remarks) == (None, None, ())
    assert len(check(table(label=None, w=None), SCHEMA, labels="ignored")) == 3
    assert [column.name for column in needed(SCHEMA, labels="ignored")] == ["id", "x", "n"]


def test_exploring_takes_labels_where_they_are() -> None:
    assert check(table(label=None), SCHEMA, labels="optional").label is None
    events = check(table(label=["b", "b", "b"]), SCHEMA, labels="optional")
    assert events.label is not None
    assert events.signal_count == 0
    assert "neither signal" in faults(table(label=["b", "b", "?"]), labels="optional")[0]


def test_comparing_needs_labels_but_not_both_classes() -> None:
    assert check(table(label=["b", "b", "b"]), SCHEMA, labels="required").signal_count == 0
    assert faults(table(label=None), labels="required") == ("Column label is missing.",)


def test_what_is_no_fault_is_remarked() -> None:
    events = check(table(w=None, note=[1, 2, 3], extra=[1, 2, 3]), SCHEMA, labels="both classes")
    assert events.weight is None
    assert events.remarks == (
        "Columns that toy does not have were ignored: extra.",
        "There is no column w: every event counts the same.",
    )


@pytest.mark.parametrize(
    "labels", [["1", "0", "0"], ["1.0", "0.0", "0.0"], [1, 0, 0], [1.0, 0.0, 0.0], [True, False, False]]
)
@pytest.mark.parametrize("setting", ["1", "1.0", " 1"])
def test_labels_that_are_numbers(labels: list[Any], setting: str) -> None:
    schema = SCHEMA.adapted(signal=setting)
    events = check(table(label=labels), schema, labels="both classes")
    assert events.label is not None
    assert events.label.tolist() == [True, False, False]


def test_any_label_is_background_where_no_background_is_named() -> None:
    schema = SCHEMA.adapted(signal="htautau")
    events = check(table(label=["htautau", "ztautau", "ttbar"]), schema, labels="both classes")
    assert events.signal_count == 1
    assert "first is empty in row 3" in faults(table(label=["htautau", "ztautau", ""]), schema)[0]


@pytest.mark.parametrize("undefined", [None, math.nan, -25.0])
def test_the_undefined_value_is_the_schemas(undefined: float | None) -> None:
    schema = Schema.model_validate(SCHEMA.model_dump() | {"undefined": undefined})
    events = check(table(x=[-25.0, -999.0, 1.0]), schema, labels="both classes")
    expected = [math.nan if undefined == -25.0 else -25.0, -999.0, 1.0]
    np.testing.assert_array_equal(events.features[:, 0], expected)


def test_nan_is_right_where_the_schema_says_so_and_infinity_is_not() -> None:
    schema = Schema.model_validate(SCHEMA.model_dump() | {"undefined": math.nan})
    events = check(table(x=[None, math.nan, 1.0]), schema, labels="both classes")
    np.testing.assert_array_equal(events.features[:, 0], [math.nan, math.nan, 1.0])
    assert faults(table(x=[math.nan, math.inf, 1.0]), schema) == ("Column x: the value in row 2, inf, is infinite.",)


def test_a_signalling_nan_is_a_nan_like_any_other() -> None:
    signalling = np.array([0x7FF0000000000001, 0, 0], np.uint64).view(np.float64)
    assert "Column n: the value in row 1, nan, is empty" in faults(table(n=signalling))[0]


def test_taking_some_of_the_events() -> None:
    events = check(table(), SCHEMA, labels="both classes")
    for rows in (np.array([2, 0]), np.array([True, False, True])):
        part = events.take(rows)
        assert isinstance(part, Events)
        assert part.features.flags.c_contiguous
        np.testing.assert_array_equal(part.features, events.features[rows])
        np.testing.assert_array_equal(part.index, events.index[rows])
        assert part.weight is not None
        assert part.label is not None
        np.testing.assert_array_equal(part.weight, np.array(GOOD["w"])[rows])
        np.testing.assert_array_equal(part.label, np.array([True, False, False])[rows])
    assert check(table(), SCHEMA, labels="ignored").take(np.array([1])).weight is None


@given(st.text(alphabet="0123456789.+-eEinftyINFTYa ", max_size=12))
def test_what_is_taken_for_a_number_is_what_python_takes_for_one(text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        number = None
    matched = pc.match_substring_regex(pa.array([text.strip()]), _NUMBER)[0].as_py()
    assert matched == (number is not None and not math.isnan(number))
    values = [text, "1", "?"]  # the last one forces the slow way
    problems = " ".join(faults(table(x=values), labels="ignored"))
    blank = text.strip().lower() in ("", "na")
    finite = number is not None and math.isfinite(number)
    assert ("2 values are not a number" in problems) == (number is None and not blank)
    if finite:
        events = check(table(x=[text, "1", "2"]), SCHEMA, labels="ignored")
        np.testing.assert_array_equal(events.features[0, 0], math.nan if number == -999 else number)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3, unique=True))
def test_event_numbers_survive_the_way_through_text(ids: list[int]) -> None:
    events = check(table(id=[f"{number}.00" for number in ids]), SCHEMA, labels="ignored")
    assert events.index.tolist() == ids
