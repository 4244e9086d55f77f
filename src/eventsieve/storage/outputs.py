"""Predictions as files: JSON, CSV, Parquet, Arrow or a ROOT friend tree, written batch by batch in constant memory.

Whatever the format, the columns are the event number, ``score``, ``label`` and, where the model has probabilities, one
``p_<class>`` for each class; rows are in the order in which the batches come.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from eventsieve.records import PredictionFormat

__all__ = ["MEDIA_TYPES", "Batch", "Heading", "open_output"]

MEDIA_TYPES: Final[Mapping[PredictionFormat, str]] = MappingProxyType(
    {
        "json": "application/json",
        "csv": "text/csv; charset=utf-8",
        "parquet": "application/vnd.apache.parquet",
        "arrow": "application/vnd.apache.arrow.stream",
        "root": "application/vnd.root",
    }
)

TREE: Final = "eventsieve"
"""Name of the tree in a ROOT file."""


@dataclass(frozen=True)
class Heading:
    """What holds for all predictions of a file.

    Attributes:
        model: name of the model.
        digest: SHA-256 of its artefact.
        classes: names of the classes, in the order of their codes.
        probabilities: whether batches have the probabilities of all classes.
        index_name: name of the column of event numbers.
        dataset: id of the data set that was predicted, if it was one.
        threshold: the score above which an event is predicted to be signal, if there is one.
        remarks: sentences about the table that are no faults; only JSON has them.
    """

    model: str
    digest: str
    classes: tuple[str, ...]
    probabilities: bool
    index_name: str = "row"
    dataset: str | None = None
    threshold: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, each of them once: index, score, label, and the probabilities."""
        probabilities = [f"p_{name}" for name in self.classes] if self.probabilities else []
        taken = unique(["score", "label", *probabilities])
        index = self.index_name
        while index in taken:
            index = f"{index}_index"
        return (index, *taken)


@dataclass(frozen=True, eq=False)
class Batch:
    """The predictions of some events in a row.

    Attributes:
        index: int64, shape (events,): the event numbers.
        score: float64, shape (events,), finite.
        code: integers, shape (events,): codes into the heading's classes.
        probabilities: float64, shape (events, classes), finite; ``None`` where the model gives decision values.
    """

    index: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    code: npt.NDArray[np.integer]
    probabilities: npt.NDArray[np.float64] | None = None


Write = Callable[[Batch], None]


def open_output(kind: PredictionFormat, path: Path, heading: Heading) -> AbstractContextManager[Write]:
    """A file that is written batch by batch, finished when the block ends without an error.

    After an error what is at the path is no file of predictions; who gave the path removes it.

    Args:
        kind: the format.
        path: where nothing is yet. Files beside it whose names begin with its name are used meanwhile.
        heading: what holds for all batches.
    """
    return _WRITERS[kind](path, heading)


def unique(names: Iterable[str]) -> list[str]:
    """The names, each that stood there before with a number after it."""
    seen: list[str] = []
    for name in names:
        number, new = 2, name
        while new in seen:
            number, new = number + 1, f"{name}_{number}"
        seen.append(new)
    return seen


def _arrow_schema(heading: Heading) -> pa.Schema:
    index, score, label, *probabilities = heading.columns
    fields = [(index, pa.int64()), (score, pa.float64()), (label, pa.string())]
    schema = pa.schema(fields + [(name, pa.float64()) for name in probabilities])
    return schema.with_metadata({"eventsieve.model": heading.model, "eventsieve.digest": heading.digest})


def _record_batch(batch: Batch, heading: Heading, schema: pa.Schema) -> pa.RecordBatch:
    labels = pa.array(heading.classes, pa.string()).take(pa.array(batch.code))
    return pa.record_batch([batch.index, batch.score, labels, *_by_class(batch)], schema=schema)


def _by_class(batch: Batch) -> Sequence[npt.NDArray[np.float64]]:
    return () if batch.probabilities is None else list(np.ascontiguousarray(batch.probabilities.T))


@contextmanager
def _csv(path: Path, heading: Heading) -> Iterator[Write]:
    schema = _arrow_schema(heading)
    options = pacsv.WriteOptions(quoting_style="needed")
    with pacsv.CSVWriter(str(path), schema, write_options=options) as writer:
        yield lambda batch: writer.write_batch(_record_batch(batch, heading, schema))


