from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import explore
from eventsieve.errors import BadTable
from eventsieve.records import Column, Exploration, Schema

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
        target=label.astype(np.uint8) if labels else None,
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


def features(found: Exploration) -> dict:
    return {feature.column.name: feature for feature in found.features}


def test_tables_are_counted(found: Exploration, train: Events, test: Events) -> None:
    assert (found.table.events, found.table.complete) == (2000, 0)
    assert found.table.undefined == np.isnan(train.features).sum()
    same = found.table.duplicates
    assert (same.events, same.groups, same.surplus, same.equal_index) == (3, 1, 2, 0)
    assert (found.against.events, found.against.duplicates.events, found.against.classes) == (1000, 0, ())
    assert found.against.all.weights is None
    assert found.shared == 1


def test_equal_event_numbers_are_counted_where_there_are_any() -> None:
    events = make_events(50, seed=9)
    events.index[:4] = 7
    events.index[7] = 1000
    assert explore(events).table.duplicates.equal_index == 4
    unnumbered = Schema.model_validate(
        SCHEMA.model_dump() | {"columns": [c for c in SCHEMA.columns if c.role != "index"]}
    )
    events = Events(unnumbered, events.features, events.index, events.weight, events.target)
    assert explore(events).table.duplicates.equal_index is None


def test_classes_and_their_weights_are_counted(found: Exploration, train: Events) -> None:
    background, signal = found.table.classes
    assert (signal.label, signal.events) == ("s", train.label.sum())
    assert (background.label, background.events) == ("b", (~train.label).sum())
    weight = train.weight[train.label]
    assert signal.weights.total == pytest.approx(weight.sum())
    assert signal.weights.effective == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert (signal.weights.minimum, signal.weights.maximum) == (weight.min(), weight.max())
    assert signal.weights.scale == pytest.approx(10 / weight.sum())
    assert background.weights.full == 5000
    assert found.table.all.weights.full == 5010


def test_the_full_sample_is_unknown_where_the_schema_does_not_tell(train: Events) -> None:
    schema = Schema.model_validate(SCHEMA.model_dump() | {"class_weight_sums": {"s": 1.0}})
    found = explore(Events(schema, train.features, train.index, train.weight, train.target))
    assert [count.weights.full for count in (*found.table.classes, found.table.all)] == [None, 1.0, None]
    assert found.table.classes[0].weights.scale is None


@pytest.mark.parametrize("position", [0, 1, 2, 4])
@pytest.mark.parametrize("part", ["all", "b", "s"])
def test_statistics_are_numpys(found: Exploration, train: Events, position: int, part: str) -> None:
    member = {"all": np.ones(2000, dtype=bool), "s": train.label, "b": ~train.label}[part]
    values, weight = train.features[member, position], train.weight[member]
    feature = found.features[position]
    statistics = {sample.label: sample for sample in (feature.all, *feature.classes)}[part].statistics
    held = ~np.isnan(values)
    defined = values[held]
    assert (statistics.events, statistics.defined) == (member.sum(), len(defined))
    assert statistics.undefined == pytest.approx(np.isnan(values).mean())
    assert statistics.mean == pytest.approx(defined.mean())
    assert statistics.std == pytest.approx(defined.std())
    assert statistics.weighted_mean == pytest.approx(np.average(defined, weights=weight[held]))
    quantiles = [
        statistics.minimum,
        statistics.lower_quartile,
        statistics.median,
        statistics.upper_quartile,
        statistics.maximum,
    ]
    assert quantiles == pytest.approx(np.quantile(defined, [0, 0.25, 0.5, 0.75, 1]))


def test_histograms_share_their_edges_and_hold_every_defined_event(
    found: Exploration, train: Events, test: Events
) -> None:
    for position, feature in enumerate(found.features):
        values, others = train.features[:, position], test.features[:, position]
        for label, sample in (("b", feature.classes[0]), ("s", feature.classes[1])):
            member = (train.label == (label == "s")) & ~np.isnan(values)
            histogram = sample.histogram
            assert sample.label == label
            assert histogram.total == pytest.approx(train.weight[member].sum())
            counts, _ = np.histogram(values[member], feature.edges)
            sums, _ = np.histogram(values[member], feature.edges, weights=train.weight[member])
            squares, _ = np.histogram(values[member], feature.edges, weights=train.weight[member] ** 2)
            assert histogram.counts == tuple(counts)
            np.testing.assert_allclose(histogram.sums, sums)
            np.testing.assert_allclose(histogram.errors, np.sqrt(squares))
        against = feature.against.histogram
        assert against.counts == tuple(np.histogram(others[~np.isnan(others)], feature.edges)[0])
        assert against.total == (~np.isnan(others)).sum()


