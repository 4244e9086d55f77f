"""Tables, documents and values made to take memory or time, and names made to be obeyed where they are shown."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from calls_v2 import PREFIX, V2, problem
from eventsieve.api.app import create_app
from eventsieve.domain.estimators import CATALOGUE, resolve
from eventsieve.errors import BadHyperparameters
from eventsieve.settings import Settings
from eventsieve.storage import columns
from eventsieve.storage.sources import Given, open_parts, open_source

MEGABYTE = 1 << 20
TABLE = b"a,b,Label\n1.5,2,s\n2.5,3,b\n"


def sent(client: TestClient, data: bytes, **query: str):
    return V2(client).post("/datasets", content=data, params=query)


def wide(columns: int) -> bytes:
    names = ",".join(f"c{place}" for place in range(columns))
    return f"{names}\n{','.join('1' * columns)}\n{','.join('2' * columns)}\n".encode()


def as_parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", **options)
    return sink.getvalue()


def as_arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()


def long_text(rows: int, size: int) -> pa.Table:
    """A column of which every value is the same long text, which is written once."""
    codes = pa.array(np.zeros(rows, dtype=np.int32))
    return pa.table({"text": pa.DictionaryArray.from_arrays(codes, ["x" * size]), "n": np.arange(float(rows))})


def zipped(*members: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return sink.getvalue()


def overlapping() -> bytes:
    """A zip whose directory names one member twice."""
    data = zipped(("a.csv", TABLE))
    start, end = data.rfind(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    entry = data[start:end]
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<HH", 2, 2)
    tail[12:16] = struct.pack("<I", 2 * len(entry))
    return data[:start] + entry + entry.replace(b"a.csv", b"b.csv") + bytes(tail)


def lying() -> bytes:
    """A zip whose directory says that its member has 10 bytes."""
    data = bytearray(zipped(("a.csv", TABLE * 1000)))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(data)


BOMBS: dict[str, tuple[Callable[[], bytes], int]] = {
    "gzip of rows": (lambda: gzip.compress(b"a,b,Label\n" + b"1,2,s\n" * 800_000, 9), 413),
    "xz of rows": (lambda: lzma.compress(b"a,b,Label\n" + b"1,2,s\n" * 800_000, preset=0), 413),
    "gzip of one line": (lambda: gzip.compress(b"a,b,Label\n" + b"1" * (3 * MEGABYTE)), 422),
    "zip in a zip": (lambda: zipped(("a.zip", zipped(("a.csv", TABLE)))), 422),
    "zip of very many": (lambda: zipped(*((f"{number}.csv", b"") for number in range(5_000))), 422),
    "zip that overlaps": (overlapping, 422),
    "zip that lies": (lying, 422),
    "parquet that says it is large": (lambda: as_parquet(pa.table({"a": np.zeros(1_000_000)})), 413),
    "parquet of one long text": (lambda: as_parquet(long_text(5_000, 2 * MEGABYTE)), 422),
    "arrow of one long text": (lambda: as_arrow(long_text(100_000, 100_000)), 422),
    "a million columns": (lambda: wide(300_000), 422),
    "more columns than may be": (lambda: wide(101), 422),
    "parquet of many columns": (lambda: as_parquet(pa.table({f"c{n}": [1.0, 2.0] for n in range(101)})), 422),
    "a name of megabytes": (lambda: as_parquet(pa.table({"n" * MEGABYTE: [1.0, 2.0], "b": [1.0, 2.0]})), 422),
    "no text": (lambda: b"a,b,Label\n1,\x002,s\n", 422),
    "a quotation mark": (lambda: b'a,b,Label\n"1,2,s\n3,4,b\n', 422),
    "no UTF-8": (lambda: b"a,b,Label\n1,2,\xff\xfe\n", 422),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory):
    """A server whose data sets may have 4 MB and 100 columns."""
    from eventsieve.settings import read_settings

    folder = tmp_path_factory.mktemp("hostile")
    settings = read_settings(
        MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", MAX_DATASET_MB=4, MAX_COLUMNS=100
    )
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_hostile_table_is_refused_in_words_and_leaves_nothing(small: TestClient, settings: Settings, bomb: str):
    make, status = BOMBS[bomb]
    data = make()
    process = psutil.Process()
    before = process.memory_info().rss
    answer = sent(small, data)
    assert answer.status_code == status, answer.text
    assert len(answer.content) < 4096
    # What it would have taken unbounded is gigabytes.
    assert process.memory_info().rss - before < 400 * MEGABYTE
    assert V2(small).get("/datasets").json()["total"] == 0
    store = Path(small.app.state.service.datasets.new_file()).parent
    assert not [path for path in store.rglob("*") if path.is_file() and path.suffix == ".arrow"]


def test_as_many_columns_as_may_be_are_taken(small: TestClient):
    added = sent(small, wide(100))
    assert added.status_code == 201
    V2(small).delete(f"/datasets/{added.json()['id']}")


def test_a_zip_is_read_wherever_its_member_says_that_it_belongs(small: TestClient):
    added = sent(small, zipped(("../../../tmp/evil.csv", TABLE)))
    assert added.status_code == 201
    assert not Path("/tmp/evil.csv").exists()
    V2(small).delete(f"/datasets/{added.json()['id']}")


def test_rows_of_long_texts_are_written_without_holding_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from eventsieve.storage.sources import source

    monkeypatch.setattr(columns, "MOST_WAITING", MEGABYTE)
    monkeypatch.setattr(source, "_MOST_AT_ONCE", MEGABYTE // 4)
    path, stored = tmp_path / "t.parquet", tmp_path / "t.arrow"
    path.write_bytes(as_parquet(long_text(1_000, 10_000)))
    columns.write(open_parts([Given(path, "t")], max_bytes=64 * MEGABYTE), stored, max_bytes=64 * MEGABYTE)
    found = list(columns.batches(stored))
    assert sum(batch.num_rows for batch in found) == 1_000
    assert len(found) > 5
    assert set(found[0]["text"].to_pylist()) == {"x" * 10_000}


def test_a_dictionary_is_never_written_out_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from eventsieve.storage.sources import source

    monkeypatch.setattr(source, "_MOST_AT_ONCE", MEGABYTE)
    table = long_text(1_000, 10_000)
    for name, data in (("p", as_parquet(table)), ("a", as_arrow(table))):
        path = tmp_path / name
        path.write_bytes(data)
        batches = list(open_source(path, max_bytes=64 * MEGABYTE).batches())
        assert max(batch.nbytes for batch in batches) < 2 * MEGABYTE
        assert [value for batch in batches for value in batch["n"].to_pylist()] == list(range(1_000))


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000 + b"]" * 100_000, 422),
        (b'{"dataset":' + b"9" * 100_000 + b"}", 422),
        (b'{"dataset":1e400}', 422),
        (b'{"dataset":"\\ud800","models":[]}', 422),
        (b'{"dataset":"a","dataset":"b"}', 422),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}", 413),
        (b'{"dataset":"x","models":[' + b",".join([b"{}"] * 300_000) + b"]}", 413),
        (b'{"dataset":"x","models":[' + b",".join([b"{}"] * 20_000) + b"]}", 422),
        (b'{"dataset":"' + b"a" * (3 * MEGABYTE) + b'"}', 413),
    ],
    ids=["deep", "digits", "1e400", "surrogate", "twice", "keys", "items", "faults", "long"],
)
def test_a_hostile_document_is_refused(small: TestClient, body: bytes, status: int):
    answer = V2(small).post("/jobs", content=body, headers=JSON)
    problem(answer, status, "BadRequest" if status == 422 else "TooLarge")
    assert len(answer.content) < 64_000


def test_version_1_takes_no_long_document(small: TestClient):
    for path in ("train_with_file", "compare_models"):
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            answer = small.post(
                f"/api/model_service/{path}", content=b"a" * (3 * MEGABYTE), headers={"Content-Type": kind}
            )
            assert answer.status_code == 413, (path, kind)
    models = json.dumps([{}] * 100_000)
    answer = small.post(
        "/api/model_service/train_with_file", data={"models_str": models}, files={"file": ("t.csv", TABLE)}
    )
    assert answer.status_code == 422
    assert "50,000 values" in answer.json()["detail"]


def parts(count: int, more: bytes = b"") -> bytes:
    return b'--X\r\nContent-Disposition: form-data; name="a"%b\r\n\r\n1\r\n' % more * count + b"--X--\r\n"


@pytest.mark.parametrize("path", [f"{PREFIX}/datasets", "/api/model_service/train_with_file"])
@pytest.mark.parametrize(
    "body",
    [
        parts(10_000),
        parts(10_000, b'; filename="f"'),
        b"--X\r\n" + b"A: b\r\n" * 100_000,
        b"--X\r\nA: " + b"b" * MEGABYTE,
        b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"b" * (2 * MEGABYTE) + b"\r\n--X--\r\n",
        b"no form",
    ],
    ids=["fields", "files", "headers", "header", "field", "none"],
)
def test_a_hostile_form_is_refused(small: TestClient, path: str, body: bytes):
    answer = small.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=X"})
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 4096


def test_of_very_many_unknown_parameters_some_are_named(small: TestClient):
    answer = small.get(f"{PREFIX}/schemas?" + "&".join(f"p{number}=1" for number in range(3_000)))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("cache_size", 4096),
        ("degree", 100),
        ("max_depth", 1000),
        ("max_iter", 1_000_000),
        ("max_leaf_nodes", 1_000_000),
        ("n_estimators", 100_000),
    ],
)
def test_hyperparameters_have_bounds_where_more_is_an_attack(name: str, most: int):
    types = [type_ for type_, entry in CATALOGUE.items() if name in {each.name for each in entry.parameters}]
    assert types
    for type_ in types:
        resolve(type_, {name: most})
        for value in (most + 1, 10**12, str(10**12), "9" * 5_000, 1e400):
            with pytest.raises(BadHyperparameters, match=name):
                resolve(type_, {name: value})


def test_a_terminal_obeys_no_name(monkeypatch: pytest.MonkeyPatch):
    from rich.table import Table

    from eventsieve.cli.console import out

    sink = io.StringIO()
    monkeypatch.setattr(out, "_file", sink)  # not `file`: undoing that would bind the console to this test's stdout
    table = Table("name")
    table.add_row("\x1b[2Jmodel\x9b31m")
    out.print(table)
    out.print("\x1b]0;title\x07\b\r", markup=False)
    assert not {"\x1b", "\x07", "\x08", "\x9b", "\r"} & set(sink.getvalue())
    assert "\\x1b[2Jmodel" in sink.getvalue()


def test_the_server_fetches_nothing_that_a_client_names():
    from eventsieve.api import v1

    source = Path(v1.__file__).parent
    for module in [*source.glob("*.py"), *(source / "v2").glob("*.py"), *(source.parent / "service").glob("*.py")]:
        # OIDC's provider is named by the settings alone.
        if module.stem != "identity":
            text = module.read_text()
            assert not {"import httpx2", "import urllib.request", "import requests"} & set(text.splitlines()), module


def test_no_route_takes_a_model_file():
    """Models come from trainings alone; what lies in the store is read by its digest and from a list of known types."""
    from eventsieve.api.v2.app import ROUTERS

    writing = {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        for method in route.methods
        if method in ("POST", "PUT", "PATCH")
    }
    taking_files = {path for method, path in writing if "artefact" in path or "onnx" in path or "upload" in path}
    assert not taking_files