@contextmanager
def _parquet(path: Path, heading: Heading) -> Iterator[Write]:
    schema = _arrow_schema(heading)
    # Hardly a score is there twice: looking for those that are takes as long as all else, and makes the file larger.
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=[heading.columns[2]]) as writer:
        yield lambda batch: writer.write_batch(_record_batch(batch, heading, schema))


@contextmanager
def _arrow(path: Path, heading: Heading) -> Iterator[Write]:
    schema = _arrow_schema(heading)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        yield lambda batch: writer.write_batch(_record_batch(batch, heading, schema))


@contextmanager
def _json(path: Path, heading: Heading) -> Iterator[Write]:
    """One object with a list for each column; a column waits in a file of its own until all of it is there."""
    names = ["index", "label", "score", *(heading.classes if heading.probabilities else ())]
    labels = pa.array([json.dumps(name) for name in heading.classes], pa.string())
    with ExitStack() as stack:
        columns = [stack.enter_context(_spool(path.with_name(f"{path.name}.{n}"))) for n in range(len(names))]

        def write(batch: Batch) -> None:
            texts = [_spelled(batch.index), labels.take(pa.array(batch.code)), _spelled(batch.score)]
            for file, text in zip(columns, [*texts, *map(_spelled, _by_class(batch))], strict=True):
                file.write((b"," if file.tell() else b"") + _joined(text))

        yield write
        with path.open("wb") as file:
            _assemble(file, heading, columns)


@contextmanager
def _spool(path: Path) -> Iterator[IO[bytes]]:
    with path.open("w+b") as file:
        try:
            yield file
        finally:
            path.unlink()


def _spelled(values: npt.NDArray[np.generic]) -> pa.Array:
    """The shortest text that reads back as the same number."""
    return pa.array(values).cast(pa.string())


def _joined(texts: pa.Array) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, ",")[0].as_buffer().to_pybytes()
    return joined


def _assemble(file: IO[bytes], heading: Heading, columns: Sequence[IO[bytes]]) -> None:
    about = {
        "model": heading.model,
        "digest": heading.digest,
        "dataset": heading.dataset,
        "threshold": heading.threshold,
        "index_name": heading.index_name,
        "remarks": heading.remarks,
    }
    file.write(json.dumps(about).removesuffix("}").encode())
    index, label, score, *probabilities = columns
    for name, column in (("index", index), ("label", label), ("score", score)):
        _list(file, f', "{name}": ', column)
    file.write(b', "probabilities": {')
    for n, column in enumerate(probabilities):
        _list(file, f"{', ' if n else ''}{json.dumps(heading.classes[n])}: ", column)
    file.write(b"}}\n")


def _list(file: IO[bytes], key: str, column: IO[bytes]) -> None:
    file.write(key.encode() + b"[")
    column.seek(0)
    shutil.copyfileobj(column, file)
    file.write(b"]")


@contextmanager
def _root(path: Path, heading: Heading) -> Iterator[Write]:
    """A tree whose entries are in the order of the events, to be a friend of the tree that they came from.

    Its title and the text `about` beside it say which class a code is, and which column the index was.
    """
    import uproot  # noqa: PLC0415 - takes half a second, and few processes write ROOT

    safe = unique(re.sub(r"\W", "_", name, flags=re.ASCII) for name in heading.columns[3:])
    codes = ", ".join(f"{code}: {name}" for code, name in enumerate(heading.classes))
    about = {"model": heading.model, "digest": heading.digest, "classes": heading.classes, "index": heading.index_name}
    types = {"index": np.int64, "score": np.float64, "label": np.int32} | dict.fromkeys(safe, np.float64)
    with uproot.recreate(path) as file:
        file["about"] = json.dumps(about)
        tree = file.mktree(TREE, types, title=f"label {codes}")

        def write(batch: Batch) -> None:
            columns = {"index": batch.index, "score": batch.score, "label": batch.code.astype(np.int32)}
            tree.extend(columns | dict(zip(safe, _by_class(batch), strict=True)))

        yield write


_WRITERS: Final[Mapping[PredictionFormat, Callable[[Path, Heading], AbstractContextManager[Write]]]] = MappingProxyType(
    {"json": _json, "csv": _csv, "parquet": _parquet, "arrow": _arrow, "root": _root}
)
