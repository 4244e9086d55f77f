"""The test of overtraining: against SciPy, against itself under the null, and on a model that learned by heart."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats

from eventsieve.domain.evaluation import Scored
from eventsieve.domain.evaluation.overtraining import (
    Pair,
    _smaller,
    distributions,
    judge,
    permutation_test,
    permutations,
)


def pair(seed: int, *, n: int = 150, m: int = 90, shift: float = 0.0, weight: str = "none") -> Pair:
    random = np.random.default_rng(seed)
    weights = {
        "none": np.ones,
        "heavy": lambda size: random.exponential(size=size) ** 2,
        "signed": lambda size: np.where(random.random(size) < 0.15, -1.0, 1.0),
    }[weight]
    return Pair("s", random.normal(size=n) + shift, weights(n), random.normal(size=m), weights(m))


def scored(seed: int, n: int = 3000, *, known: float = 0.0) -> Scored:
    """Events whose scores say the more of their class, the better the model knows them."""
    random = np.random.default_rng(seed)
    target = (random.random(n) < 0.4).astype(np.uint8)
    score = 1 / (1 + np.exp(-random.normal(size=n) - (1.0 + known) * (2.0 * target - 1.0)))
    return Scored(target, score, (score > 0.5).astype(np.uint8), random.exponential(size=n), probabilities=True)


def test_the_distance_and_the_p_value_are_those_of_scipy_without_weights() -> None:
    sample = pair(1, shift=0.2)
    found = permutation_test(sample, 2000, np.random.default_rng(0))
    expected = stats.ks_2samp(sample.train, sample.validation)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.04)
    assert found.permutations == 2000


def test_the_distance_is_that_of_weighted_cumulative_distributions() -> None:
    sample = pair(2, weight="heavy")
    places = np.concatenate([sample.train, sample.validation])
    ours, theirs = (
        np.array([weight[score <= place].sum() for place in places]) / weight.sum()
        for score, weight in ((sample.train, sample.train_weight), (sample.validation, sample.validation_weight))
    )
    found = permutation_test(sample, 1, np.random.default_rng(0))
    assert found.statistic == pytest.approx(np.abs(ours - theirs).max(), abs=1e-12)


def test_equal_scores_are_passed_together() -> None:
    ones = np.ones(50)
    sample = Pair("s", np.zeros(50), ones, np.zeros(50), ones)
    found = permutation_test(sample, 50, np.random.default_rng(0))
    assert (found.statistic, found.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("weight", ["none", "heavy", "signed"])
def test_under_the_null_p_values_are_uniform(weight: str) -> None:
    random = np.random.default_rng(7)
    p_values = [permutation_test(pair(seed, weight=weight), 99, random).p_value for seed in range(250)]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) < 0.05) < 0.09


def test_a_shift_is_seen() -> None:
    assert permutation_test(pair(1, shift=1.0), 999, np.random.default_rng(0)).p_value == 0.001
    assert permutation_test(pair(1, shift=1.0, weight="heavy"), 999, np.random.default_rng(0)).p_value < 0.01


def test_weights_that_cancel_out_are_not_tested() -> None:
    sample = pair(1)
    assert permutation_test(sample._replace(train_weight=-sample.train_weight), 10, np.random.default_rng(0)) is None


@pytest.mark.parametrize("classes", [2, 4, 20])
def test_there_are_permutations_enough_to_find_something_in_any_number_of_classes(classes: int) -> None:
    smallest = 1 / (1 + permutations(classes))
    assert classes * smallest < 0.01


def test_a_model_that_knows_its_events_is_overtrained_and_the_reason_tells_the_size() -> None:
    found = judge(scored(1, known=1.0), scored(2), ("b", "s"), train_auc=0.997, validation_auc=0.914, seed=0)
    assert found.verdict == "overtrained"
    assert "ROC AUC is 0.9970 on training and 0.9140 on validation events, a difference of 0.083" in found.reason
    assert "those on validation events remain valid" in found.reason
    assert [test.label for test in found.tests] == ["b", "s"]


def test_a_model_that_scores_both_alike_is_not() -> None:
    found = judge(scored(1), scored(2), ("b", "s"), train_auc=0.915, validation_auc=0.914, seed=0)
    assert found.verdict == "no sign of overtraining"
    assert "ROC AUC is 0.9150 on training and 0.9140" in found.reason


def test_a_difference_that_is_small_is_called_so() -> None:
    found = judge(scored(1, known=1.0), scored(2), ("b", "s"), train_auc=0.9142, validation_auc=0.9140, seed=0)
    assert "a small difference" in found.reason


@pytest.mark.parametrize(
    ("train", "validation", "used"),
    [
        (60_000, 20_000, (10_000, 10_000)),
        (60_000, 4_000, (16_000, 4_000)),
        (5_000, 50_000, (5_000, 15_000)),
        (300, 200, (300, 200)),
    ],
)
def test_of_many_events_some_are_chosen(train: int, validation: int, used: tuple[int, int]) -> None:
    found = _smaller(pair(1, n=train, m=validation, weight="heavy"), np.random.default_rng(0))
    assert (len(found.train), len(found.validation)) == used
    assert (len(found.train_weight), len(found.validation_weight)) == used


def test_it_says_how_many_were_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventsieve.domain.evaluation.overtraining.MOST_EVENTS", 1000)
    found = judge(scored(1), scored(2), ("b", "s"), train_auc=0.9, validation_auc=0.9, seed=0)
    assert re.search(r"of b used 500 of 1,\d+ training and 500 of 1,\d+ validation events", found.left_out[0])
    assert found == judge(scored(1), scored(2), ("b", "s"), train_auc=0.9, validation_auc=0.9, seed=0)


def test_classes_without_events_are_not_tested() -> None:
    train = scored(1)
    found = judge(train.take(train.target == 0), scored(2), ("b", "s"), train_auc=math.nan, validation_auc=0.9, seed=0)
    assert [test.label for test in found.tests] == ["b"]


def test_distributions_add_up_to_one_with_the_errors_of_weighted_counts() -> None:
    train, validation = scored(1), scored(2)
    for code, found in enumerate(distributions(train, validation, ("b", "s"))):
        assert sum(found.train) == pytest.approx(1)
        assert sum(found.validation) == pytest.approx(1)
        assert (found.edges[0], found.edges[-1], len(found.edges)) == (0, 1, 51)
        rows = validation.target == code
        weight = validation.weight[rows]
        contents, _ = np.histogram(validation.score[rows], found.edges, weights=weight)
        squares, _ = np.histogram(validation.score[rows], found.edges, weights=weight**2)
        assert found.validation == pytest.approx(contents / weight.sum(), abs=1e-12)
        assert found.validation_error == pytest.approx(np.sqrt(squares) / weight.sum(), abs=1e-12)


def test_far_decision_values_are_in_the_outermost_bins() -> None:
    validation = scored(2)
    score = np.log(validation.score / (1 - validation.score))
    score[:2] = -1e6, 1e6
    values = Scored(validation.target, score, validation.predicted, None, probabilities=False)
    found = distributions(None, values, ("b", "s"))
    assert found[0].edges[-1] < 20
    assert sum(found[0].validation) == pytest.approx(1)
    assert found[0].train == ()
