"""Bins: of about as many events, with cuts that say the same of every event as its bin."""

from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.estimators.binning import BINS, binned


def columns() -> np.ndarray:
    random = np.random.default_rng(1)
    one = np.float32(1.0)
    return np.column_stack(
        [
            random.normal(size=4000),
            np.where(random.random(4000) < 0.7, 3.0, random.normal(size=4000)),  # imputed, most of it
            random.integers(0, 5, 4000),
            np.full(4000, 2.5),
            np.where(random.random(4000) < 0.5, one, np.nextafter(one, np.float32(2.0))),
            random.normal(size=4000) * 1e37,
            random.choice(np.array([-0.0, 0.0, -3.4e38, 3.4e38]), 4000),
        ]
    ).astype(np.float32)


def test_a_cut_says_of_every_event_what_its_bin_says() -> None:
    features = columns()
    codes, cuts, first = binned(features)
    assert np.isfinite(cuts).all()
    for column, values in enumerate(features.T):
        mine = cuts[first[column] : first[column + 1]]
        assert (np.diff(mine) > 0).all()
        for code, cut in enumerate(mine):
            assert np.array_equal(values <= cut, codes[:, column] <= code)


def test_bins_have_about_as_many_events() -> None:
    codes, _, first = binned(columns())
    counts = np.bincount(codes[:, 0].astype(int))
    assert len(counts) == BINS == first[1]
    assert counts.max() <= 17


@pytest.mark.parametrize("different", [1, 2, BINS - 1, BINS])
def test_few_values_have_a_bin_each(different: int) -> None:
    values = np.arange(different, dtype=np.float32).repeat(3)[::-1, None] / 7
    codes, cuts, _ = binned(values)
    assert np.array_equal(codes, np.arange(different).repeat(3)[::-1, None])
    assert len(cuts) == different
