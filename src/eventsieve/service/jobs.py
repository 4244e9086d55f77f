"""Jobs: estimated, started, followed, stopped, cancelled, repeated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from eventsieve.acting import touch
from eventsieve.domain import estimators
from eventsieve.domain.estimation import estimate
from eventsieve.domain.events import Events
from eventsieve.domain.fingerprints import fingerprints
from eventsieve.domain.splitting import plan_split
from eventsieve.errors import BadHyperparameters, BadModels, BadRequest, BadTable, Conflict, DamagedArtefact
from eventsieve.records import (
    Dataset,
    Estimate,
    EventWeights,
    Job,
    JobRequest,
    Limits,
    Means,
    ModelSpec,
    ModelState,
    NegativeWeights,
    Page,
    PastTraining,
    Schema,
    State,
)
from eventsieve.service.access import refuse_others
from eventsieve.service.datasets import Datasets
from eventsieve.service.names import fault_of_name, unused_name
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry
from eventsieve.storage.tables import map_events
from eventsieve.training.jobs import Jobs, Order

__all__ = ["Trainings"]


class Trainings:
    """The room of jobs.

    Args:
        datasets: the data sets.
        files: the store's files.
        registry: the store's facts.
        jobs: what starts and follows trainings.
        types: the types that may be trained.
        limits: of a model that is asked for without any.
        means: what a training may use of the machine.
        seed: of a job that is asked for without one.
        tidy: notes the ends of what dead processes trained.
    """

    def __init__(
        self,
        datasets: Datasets,
        files: Files,
        registry: Registry,
        jobs: Jobs,
        *,
        types: Collection[str],
        limits: Limits,
        means: Means,
        seed: int,
        tidy: Callable[[], None],
    ) -> None:
        self._datasets = datasets
        self._files = files
        self._registry = registry
        self._jobs = jobs
        self._types = tuple(types)
        self.limits = limits
        self._means = means
        self._seed = seed
        self._tidy = tidy

    def estimate(self, request: JobRequest) -> tuple[Estimate, ...]:
        """What each model of a job would take, before it is started.

        Raises:
            DatasetNotFound, BadModels: as `submit`.
        """
        dataset = self._datasets.get(request.dataset)
        models = self._check_models(request, dataset.event_schema)
        past = self._registry.past_trainings()
        return tuple(self._estimate(spec, request, dataset, past) for spec in models)

    def submit(self, request: JobRequest) -> Job:
        """Start a job; its models wait for slots.

        Raises:
            DatasetNotFound: there is no such data set.
            BadModels: models cannot be trained as asked; every fault has its place in the request.
            BadRequest: the plan does not go with the data set.
            BadTable: the events cannot be trained on, or are too few to be split.
            TooLarge: they do not fit into memory.
            ModelExists: another request took a name in this moment.
        """
        self._tidy()
        dataset = self._datasets.get(request.dataset)
        touch("dataset", dataset.id)
        specs = self._check_models(request, dataset.event_schema)
        events = self._datasets.events(dataset.id, "both classes")
        _check_weights(request, dataset)
        validation, remarks = self._validation(request, events)
        seed = self._seed if request.seed is None else request.seed
        if validation is None and request.validation.kind != "none":
            # Split here too, so that too few events are refused and not failed.
            plan_split(request.validation, events.targets, seed, events.schema.class_names)
            remarks = _repeated(events)
        past = self._registry.past_trainings()
        estimates = [self._estimate(spec, request, dataset, past) for spec in specs]
        limits = self._limits_of(request)
        order = Order(
            events=events,
            models=[
                ModelState(spec=spec, seed=seed, state=State.QUEUED, estimate=expected)
                for spec, expected in zip(specs, estimates, strict=True)
            ],
            limits=limits,
            plan=request.plan,
            validation=validation,
            dataset=dataset.id,
            warnings=(*dataset.warnings, *remarks, *_foreseen(specs, estimates, limits)),
        )
        return self._jobs.start(order, queue=True).job

    def get(self, job_id: str) -> Job:
        """The job as it stands.

        Raises:
            JobNotFound: there is none.
        """
        self._tidy()
        return self._jobs.get(job_id)

    def page(self, *, offset: int = 0, limit: int = 100) -> Page[Job]:
        """A part of the list of jobs, the newest first."""
        self._tidy()
        page = self._registry.jobs(offset=offset, limit=limit)
        return page.model_copy(update={"items": tuple(map(self._jobs.with_progress, page.items))})

    def version(self, job_id: str) -> int:
        """A number that changes whenever something happens in a job of this process; 0 when it has ended."""
        return self._jobs.version(job_id)

    def cancel(self, job_id: str, model: str | None = None) -> Job:
        """End the trainings of a job, or that of one model, queued or running; what has ended already stays.

        Raises:
            JobNotFound, ModelNotFound: there is no such job, or it does not train that model.
            Conflict: another process trains it.
            NotAllowed: it is another's.
        """
        self._refuse_others(job_id)
        return self._jobs.cancel(job_id, model)

    def stop(self, job_id: str, model: str | None = None) -> Job:
        """Ask the trainings of a job, or that of one model, to end now and to keep what they have.

        Raises:
            JobNotFound, ModelNotFound: there is no such job, or it does not train that model.
            Conflict: another process trains it.
            NotAllowed: it is another's.
        """
        self._refuse_others(job_id)
        return self._jobs.stop(job_id, model)

    def retrain(self, ref: str, name: str = "") -> Job:
        """Train a model again: same events, same hyperparameters, same plan, same seed, hence the same artefact.

        Args:
            ref: name or alias of what to train again.
            name: of the new model; one is made from the old name by default.

        Raises:
            ModelNotFound: there is no such model.
            BadModels: the type is no longer trained here, or the name cannot be used.
            Conflict: its events, or those that it was validated on, are gone.
        """
        self._tidy()
        (model,) = self._registry.find([ref])
        spec = ModelSpec(
            name=name or unused_name(model.name, self._registry.taken()),
            type=model.type,
            hyperparameters=model.hyperparameters,
        )
        job = self._registry.job(model.job)
        try:
            events = map_events(self._files.tables.path(model.table))
        except DamagedArtefact as error:
            raise Conflict(f"The events that {model.name!r} was trained on are gone; upload them again.") from error
        request = JobRequest(
            dataset=model.dataset or "",
            models=(spec,),
            seed=model.seed,
            **job.plan.model_dump(),
        )
        (checked,) = self._check_models(request, events.schema)
        validation, remarks = self._validation(request, events)
        order = Order(
            events=events,
            models=[ModelState(spec=checked, seed=model.seed, state=State.QUEUED)],
            limits=model.limits,
            plan=job.plan,
            validation=validation,
            dataset=model.dataset,
            warnings=remarks,
        )
        return self._jobs.start(order, queue=True).job

    def _refuse_others(self, job_id: str) -> None:
        refuse_others(f"the job {job_id}", self._registry.job(job_id).by)

    def _limits_of(self, request: JobRequest) -> Limits:
        return Limits(
            seconds=self.limits.seconds if request.seconds is None else request.seconds,
            memory=self.limits.memory if request.memory is None else request.memory,
        )

    def _check_models(self, request: JobRequest, schema: Schema) -> list[ModelSpec]:
        """The models with names and all hyperparameters.

        Raises:
            BadModels: naming everything that is wrong with any of them.
        """
        taken = self._registry.taken()
        faults: dict[str, str] = {}
        named: list[ModelSpec] = []
        for place, spec in enumerate(request.models):
            name = spec.name or unused_name(spec.type, taken)
            if name in taken:
                faults[f"/models/{place}/name"] = (
                    f"The name {name!r} is taken by a model, an alias or a training, or given twice; choose another."
                )
            elif fault := fault_of_name(name):
                faults[f"/models/{place}/name"] = f"The name {name[:128]!r} {fault}; choose another."
            taken.add(name)
            values, wrong = self._hyperparameters(spec, schema)
            faults |= {f"/models/{place}{pointer}": sentence for pointer, sentence in wrong.items()}
            named.append(spec.model_copy(update={"name": name, "hyperparameters": values}))
        if faults:
            raise BadModels(faults)
        return named

    def _hyperparameters(self, spec: ModelSpec, schema: Schema) -> tuple[dict[str, object], dict[str, str]]:
        if spec.type not in self._types:
            return {}, {"/type": estimators.unknown(spec.type, self._types)}
        try:
            classes = schema.class_names or ("background", "signal")
            return estimators.resolve(spec.type, spec.hyperparameters, classes), {}
        except BadHyperparameters as error:
            return {}, {f"/hyperparameters/{_escaped(name)}": sentence for name, sentence in error.faults.items()}

    def _validation(self, request: JobRequest, events: Events) -> tuple[Events | None, tuple[str, ...]]:
        """The events of another data set to validate on, read as those that are trained on, and what to know of them.

        Those that are trained on too are found by the hashes of their features, and left out.
        """
        if request.validation.dataset is None:
            return None, ()
        other = self._datasets.events(request.validation.dataset, "both classes", schema=events.schema)
        fresh = ~np.isin(fingerprints(other.features), fingerprints(events.features))
        seen = len(other) - int(np.count_nonzero(fresh))
        if not seen:
            return other, ()
        if len(np.unique(other.targets[fresh])) < 2:
            raise BadRequest(
                f"Of the data set to validate on, {seen} of {len(other)} events have the same features as events to "
                f"train on, and what is left has not two classes; name another, or hold out a part of this one."
            )
        remark = (
            f"{seen} of the {len(other)} events to validate on have the same features as events to train on; "
            f"they were left out of the validation."
        )
        return other.take(np.flatnonzero(fresh)), (remark,)

    def _estimate(
        self, spec: ModelSpec, request: JobRequest, dataset: Dataset, past: Sequence[PastTraining]
    ) -> Estimate:
        return estimate(
            spec.type,
            spec.hyperparameters,
            events=dataset.events,
            features=len(dataset.event_schema.features),
            classes=max(2, len(dataset.event_schema.class_names)),
            plan=request.plan,
            limits=self._limits_of(request),
            past=past,
            means=self._means,
        )


def _escaped(name: str) -> str:
    """A name as it stands in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _check_weights(request: JobRequest, dataset: Dataset) -> None:
    if request.weights is EventWeights.EVENT and dataset.event_schema.weight is None:
        raise BadRequest(
            f"The data set {dataset.name!r} has no column of weights; "
            f"name one in its schema, or train with weights 'none' or 'balanced'."
        )
    negative = sum(each.negative for each in dataset.classes)
    if request.weights is not EventWeights.NONE and negative and request.negative_weights is NegativeWeights.REFUSE:
        raise BadTable(
            f"{negative} events have negative weights, and classifiers are not defined on them; set negative_weights "
            f"to 'drop' or 'absolute' for the training (the evaluation keeps the true weights), or weights to 'none'."
        )


def _repeated(events: Events) -> tuple[str, ...]:
    """What to know of events that come more than once, of which a split may put one into each part."""
    again = len(events) - len(np.unique(fingerprints(events.features)))
    remark = (
        f"{again} of {len(events)} events have the same features as another, so a model may be validated on events "
        f"like those that it was trained on; if they are copies, take them out of the table."
    )
    return (remark,) if again else ()


def _foreseen(specs: Sequence[ModelSpec], estimates: Sequence[Estimate], limits: Limits) -> list[str]:
    return [
        f"The model {spec.name!r} is expected to take {expected.seconds:.3g} s and {expected.memory / 2**20:,.0f} MB, "
        f"more than the limits ({_listed(limits)}); raise them, or take fewer events."
        for spec, expected in zip(specs, estimates, strict=True)
        if not expected.fits
    ]


def _listed(limits: Limits) -> str:
    seconds = [] if limits.seconds is None else [f"{limits.seconds:g} s"]
    memory = [] if limits.memory is None else [f"{limits.memory / 2**20:,.0f} MB"]
    return ", ".join(seconds + memory)
