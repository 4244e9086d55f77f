"""A job, to be waited for, stopped and asked for its models."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from eventsieve import records
from eventsieve.client.bound import Bound
from eventsieve.client.grids import Grid
from eventsieve.client.models import Model
from eventsieve.client.progress import job_grid, shown
from eventsieve.client.transport import segment
from eventsieve.errors import ServerUnreachable

__all__ = ["Job", "jobs_grid"]

POLL_SECONDS = 0.25
OUTAGE_SECONDS = 30.0
"""How long a server may be out of reach (a restart, a laptop asleep) while a job is waited for."""


class Job(Bound, records.Job):
    """Models that are trained together, as far as they had come when the server was asked."""

    def refresh(self) -> Job:
        """The job as it is now."""
        return self._bind(self._client.http.json("GET", self._path))

    def wait(self, *, progress: bool | None = None) -> Job:
        """Wait until all models have ended; Ctrl-C leaves them running.

        Args:
            progress: whether to show how far they have come; default: in a terminal and in a notebook.

        Returns:
            The job as it ended.

        Raises:
            ServerUnreachable: the server went away and did not come back.
        """
        job = self
        try:
            with shown(progress) as show:
                show(job)
                for job in self._changes():
                    show(job)
        except KeyboardInterrupt:
            sys.stderr.write(
                f"\nJob {self.id} goes on. client.job({self.id!r}).wait() waits again, .cancel() ends it, "
                f".stop() keeps what can be kept.\n"
            )
            raise
        return job

    def cancel(self, model: str | None = None) -> Job:
        """End its models, or one of them, and keep nothing of what has not been trained."""
        return self._bind(self._client.http.json("DELETE", self._path, query={"model": model}))

    def stop(self, model: str | None = None) -> Job:
        """Stop its models, or one of them, and keep what they have come to; those that have nothing yet are cancelled.

        Raises:
            Conflict: it is of a type that has nothing before its end.
        """
        return self._bind(self._client.http.json("POST", f"{self._path}/stop", query={"model": model}))

    def trained(self) -> list[Model]:
        """The models that have been trained so far."""
        names = [state.spec.name for state in self.refresh().models if state.state is records.State.TRAINED]
        return [self._client.model(name) for name in names]

    def _changes(self) -> Iterator[Job]:
        """The job each time it has changed, until it has ended: as told by the server, or else by asking."""
        yield from self._told()
        lost: float | None = None
        while True:
            try:
                job = self.refresh()
                lost = None
            except ServerUnreachable:
                lost = lost or time.monotonic()
                if time.monotonic() - lost > OUTAGE_SECONDS:
                    raise
            else:
                yield job
                if job.final:
                    return
            time.sleep(POLL_SECONDS)

    def _told(self) -> Iterator[Job]:
        try:
            for event in self._client.http.events(f"{self._path}/events"):
                if event.event == "job":
                    yield self._bind(event.json())
        except ServerUnreachable:
            return  # a proxy that lets no events through, or a server that restarts: it is asked from now on

    def _bind(self, document: object) -> Job:
        return Job.bind(document, self._client)

    @property
    def _path(self) -> str:
        return f"/jobs/{segment(self.id)}"

    def __repr__(self) -> str:
        return repr(job_grid(self))

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return job_grid(self)._repr_html_()


def jobs_grid(jobs: list[Job]) -> Grid:
    """Jobs, a row each."""
    rows = [
        (
            job.id,
            job.dataset,
            ", ".join(f"{model.spec.name} {model.state.replace('_', ' ')}" for model in job.models),
            f"{job.created.astimezone():%Y-%m-%d %H:%M}",
        )
        for job in jobs
    ]
    return Grid(("id", "data set", "models", "asked for"), rows)