def test_a_whole_number_has_a_bin_for_each_value(found: Exploration, train: Events) -> None:
    counted = features(found)["jet_num"]
    jets = train.features[:, 2].astype(int)
    assert counted.whole
    assert counted.edges[0] == -0.5
    assert set(np.diff(counted.edges)) == {1.0}
    assert counted.all.histogram.counts[: jets.max() + 1] == tuple(np.bincount(jets))
    assert [f.column.name for f in found.features if f.whole] == ["jet_num"]


def test_separation_and_auc_are_those_of_weighted_events(found: Exploration, train: Events) -> None:
    feature = features(found)["mass"]
    apart = feature.separation
    assert (apart.first, apart.second) == ("b", "s")
    defined = ~np.isnan(train.features[:, 0])
    auc = roc_auc_score(train.label[defined], train.features[defined, 0], sample_weight=train.weight[defined])
    assert apart.auc == pytest.approx(auc)
    inner = [
        np.histogram(train.features[side & defined, 0], feature.edges, weights=train.weight[side & defined])[0]
        / train.weight[side & defined].sum()
        for side in (train.label, ~train.label)
    ]
    s, b = (np.append(shape, 1 - shape.sum()) for shape in inner)
    used = s + b > 0
    assert apart.power == pytest.approx(0.5 * ((s - b)[used] ** 2 / (s + b)[used]).sum(), abs=1e-3)


def test_correlations_are_those_of_each_class(found: Exploration, train: Events, test: Events) -> None:
    whole = found.correlations
    assert whole.features == SCHEMA.feature_names
    background, signal = whole.classes
    assert (background.label, signal.label) == ("b", "s")
    part = train.features[train.label]
    assert signal.matrix[1][2] == pytest.approx(np.corrcoef(part[:, 1], part[:, 2])[0, 1], abs=1e-4)
    for matrix, events in ((whole.all, train), (whole.against, test)):
        expected = np.corrcoef(events.features[:, 1], events.features[:, 2])[0, 1]
        assert matrix[1][2] == pytest.approx(expected, abs=1e-4)
    assert set(whole.all[3]) == set(whole.all[4]) == {None}


def test_the_ranking_puts_the_strongest_first_and_the_unknown_last(found: Exploration) -> None:
    ranked = found.ranked()
    powers = [feature.separation.power for feature in ranked]
    assert ranked[0].column.name == "mass"
    assert ranked[-1].column.name == "never"
    assert powers[-1] is None
    assert powers[:-1] == sorted(powers[:-1], reverse=True)


def test_without_labels_weights_and_second_table_there_is_nothing_to_compare() -> None:
    found = explore(make_events(100, seed=3, labels=False, weights=False))
    assert found.against is found.shared is found.drift is None
    assert found.table.classes == found.correlations.classes == found.ranked() == ()
    assert all(feature.separation is feature.against is None for feature in found.features)
    assert all(feature.all.statistics.weighted_mean is None for feature in found.features)
    assert "The table has no labels: classes are not compared." in found.findings


def test_without_weights_events_count_one() -> None:
    events = make_events(300, seed=4, weights=False)
    histogram = explore(events).features[1].classes[1].histogram
    assert histogram.total == events.label.sum()
    assert histogram.sums == histogram.counts


def make_classes(count: int, seed: int) -> Events:
    """Events of three classes: the second feature parts the first class from the third, most of all."""
    rng = np.random.default_rng(seed)
    schema = Schema(
        name="three",
        columns=(
            Column(name="flat", dtype="float64"),
            Column(name="mass", dtype="float64"),
            Column(name="process", dtype="object", role="label"),
        ),
        signal=None,
        background=(),
        classes=("top", "w", "z"),
    )
    target = rng.integers(0, 3, count).astype(np.uint8)
    features = np.column_stack([rng.random(count), rng.normal(target, 0.5)])
    return Events(schema, features, np.arange(count), None, target)


