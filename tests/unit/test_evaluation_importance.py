"""Permutation importance: what a shuffled feature costs, and what a short time allows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eventsieve.domain.evaluation import ImportanceInput, Scored
from eventsieve.domain.evaluation.importance import MOST_EVENTS, permutation_importance


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def model(features: np.ndarray) -> np.ndarray:
    """The second feature says most, the first little, the third nothing."""
    return sigmoid(0.5 * features[:, 0] + 2.0 * features[:, 1])


def events(n: int = 5000, *, share: float = 0.5, weighted: bool = True) -> tuple[np.ndarray, Scored]:
    random = np.random.default_rng(0)
    features = random.normal(size=(n, 3))
    target = (random.random(n) < model(features) * 2 * share).astype(np.uint8)
    score = model(features)
    weight = random.exponential(size=n) if weighted else None
    return features, Scored(target, score, (score > 0.5).astype(np.uint8), weight, probabilities=True)


def importance(features, validation, *, seconds: float = 0.01, left=lambda: math.inf, score=model):
    given = ImportanceInput(features, ("little", "most", "nothing"), score, seconds)
    return permutation_importance(given, validation, seed=1, seconds_left=left)


def test_features_come_by_falling_loss() -> None:
    found, left_out = importance(*events())
    assert [one.feature for one in found] == ["most", "little", "nothing"]
    assert found[0].drop > 10 * found[1].drop > 0
    assert (found[2].drop, found[2].uncertainty) == (0, 0)
    assert left_out == ()


def test_the_loss_is_that_of_the_weighted_auc() -> None:
    features, validation = events()
    shuffled = features.copy()
    drops = []
    for seed in range(20):
        shuffled[:, 1] = np.random.default_rng(seed).permutation(features[:, 1])
        areas = [
            roc_auc_score(validation.target, model(x), sample_weight=validation.weight) for x in (features, shuffled)
        ]
        drops.append(areas[0] - areas[1])
    found, _ = importance(features, validation)
    assert found[0].drop == pytest.approx(np.mean(drops), abs=4 * np.std(drops) / math.sqrt(5))
    assert found[0].uncertainty == pytest.approx(np.std(drops), rel=0.8)


def test_the_features_are_left_as_they_were() -> None:
    features, validation = events()
    before = features.copy()
    importance(features, validation)
    assert (features == before).all()


def test_of_many_events_as_many_of_each_class_are_chosen() -> None:
    features, validation = events(60_000, share=0.1)
    sizes = []

    def counted(part: np.ndarray) -> np.ndarray:
        sizes.append(len(part))
        return model(part)

    found, left_out = importance(features, validation, score=counted)
    assert set(sizes) == {MOST_EVENTS}
    assert left_out == ("Permutation importance used 10,000 of 60,000 validation events.",)
    (every, _) = (one.drop for one in found if one.feature != "nothing")
    shuffled = features.copy()
    shuffled[:, 1] = np.random.default_rng(5).permutation(features[:, 1])
    areas = [roc_auc_score(validation.target, model(x), sample_weight=validation.weight) for x in (features, shuffled)]
    assert every == pytest.approx(areas[0] - areas[1], abs=0.02)


def test_of_several_classes_it_is_the_loss_of_the_mean_auc() -> None:
    features, validation = events()

    def several(part: np.ndarray) -> np.ndarray:
        signal = model(part)
        return np.column_stack([1 - signal, signal / 2, signal / 2])

    target = np.where(validation.target == 1, np.arange(len(features)) % 2 + 1, 0).astype(np.uint8)
    score = several(features)
    scored = Scored(target, score, score.argmax(axis=1).astype(np.uint8), None, probabilities=True)
    found, _ = importance(features, scored, score=several)
    assert [one.feature for one in found] == ["most", "little", "nothing"]


def test_what_has_no_time_is_left_out() -> None:
    found, left_out = importance(*events(), seconds=1000.0, left=lambda: 10.0)
    assert found == ()
    assert "no time to score" in left_out[0]


def test_a_slow_model_is_asked_about_fewer_events() -> None:
    _, left_out = importance(*events(), seconds=5.0, left=lambda: 60.0)
    assert left_out == ("Permutation importance used 2,000 of 5,000 validation events.",)


def test_it_stops_when_time_runs_out_and_keeps_whole_repeats() -> None:
    clock = iter([60.0] * 8 + [0.0] * 100)
    found, left_out = importance(*events(), left=lambda: next(clock))
    assert len(found) == 3
    assert left_out == ("Permutation importance had time for 2 of 5 repeats.",)
    clock = iter([60.0, 60.0] + [0.0] * 100)
    found, left_out = importance(*events(), left=lambda: next(clock))
    assert found == ()
    assert "0 of 5 repeats" in left_out[0]
