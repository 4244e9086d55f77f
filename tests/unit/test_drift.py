from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import explore
from eventsieve.domain.exploration.classifier import tell_apart
from eventsieve.domain.exploration.statistics import combined, proportions_differ
from eventsieve.domain.fingerprints import fingerprints
from eventsieve.records import Column, Drift, Schema

SCHEMA = Schema(
    name="four",
    columns=(
        *(Column(name=name, dtype="float64") for name in ("pt", "eta", "mass")),
        Column(name="jets", dtype="int64"),
    ),
    signal=None,
    background=(),
)


def make_events(count: int, seed: int, *, shift: float = 0.0, undefined: float = 0.2, twist: float = 0.0) -> Events:
    rng = np.random.default_rng(seed)
    pt, eta = rng.normal(shift, 1, count), rng.normal(size=count)
    eta = twist * pt + np.sqrt(1 - twist**2) * eta
    mass = np.where(rng.random(count) < undefined, np.nan, rng.exponential(size=count))
    features = np.column_stack([pt, eta, mass, rng.poisson(2, count)])
    return Events(SCHEMA, features, np.arange(count), None, None)


def drift(first: Events, second: Events) -> Drift:
    found = explore(first, second).drift
    assert found is not None
    return found


def test_samples_of_one_distribution_have_no_drift() -> None:
    found = drift(make_events(3000, 1), make_events(2000, 2))
    assert found.verdict == "no drift"
    assert not any(feature.drifted for feature in found.features)
    assert found.classifier is not None
    assert not found.classifier.drifted
    assert found.reason.startswith("No drift seen")
    assert found.sensitivity == pytest.approx(1.358 * np.sqrt(5000 / 6e6))


def test_the_tests_of_a_feature_are_scipys() -> None:
    first, second = make_events(3000, 1), make_events(2000, 2, undefined=0.25, shift=0.1)
    found = {feature.feature: feature for feature in drift(first, second).features}
    for position, name in enumerate(SCHEMA.feature_names):
        samples = [events.features[:, position] for events in (first, second)]
        expected = stats.ks_2samp(*(sample[~np.isnan(sample)] for sample in samples), method="asymp")
        assert found[name].distance == pytest.approx(expected.statistic)
        assert found[name].distance_p == pytest.approx(expected.pvalue)
    gaps = [int(np.isnan(events.features[:, 2]).sum()) for events in (first, second)]
    expected = stats.chi2_contingency([[gaps[0], 3000 - gaps[0]], [gaps[1], 2000 - gaps[1]]], correction=False)
    mass = found["mass"]
    assert mass.undefined_p == pytest.approx(expected.pvalue)
    assert mass.undefined_shift == pytest.approx(gaps[1] / 2000 - gaps[0] / 3000)
    assert mass.p_value == pytest.approx(stats.combine_pvalues([mass.distance_p, mass.undefined_p]).pvalue)
    assert found["pt"].undefined_p is None
    assert found["pt"].p_value == pytest.approx(found["pt"].distance_p)
    shift = (second.features[:, 0].mean() - first.features[:, 0].mean()) / first.features[:, 0].std()
    assert found["pt"].mean_shift == pytest.approx(shift)


def test_a_shifted_feature_drifts_and_is_named() -> None:
    found = drift(make_events(3000, 1), make_events(2000, 2, shift=0.5))
    assert found.verdict == "drift"
    assert [feature.feature for feature in found.features if feature.drifted] == ["pt"]
    assert found.ranked()[0].feature == "pt"
    assert found.reason.startswith("Drift in pt (KS distance 0.")
    assert found.classifier is not None
    assert found.classifier.drifted


def test_another_share_of_undefined_values_is_drift() -> None:
    found = drift(make_events(3000, 1), make_events(2000, 2, undefined=0.4))
    assert [feature.feature for feature in found.features if feature.drifted] == ["mass"]
    assert found.verdict == "drift"


def test_many_events_show_drift_that_is_called_slight() -> None:
    found = drift(make_events(60_000, 1), make_events(60_000, 2, shift=0.05))
    assert found.verdict == "slight drift"
    assert found.reason.startswith("Slight drift in pt")


def test_only_the_classifier_sees_that_correlations_differ() -> None:
    found = drift(make_events(4000, 1), make_events(4000, 2, twist=0.6))
    assert found.verdict == "drift"
    assert not any(feature.drifted for feature in found.features)
    assert found.classifier is not None
    assert found.classifier.auc > 0.6
    assert "correlations differ" in found.reason


