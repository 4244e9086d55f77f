"""What is fuzzed: functions of bytes that raise nothing, whatever the bytes are, unless a promise is broken."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from pydantic import ValidationError

from eventsieve.api.v2.strict import parse_json
from eventsieve.domain.card import card
from eventsieve.domain.cuts import Cut
from eventsieve.domain.edits import edited
from eventsieve.domain.estimators import CATALOGUE, resolve
from eventsieve.domain.events import Events, check
from eventsieve.domain.facts import Facts
from eventsieve.domain.inference import infer
from eventsieve.domain.rows import table_of
from eventsieve.errors import BadHyperparameters, BadInput, BadRequest, BadTable, TooLarge
from eventsieve.records import Column, Limits, Model, Reading, Schema, SchemaEdit, Threshold, Validation
from eventsieve.service.datasets import Datasets
from eventsieve.service.names import fault_of_name, unused_name
from eventsieve.service.uploads import Upload, title
from eventsieve.storage import columns
from eventsieve.storage.outputs import Batch, Heading, open_output
from eventsieve.storage.readers import read_events, streamed_events
from eventsieve.storage.sources import Given, open_parts
from fuzz import samples

MOST_BYTES = 1 << 20
"""What a table may unpack to."""
MOST_MEMORY = 96 << 20
"""What Arrow may take meanwhile."""
LONGEST_REFUSAL = 20_000

SCHEMA = Schema(
    name="fuzzed",
    undefined=-999.0,
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="x", dtype="float64"),
        Column(name="n", dtype="int64"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="label", dtype="object", role="label"),
    ),
)
CUT_SCHEMA = Schema(
    name="cuts",
    columns=(
        Column(name="jets", dtype="int64"),
        Column(name="mass", dtype="float64"),
        Column(name="odd name", dtype="float64"),
        Column(name="weight", dtype="float64", role="weight"),
        Column(name="label", dtype="object", role="label"),
    ),
)
EVENTS = Events(
    schema=CUT_SCHEMA,
    features=np.array([[2.0, 125.0, -1.0], [0.0, np.nan, 1e300], [3.0, 90.0, 0.0]]),
    index=np.arange(3),
    weight=np.array([1.0, 0.5, 2.0]),
    target=np.array([1, 0, 1], dtype=np.int8),
)

_POOL = pa.proxy_memory_pool(pa.default_memory_pool())


@dataclass(frozen=True)
class Target:
    """What is done with some bytes, and good ones to begin from."""

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[str, ...] = ()
    """What a mutation may put in."""


@contextmanager
def _refused() -> Iterator[None]:
    """A refusal is of the kinds that are meant for what was sent, and says something, and not too much."""
    try:
        yield
    except (BadInput, TooLarge) as refusal:
        _speaks(refusal)


def _speaks(refusal: BadInput | TooLarge) -> None:
    said = str(refusal)
    assert said.strip(), repr(refusal)
    assert len(said) < LONGEST_REFUSAL, said[:200]
    assert said.encode()
    assert not isinstance(refusal, BadTable) or refusal.faults, repr(refusal)


@contextmanager
def _file(data: bytes) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        yield path


@contextmanager
def _bounded() -> Iterator[None]:
    pa.set_memory_pool(_POOL)
    try:
        yield
    finally:
        pa.set_memory_pool(pa.default_memory_pool())
    assert (_POOL.max_memory() or 0) < MOST_MEMORY, f"Arrow took {_POOL.max_memory()} bytes"


def _data_sets() -> Datasets:
    return Datasets(
        None,  # type: ignore[arg-type]  # nothing is stored
        SimpleNamespace(datasets=None),  # type: ignore[arg-type]
        max_table_bytes=MOST_BYTES,
        max_dataset_bytes=MOST_BYTES,
        max_columns=100,
    )


def upload(data: bytes) -> None:
    """A file becomes a data set whose columns agree with what is said of them, or is refused."""
    with _bounded(), _file(data) as path, _refused():
        stored = path.with_name("stored.arrow")
        content = _data_sets()._content([Upload(path, "upload", "", len(data))], Reading(), None, stored)
        names = [summary.name for summary in content["columns"]]
        assert len(set(names)) == len(names)
        assert content["events"] == sum(batch.num_rows for batch in columns.batches(stored)) > 0
        assert next(columns.batches(stored)).schema.names == names
        json.dumps([content["event_schema"].model_dump(mode="json"), content["warnings"], names]).encode()
        assert stored.stat().st_size < 4 * MOST_BYTES + (1 << 20)


def events(data: bytes) -> None:
    """A file has events of a schema, the same by the quick way as by the careful one, or is refused."""
    with _bounded(), _file(data) as path:
        for labels in ("ignored", "both classes"):
            with _refused():
                found = read_events(path, SCHEMA, labels=labels, max_bytes=MOST_BYTES)
                assert found.features.shape == (len(found.index), 2)
                with (
                    suppress(BadTable, pa.ArrowException, OSError),
                    streamed_events(path, SCHEMA, labels=labels, max_bytes=MOST_BYTES) as parts,
                ):
                    assert sum(batch.num_rows for batch in parts.batches) == len(found.index)


def name(data: bytes) -> None:
    """A name stays the same wherever it is shown, or is refused where it comes in."""
    text = data.decode("utf-8", "surrogatepass") if _is_text(data) else data.decode("latin-1")
    with _refused():
        title(text, "")
    if text:
        assert not fault_of_name(title("", text))
    if fault_of_name(text):
        return
    assert unquote(quote(text, safe="")) == text
    assert quote(text, safe="").isascii()
    assert json.loads(json.dumps({text: text})) == {text: text}
    assert unused_name(text, {text}) != text
    _comes_back(text)
    _in_a_card(text)
    _in_a_cut(text)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _comes_back(text: str) -> None:
    """A class, an index and a model of that name in predictions of every format."""
    heading = Heading(model=text, digest="0", classes=("b", text), probabilities=True, index_name=text)
    batch = Batch(np.arange(2), np.array([0.5, 0.25]), np.array([1, 0]), np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert len(set(heading.columns)) == 5
    with _file(b"") as path:
        for kind in ("json", "csv", "parquet", "arrow", "root"):
            out = path.with_name(f"out.{kind}")
            with open_output(kind, out, heading) as write:
                write(batch)
        document = json.loads(path.with_name("out.json").read_bytes())
        assert (document["model"], document["index_name"]) == (text, text)
        assert document["label"] == [text, "b"]
        with path.with_name("out.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert tuple(rows[0]) == heading.columns
        assert [row[2] for row in rows[1:]] == [text, "b"]
        table = pq.read_table(path.with_name("out.parquet"))
        assert tuple(table.column_names) == heading.columns
        assert table[2].to_pylist() == [text, "b"]
        with pa.ipc.open_stream(path.with_name("out.arrow").read_bytes()) as stream:
            assert tuple(stream.read_all().column_names) == heading.columns


class _Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag + "".join(sorted(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _in_a_card(text: str) -> None:
    """Nothing of a name becomes an element of the page, and all of it is there to be read."""
    card(_model(text), None, None, "md").encode()
    page, plain = (_Page(card(_model(each), None, None, "html")) for each in (text, "n"))
    assert page.elements == plain.elements
    assert text in page.text


def _model(text: str) -> Model:
    """A model of that name, with a tag and a feature of that name."""
    about: dict[str, Any] = {"name": text, "job": "j", "type": "LogReg", "hyperparameters": resolve("LogReg")}
    made: dict[str, Any] = {"digest": "d" * 64, "dataset": None, "table": "7" * 64, "event_schema": SCHEMA, "seed": 1}
    how: dict[str, Any] = {"validation": Validation(), "weights": "balanced", "negative_weights": "drop"}
    cost: dict[str, Any] = {"limits": Limits(seconds=1.0, memory=1 << 30), "seconds": 1.0, "peak_memory": 1}
    found: dict[str, Any] = {"versions": {}, "features": (text,), "scores": (), "evaluation": None, "remarks": ()}
    said: dict[str, Any] = {"threshold": Threshold(value=0.5), "tags": (text,), "note": "", "aliases": ()}
    created = datetime(2026, 5, 4, 3, 2, tzinfo=UTC)
    return Model.model_validate(about | made | how | cost | found | said | {"created": created})


def _in_a_cut(text: str) -> None:
    if not text or "`" in text:
        return
    schema = Schema(name="one", columns=(Column(name=text, dtype="float64"), Column(name=f"{text}_", dtype="float64")))
    with _refused():
        cut = Cut.parse(f"`{text}` > 1", schema)
        assert cut.names == (text,)
        assert Cut.parse(cut.text, schema).text == cut.text


def cut(data: bytes) -> None:
    """A text is a cut that reads back as the same, or is refused."""
    text = data.decode("utf-8", "replace")
    with _refused():
        found = Cut.parse(text, CUT_SCHEMA)
        again = Cut.parse(found.text, CUT_SCHEMA)
        assert again.text == found.text
        with np.errstate(all="ignore"):
            assert (again.mask(EVENTS) == found.mask(EVENTS)).all()


def document(data: bytes) -> None:
    """JSON is an edit, hyperparameters, rows and what else it can be, or is refused as each of them."""
    try:
        value = parse_json(data)
    except json.JSONDecodeError:
        return
    json.dumps(value)
    for use in (_edit, _hyperparameters, _rows, _records):
        use(value)


def _edit(value: Any) -> None:
    with suppress(ValidationError), _refused():
        edit = SchemaEdit.model_validate(value)
        schema, _ = infer(_facts())
        changed = edited(schema, _facts(), edit)
        assert {column.name for column in changed.columns} <= {fact.summary.name for fact in _facts()}
        assert changed.features
        assert Schema.model_validate_json(changed.model_dump_json()) == changed


@cache
def _facts() -> tuple[Facts, ...]:
    with _file(samples.TEXT) as path:
        stored = path.with_name("stored.arrow")
        columns.write(open_parts([Given(path, "t")]), stored, max_bytes=MOST_BYTES)
        return columns.describe(stored)


def _hyperparameters(value: Any) -> None:
    if not isinstance(value, dict):
        return
    for kind, entry in CATALOGUE.items():
        if entry.available:
            with suppress(BadHyperparameters):
                values = resolve(kind, value)
                assert resolve(kind, values) == values
                assert json.loads(json.dumps(values)) == values


def _rows(value: Any) -> None:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        with suppress(BadRequest, BadTable):
            table = table_of(value, SCHEMA)
            assert table.num_rows == len(value)
            assert not np.isinf(check(table, SCHEMA, labels="ignored").features).any()


def _records(value: Any) -> None:
    for record in (Threshold, Validation, Reading):
        with suppress(ValidationError):
            found = record.model_validate(value)
            assert record.model_validate_json(found.model_dump_json()) == found


TARGETS: dict[str, Target] = {
    "text": Target(upload, samples.texts, ('"', "\r\n", "NA", "1e999", "\ufeff", "-", "9223372036854775808", "true")),
    "packages": Target(upload, samples.packages),
    "parquet": Target(upload, samples.parquets),
    "arrow": Target(upload, samples.arrows),
    "root": Target(upload, samples.roots),
    "events": Target(events, lambda: [*samples.texts(), *samples.packages(), *samples.parquets()]),
    "names": Target(name, samples.names, ("/", "%2F", "..", "\0", "`", "<b>", '"', "\ud7ff", "\u2028")),
    "cuts": Target(cut, samples.cuts, ("and", "or", "not", "defined(", "abs(", "jets", "mass", "`odd name`", "'s'")),
    "documents": Target(document, samples.documents, ('"label"', '"s"', "null", "1e308", '"C"', '"x"', '"\\ud800"')),
}
"""All that is fuzzed, by name."""