def test_of_several_classes_the_pair_that_separates_best_is_named() -> None:
    events = make_classes(3000, seed=8)
    found = explore(events)
    assert [part.label for part in found.table.classes] == ["top", "w", "z"]
    mass = features(found)["mass"]
    assert [sample.label for sample in mass.classes] == ["top", "w", "z"]
    assert (mass.separation.first, mass.separation.second) == ("top", "z")
    pair = events.target != 1
    assert mass.separation.auc == pytest.approx(roc_auc_score(events.target[pair] == 2, events.features[pair, 1]))
    assert found.ranked()[0].column.name == "mass"


def test_a_class_of_a_handful_of_events_is_no_pair() -> None:
    events = make_classes(3000, seed=8)
    kept = np.flatnonzero(events.target != 2)
    found = explore(events.take(np.append(kept, np.flatnonzero(events.target == 2)[:3])))
    assert {(f.separation.first, f.separation.second) for f in found.features} == {("top", "w")}


@pytest.mark.parametrize("count", [0, 1])
def test_a_table_of_hardly_any_events_is_explored(count: int) -> None:
    found = explore(make_events(count, seed=5), make_events(1, seed=6))
    assert found.table.events == count
    assert {value for row in found.correlations.all for value in row} == {None}
    assert found.features[3].all.statistics.mean is None
    assert Exploration.model_validate_json(found.model_dump_json()) == found


def test_values_near_the_largest_float_do_no_harm() -> None:
    events = make_events(250, seed=7)
    events.features[:25, 1] = 1e308
    events.features[25:, 1] = -1e308
    found = explore(events, make_events(250, seed=8))
    assert sum(found.features[1].all.histogram.counts) <= 250
    assert found.features[1].all.statistics.std is None
    assert Exploration.model_validate_json(found.model_dump_json()) == found


def test_an_exploration_survives_json(found: Exploration) -> None:
    text = found.model_dump_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert Exploration.model_validate_json(text) == found


def test_only_the_features_that_both_tables_have_are_compared(train: Events) -> None:
    columns = [c for c in reversed(SCHEMA.columns) if c.name not in ("mass", "never")]
    other = Schema(name="other", columns=(*columns, Column(name="extra", dtype="float64")))
    taken = [SCHEMA.feature_names.index(name) for name in other.feature_names if name != "extra"]
    values = np.column_stack([train.features[:, taken], np.zeros(len(train))])
    found = explore(train, Events(other, values, train.index, None, None))
    assert found.only_first == ("mass", "never")
    assert found.only_second == ("extra",)
    assert features(found)["mass"].against is None
    assert features(found)["angle"].against.histogram.counts == features(found)["angle"].all.histogram.counts
    assert found.correlations.against is None
    assert "Only the first table has mass, never: not compared." in found.findings
    assert found.shared == len(train)


def test_tables_without_a_common_feature_are_refused(train: Events) -> None:
    other = Schema(name="other", columns=(Column(name="energy", dtype="float64"),))
    with pytest.raises(BadTable, match=r"mass, angle, jet_num, never, always_5.* the second has energy"):
        explore(train, Events(other, train.features[:, :1], train.index, None, None))


def test_findings_are_sentences_on_what_is_odd(train: Events) -> None:
    values = np.column_stack([train.features, 2 * train.features[:, 1], train.label + 0.0])
    added = (Column(name="twice", dtype="float64"), Column(name="answer", dtype="float64"))
    schema = Schema.model_validate(SCHEMA.model_dump() | {"columns": (*SCHEMA.columns, *added)})
    weight = train.weight.copy()
    weight[:2] = -1.0
    found = explore(Events(schema, values, train.index, weight, train.target, remarks=("A remark.",)))
    for sentence in (
        "The table has 2 events that equal another in all features, in 1 groups: 1 could be dropped.",
        "The table has 2 events of negative weight.",
        "The table: A remark.",
        "Defined for no event: never; leave out what says nothing.",
        "The same value for every event: always_5; leave out what says nothing.",
        "answer alone tells s from b (AUC 1.0000): leave it out if it gives the label away.",
        "Features that carry the same (correlation beyond ±0.999): twice and angle.",
    ):
        assert sentence in found.findings
