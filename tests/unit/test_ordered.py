from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.exploration.ordered import Ordered


@pytest.mark.parametrize("undefined", [0.0, 0.3, 1.0])
def test_what_is_not_defined_is_counted_and_left_out(undefined: float) -> None:
    rng = np.random.default_rng(20261123)
    column = np.where(rng.random(500) < undefined, np.nan, rng.normal(size=500).round(1))
    ordered, rows = Ordered.with_rows(column)
    expected = np.sort(column[~np.isnan(column)])
    np.testing.assert_array_equal(ordered.values, expected)
    np.testing.assert_array_equal(column[rows], expected)
    np.testing.assert_array_equal(Ordered.of(column).values, expected)
    assert len(set(rows.tolist())) == len(ordered) == len(expected)
    assert (ordered.events, ordered.undefined) == (500, np.isnan(column).sum())


def test_its_statistics_are_numpys() -> None:
    ordered = Ordered.of(np.array([3.0, np.nan, 1.0, np.nan, 2.5]))
    assert ordered.mean == np.mean([1, 2.5, 3])
    assert ordered.std == np.std([1, 2.5, 3])
    assert ordered.quantiles(0, 0.5, 1).tolist() == [1, 2.5, 3]


def test_nothing_has_no_statistics() -> None:
    ordered = Ordered.of(np.array([np.nan]))
    assert np.isnan([ordered.mean, ordered.std, *ordered.quantiles(0.5)]).all()
