"""A store with models that were trained in this process, for tests of what is done with models afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from databases import database_url
from eventsieve.domain import estimators, persist
from eventsieve.domain.events import Events, Labels, check
from eventsieve.domain.splitting import plan_split
from eventsieve.errors import DatasetNotFound
from eventsieve.records import (
    Column,
    Evaluation,
    Job,
    Limits,
    Model,
    ModelSpec,
    ModelState,
    Outcome,
    Plan,
    Schema,
    Score,
    State,
    Table,
    Validation,
)
from eventsieve.storage.database import open_database
from eventsieve.storage.files import Files
from eventsieve.storage.registry import Registry

HOLDOUT = Plan(validation=Validation(kind="holdout", fraction=0.25))
ALL = Plan(validation=Validation(kind="none"))

FLAVOURS = Schema(
    name="flavours",
    columns=(
        Column(name="event", dtype="int64", role="index"),
        Column(name="x", dtype="float64"),
        Column(name="y", dtype="float64", unit="GeV"),
        Column(name="flavour", dtype="object", role="label"),
    ),
    gaps=True,
    signal=None,
    background=(),
    classes=("b", "c", "light"),
)


def flavours(events: int, seed: int = 0) -> pa.Table:
    """Events of three classes around three points."""
    random = np.random.default_rng(seed)
    code = random.integers(0, 3, events)
    x, y = random.normal(np.array([[-2.0, 0.0, 2.0], [0.0, 3.0, 0.0]])[:, code], 1.0)
    return pa.table({"event": np.arange(events), "x": x, "y": y, "flavour": np.array(FLAVOURS.classes)[code]})


@dataclass
class Shelf:
    """Tables by their ids, in the place of data sets."""

    schema: Schema
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def get(self, dataset: str) -> Any:
        if dataset not in self.tables:
            raise DatasetNotFound(f"There is no data set {dataset!r}.")
        columns = [SimpleNamespace(name=name) for name in self.tables[dataset].column_names]
        return SimpleNamespace(
            id=dataset,
            name="a data set",
            digest="5e" * 32,
            events=len(self.tables[dataset]),
            columns=columns,
            event_schema=self._schema_of(dataset),
            classes=(),
        )

    def _schema_of(self, dataset: str) -> Schema:
        """The schema as one would infer it: without what the table does not have."""
        there = self.tables[dataset].column_names
        columns = [column for column in self.schema.columns if column.name in there]
        return Schema.model_validate(self.schema.model_dump() | {"columns": columns})

    def events(self, dataset: str, labels: Labels, *, schema: Schema | None = None) -> Events:
        self.get(dataset)
        return check(self.tables[dataset], schema or self.schema, labels=labels)

    def batches(self, dataset: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return iter(self.tables[dataset].select(list(columns)).to_batches(max_chunksize=700))


class Store:
    """Files, facts and models."""

    def __init__(self, folder: Path, schema: Schema) -> None:
        self.files = Files(folder / "models")
        database = open_database(database_url(folder), folder / "lock")
        self.registry = Registry(database, self.files.owner)
        self.datasets: Any = Shelf(schema)

    def close(self) -> None:
        self.registry.close()
        self.files.close()

    def load(self, digest: str) -> Any:
        return persist.loads(self.files.read_artefact(digest))

    def train(
        self,
        name: str,
        type_name: str,
        dataset: str,
        plan: Plan = HOLDOUT,
        *,
        seed: int = 1,
        scores: Sequence[Score] = (),
        evaluation: Evaluation | None = None,
        schema: Schema | None = None,
        **hyperparameters: Any,
    ) -> Model:
        events = self.datasets.events(dataset, "both classes", schema=schema)
        parts = plan_split(plan.validation, events.targets, seed)
        kept = events.take(parts[0].train) if plan.validation.kind == "holdout" else events
        values = estimators.resolve(type_name, hyperparameters, events.schema.class_names)
        pipeline = estimators.build(type_name, values, seed, events.schema.class_names)
        estimators.fit(pipeline, kept.features, kept.targets)
        data = persist.dumps(pipeline)
        spec = ModelSpec(name=name, type=type_name, hyperparameters=values)
        job = self._add(events, spec, seed, plan, dataset)
        outcome = Outcome(
            state=State.TRAINED,
            seconds=1.5,
            peak_memory=300 << 20,
            digest=hashlib.sha256(data).hexdigest(),
            versions={"python": "3.13"},
            features=events.schema.feature_names,
            scores=tuple(scores),
            probabilities=estimators.has_probabilities(pipeline),
            evaluation=self._keep(evaluation),
        )
        self.registry.finish(job.id, 0, outcome, lambda: self._adopt(data, str(outcome.digest)), events.schema)
        return self.registry.find([name])[0]

    def queue(self, name: str, dataset: str) -> Job:
        """A model that is never trained."""
        spec = ModelSpec(name=name, type="LogReg")
        return self._add(self.datasets.events(dataset, "both classes"), spec, 0, ALL, dataset)

    def _add(self, events: Events, spec: ModelSpec, seed: int, plan: Plan, dataset: str) -> Job:
        path = self.files.new()
        table = Table(
            digest=self.files.write_table(events, path),
            schema_name=events.schema.name,
            events=len(events),
            signal=events.signal_count,
            created=datetime.now(UTC),
        )
        return self.registry.add_job(
            table,
            [ModelState(spec=spec, seed=seed, state=State.QUEUED)],
            limits=Limits(seconds=60.0),
            settle=lambda: self.files.tables.settle(path, table.digest),
            plan=plan,
            dataset=dataset,
        )

    def _adopt(self, data: bytes, digest: str) -> None:
        path = self.files.new()
        path.write_bytes(data)
        self.files.adopt_artefact(path, digest)

    def _keep(self, evaluation: Evaluation | None) -> str | None:
        if evaluation is None:
            return None
        path = self.files.new()
        path.write_text(evaluation.model_dump_json(), encoding="utf-8")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.files.adopt_evaluation(path, digest)
        return digest
