"""Figures of merit against scikit-learn, against the formula written out, and against brute force."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from eventsieve.domain.metrics import METRICS, ClassSums, Sample, ams, best_ams, class_sums, evaluate
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadConfiguration, BadTable

SKLEARN = {
    "accuracy": lambda s, w: accuracy_score(s.label, s.predicted, sample_weight=w),
    "f1": lambda s, w: f1_score(s.label, s.predicted, sample_weight=w),
    "roc_auc": lambda s, w: roc_auc_score(s.label, s.score, sample_weight=w),
}


def events(seed: int = 0, n: int = 400, digits: int = 1) -> tuple[Sample, np.ndarray]:
    """Scores rounded so that many are equal, and weights of very different sizes."""
    random = np.random.default_rng(seed)
    label = random.random(n) < 0.35
    score = np.round(random.normal(size=n) + label, digits)
    weight = random.exponential(size=n) * np.where(label, 0.01, 3.0)
    return Sample(label, score > 0.5, score), weight


def plain_ams(s: float, b: float, b_reg: float) -> float:
    """With digits to spare: in double precision the two terms all but cancel where the signal is small."""
    with localcontext() as context:
        context.prec = 50
        signal, background = Decimal(float(s)), Decimal(float(b)) + Decimal(b_reg)
        squared = 2 * ((signal + background) * (1 + signal / background).ln() - signal)
        return float(squared.sqrt())


@pytest.mark.parametrize("name", SKLEARN)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_figures_agree_with_scikit_learn(name: str, seed: int, *, weighted: bool) -> None:
    sample, weight = events(seed)
    weight = weight if weighted else np.ones_like(weight)
    ours = METRICS[name].figure(sample, weight).value(weight)
    assert ours == pytest.approx(SKLEARN[name](sample, weight), abs=1e-12)


def test_evaluate_counts_events_for_all_but_the_ams() -> None:
    sample, weight = events()
    scores = evaluate(SKLEARN, sample.label, sample.predicted, sample.score, weight=weight)
    assert [score.name for score in scores] == list(SKLEARN)
    for score in scores:
        assert score.value == pytest.approx(SKLEARN[score.name](sample, None))
        assert score.cut is None


@pytest.mark.parametrize(
    ("s", "b", "b_reg"), [(10, 100, 10), (0.5, 3000, 10), (700, 5, 10), (3, 1, 0), (1e-3, 4e5, 10)]
)
def test_ams_is_the_challenges_formula(s: float, b: float, b_reg: float) -> None:
    assert ams(s, b, b_reg) == pytest.approx(plain_ams(s, b, b_reg), rel=1e-6)


def test_ams_is_s_over_root_b_where_signal_is_small() -> None:
    assert ams(1.0, 1e6, 0.0) == pytest.approx(1e-3, rel=1e-4)


def test_ams_of_sums_that_negative_weights_made() -> None:
    answers = ams([-5.0, 0.0, 3.0, 3.0, -1.0], [10.0, 10.0, -4.0, -1e9, -50.0])
    nothing = plain_ams(3, 0, 10)
    assert answers == pytest.approx([0, 0, nothing, nothing, 0])
    assert ams(1.0, 0.0, b_reg=0.0) == np.inf
    assert ams(0.0, 0.0, b_reg=0.0) == 0.0


@given(st.floats(0.1, 1e3), st.floats(0, 1e5), st.floats(1e-3, 1e3))
def test_ams_grows_with_signal_and_falls_with_background(s: float, b: float, more: float) -> None:
    assert ams(s + more, b) >= ams(s, b) >= ams(s, b + more) >= 0


def brute_force(sample: Sample, weight: np.ndarray, scale: tuple[float, float]) -> float:
    best = 0.0
    for threshold in np.unique(sample.score):
        chosen = sample.score >= threshold
        if (chosen & ~sample.label).sum() < 10:
            continue
        s = scale[0] * weight[chosen & sample.label].sum()
        b = scale[1] * weight[chosen & ~sample.label].sum()
        best = max(best, plain_ams(s, b, 10.0))
    return best


@pytest.mark.parametrize("digits", [0, 1, 15])
@pytest.mark.parametrize("seed", range(3))
def test_best_ams_is_the_best_of_all_cuts(seed: int, digits: int) -> None:
    sample, weight = events(seed, digits=digits)
    sums = ClassSums(691.99, 410999.85)
    scale = (sums.signal / weight[sample.label].sum(), sums.background / weight[~sample.label].sum())
    best = best_ams(sample.label, sample.score, weight=weight, sums=sums)
    assert best.value == pytest.approx(brute_force(sample, weight, scale))
    chosen = sample.score > best.cut
    s, b = (scale[i] * weight[chosen & (sample.label == bool(1 - i))].sum() for i in (0, 1))
    assert plain_ams(s, b, 10.0) == pytest.approx(best.value), "the cut selects what the value says"


def test_a_cut_that_leaves_next_to_no_background_does_not_count() -> None:
    score = np.arange(1000.0)
    label = score >= 980
    best = best_ams(label, score)
    assert (~label[score > best.cut]).sum() == 10
    assert best.value == pytest.approx(plain_ams(20, 10, 10))


def test_best_ams_without_weights_counts_events() -> None:
    sample, _ = events()
    best = best_ams(sample.label, sample.score)
    assert best.value == pytest.approx(brute_force(sample, np.ones(400), (1.0, 1.0)))


def test_equal_scores_stay_together() -> None:
    label = np.array([True, False, True, False])
    assert best_ams(label, np.zeros(4)).value == pytest.approx(plain_ams(2, 2, 10))


def test_a_cut_between_neighbouring_numbers() -> None:
    high = 1.0
    low = np.nextafter(high, 0.0)
    label = np.array([True, True, False, False])
    best = best_ams(label, np.array([high, high, low, low]))
    assert low <= best.cut < high
    assert best.value == pytest.approx(plain_ams(2, 0, 10))


def test_best_ams_takes_everything_where_that_is_best() -> None:
    best = best_ams(np.array([False, True]), np.array([0.5, 0.5]))
    assert best.cut < 0.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(-3, 3), st.floats(-5, 5)), min_size=2, max_size=30))
def test_no_weights_crash_the_ams(rows: list[tuple[bool, float, float]]) -> None:
    label, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    label[:2] = (True, False)
    best = best_ams(label, score, weight=weight, sums=ClassSums(10.0, 100.0))
    assert best.value >= 0
    assert math.isfinite(best.value)
    assert math.isfinite(best.cut)


def test_uncertainties_are_those_of_repeated_experiments() -> None:
    """The bootstrap of one sample against the spread over many samples of the same law."""
    names = ("accuracy", "f1", "roc_auc")
    runs = []
    for seed in range(150):
        sample, _ = events(seed, n=500)
        runs.append([METRICS[name].figure(sample, np.ones(500)).value(np.ones(500)) for name in names])
    spread = np.std(runs, axis=0, ddof=1)
    sample, _ = events(1000, n=500)
    scores = evaluate(names, sample.label, sample.predicted, sample.score)
    assert [score.uncertainty for score in scores] == pytest.approx(spread, rel=0.3)


def test_uncertainty_of_the_ams_at_its_cut() -> None:
    """Against error propagation: sums of weights vary by the root of the sum of their squares."""
    sample, weight = events(5, n=4000)
    best = best_ams(sample.label, sample.score, weight=weight)
    chosen = sample.score > best.cut
    s, b = (weight[chosen & mask] for mask in (sample.label, ~sample.label))
    step = 1e-4
    by_s = (ams(s.sum() + step, b.sum()) - ams(s.sum() - step, b.sum())) / (2 * step)
    by_b = (ams(s.sum(), b.sum() + step) - ams(s.sum(), b.sum() - step)) / (2 * step)
    expected = math.hypot(by_s * math.sqrt((s**2).sum()), by_b * math.sqrt((b**2).sum()))
    assert best.uncertainty == pytest.approx(expected, rel=0.25)


def test_same_seed_same_uncertainty() -> None:
    sample, weight = events()
    runs = [evaluate(METRICS, sample.label, sample.predicted, sample.score, weight=weight, seed=s) for s in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert [score.value for score in runs[0]] == [score.value for score in runs[2]]


def test_two_events_have_figures() -> None:
    label = np.array([True, False])
    for score in evaluate(METRICS, label, label, np.array([1.0, 0.0])):
        assert math.isfinite(score.value)


def test_f1_of_a_classifier_that_selects_nothing_is_zero() -> None:
    label = np.array([True, False])
    (score,) = evaluate(("f1",), label, np.zeros(2, dtype=bool), np.zeros(2))
    assert score.value == 0.0


def test_class_sums_are_the_schemas() -> None:
    schema = load_schema("atlas-higgs-2014")
    assert class_sums(schema) == (691.99, 410999.85)
    assert class_sums(schema.adapted(signal="b")) == (410999.85, 691.99)
    assert class_sums(schema.adapted(signal="other")) is None


def test_refusals() -> None:
    label = np.array([True, False])
    with pytest.raises(BadConfiguration, match=r"recall.*accuracy, f1, roc_auc, ams"):
        evaluate(("accuracy", "recall"), label, label, np.zeros(2))
    with pytest.raises(BadTable, match="signal and background"):
        best_ams(np.ones(3, dtype=bool), np.zeros(3))