def test_events_of_both_tables_are_left_out_of_the_test() -> None:
    first, other = make_events(2000, 1), make_events(1000, 2, shift=0.5)
    rows = np.concatenate([first.features[:1000], other.features])
    both = Events(SCHEMA, rows, np.arange(2000), None, None)
    found = explore(first, both)
    assert found.shared == 1000
    assert found.drift is not None
    assert (found.drift.second_events, found.drift.left_out) == (1000, 1000)
    alone = drift(first, other)
    assert [f.distance for f in found.drift.features] == [f.distance for f in alone.features]
    assert found.features[0].against is not None
    assert found.features[0].against.statistics.events == 2000
    assert any("left out of the drift test" in sentence for sentence in found.findings)


def test_a_table_against_itself_is_not_tested() -> None:
    events = make_events(500, 1)
    found = drift(events, events)
    assert found.verdict == "not tested"
    assert "in the first too" in found.reason
    assert found.sensitivity is None


def test_coarse_values_that_are_equal_by_chance_are_no_shared_events() -> None:
    rng = np.random.default_rng(3)
    tables = [make_events(count, 1) for count in (2000, 1500)]
    first, second = (replace(t, features=rng.integers(0, 3, size=t.features.shape).astype(float)) for t in tables)
    found = drift(first, second)
    assert (found.second_events, found.left_out) == (1500, 0)
    assert found.verdict == "no drift"


@pytest.mark.parametrize("count", [0, 5])
def test_few_events_are_not_judged_by_a_classifier(count: int) -> None:
    found = drift(make_events(300, 1), make_events(count, 2))
    assert found.classifier is None
    assert found.verdict == ("no drift" if count else "not tested")


@pytest.mark.slow
def test_the_classifiers_auc_has_the_right_chance_between_tables_that_are_alike() -> None:
    # The folds share their events; were they taken as independent, the deviation would be 1.4.
    deviations = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(size=(150, 2)), rng.normal(size=(150, 2))
        found = tell_apart(first, second, (fingerprints(first), fingerprints(second)))
        assert found is not None
        deviations.append((found.auc - 0.5) / found.uncertainty)
    assert np.std(deviations) == pytest.approx(1.0, abs=0.3)
    assert abs(np.mean(deviations)) < 0.5


def test_copies_do_not_teach_the_classifier() -> None:
    rng = np.random.default_rng(5)
    first, second = (np.repeat(rng.normal(size=(100, 3)), 20, axis=0) for _ in range(2))
    found = tell_apart(first, second, (fingerprints(first), fingerprints(second)))
    assert found is not None
    # With copies in training and test fold it would be 1.
    assert found.auc < 0.75


def test_the_auc_is_that_of_the_field() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.normal(0, 1, size=(2000, 1)), rng.normal(1, 1, size=(2000, 1))
    found = tell_apart(first, second, (fingerprints(first), fingerprints(second)))
    assert found is not None
    # No classifier beats the feature itself, whose density ratio is monotonic.
    best = roc_auc_score(np.repeat([0, 1], 2000), np.concatenate([first, second]).ravel())
    assert best - 0.03 < found.auc < best + 0.005


def test_constant_and_undefined_features_do_no_harm_to_the_classifier() -> None:
    rng = np.random.default_rng(7)
    values = np.column_stack([np.full(300, np.nan), np.full(300, 5.0), rng.random(300)])
    found = tell_apart(values[:150], values[150:], (fingerprints(values[:150]), fingerprints(values[150:])))
    assert found is not None
    assert tell_apart(*[values[:150, :2]] * 2, (fingerprints(values[:150]),) * 2) is None


def test_combined_chances_are_fishers() -> None:
    assert combined([0.03, 0.4]) == pytest.approx(stats.combine_pvalues([0.03, 0.4], method="fisher").pvalue)
    assert combined([0.03, np.nan]) == pytest.approx(0.03)
    assert combined([0.0, 0.5]) == 0.0
    assert np.isnan(combined([np.nan]))


@pytest.mark.parametrize(("first", "second"), [((2, 10), (9, 10)), ((0, 500), (3, 400)), ((40, 100), (70, 130))])
def test_proportions_are_compared_as_scipy_does(first: tuple[int, int], second: tuple[int, int]) -> None:
    table = [[k, n - k] for k, n in (first, second)]
    few = min(first[0] + second[0], first[1] + second[1] - first[0] - second[0]) < 30
    expected = stats.fisher_exact(table) if few else stats.chi2_contingency(table, correction=False)
    assert proportions_differ(*first, *second) == pytest.approx(expected.pvalue)
    assert np.isnan(proportions_differ(0, 5, 0, 7))
    assert np.isnan(proportions_differ(0, 0, 3, 7))
