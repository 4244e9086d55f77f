"""Each fault once under load, every invariant after it; `make soak` does the same for as long as one likes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults.injections import FAULTS, FOR_CLOCK, FOR_DISK, FOR_POSTGRES, FOR_SQLITE, settable_clock, small_disk
from faults.invariants import check, check_swept
from faults.postgres import postgres
from faults.world import World, world

pytestmark = pytest.mark.slow

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a world is made; its servers get no settings from outside."""
    made = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("EVENTSIEVE_")]:
            patch.delenv(name)
        patch.chdir(made)
        yield made


@pytest.fixture(scope="module")
def over_sqlite(folder: Path) -> Iterator[tuple[World, dict[str, str]]]:
    """A world, and why faults cannot be done to it."""
    missing = {}
    with ExitStack() as stack:
        for faults, means in ((FOR_DISK, small_disk(folder / "s" / "room")), (FOR_CLOCK, settable_clock(folder / "s"))):
            try:
                stack.enter_context(means)
            except OSError as error:
                missing |= dict.fromkeys(faults, str(error.strerror))
        yield stack.enter_context(world(folder / "s", SEED)), missing


@pytest.fixture(scope="module")
def over_postgresql(folder: Path) -> Iterator[World]:
    with postgres() as database, world(folder / "p", SEED, database) as opened:
        yield opened


def holds(opened: World) -> None:
    found, opened.violations = opened.violations, []
    assert found == [], "\n".join([*found, (opened.folder / "server.log").read_text()[-4000:]])


ONCE = FAULTS | FOR_DISK | FOR_CLOCK | FOR_SQLITE


@pytest.mark.parametrize("name", ONCE)
def test_over_sqlite(over_sqlite: tuple[World, dict[str, str]], name: str) -> None:
    opened, missing = over_sqlite
    if name in missing:
        pytest.skip(missing[name])
    ONCE[name](opened)
    check(opened)
    holds(opened)


def test_what_nobody_speaks_of_is_swept(over_sqlite: tuple[World, dict[str, str]]) -> None:
    opened, _ = over_sqlite
    check_swept(opened)
    holds(opened)


@pytest.mark.parametrize("name", FOR_POSTGRES)
def test_over_postgresql(over_postgresql: World, name: str) -> None:
    FOR_POSTGRES[name](over_postgresql)
    check(over_postgresql)
    holds(over_postgresql)
