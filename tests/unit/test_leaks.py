from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain.leaks import LIMIT, leaks, single_auc

RNG = np.random.default_rng(1)
SIGNAL = RNG.random(3000) < 0.3


def test_the_auc_of_one_feature_is_that_of_scikit_learn():
    values = np.round(RNG.normal(size=3000) + SIGNAL, 1)  # with many equal values
    assert single_auc(values, SIGNAL) == pytest.approx(roc_auc_score(SIGNAL, values), abs=1e-12)


def test_a_feature_may_cut_from_either_side():
    values = RNG.normal(size=3000) - 2.0 * SIGNAL
    assert single_auc(values, SIGNAL) == pytest.approx(1 - roc_auc_score(SIGNAL, values), abs=1e-12)


@pytest.mark.parametrize("side", [-1e9, 1e9])
def test_undefined_values_count_as_an_extreme_on_the_side_that_separates_better(side: float):
    values = np.where(SIGNAL, side / 1e9 * RNG.random(3000), -side / 1e9 * RNG.random(3000))
    values[SIGNAL & (RNG.random(3000) < 0.5)] = np.nan
    filled = [roc_auc_score(SIGNAL, np.where(np.isnan(values), extreme, values)) for extreme in (-1e9, 1e9)]
    assert single_auc(values, SIGNAL) == pytest.approx(max([*filled, *(1 - auc for auc in filled)]), abs=1e-12)
    assert single_auc(values, SIGNAL) == 1.0


def test_only_a_feature_that_gives_the_label_away_is_reported():
    honest = RNG.normal(size=3000) + SIGNAL
    undefined = np.where(SIGNAL, np.nan, RNG.normal(size=3000))
    features = np.stack([honest, SIGNAL + 0.0, undefined, np.ones(3000)], axis=1)
    said = leaks(features, SIGNAL.astype(np.uint8), ["pt", "truth_copy", "only_background", "one"], ["b", "s"])
    assert len(said) == 2
    assert "truth_copy" in said[0]
    assert "AUC 1.0000" in said[0]
    assert "leave it out" in said[0]
    assert "only_background" in said[1]


def test_each_of_several_classes_is_told_from_the_rest():
    target = RNG.integers(0, 3, 3000)
    noise = RNG.normal(size=3000)
    middle = (target == 1) + 0.001 * noise
    said = leaks(np.stack([noise, middle], axis=1), target, ["noise", "middle"], ["tt", "wj", "zj"])
    assert len(said) == 1
    assert "Feature middle alone tells wj from the rest" in said[0]


def test_the_limit_is_that_of_the_auc():
    # A shift of d standard deviations has the AUC Phi(d / sqrt 2): 3.2 gives 0.9882, 3.4 gives 0.9919.
    signal = np.arange(200_000) % 2 == 1
    noise = np.random.default_rng(5).normal(size=200_000)
    features = np.stack([noise + 3.2 * signal, noise + 3.4 * signal], axis=1)
    said = leaks(features, signal.astype(np.uint8), ["below", "above"], ["b", "s"])
    assert LIMIT == 0.99
    assert len(said) == 1
    assert "above" in said[0]


def test_events_of_one_class_give_nothing_away():
    assert leaks(np.ones((10, 1)), np.zeros(10, dtype=np.uint8), ["x"], ["b", "s"]) == ()
