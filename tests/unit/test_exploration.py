from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import Exploration, explore
from eventsieve.domain.schema import Column, Schema
from eventsieve.errors import BadTable

SCHEMA = Schema(
    name="made-up",
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="mass", dtype="float64", unit="GeV"),
        Column(name="angle", dtype="float64", unit="rad"),
        Column(name="jet_num", dtype="int64"),
        Column(name="never", dtype="float64"),
        Column(name="always_5", dtype="float64"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="y", dtype="object", role="label"),
    ),
    class_weight_sums={"s": 10.0, "b": 5000.0},
)


def make_events(count: int, seed: int, *, labels: bool = True, weights: bool = True) -> Events:
    rng = np.random.default_rng(seed)
    label = rng.random(count) < 0.4
    mass = np.where(label, rng.normal(125, 10, count), rng.exponential(90, count))
    mass[rng.random(count) < 0.2] = np.nan
    features = np.column_stack(
        [
            mass,
            rng.uniform(-np.pi, np.pi, count),
            rng.poisson(1 + label),
            np.full(count, np.nan),
            np.full(count, 5.0),
        ]
    )
    return Events(
        schema=SCHEMA,
        features=np.ascontiguousarray(features),
        index=np.arange(count),
        weight=rng.exponential(np.where(label, 0.1, 3.0)) if weights else None,
        label=label if labels else None,
    )


@pytest.fixture(scope="module")
def train() -> Events:
    events = make_events(2000, seed=1)
    events.features[10] = events.features[11] = events.features[12]
    return events


@pytest.fixture(scope="module")
def test() -> Events:
    events = make_events(1000, seed=2, labels=False, weights=False)
    events.features[7] = make_events(2000, seed=1).features[0]
    return events


@pytest.fixture(scope="module")
def found(train: Events, test: Events) -> Exploration:
    return explore(train, test, bins=30)


def test_tables_are_counted(found: Exploration, train: Events, test: Events) -> None:
    assert (found.train.events, found.train.complete) == (2000, 0)
    assert found.train.undefined == np.isnan(train.features).sum()
    assert (found.train.duplicated, found.train.surplus) == (3, 2)
    assert found.test is not None
    assert (found.test.events, found.test.duplicated, found.test.classes) == (1000, 0, ())
    assert found.test.all.weights is None
    assert found.shared == 1


def test_classes_and_their_weights_are_counted(found: Exploration, train: Events) -> None:
    signal, background = found.train.classes
    assert (signal.name, signal.events) == ("signal", train.label.sum())
    assert (background.name, background.events) == ("background", (~train.label).sum())
    weight = train.weight[train.label]
    assert signal.weights.total == pytest.approx(weight.sum())
    assert signal.weights.effective == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert (signal.weights.minimum, signal.weights.maximum) == (weight.min(), weight.max())
    assert signal.weights.scale == pytest.approx(10 / weight.sum())
    assert background.weights.full == 5000
    assert found.train.all.weights.full == 5010


def test_the_full_sample_is_unknown_where_the_schema_does_not_tell(train: Events) -> None:
    schema = SCHEMA.model_copy(update={"class_weight_sums": {"s": 1.0}})
    found = explore(Events(schema, train.features, train.index, train.weight, train.label))
    assert [count.weights.full for count in (*found.train.classes, found.train.all)] == [1.0, None, None]
    assert found.train.classes[1].weights.scale is None


@pytest.mark.parametrize("position", [0, 1, 2, 4])
def test_summaries_are_numpys(found: Exploration, train: Events, position: int) -> None:
    values = train.features[:, position]
    summary = found.features[position].summary
    defined = values[~np.isnan(values)]
    assert (summary.events, summary.count) == (2000, len(defined))
    assert summary.undefined == pytest.approx(np.isnan(values).mean())
    assert summary.mean == pytest.approx(defined.mean())
    assert summary.std == pytest.approx(defined.std())
    quantiles = [
        summary.minimum,
        summary.lower_quartile,
        summary.median,
        summary.upper_quartile,
        summary.maximum,
    ]
    assert quantiles == pytest.approx(np.quantile(defined, [0, 0.25, 0.5, 0.75, 1]))


def test_histograms_share_their_edges_and_hold_every_defined_event(
    found: Exploration, train: Events, test: Events
) -> None:
    for position, feature in enumerate(found.features):
        assert feature.contrast is not None
        assert feature.agreement is not None
        signal, background = feature.contrast.signal, feature.contrast.background
        for histogram in (signal, background, feature.agreement.counts):
            assert histogram.edges is feature.counts.edges
        defined = ~np.isnan(train.features[:, position])
        assert feature.counts.total == defined.sum()
        assert signal.total == pytest.approx(train.weight[defined & train.label].sum())
        assert background.variances.sum() == pytest.approx((train.weight[defined & ~train.label] ** 2).sum())
        assert feature.agreement.counts.total == (~np.isnan(test.features[:, position])).sum()


