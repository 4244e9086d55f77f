from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.exploration.histograms import Histogram, common_edges, separation
from eventsieve.domain.exploration.ordered import Ordered


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


def test_it_counts_as_numpy_and_keeps_what_lies_outside(rng: np.random.Generator) -> None:
    edges = np.linspace(-1, 1, 9)
    sample, weight = np.sort(rng.normal(size=1000)), rng.normal(1, 1, size=1000)
    histogram = Histogram.count(edges, Ordered.of(sample)).weighted(weight)
    np.testing.assert_allclose(histogram.contents, np.histogram(sample, edges, weights=weight)[0])
    np.testing.assert_allclose(histogram.errors**2, np.histogram(sample, edges, weights=weight**2)[0])
    assert histogram.values[0] == pytest.approx(weight[sample < -1].sum())
    assert histogram.values[-1] == pytest.approx(weight[sample >= 1].sum())
    assert histogram.total == pytest.approx(weight.sum())


def test_normalised_has_total_one_and_the_same_relative_errors(rng: np.random.Generator) -> None:
    histogram = Histogram.count(np.linspace(-1, 1, 5), Ordered.of(rng.normal(size=300)))
    shape = histogram.normalised()
    assert shape.total == pytest.approx(1)
    assert shape.outside == pytest.approx(histogram.outside) == pytest.approx(1 - shape.contents.sum())
    np.testing.assert_allclose(shape.errors / shape.contents, 1 / np.sqrt(histogram.contents))


def test_an_empty_histogram_stays_empty() -> None:
    empty = Histogram.count(np.linspace(0, 1, 3), Ordered.of(np.array([])))
    assert empty.total == empty.outside == empty.normalised().total == empty.weighted(np.array([])).total == 0


def test_bins_hold_their_lower_edge_and_empty_ones_hold_nothing() -> None:
    sample = Ordered.of(np.array([-5.0, 0.0, 0.0, 1.0, 3.0, 3.5, 4.0]))
    histogram = Histogram.count(np.linspace(0, 4, 5), sample)
    assert histogram.values.tolist() == [1, 2, 1, 0, 2, 1]
    assert histogram.weighted(np.arange(1.0, 8.0)).values.tolist() == [1, 5, 4, 0, 11, 7]
    assert histogram.weighted(np.arange(1.0, 8.0)).variances.tolist() == [1, 13, 16, 0, 61, 49]


def test_edges_cover_a_bounded_feature_whole(rng: np.random.Generator) -> None:
    sample = Ordered.of(rng.uniform(-np.pi, np.pi, 5000))
    edges = common_edges([sample], bins=40)
    assert len(edges) == 41
    assert edges[0] == sample.values[0]
    assert Histogram.count(edges, sample).outside == 0


def test_edges_are_not_squashed_by_tails(rng: np.random.Generator) -> None:
    sample = Ordered.of(np.append(rng.normal(size=10_000), [1e6, -1e6]))
    edges = common_edges([sample], bins=50)
    assert -5 < edges[0] < -2 < 2 < edges[-1] < 5
    assert 0 < Histogram.count(edges, sample).outside < 0.01


def test_edges_fit_every_sample() -> None:
    edges = common_edges([Ordered.of(np.linspace(start, start + 1, 50)) for start in (0, 10)], bins=10)
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(11)


@pytest.mark.parametrize("value", [0.0, -7.25, 1e9, 1e300])
def test_edges_surround_a_constant(value: float) -> None:
    edges = common_edges([Ordered.of(np.full(5, value))], bins=5)
    assert len(edges) == 6
    assert (np.diff(edges) > 0).all()
    assert abs(value) > 1e150 or edges[0] < value < edges[-1]


def test_edges_of_nothing_are_the_unit_range() -> None:
    assert common_edges([Ordered.of(np.array([]))], bins=2).tolist() == [0, 0.5, 1]


def test_whole_numbers_get_a_bin_each() -> None:
    edges = common_edges([Ordered.of(np.array([0.0, 1.0, 3.0])), Ordered.of(np.array([5.0]))], bins=50, whole=True)
    assert edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_many_whole_numbers_share_bins_of_whole_width() -> None:
    sample = Ordered.of(np.arange(1000.0))
    edges = common_edges([sample], bins=50, whole=True)
    assert set(np.diff(edges)) == {20.0}
    assert Histogram.count(edges, sample).outside == 0


def test_separation_is_the_integral_of_the_densities(rng: np.random.Generator) -> None:
    # Two triangles on [0, 1], s = 2x and b = 2(1 - x): half the integral of (4x - 2)^2 / 2 is 1/3.
    x = (np.arange(1000) + 0.5) / 1000
    edges = np.linspace(0, 1, 1001)
    signal, background = (Histogram.count(edges, Ordered.of(x)).weighted(weight) for weight in (7 * x, 3 * (1 - x)))
    power, _ = separation(signal, background)
    assert power == pytest.approx(1 / 3, abs=1e-5)


def test_separation_is_zero_for_one_shape_and_one_without_overlap() -> None:
    edges = np.linspace(0, 4, 5)
    left, right, nothing = (
        Histogram.count(edges, Ordered.of(np.array(values))) for values in ([0.5, 1.5], [2.5, 9.0], [])
    )
    assert separation(left, left)[0] == 0
    assert separation(left, right)[0] == pytest.approx(1)
    assert np.isnan(separation(left, nothing)).all()


def test_chance_is_what_equal_shapes_give_on_average(rng: np.random.Generator) -> None:
    edges = np.linspace(0, 1, 31)
    trials = [
        separation(*(Histogram.count(edges, Ordered.of(rng.random(count))) for count in (400, 900))) for _ in range(300)
    ]
    powers, chances = np.transpose(trials)
    assert powers.mean() == pytest.approx(chances.mean(), rel=0.08)
