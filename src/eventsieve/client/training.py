"""The verbs about trainings."""

from __future__ import annotations

from typing import Any, Literal

from eventsieve import records
from eventsieve.client import sources
from eventsieve.client.answers import member, record
from eventsieve.client.bound import Listing
from eventsieve.client.datasets import Dataset
from eventsieve.client.edits import made
from eventsieve.client.estimates import Estimates
from eventsieve.client.jobs import Job, jobs_grid
from eventsieve.client.requests import Models, specs, validation_of
from eventsieve.client.storing import Storing
from eventsieve.client.transport import segment
from eventsieve.client.verbs import warn

__all__ = ["Training"]


class Training(Storing):
    """Trainings: what can be trained, what it will take, train."""

    def estimators(self, dataset: Dataset | str | None = None) -> dict[str, dict[str, Any]]:
        """The types of models that can be trained, by their names.

        Args:
            dataset: whose classes are named in the schemas then.

        Returns:
            For each type ``title``, ``unit`` (what its training counts), ``keepable`` (whether it can be stopped and
            kept), ``limits`` (what one may use where nothing else is asked) and ``hyperparameters`` (a JSON Schema:
            types, defaults, bounds, choices, help; ``x-important`` names those to turn first).
        """
        query = {"limit": 1000, "dataset": dataset.id if isinstance(dataset, Dataset) else dataset}
        found = member(self.http.json("GET", "/estimators", query=query), "items")
        return {member(each, "name"): each for each in found}

    def estimate(self, data: sources.Source, models: Models, **options: Any) -> Estimates:
        """What training each model is expected to take, by its name or type; arguments as of `train`."""
        request = self._request(data, models, **options)
        found = self.http.json("POST", "/jobs/estimate", body=request.model_dump(mode="json"))
        names = [spec.name or spec.type for spec in request.models]
        return Estimates((n, record(records.Estimate, each)) for n, each in zip(names, found, strict=True))

    def train(
        self,
        data: sources.Source,
        models: Models,
        *,
        validation: Any = 0.25,
        weights: Literal["none", "event", "balanced"] = "none",
        negative_weights: Literal["refuse", "drop", "absolute"] = "refuse",
        seconds: float | None = None,
        memory: int | None = None,
        on_limit: Literal["discard", "keep"] = "discard",
        seed: int | None = None,
        wait: bool = True,
        progress: bool | None = None,
    ) -> Job:
        """Train models side by side, each in a process of its own under hard limits.

        Args:
            data: a data set, its id, or anything that `upload` takes.
            models: types (`estimators`), say ``["LogReg", "RandomForest"]``; or mappings such as ``{"type":
                "RandomForest", "name": "forest", "hyperparameters": {"n_estimators": 300}}``; or specs.
            validation: the fraction of the events that is held out; ``{"folds": 5}``; another data set; or ``None``.
            weights: how event weights are used in training: not, as they are, or scaled so that the classes are equal.
            negative_weights: what becomes of events of negative weight in training, where weights are used.
            seconds: that each model may take, evaluation included; default: the server's.
            memory: bytes that each model may use; default: the server's.
            on_limit: whether what an iterative estimator has come to when its time is up is kept.
            seed: of everything random; the same seed gives the same models. Default: the server's.
            wait: whether to return only when all models have ended.
            progress: whether to show how far they have come; default: in a terminal and in a notebook.

        Returns:
            The job; ``job.trained()`` are those that were trained. A model that was not trained is no error: its
            state and its reason are in the job.

        Raises:
            BadInput: what is asked cannot be done; each fault is named.
        """
        request = self._request(
            data,
            models,
            validation=validation,
            weights=weights,
            negative_weights=negative_weights,
            seconds=seconds,
            memory=memory,
            on_limit=on_limit,
            seed=seed,
        )
        job = self._bind(Job, self.http.json("POST", "/jobs", body=request.model_dump(mode="json")))
        warn(job.warnings)
        return job.wait(progress=progress) if wait else job

    def job(self, job: str) -> Job:
        """A job by its id."""
        return self._bind(Job, self.http.json("GET", f"/jobs/{segment(job)}"))

    def jobs(self) -> Listing[Job]:
        """All jobs."""
        return self._listing("/jobs", Job, jobs_grid)

    def _request(self, data: sources.Source, models: Models, **options: Any) -> records.JobRequest:
        options["validation"] = validation_of(options.get("validation", 0.25))
        given = {name: value for name, value in options.items() if value is not None}
        request: records.JobRequest = made(
            records.JobRequest, {"models": specs(models), "dataset": self._stored(data)} | given
        )
        return request
