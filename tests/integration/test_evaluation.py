"""Evaluation of models of real, weighted events against scikit-learn, SciPy and formulas of their own."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eventsieve.domain.evaluation import ImportanceInput, Scored, compare, evaluate_model
from eventsieve.domain.schema import load_schema
from eventsieve.domain.splitting import plan_split
from eventsieve.records import Evaluation, Validation

pytestmark = pytest.mark.real

SCHEMA = load_schema("atlas-higgs-2014")
SIGNAL, BACKGROUND = 691.99, 410999.85


@pytest.fixture(scope="module")
def tables(real_data: Path):
    """Features, target and weight of training and of validation events."""
    table = pyarrow.csv.read_csv(real_data / "higgsml_training_17889.csv.gz")
    features = np.column_stack([table[name].to_numpy() for name in SCHEMA.feature_names]).astype(np.float64)
    target = (table["Label"].to_numpy() == "s").astype(np.uint8)
    weight = table["Weight"].to_numpy()
    (part,) = plan_split(Validation(kind="holdout", fraction=0.25), target, 1)
    return [(features[rows], target[rows], weight[rows]) for rows in part]


def scored(model, table) -> Scored:
    features, target, weight = table
    score = model.predict_proba(features)[:, 1]
    return Scored(target, score, (score > 0.5).astype(np.uint8), weight, probabilities=True)


@pytest.fixture(scope="module")
def line(tables):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(*tables[0][:2])
    return model, scored(model, tables[0]), scored(model, tables[1])


@pytest.fixture(scope="module")
def forest(tables):
    model = RandomForestClassifier(60, random_state=0).fit(*tables[0][:2])
    return model, scored(model, tables[0]), scored(model, tables[1])


def evaluated(fitted, importance: ImportanceInput | None = None):
    _, train, validation = fitted
    return evaluate_model(
        schema=SCHEMA,
        train=train,
        validation=validation,
        sums=None,
        seed=1,
        importance=importance,
        seconds_left=lambda: math.inf,
    )


def figure(found, name: str, *, weighted: bool):
    (score,) = (score for score in found if (score.name, score.weighted) == (name, weighted))
    return score


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_are_those_of_scikit_learn(line, *, weighted: bool) -> None:
    found, _ = evaluated(line)
    events = line[2]
    weight = events.weight if weighted else None
    expected = {
        "accuracy": accuracy_score(events.target, events.predicted, sample_weight=weight),
        "f1": f1_score(events.target, events.predicted, sample_weight=weight),
        "roc_auc": roc_auc_score(events.target, events.score, sample_weight=weight),
        "average_precision": average_precision_score(events.target, events.score, sample_weight=weight),
        "log_loss": log_loss(events.target, events.score, sample_weight=weight),
        "brier": brier_score_loss(events.target, events.score, sample_weight=weight),
    }
    for name, value in expected.items():
        assert figure(found, name, weighted=weighted).value == pytest.approx(value, rel=1e-10), name


def significance(s: float, b: float) -> float:
    return math.sqrt(2 * ((s + b + 10) * math.log(1 + s / (b + 10)) - s))


def test_the_ams_is_the_largest_of_all_cuts_scaled_to_the_full_sample(line) -> None:
    events = line[2]
    target, weight = events.target == 1, events.weight
    best = 0.0
    for cut in np.unique(events.score):
        chosen = events.score >= cut
        if np.count_nonzero(chosen & ~target) >= 10:
            s = SIGNAL * weight[chosen & target].sum() / weight[target].sum()
            b = BACKGROUND * weight[chosen & ~target].sum() / weight[~target].sum()
            best = max(best, significance(s, b))
    found, evaluation = evaluated(line)
    score = figure(found, "ams", weighted=True)
    assert score.value == pytest.approx(best, rel=1e-9)
    assert evaluation.ams.best == pytest.approx(best, rel=1e-9)
    assert evaluation.ams.best_cut == score.cut
    assert evaluation.ams.best_uncertainty == pytest.approx(score.uncertainty)


def test_uncertainties_are_those_of_drawing_events_with_replacement(line) -> None:
    events = line[2]
    random = np.random.default_rng(5)
    found, evaluation = evaluated(line)
    cut = evaluation.ams.best_cut
    rows = [events.take(random.integers(0, len(events), len(events))) for _ in range(150)]
    expected = {
        ("accuracy", False): [accuracy_score(r.target, r.predicted) for r in rows],
        ("roc_auc", False): [roc_auc_score(r.target, r.score) for r in rows],
        ("roc_auc", True): [roc_auc_score(r.target, r.score, sample_weight=r.weight) for r in rows],
        ("log_loss", True): [log_loss(r.target, r.score, sample_weight=r.weight) for r in rows],
        ("average_precision", False): [average_precision_score(r.target, r.score) for r in rows],
    }
    sums = [
        [
            full * r.weight[(r.score > cut) & (r.target == code)].sum() / r.weight[r.target == code].sum()
            for code, full in ((1, SIGNAL), (0, BACKGROUND))
        ]
        for r in rows
    ]
    expected["ams", True] = [significance(*pair) for pair in sums]
    for (name, weighted), values in expected.items():
        score = figure(found, name, weighted=weighted)
        assert score.uncertainty == pytest.approx(np.std(values, ddof=1), rel=0.3), name
        low, high = np.quantile(values, (0.16, 0.84))
        assert (score.low, score.high) == pytest.approx((low, high), abs=0.5 * score.uncertainty), name


def test_the_distance_of_kolmogorov_and_smirnov_is_scipys_without_weights(line) -> None:
    model, train, validation = line
    bare = (model, *(dataclasses.replace(part, weight=None) for part in (train, validation)))
    _, evaluation = evaluated(bare)
    for code, test in enumerate(evaluation.overtraining):
        expected = stats.ks_2samp(train.score[train.target == code], validation.score[validation.target == code])
        assert test.statistic == pytest.approx(expected.statistic, abs=1e-12)
        assert test.p_value == pytest.approx(expected.pvalue, abs=0.06)


def test_the_distance_is_that_of_weighted_distributions(line) -> None:
    _, train, validation = line
    _, evaluation = evaluated(line)
    places = np.unique(np.concatenate([train.score, validation.score]))
    for code, test in enumerate(evaluation.overtraining):
        cumulative = []
        for part in (train, validation):
            rows = part.target == code
            order = np.argsort(part.score[rows])
            sums = np.append(0.0, np.cumsum(part.weight[rows][order]))
            cumulative.append(sums[np.searchsorted(part.score[rows][order], places, "right")] / sums[-1])
        assert test.statistic == pytest.approx(np.abs(cumulative[0] - cumulative[1]).max(), abs=1e-12)


def test_a_line_is_not_overtrained_and_a_forest_is(line, forest) -> None:
    _, straight = evaluated(line)
    assert straight.verdict == "no sign of overtraining"
    found, wild = evaluated(forest)
    assert wild.verdict == "overtrained"
    assert wild.train_auc == pytest.approx(1.0, abs=1e-4)
    assert figure(found, "roc_auc", weighted=True).value < 0.95
    assert "1.0000 on training" in wild.verdict_reason
    assert Evaluation.model_validate_json(wild.model_dump_json()) == wild


def test_the_mass_of_the_system_matters(line, tables) -> None:
    model, _, validation = line
    importance = ImportanceInput(tables[1][0], SCHEMA.feature_names, lambda x: model.predict_proba(x)[:, 1], 0.01)
    _, evaluation = evaluated(line, importance)
    assert len(evaluation.importance) == 30
    assert evaluation.importance[0].drop > 5 * evaluation.importance[0].uncertainty > 0
    assert {one.feature for one in evaluation.importance[:12]} & {"DER_mass_MMC", "DER_mass_transverse_met_lep"}
    drops = [one.drop for one in evaluation.importance]
    assert drops == sorted(drops, reverse=True)
    assert len(validation) == evaluation.validation_events


def test_the_forest_is_better_than_the_line_beyond_chance(line, forest) -> None:
    found = compare({"line": line[2], "forest": forest[2]}, SCHEMA, None, 1)
    assert found.ranking == ("forest", "line")
    assert "more than chance" in found.verdict
    (area,) = (d for d in found.differences if (d.name, d.weighted) == ("roc_auc", False))
    expected = roc_auc_score(forest[2].target, forest[2].score) - roc_auc_score(line[2].target, line[2].score)
    assert area.value == pytest.approx(expected, abs=1e-12)
    right = [part.predicted == part.target for part in (forest[2], line[2])]
    discordant = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert found.mcnemar[0].p_value == pytest.approx(stats.binomtest(discordant[0], sum(discordant)).pvalue)


def test_negative_weights_do_not_break_it(line) -> None:
    model, train, validation = line
    weight = validation.weight.copy()
    weight[::9] *= -1
    signed = (model, train, dataclasses.replace(validation, weight=weight))
    found, evaluation = evaluated(signed)
    right = validation.predicted == validation.target
    assert figure(found, "accuracy", weighted=True).value == pytest.approx(weight[right].sum() / weight.sum())
    assert all(math.isfinite(score.value) for score in found)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
