from __future__ import annotations

from pathlib import Path

import pytest

from eventsieve.domain.simulation import simulate
from eventsieve.storage.tables import write_table


@pytest.fixture(scope="session")
def large_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 simulated events: more than any type with these parameters fits within a second or two."""
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    write_table(simulate(60_000, seed=5), path)
    return path
