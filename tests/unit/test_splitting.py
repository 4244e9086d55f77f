from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.splitting import hold_out_end, split
from eventsieve.errors import BadTable

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
