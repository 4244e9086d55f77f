"""Ratios, targets and the page of the benchmarks."""

from dataclasses import replace

import pytest
from benchmarks import docs
from benchmarks.results import LIMIT, Machine, Measurement, SuiteResult

MACHINE = Machine(
    cores=2,
    cpu="AMD EPYC",
    memory_gb=25.3,
    system="Linux",
    python="3.11.7",
    versions={"numpy": "2.4.6"},
    date="2026-11-23T10:00:00+00:00",
    load=0.1,
)


def suite(*measurements, **changes):
    return replace(SuiteResult("predict", "Predicting", "How it was done.", measurements, {}, MACHINE), **changes)


def test_ratio_is_of_medians_and_above_1_where_ours_needs_less():
    measured = Measurement("request", "s", "less", (1.0, 9.0, 2.0), {"MLflow": (4.0, 6.0, 100.0)})
    assert measured.ratio("MLflow") == 3.0


def test_ratio_is_above_1_where_ours_reaches_more():
    measured = Measurement("answers", "1/s", "more", (600.0,), {"MLflow": (100.0,)})
    assert measured.ratio("MLflow") == 6.0


@pytest.mark.parametrize(("ours", "theirs"), [((), (1.0,)), ((1.0,), ()), ((0.0,), (1.0,))])
def test_no_ratio_without_values_or_of_nothing(ours, theirs):
    assert Measurement("request", "s", "less", ours, {"MLflow": theirs}).ratio("MLflow") is None


@pytest.mark.parametrize(
    ("better", "ours", "target", "met"),
    [("less", 1.5, 1.5, True), ("less", 1.6, 1.5, False), ("more", 0.7, 0.7, True), ("more", 0.6, 0.7, False)],
)
def test_limit_is_kept_by_ours_whatever_the_rivals_do(better, ours, target, met):
    measured = Measurement("start", "s", better, (ours,), {"MLflow": (0.1,)}, {LIMIT: target})
    assert measured.met(LIMIT) is met


def test_target_against_a_rival_that_is_missing_is_neither_reached_nor_missed():
    measured = Measurement("request", "s", "less", (1.0,), {"baseline": (4.0,)}, {"baseline": 4.0, "H2O": 6.0})
    assert measured.met("baseline") is True
    assert measured.met("H2O") is None


def test_table_has_a_row_for_each_rival_and_for_the_limit():
    measured = Measurement(
        "request",
        "s",
        "less",
        (1.0, 2.0, 1.5),
        {"baseline": (6.0,), "MLflow": (1.5,), "H2O": ()},
        {"baseline": 4.0, "MLflow": 2.0, "H2O": 6.0, LIMIT: 1.6},
    )
    rows = [line for line in docs.markdown(suite(measured)).splitlines() if line.startswith("|")][2:]
    assert rows == [
        "| request | 1.5 s (1 to 2) | baseline | 6 s | 4 | at least 4: reached |",
        "|  |  | MLflow | 1.5 s | 1 | at least 2: **missed** |",
        "|  |  | H2O | failed |  | at least 6: not measured |",
        "|  |  |  |  |  | at most 1.6 s: reached |",
    ]


def test_missing_rivals_and_tryouts_are_named():
    text = docs.markdown(suite(missing={"h2o": "it needs java"}, quick=True))
    assert "Not measured: **h2o**, because it needs java." in text
    assert "try-out" in text


def test_page_puts_results_into_their_places_and_says_what_has_none():
    other = suite(name="growing", title="Growing")
    text = docs.page("# Performance\n\n<!-- results: predict -->\n\n<!-- results: events -->\n", [suite(), other])
    assert text.index("## Predicting") < text.index("`events` has not been measured") < text.index("## Growing")
