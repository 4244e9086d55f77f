"""The text of cuts, and that the server reads what the page writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsieve.domain.cuts import Cut
from eventsieve.records import Column, Schema
from eventsieve.web.widgets.eda.conditions import OPERATORS, condition, conditions, joined, narrowed, quoted


@pytest.mark.parametrize(
    ("cut", "parts"),
    [
        ("", []),
        ("a > 1", ["a > 1"]),
        ("a > 1 and b < 2 && c == 3 & d != 4", ["a > 1", "b < 2", "c == 3", "d != 4"]),
        ("(a > 1 or b < 2) and c > 3", ["(a > 1 or b < 2)", "c > 3"]),
        ("a > 1 or b < 2 and c > 3", ["a > 1 or b < 2 and c > 3"]),
        ("`x and y` > 1 and Label == 's and b'", ["`x and y` > 1", "Label == 's and b'"]),
        ("band > 1 and android < 2", ["band > 1", "android < 2"]),
        ("a > 1 and", ["a > 1"]),
    ],
)
def test_parts_of_a_cut(cut: str, parts: list[str]) -> None:
    assert conditions(cut) == parts


def test_what_or_joins_keeps_together() -> None:
    assert joined([*conditions("a > 1 or b < 2"), "c > 3"]) == "(a > 1 or b < 2) and c > 3"
    assert joined(["a > 1 or b < 2"]) == "a > 1 or b < 2"
    assert joined([]) == ""


def test_a_range_gives_way_to_a_new_one_of_its_feature() -> None:
    cut = narrowed("jets >= 2", "mass", 99.123456, 150.0)
    assert cut == "jets >= 2 and 99.12 <= mass < 150"
    assert narrowed(cut, "mass", 110, 120) == "jets >= 2 and 110 <= mass < 120"
    assert narrowed(cut, "jets", -0.2, 1.7, whole=True) == f"{cut} and 0 <= jets < 2"
    assert narrowed("", "jet.pt", 0, 1e-7) == "0 <= `jet.pt` < 1e-07"
    assert narrowed("", "t", 1_000_000.0, 1_000_000.5) == "1000000 <= t < 1000000.5"


def test_names_that_need_backticks() -> None:
    assert [quoted(name) for name in ("mass", "jet.pt", "not", "2b", "η")] == ["mass", "`jet.pt`", "`not`", "`2b`", "η"]


NAMES = st.sampled_from(["mass", "jet.pt", "not", "x y"])
SCHEMA = Schema(name="made-up", columns=tuple(Column(name=name, dtype="float64") for name in NAMES.elements))


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(OPERATORS), st.floats(-1e6, 1e6)), max_size=3),
    NAMES,
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
)
def test_the_server_reads_what_the_page_writes(
    rows: list[tuple[str, str, float]], name: str, low: float, width: float
) -> None:
    cut = joined([condition(*row) for row in rows])
    if cut:
        Cut.parse(cut, SCHEMA)
    cut = Cut.parse(narrowed(cut, name, low, low + width), SCHEMA).text
    assert len(conditions(cut)) == len(rows) + 1
