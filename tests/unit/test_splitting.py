from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.fingerprints import fingerprints
from eventsieve.domain.splitting import hold_out_end, plan_split, split
from eventsieve.errors import BadTable
from eventsieve.records import Validation

LABEL = np.random.default_rng(0).random(1000) < 0.3


@pytest.mark.parametrize("how", [split, hold_out_end])
def test_every_event_is_in_one_part(how) -> None:
    kept, out = how(LABEL, 0.25, seed=1)
    assert len(out) == 250
    assert sorted([*kept, *out]) == list(range(1000))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(out) > 0).all()


def test_both_parts_have_the_same_share_of_signal() -> None:
    kept, out = split(LABEL, 0.25, seed=1)
    assert abs(LABEL[kept].mean() - LABEL[out].mean()) < 0.005


def test_the_seed_decides() -> None:
    first, again, other = (split(LABEL, 0.5, seed=seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_too_few_events_of_a_class_are_refused() -> None:
    label = np.array([True] + [False] * 9)
    with pytest.raises(BadTable, match=r"10 events, 1 of them signal"):
        split(label, 0.5, seed=0)


def test_the_end_is_held_out() -> None:
    kept, out = hold_out_end(LABEL, 0.25, seed=1)
    assert kept.max() < out.min()


def test_a_table_ordered_by_class_is_split_at_random() -> None:
    label = np.sort(LABEL)
    kept, out = hold_out_end(label, 0.25, seed=1)
    assert 0 < label[out].mean() < 1
    assert kept.max() > out.min()


TARGET = np.random.default_rng(1).integers(0, 3, 1000).astype(np.uint8)
NAMES = ("qcd", "w", "z")


@pytest.mark.parametrize("stratified", [True, False])
def test_a_hold_out_keeps_its_fraction(*, stratified: bool) -> None:
    (part,) = plan_split(Validation(kind="holdout", fraction=0.2, stratified=stratified), TARGET, 1)
    assert len(part.validation) == 200
    assert sorted([*part.train, *part.validation]) == list(range(1000))
    shares = [np.bincount(TARGET[rows]) / len(rows) for rows in part]
    assert (np.abs(shares[0] - shares[1]).max() < 0.006) == stratified


def test_a_stratified_hold_out_of_two_classes_is_that_of_v1() -> None:
    (part,) = plan_split(Validation(kind="holdout", fraction=0.25), LABEL.astype(np.uint8), 1)
    for ours, theirs in zip(part, split(LABEL, 0.25, seed=1), strict=True):
        assert (ours == theirs).all()


@pytest.mark.parametrize("stratified", [True, False])
def test_every_event_is_validated_by_one_fold(*, stratified: bool) -> None:
    parts = plan_split(Validation(kind="folds", folds=4, stratified=stratified), TARGET, 1)
    assert len(parts) == 4
    assert sorted(np.concatenate([part.validation for part in parts])) == list(range(1000))
    for part in parts:
        assert sorted([*part.train, *part.validation]) == list(range(1000))
        assert (np.diff(part.train) > 0).all()
        if stratified:
            assert np.ptp(np.bincount(TARGET[part.validation]) - np.bincount(TARGET) / 4) < 2.01


@pytest.mark.parametrize("kind", ["holdout", "folds"])
def test_the_seed_decides_the_plan(kind: str) -> None:
    first, again, other = (plan_split(Validation(kind=kind), TARGET, seed)[0].validation.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_without_validation_events_there_is_nothing_to_split() -> None:
    assert plan_split(Validation(kind="none"), TARGET, 1) == ()
    assert plan_split(Validation(kind="dataset", dataset="d1"), TARGET, 1) == ()


def test_too_few_events_for_the_folds_are_refused_with_the_class_and_the_cure() -> None:
    target = np.array([0] * 50 + [1] * 50 + [2] * 3, dtype=np.uint8)
    with pytest.raises(BadTable, match=r"5 folds need 5 events of each class, and there are 3 of 'z'; ask for 3 folds"):
        plan_split(Validation(kind="folds", folds=5), target, 1, NAMES)


def test_a_class_that_would_be_missing_in_a_part_is_refused() -> None:
    target = np.array([0] * 500 + [1] * 500 + [2], dtype=np.uint8)
    with pytest.raises(BadTable, match=r"1001 events, 1 of the rarest of 3 classes, are too few"):
        plan_split(Validation(kind="holdout"), target, 1, NAMES)
    target = np.append(target, np.uint8(2))
    with pytest.raises(BadTable, match=r"only 2 events of 'z', too few to be in every part"):
        plan_split(Validation(kind="holdout", fraction=0.01), target, 1, NAMES)


def test_fingerprints_find_events_again() -> None:
    features = np.random.default_rng(0).normal(size=(100, 3))
    features[3] = np.nan, 0.0, 1.0
    seen = features[[3, 50, 7]].copy()
    seen[0, 1] = -0.0
    found = np.isin(fingerprints(features), fingerprints(seen))
    assert np.flatnonzero(found).tolist() == [3, 7, 50]
    assert fingerprints(features).dtype == np.uint64
