"""Simulated events beside the published ones: are they alike enough to stand in for them?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from eventsieve.domain.events import Events, check
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import simulate

pytestmark = pytest.mark.real
SCHEMA = load_schema("atlas-higgs-2014")


def events(table: pa.Table) -> Events:
    return check(table, SCHEMA, labels="required")


@pytest.fixture(scope="module")
def simulated() -> Events:
    return events(simulate(18_000, seed=3))


@pytest.fixture(scope="module")
def real(real_data: Path) -> Events:
    return events(csv.read_csv(real_data / "higgsml_training_17889.csv.gz"))


@pytest.mark.parametrize("feature", range(len(SCHEMA.features)), ids=SCHEMA.feature_names)
def test_each_feature_is_spread_as_the_real_one(simulated: Events, real: Events, feature: int) -> None:
    one, other = simulated.features[:, feature], real.features[:, feature]
    assert np.isnan(one).mean() == pytest.approx(np.isnan(other).mean(), abs=0.09)
    assert ks_2samp(one[~np.isnan(one)], other[~np.isnan(other)]).statistic < 0.09


def test_classifiers_find_the_signal_about_as_well(simulated: Events, real: Events) -> None:
    assert simulated.label is not None
    assert real.label is not None
    classifier = HistGradientBoostingClassifier(random_state=0)
    classifier.fit(simulated.features[:10_000], simulated.label[:10_000])

    def auc(of: Events, start: int = 0) -> float:
        return float(roc_auc_score(of.label[start:], classifier.predict_proba(of.features[start:])[:, 1]))

    assert 0.88 < auc(simulated, 10_000) < 0.94
    assert auc(real) > 0.85
