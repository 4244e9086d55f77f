"""The people as locust's users: `make load` runs it. Each gets a name, and with it a key, in the order of arrival."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from locust import User, events, task

from load.ground import Ground
from load.line import Seen
from load.people import Person

FOLDER = Path(os.environ["LOAD_FOLDER"])
SEED = int(os.environ["LOAD_SEED"])
GROUND = Ground.read(FOLDER / "ground.json")

_numbers = count()
_seen: list[Seen] = []


class Physicist(User):
    """One of the people; `Person` thinks between the requests, so nothing is waited here."""

    def on_start(self) -> None:
        """Take a name."""
        number = next(_numbers)
        self.person = Person(list(GROUND.keys)[number], GROUND, self.note, seed=SEED + number)

    def on_stop(self) -> None:
        """Go home."""
        self.person.line.close()

    @task
    def act(self) -> None:
        """Do something."""
        self.person.act()

    def note(self, seen: Seen) -> None:
        """Tell locust and the runner of an answer."""
        _seen.append(seen)
        method, _, name = seen.what.partition(" ")
        self.environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=1e3 * seen.seconds,
            response_length=seen.size,
            exception=AssertionError(seen.error) if seen.error else None,
            context={},
        )


@events.quitting.add_listener
def write(**_: Any) -> None:
    """Leave all that was seen to the runner."""
    (FOLDER / "seen.json").write_text(json.dumps([asdict(seen) for seen in _seen]), encoding="utf-8")
