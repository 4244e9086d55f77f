from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from eventsieve import machine
from eventsieve.settings import read_settings


def test_there_is_at_least_one_core() -> None:
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1073741824\n", 1 << 30), ("max\n", None), ("9223372036854771712\n", None), ("", None)],
)
def test_a_container_has_less_than_the_machine(
    limit: str, expected: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "memory.max"
    path.write_text(limit)
    monkeypatch.setattr(machine, "CGROUP_LIMITS", (tmp_path / "missing", path))
    assert machine.memory() == (expected or psutil.virtual_memory().total)


def test_the_slots_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: 8 << 30)
    assert read_settings(NUM_CPUS=4).memory_limit == 2 << 30
    assert read_settings(NUM_CPUS=4, MEMORY_LIMIT_MB=100).memory_limit == 100 << 20
    assert read_settings().MAX_TABLE_MB == 512
    # A slot with less could not even load the libraries.
    assert read_settings(NUM_CPUS=100).memory_limit == 512 << 20


def test_every_training_may_use_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 6)
    assert (read_settings().NUM_CPUS, read_settings().THREADS) == (6, 6)
    assert read_settings(THREADS=2).THREADS == 2
    monkeypatch.setattr(machine, "cores", lambda: 64)
    assert read_settings().THREADS == 16
