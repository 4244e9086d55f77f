"""Curves of one class against the others, against scikit-learn and against counting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve

from eventsieve.domain.evaluation import Scored
from eventsieve.domain.evaluation.curves import ams_curve, calibrate, class_curves, confusion, thinned
from eventsieve.domain.evaluation.figures import rankings, selection
from eventsieve.domain.metrics import Ranking, ams
from eventsieve.records import Column, Schema

SCHEMA = Schema(name="two", columns=(Column(name="x", dtype="float64"), Column(name="y", dtype="object", role="label")))
SUMS = {"b": 41000.0, "s": 70.0}


def events(n: int = 20_000, seed: int = 0) -> Scored:
    random = np.random.default_rng(seed)
    target = (random.random(n) < 0.3).astype(np.uint8)
    score = 1 / (1 + np.exp(-random.normal(size=n) - 1.5 * target + 1.0))
    return Scored(target, score, (score > 0.5).astype(np.uint8), random.exponential(size=n), probabilities=True)


SCORED = events()
RANKED = rankings(SCORED)
BEST = selection(SCORED, RANKED, SCHEMA, SUMS)
CURVES = class_curves(SCORED, "s", RANKED[1], BEST.place)


def selected(cut: float, code: int) -> np.ndarray:
    return (SCORED.score > cut) & (SCORED.target == code)


def test_curves_have_few_points_with_both_ends_and_the_best_cut() -> None:
    roc = CURVES.roc
    assert 100 < len(roc.cut) <= 500
    assert (roc.background[0], roc.signal[0], roc.cut[0]) == (0, 0, None)
    assert (roc.background[-1], roc.signal[-1]) == (1, 1)
    assert BEST.cut in roc.cut
    assert BEST.cut in CURVES.cuts.cut
    assert len(CURVES.cuts.cut) <= 500


def test_a_thinned_roc_curve_loses_next_to_no_area_and_tells_the_true_one() -> None:
    true = roc_auc_score(SCORED.target, SCORED.score, sample_weight=SCORED.weight)
    assert pytest.approx(true, abs=1e-12) == CURVES.roc.auc
    assert np.trapezoid(CURVES.roc.signal, CURVES.roc.background) == pytest.approx(true, abs=2e-5)


def test_the_points_lie_on_scikit_learns_curve() -> None:
    false, true, _ = roc_curve(SCORED.target, SCORED.score, sample_weight=SCORED.weight, drop_intermediate=False)
    for background, signal in list(zip(CURVES.roc.background, CURVES.roc.signal, strict=True))[::10]:
        assert np.hypot(false - background, true - signal).min() < 1e-8


def test_every_cut_selects_what_the_curves_say() -> None:
    cuts, weight = CURVES.cuts, SCORED.weight
    assert (np.diff(cuts.cut) > 0).all()
    for i in range(0, len(cuts.cut), 37):
        s, b = (selected(cuts.cut[i], code) for code in (1, 0))
        assert (cuts.signal_events[i], cuts.background_events[i]) == (s.sum(), b.sum())
        assert cuts.signal_efficiency[i] == pytest.approx(weight[s].sum() / weight[SCORED.target == 1].sum(), abs=1e-8)
        assert cuts.purity[i] == pytest.approx(weight[s].sum() / weight[s | b].sum(), abs=1e-8)
    assert cuts.purity[-1] is None
    assert cuts.signal_events[-1] == cuts.background_events[-1] == 0


def test_the_smallest_efficiencies_are_there_too() -> None:
    background = np.array(CURVES.cuts.background_events)
    assert ((background > 0) & (background < 20)).sum() >= 10


def test_equal_scores_are_one_point() -> None:
    score = np.round(SCORED.score, 1)
    ranking = Ranking.of(score, SCORED.target == 1)
    assert len(thinned(ranking)) == len(np.unique(score))


def test_calibration_agrees_with_scikit_learn() -> None:
    ones = np.ones(len(SCORED))
    ours = calibrate(RANKED[1], ones, bins=10)
    observed, predicted = calibration_curve(SCORED.target, SCORED.score, n_bins=10, strategy="quantile")
    assert ours.predicted == pytest.approx(predicted, abs=1e-3)
    assert ours.observed == pytest.approx(observed, abs=1e-2)
    assert sum(ours.events) == len(SCORED)
    binomial = np.sqrt(observed * (1 - observed) / 2000)
    assert ours.uncertainty == pytest.approx(binomial, rel=0.05)


def test_calibration_weighs_events() -> None:
    doubled = np.where(np.arange(len(SCORED)) % 2, 2.0, 1.0)
    by_weight = calibrate(RANKED[1], doubled)
    twice = np.repeat(np.arange(len(SCORED)), doubled.astype(int))
    again = SCORED.take(twice)
    by_copy = calibrate(Ranking.of(again.score, again.target == 1), np.ones(len(again)))
    assert by_weight.observed == pytest.approx(by_copy.observed, abs=0.02)


def test_calibration_of_a_forest_of_one_tree_has_no_zero_uncertainty() -> None:
    score = SCORED.target.astype(np.float64)
    found = calibrate(Ranking.of(score, SCORED.target == 1), SCORED.weight)
    assert found.predicted == (0, 1)
    assert found.observed == (0, 1)
    assert min(found.uncertainty) > 0


def test_the_ams_curve_is_the_formula_at_every_cut() -> None:
    curve = ams_curve(SCORED, RANKED[1], BEST, seed=3)
    weight, target = SCORED.weight, SCORED.target
    for i in range(0, len(curve.cut), 41):
        s, b = (
            SUMS[name] * weight[selected(curve.cut[i], code)].sum() / weight[target == code].sum()
            for code, name in ((1, "s"), (0, "b"))
        )
        assert curve.ams[i] == pytest.approx(float(ams(s, b)))
    assert curve.best == max(curve.ams)
    assert curve.cut[int(np.argmax(curve.ams))] == curve.best_cut
    assert (curve.signal_sum, curve.background_sum, curve.regularisation) == (
        pytest.approx(70),
        pytest.approx(41000),
        10,
    )


def test_the_ams_curve_leaves_out_cuts_that_leave_next_to_no_background() -> None:
    curve = ams_curve(SCORED, RANKED[1], BEST, seed=None)
    assert selected(curve.cut[-1], 0).sum() == 10
    assert curve.uncertainty == ()
    assert curve.best_uncertainty is None


def test_the_band_of_the_ams_is_that_of_repeated_experiments() -> None:
    curve = ams_curve(SCORED, RANKED[1], BEST, seed=3)
    at = len(curve.cut) // 2
    found = []
    for seed in range(60):
        other = events(seed=seed + 100)
        chosen = other.score > curve.cut[at]
        s, b = (
            SUMS[name] * other.weight[chosen & (other.target == code)].sum() / other.weight[other.target == code].sum()
            for code, name in ((1, "s"), (0, "b"))
        )
        found.append(float(ams(s, b)))
    assert curve.uncertainty[at] == pytest.approx(np.std(found), rel=0.35)


def test_the_confusion_matrix_sums_weights() -> None:
    matrix = np.array(confusion(SCORED))
    for true in range(2):
        for said in range(2):
            cell = (SCORED.target == true) & (SCORED.predicted == said)
            assert matrix[true, said] == pytest.approx(SCORED.weight[cell].sum())


def test_curves_of_negative_weights_stay_within_bounds() -> None:
    weight = SCORED.weight.copy()
    weight[::5] *= -1
    scored = dataclasses.replace(SCORED, weight=weight)
    curves = class_curves(scored, "s", RANKED[1], None)
    assert curves.roc.signal[-1] == 1
    assert all(0 <= value <= 1 for value in curves.cuts.purity if value is not None)
    assert 0 <= curves.precision_recall.average_precision <= 1
