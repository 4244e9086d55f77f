"""The child's end of its conversation with the server."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from eventsieve.records import Outcome, Progress

__all__ = ["Channel"]

PROGRESS_SECONDS = 0.2
"""Progress of the same stage is sent no more often than this."""


class Channel:
    """What a child says to the server, and the one thing that the server says to a child at work: "stop".

    Args:
        connection: messages in both directions, each a JSON document.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stop = False
        self._stage: str | None = None
        self._quiet_until = 0.0

    def ready(self, if_late: str = "") -> None:
        """Say that the work begins; the time limit counts from here.

        Args:
            if_late: a sentence that the server adds to its reason should the time limit end this child.
        """
        self.send({"ready": True, "if_late": if_late})

    def progress(self, progress: Progress) -> None:
        """Say how far the work has come; what comes too soon after the last one of the same stage is not sent."""
        now = time.monotonic()
        if progress.stage == self._stage and now < self._quiet_until:
            return
        self._stage, self._quiet_until = progress.stage, now + PROGRESS_SECONDS
        self.send({"progress": progress.model_dump(mode="json")})

    def answer(self, outcome: Outcome) -> None:
        """Say how it ended; nothing can be said after this."""
        self.send({"outcome": outcome.model_dump(mode="json")})

    def stop_asked(self) -> bool:
        """Whether the server has asked to stop and to keep what there is; never waits."""
        if not self._stop and self._connection.poll():
            self._stop = bool(json.loads(self._connection.recv_bytes()).get("stop"))
        return self._stop

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message as it is."""
        self._connection.send_bytes(json.dumps(message).encode())
