from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import buckets, explore
from eventsieve.domain.exploration.buckets import Buckets, ranked
from eventsieve.domain.exploration.ordered import Ordered
from eventsieve.domain.exploration.statistics import kolmogorov_smirnov
from eventsieve.records import Column, Schema

SHARES = (0, 0.005, 0.25, 0.5, 0.75, 0.995, 1)


def make_values(case: str, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    match case:
        case "even":
            return rng.uniform(-1, 1, count)
        case "tails":
            return rng.standard_cauchy(count)
        case "rounded":
            return rng.normal(size=count).round(2)
        case "a spike":
            return np.where(rng.random(count) < 0.04, 0.25, rng.normal(size=count))
        case _:
            return rng.normal(1 if seed == 2 else 0, 1, count) * 1e-300


CASES = ["even", "tails", "rounded", "a spike", "tiny and shifted"]


@pytest.fixture(params=CASES)
def pair(request: pytest.FixtureRequest) -> tuple[Ordered, np.ndarray, Buckets]:
    ours, values = Ordered.of(make_values(request.param, 30_000, 1)), make_values(request.param, 60_000, 2)
    found = ranked(values, ours)
    assert isinstance(found, Buckets)
    return ours, np.sort(values), found


def test_places_are_those_in_the_sorted_values(pair: tuple[Ordered, np.ndarray, Buckets]) -> None:
    ours, expected, found = pair
    np.testing.assert_array_equal(found.quantiles(*SHARES), Ordered.of(expected).quantiles(*SHARES))
    points = np.sort(np.concatenate([ours.values[::100], expected[::100], [-1e308, 0.25, 1e308]]))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found.below(points), np.searchsorted(expected, points))
    assert found.mean == pytest.approx(expected.mean(), rel=1e-12, abs=1e-314)
    assert found.std == pytest.approx(expected.std(), rel=1e-12)


def test_the_distance_is_that_of_the_sorted_values(pair: tuple[Ordered, np.ndarray, Buckets]) -> None:
    ours, expected, found = pair
    assert found.distance(ours.values) == kolmogorov_smirnov(ours.values, expected)[0]
    assert found.distance(ours.values) == pytest.approx(stats.ks_2samp(ours.values, expected).statistic, abs=1e-12)
    assert found.distance(expected) == 0
    assert found.distance(expected[-1:] + abs(expected[-1])) == 1


@pytest.mark.parametrize(
    ("values", "other"),
    [
        (np.arange(buckets.WORTHWHILE - 1.0), np.arange(100.0)),
        (np.arange(60_000.0) % 3, np.arange(100.0) % 3),
        (np.arange(60_000.0), np.full(100, 7.0)),
        (np.arange(60_000.0), np.full(100, np.nan)),
        (np.arange(60_000.0) + 1e6, np.arange(100.0)),
        (np.arange(60_000.0), np.array([0.0, 5e-324])),
    ],
    ids=["few", "few different", "a constant", "nothing", "elsewhere", "too narrow"],
)
def test_where_buckets_are_of_no_use_values_are_sorted(values: np.ndarray, other: np.ndarray) -> None:
    found = ranked(values, Ordered.of(other))
    assert isinstance(found, Ordered)
    np.testing.assert_array_equal(found.values, np.sort(values))


def test_undefined_values_are_counted() -> None:
    rng = np.random.default_rng(5)
    values = np.where(rng.random(90_000) < 0.3, np.nan, rng.normal(size=90_000))
    found = ranked(values, Ordered.of(rng.normal(size=1000)))
    assert (len(found), found.undefined, found.events) == (
        len(values) - found.undefined,
        np.isnan(values).sum(),
        90_000,
    )


def test_an_exploration_is_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = Schema(name="five", columns=tuple(Column(name=case, dtype="float64") for case in CASES))

    def table(count: int, seed: int) -> Events:
        values = np.column_stack([make_values(case, count, seed) for case in CASES])
        return Events(schema, values, np.arange(count), None, None)

    first, second = table(3_000, 1), table(60_000, 2)
    found = explore(first, second)
    monkeypatch.setattr(buckets, "WORTHWHILE", 10**9)
    plain = explore(first, second)
    for ours, theirs in zip(found.features, plain.features, strict=True):
        assert ours.edges == theirs.edges
        assert ours.against is not None
        assert theirs.against is not None
        assert ours.against.histogram == theirs.against.histogram
        assert ours.against.statistics.median == theirs.against.statistics.median
    assert found.drift is not None
    assert plain.drift is not None
    for one, other in zip(found.drift.features, plain.drift.features, strict=True):
        assert (one.distance, one.p_value) == (other.distance, other.p_value)
