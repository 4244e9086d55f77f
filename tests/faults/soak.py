"""Random faults in a loop, every invariant after each: `make soak SECONDS=600 SEED=1`.

Prints each fault and what was seen, a summary in the end. On a violation it exits with 1 and keeps the store.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random

from faults.injections import FAULTS, FOR_CLOCK, FOR_DISK, FOR_POSTGRES, FOR_SQLITE, Fault, settable_clock, small_disk
from faults.invariants import check, check_swept
from faults.postgres import postgres
from faults.world import World, world

SWEPT_AFTER = 5
"""After so many faults the store is left for a day."""

FAULTS_OF_A_WORLD = 15
"""After so many faults a new store is begun: lists stay short enough to be looked at whole."""


def main() -> int:
    """Run until the time is up or something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", help="names of faults, with commas")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    say(f"seed {options.seed}, {options.seconds:g} s\n")
    only = frozenset(options.only.split(",")) if options.only else None
    soak = Soak(Random(options.seed), time.monotonic() + options.seconds, only)
    kinds = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    for kind in cycle(kinds):
        if time.monotonic() > soak.over:
            break
        if (kept := soak.one_world(kind)) is not None:
            say(f"\nVIOLATED; the store is kept in {kept}\n")
            return 1
    say(f"\n{soak.done.total()} faults, every invariant held: {dict(soak.done)}; answers: {dict(soak.answers)}\n")
    return 0


@dataclass
class Soak:
    """A run, and what has been done in it."""

    random: Random
    over: float
    only: frozenset[str] | None
    done: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def one_world(self, kind: str) -> Path | None:
        """Do faults to a new store; its folder, if something did not hold."""
        folder = Path(tempfile.mkdtemp(prefix="eventsieve-soak-"))
        say(f"\n{kind}\n")
        with ExitStack() as stack:
            database = stack.enter_context(postgres()) if kind == "postgresql" else None
            faults = FAULTS | (FOR_SQLITE if database is None else FOR_POSTGRES)
            for more, means in ((FOR_DISK, small_disk(folder / "room")), (FOR_CLOCK, settable_clock(folder))):
                try:
                    stack.enter_context(means)
                    faults |= more
                except OSError as error:
                    say(f"!! left out: {', '.join(more)} ({error.strerror})\n")
            opened = stack.enter_context(world(folder, self.random.randrange(2**32), database))
            self._do(opened, {name: each for name, each in faults.items() if self.only is None or name in self.only})
            self.answers.update(opened.answers)
            if opened.violations:
                opened.stop()
                return Path(shutil.copytree(folder, f"{folder}-kept", symlinks=True))
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def _do(self, opened: World, faults: dict[str, Fault]) -> None:
        for number in range(1, FAULTS_OF_A_WORLD + 1):
            if time.monotonic() > self.over or opened.violations:
                return
            name = self.random.choice(sorted(faults))
            began = time.monotonic()
            say(f"  {name:<16}")
            faults[name](opened)
            (check if number % SWEPT_AFTER else check_swept)(opened)
            self.done[name] += 1
            known = opened.known
            say(
                f" {time.monotonic() - began:5.1f} s, {'does not hold' if opened.violations else 'holds'}: "
                f"{len(known.datasets)} data sets, {len(known.jobs)} jobs, {len(known.models)} models, "
                f"{sum(opened.answers.values())} answers\n"
            )
            for violation in opened.violations:
                say(f"      {violation}\n")


def say(text: str) -> None:
    """Tell whoever watches, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
