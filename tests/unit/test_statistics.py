from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from eventsieve.domain.exploration.statistics import (
    chance_of_distance,
    coefficients,
    kolmogorov_smirnov,
    pair_sums,
    roc_auc,
    sorted_quantiles,
)
from eventsieve.domain.fingerprints import fingerprints


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_sorted_quantiles_are_numpys(rng: np.random.Generator, count: int) -> None:
    values = np.sort(rng.normal(size=count))
    shares = (0, 0.005, 0.25, 0.5, 0.75, 1)
    np.testing.assert_allclose(sorted_quantiles(values, *shares), np.quantile(values, shares), rtol=1e-12)


def test_quantiles_of_nothing_are_nan() -> None:
    assert np.isnan(sorted_quantiles(np.array([]), 0.1, 0.9)).all()


def test_fingerprints_tell_rows_apart_as_numpy_does(rng: np.random.Generator) -> None:
    rows = rng.integers(0, 3, size=(3000, 6)).astype(float)
    rows[rows == 2] = np.nan
    keys = np.where(np.isnan(rows), -1.0, rows)
    _, groups = np.unique(keys, axis=0, return_inverse=True)
    _, found = np.unique(fingerprints(rows), return_inverse=True)
    assert len(set(zip(groups.ravel().tolist(), found.tolist(), strict=True))) == groups.max() + 1 == found.max() + 1


def test_fingerprints_see_the_order_of_columns_and_not_the_sign_of_zero_or_the_kind_of_nan() -> None:
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    prints = fingerprints(np.array([[0.0, 1.0, np.nan], [-0.0, 1.0, other_nan], [1.0, 0.0, np.nan]]))
    assert prints[0] == prints[1] != prints[2]


def test_fingerprints_are_those_of_each_row_whatever_the_layout_and_the_other_rows(rng: np.random.Generator) -> None:
    rows = np.where(rng.random((40_000, 3)) < 0.1, np.nan, rng.normal(size=(40_000, 3)))
    prints = fingerprints(rows)
    np.testing.assert_array_equal(prints, fingerprints(np.asfortranarray(rows)))
    np.testing.assert_array_equal(prints[20_000:], fingerprints(rows[20_000:]))
    # Models are trained on parts that were chosen by these: they must stay the same.
    expected = [0x3B3621D791B51DCE, 0xC703AC2F2A0A1467]
    assert [int(each) for each in fingerprints(np.array([[1.0, np.nan], [-0.0, 2.5]]))] == expected


@pytest.mark.parametrize("decimals", [12, 0])
def test_roc_auc_is_scikit_learns(rng: np.random.Generator, decimals: int) -> None:
    signal = rng.random(500) < 0.3
    values = rng.normal(size=500) + signal
    values = values.round(decimals)
    weight = rng.exponential(size=500)
    order = np.argsort(values)
    expected = roc_auc_score(signal, values, sample_weight=weight)
    assert roc_auc(values[order], signal[order], weight[order]) == pytest.approx(expected, rel=1e-12)


def test_roc_auc_of_one_class_is_nan() -> None:
    assert np.isnan(roc_auc(np.array([1.0, 2.0]), np.array([True, True]), np.ones(2)))
    assert np.isnan(roc_auc(np.array([]), np.array([], dtype=bool), np.array([])))


@pytest.mark.parametrize("decimals", [6, 1])
@pytest.mark.parametrize(("n", "m"), [(700, 1300), (9_000, 4_000), (60, 80), (1, 50), (40, 1)])
def test_kolmogorov_smirnov_is_scipys(rng: np.random.Generator, n: int, m: int, decimals: int) -> None:
    first, second = np.sort(rng.normal(size=n).round(decimals)), np.sort(rng.normal(0.1, 1, size=m).round(decimals))
    distance, p_value = kolmogorov_smirnov(first, second)
    expected = stats.ks_2samp(first, second, method="exact" if max(n, m) <= 1000 else "asymp")
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    assert p_value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("case", ["alike", "apart", "few values", "shares", "a jump", "equal"])
@pytest.mark.parametrize("sizes", [(5000, 3000), (64, 6000), (1025, 1), (4096, 4096)])
def test_the_distance_is_that_of_all_values(rng: np.random.Generator, case: str, sizes: tuple[int, int]) -> None:
    first, second = (rng.normal(size=size) for size in sizes)
    if case == "apart":
        second = second + 3
    elif case == "few values":
        first, second = (np.floor(np.abs(part)) for part in (first, second))
    elif case == "shares":
        second = np.where(rng.random(len(second)) < 0.9, 1e6, second)
    elif case == "a jump":
        first[: len(first) // 3] = second[: len(second) // 2] = 0.25
    elif case == "equal":
        second = np.resize(first, len(second))
    first, second = np.sort(first), np.sort(second)
    n, m = sizes
    above = np.arange(1, n + 1) / n - np.searchsorted(second, first, "right") / m
    below = np.arange(1, m + 1) / m - np.searchsorted(first, second, "right") / n
    assert kolmogorov_smirnov(first, second)[0] == max(above.max(), below.max(), 0.0)


def test_kolmogorov_smirnov_of_equal_and_of_disjoint_samples() -> None:
    values = np.arange(10.0)
    assert kolmogorov_smirnov(values, values) == (0.0, 1.0)
    assert kolmogorov_smirnov(values, values + 100)[0] == 1.0
    assert np.isnan(kolmogorov_smirnov(values, np.array([]))).all()


def test_coefficients_are_numpys_over_the_rows_where_both_are_defined(rng: np.random.Generator) -> None:
    values = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4)) + 1e4
    values[rng.random(values.shape) < 0.3] = np.nan
    found = coefficients(pair_sums(values, np.nanmedian(values, axis=0)))
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(values[:, [i, j]]).any(axis=1)
            expected = np.corrcoef(values[both, i], values[both, j])[0, 1]
            assert found[i, j] == pytest.approx(expected, abs=1e-9)


def test_coefficients_of_what_does_not_vary_are_nan() -> None:
    values = np.array([[0.1, 1.0, 1.0], [0.1, 2.0, np.nan], [0.1, 4.0, np.nan]])
    found = coefficients(pair_sums(values, np.nanmedian(values, axis=0)))
    assert np.isnan(found[0]).all()
    assert np.isnan(found[2]).all()
    assert found[1, 1] == pytest.approx(1.0)


def test_pair_sums_of_parts_add_up_across_blocks(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventsieve.domain.exploration.statistics._PRODUCTS", 63)
    monkeypatch.setattr("eventsieve.domain.exploration.statistics._FEWEST", 7)
    values, member = rng.normal(size=(50, 3)), rng.random(50) < 0.5
    centre = np.zeros(3)
    parts = pair_sums(values, centre, member) + pair_sums(values, centre, ~member)
    np.testing.assert_allclose(parts, pair_sums(values, centre))
    np.testing.assert_allclose(parts[3], values.T @ values)


@pytest.mark.parametrize("size", [10_000, 40_000])
@pytest.mark.parametrize("far", [2.2, 3.0, 5.0, 8.0])
def test_the_chance_of_a_distance_between_very_large_samples(size, far):
    distance = math.sqrt(far / size)
    exact = stats.kstwo.sf(distance, size)
    assert chance_of_distance(distance, 2 * size, 2 * size) == pytest.approx(exact, rel=3e-3)
    assert chance_of_distance(0.9, 2 * size, 2 * size) == 0.0