def test_a_whole_number_has_a_bin_and_a_row_for_each_value(found: Exploration, train: Events) -> None:
    (counted,) = found.multiplicities
    jets = train.features[:, 2].astype(int)
    assert counted.column.name == "jet_num"
    assert counted.values.tolist() == list(range(jets.max() + 1))
    assert counted.events.tolist() == np.bincount(jets).tolist()
    assert counted.signal.tolist() == np.bincount(jets[train.label], minlength=jets.max() + 1).tolist()
    edges = found.features[2].counts.edges
    assert edges[0] == -0.5
    assert set(np.diff(edges)) == {1.0}


def test_contrast_is_that_of_weighted_events(found: Exploration, train: Events) -> None:
    contrast = found.features[0].contrast
    defined = ~np.isnan(train.features[:, 0])
    auc = roc_auc_score(train.label[defined], train.features[defined, 0], sample_weight=train.weight[defined])
    assert contrast.auc == pytest.approx(auc)
    assert contrast.undefined_signal == pytest.approx(np.isnan(train.features[train.label, 0]).mean())
    assert contrast.undefined_background == pytest.approx(np.isnan(train.features[~train.label, 0]).mean())
    edges = contrast.signal.edges
    inner = [
        np.histogram(train.features[side & defined, 0], edges, weights=train.weight[side & defined])[0]
        / train.weight[side & defined].sum()
        for side in (train.label, ~train.label)
    ]
    s, b = (np.append(shape, 1 - shape.sum()) for shape in inner)
    used = s + b > 0
    assert contrast.separation == pytest.approx(0.5 * ((s - b)[used] ** 2 / (s + b)[used]).sum(), abs=1e-3)


def test_agreement_is_scipys_distance(found: Exploration, train: Events, test: Events) -> None:
    for position in (0, 1, 2):
        samples = [events.features[:, position] for events in (train, test)]
        expected = stats.ks_2samp(*(sample[~np.isnan(sample)] for sample in samples), method="asymp")
        agreement = found.features[position].agreement
        assert agreement.distance == pytest.approx(expected.statistic)
        assert agreement.p_value == pytest.approx(expected.pvalue, abs=0.02)


def test_correlations_are_those_of_each_class(found: Exploration, train: Events) -> None:
    assert found.correlations.signal is not None
    signal = train.features[train.label]
    expected = np.corrcoef(signal[:, 1], signal[:, 2])[0, 1]
    assert found.correlations.signal[1, 2] == pytest.approx(expected)
    assert found.correlations.all[1, 2] == pytest.approx(np.corrcoef(train.features[:, 1], train.features[:, 2])[0, 1])
    assert np.isnan(found.correlations.all[3:]).all()


def test_rankings_put_the_strongest_first_and_the_unknown_last(found: Exploration) -> None:
    separations = [contrast.separation for _, contrast in found.contrasts()]
    distances = [agreement.distance for _, agreement in found.agreements()]
    assert found.contrasts()[0][0].column.name == "mass"
    assert found.contrasts()[-1][0].column.name == found.agreements()[-1][0].column.name == "never"
    for values in (separations, distances):
        assert values[:-1] == sorted(values[:-1], reverse=True)
        assert np.isnan(values[-1])


def test_without_labels_weights_and_test_table_there_is_nothing_to_compare() -> None:
    found = explore(make_events(100, seed=3, labels=False, weights=False))
    assert found.test is found.shared is None
    assert found.train.classes == ()
    assert all(feature.contrast is feature.agreement is None for feature in found.features)
    assert found.correlations.signal is found.correlations.background is None
    assert found.contrasts() == found.agreements() == []


def test_without_weights_events_count_one() -> None:
    events = make_events(300, seed=4, weights=False)
    contrast = explore(events).features[1].contrast
    assert contrast.signal.total == events.label.sum()


@pytest.mark.parametrize("count", [0, 1])
def test_a_table_of_hardly_any_events_is_explored(count: int) -> None:
    found = explore(make_events(count, seed=5), make_events(1, seed=6))
    assert found.train.events == count
    assert np.isnan(found.correlations.all).all()
    assert np.isnan(found.features[3].summary.mean)


def test_values_near_the_largest_float_do_no_harm() -> None:
    events = make_events(50, seed=7)
    events.features[:25, 1] = 1e308
    events.features[25:, 1] = -1e308
    assert explore(events).features[1].counts.total == 50


def test_tables_with_different_features_are_refused(train: Events) -> None:
    other = Schema(name="other", columns=tuple(column for column in SCHEMA.columns if column.name != "mass"))
    events = Events(other, train.features[:, 1:], train.index, None, None)
    with pytest.raises(BadTable) as caught:
        explore(train, events)
    assert "mass" in str(caught.value)
