from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from calls import ROUTE, Table, choose, compare, model, predict, refused, train, upload
from eventsieve.api.app import create_app
from eventsieve.service import Service
from eventsieve.settings import Settings, read_settings
from eventsieve.storage.rows import JobRow, TableRow, TrainingRow


def state_of(service: Service) -> dict[str, Any]:
    """All that a refused request must leave as it was."""
    files, registry = service._files, service._registry
    with registry._begin() as session:
        rows = {row.__tablename__: session.scalar(select(func.count()).select_from(row)) for row in (JobRow, TableRow)}
        trainings = session.scalar(select(func.count()).select_from(TrainingRow))
    return {
        "models": registry.models(),
        "rows": rows | {"trainings": trainings},
        "free": service._engine.free,
        "files": sorted(path.name for shelf in (files.artefacts, files.tables) for path in shelf.folder.iterdir()),
        "incoming": list(files._incoming.iterdir()),
    }


@pytest.fixture(scope="module", autouse=True)
def _current(trained: TestClient) -> None:
    assert choose(trained, "m1").status_code == 200


@pytest.fixture(autouse=True)
def _nothing_has_changed(trained: TestClient) -> Iterator[None]:
    service = trained.app.state.service
    before = state_of(service)
    assert (before["free"], before["incoming"]) == (4, [])
    yield
    assert state_of(service) == before


@pytest.fixture(scope="module")
def events(events_csv: Path) -> pa.Table:
    return pacsv.read_csv(events_csv).slice(0, 200)


def csv_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def zip_of(*members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.csv", member)
    return sink.getvalue()


def with_value(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """The table with one value of a column replaced, and the column as text."""
    texts = ["" if each is None else str(each) for each in table[column].to_pylist()]
    texts[row] = str(value)
    return table.set_column(table.column_names.index(column), column, pa.array(texts))


Damage = Callable[[pa.Table], bytes]

# Each with what the refusal must say; they spoil predictions too.
DAMAGED: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "empty": (lambda t: b"", ("empty",)),
    "blanks": (lambda t: b" \n\r\n \n", ("nothing but blanks",)),
    "header only": (lambda t: csv_of(t.slice(0, 0)), ("no events",)),
    "no header": (lambda t: csv_of(t).split(b"\n", 1)[1], ("first line holds numbers",)),
    "one column missing": (lambda t: csv_of(t.drop_columns(["PRI_met"])), ("PRI_met",)),
    "columns missing": (
        lambda t: csv_of(t.drop_columns(["PRI_met", "DER_pt_h", "EventId"])),
        ("PRI_met", "DER_pt_h", "EventId"),
    ),
    "column misspelt": (
        lambda t: csv_of(t.rename_columns([n.replace("PRI_met_phi", "PRI_met_fi") for n in t.column_names])),
        ("PRI_met_phi", "PRI_met_fi"),
    ),
    "column twice": (
        lambda t: csv_of(t.append_column("PRI_met", t["PRI_met"])),
        ("PRI_met", "2 times"),
    ),
    "text for a number": (lambda t: csv_of(with_value(t, "PRI_met", 6, "much")), ("PRI_met", "row 7", "'much'")),
    "decimal comma": (lambda t: csv_of(with_value(t, "PRI_met", 0, "1,5")), ("PRI_met", "'1,5'")),
    "NaN": (lambda t: csv_of(with_value(t, "DER_pt_h", 3, "NaN")), ("DER_pt_h", "row 4")),
    "infinity": (lambda t: csv_of(with_value(t, "DER_pt_h", 3, "-inf")), ("DER_pt_h", "row 4")),
    "nothing": (lambda t: csv_of(with_value(t, "DER_pt_h", 3, "")), ("DER_pt_h", "row 4")),
    "fraction of a jet": (lambda t: csv_of(with_value(t, "PRI_jet_num", 9, "1.5")), ("PRI_jet_num", "row 10", "1.5")),
    "event twice": (lambda t: csv_of(pa.concat_tables([t, t.slice(5, 1)])), ("EventId", "100005")),
    "huge event number": (lambda t: csv_of(with_value(t, "EventId", 2, "9" * 30)), ("EventId", "row 3")),
    "several at once": (
        lambda t: csv_of(with_value(with_value(t, "PRI_met", 0, "x"), "DER_pt_h", 1, "y").drop_columns(["PRI_tau_pt"])),
        ("PRI_met", "DER_pt_h", "PRI_tau_pt"),
    ),
    "short line": (lambda t: csv_of(t) + b"1,2,3\n", ("line 202 has 3",)),
    "cut in a line": (lambda t: csv_of(t)[:-40], ("line 201",)),
    "quote that never closes": (lambda t: csv_of(t) + b'"1\n' + b"1,2\n" * 3, ("quotation mark", "202")),
    "Latin-1": (lambda t: csv_of(with_value(t, "PRI_met", 0, "é")).decode().encode("latin-1"), ("UTF-8", "Line 2")),
    "UTF-16": (lambda t: csv_of(t).decode().encode("utf-16"), ("UTF-16",)),
    "NUL bytes": (lambda t: csv_of(t)[:3000] + bytes(100) + csv_of(t)[3000:], ("binary",)),
    "binary": (lambda t: bytes(range(256)) * 20, ()),
    "HTML": (lambda t: b"<!DOCTYPE html><html></html>", ("HTML",)),
    "JSON": (lambda t: json.dumps(t.to_pylist()[:3]).encode(), ("JSON",)),
    "PDF": (lambda t: b"%PDF-1.7\n", ("PDF",)),
    "pickle": (lambda t: b"\x80\x04\x95\x00\x00", ("pickle",)),
    "gzip cut short": (lambda t: gzip.compress(csv_of(t))[:-30], ("gzip", "cut short")),
    "gzip with a wrong byte": (lambda t: spoilt(gzip.compress(csv_of(t))), ("gzip",)),
    "gzip in gzip": (lambda t: gzip.compress(gzip.compress(csv_of(t))), ("gzip", "another archive")),
    "gzip of nothing": (lambda t: gzip.compress(b""), ("empty",)),
    "zip cut short": (lambda t: zip_of(csv_of(t))[:-30], ("zip",)),
    "zip with a wrong byte": (lambda t: spoilt(zip_of(csv_of(t))), ("zip",)),
    "zip of two": (lambda t: zip_of(csv_of(t), csv_of(t)), ("2 files",)),
    "zip of none": (lambda t: zip_of(), ("zip",)),
    "Parquet cut short": (lambda t: parquet_of(t)[:-30], ("Parquet",)),
    "Parquet with wrong bytes": (lambda t: spoilt(parquet_of(t)), ()),
    "Parquet of other columns": (lambda t: parquet_of(pa.table({"a": [1], "b": ["x"]})), ("EventId", "a, b")),
    "Parquet of lists": (
        lambda t: parquet_of(t.set_column(5, t.column_names[5], pa.array([[1.0]] * len(t)))),
        ("list",),
    ),
}

# Only where labels are looked at.
BAD_LABELS: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "no label": (lambda t: csv_of(t.drop_columns(["Label"])), ("Label",)),
    "unknown label": (lambda t: csv_of(with_value(t, "Label", 4, "q")), ("Label", "row 5", "'q'")),
    "empty label": (lambda t: csv_of(with_value(t, "Label", 4, "")), ("Label", "row 5")),
    "one class": (
        lambda t: csv_of(t.filter(pa.compute.equal(t["Label"], "b"))),
        ("Label", "signal"),
    ),
    "bad weight": (lambda t: csv_of(with_value(t, "Weight", 1, "heavy")), ("Weight", "row 2", "'heavy'")),
    "infinite weight": (lambda t: csv_of(with_value(t, "Weight", 1, "inf")), ("Weight", "row 2")),
}


def spoilt(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 64]) + data[middle + 64 :]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_table_is_refused_by_all(trained: TestClient, events: pa.Table, damage: str) -> None:
    spoil, says = DAMAGED[damage]
    table = spoil(events)
    refused(predict(trained, table), 422, *says)
    refused(train(trained, [model("new")], table), 422, *says)
    refused(compare(trained, ["m1"], table), 422, *says)


@pytest.mark.parametrize("damage", BAD_LABELS)
def test_bad_labels_are_refused_where_they_are_looked_at(trained: TestClient, events: pa.Table, damage: str) -> None:
    spoil, says = BAD_LABELS[damage]
    table = spoil(events)
    assert predict(trained, table).status_code == 200
    refused(train(trained, [model("new")], table), 422, *says)
    refused(compare(trained, ["m1"], table), 422, *says)


def model_text(**fields: str) -> str:
    """One model whose fields are written as given."""
    written = {"id": '"new"', "type": '"LogReg"', "hyperparameters": "{}"} | fields
    return "[{" + ", ".join(f'"{name}": {value}' for name, value in written.items() if value) + "}]"


MALFORMED = {
    "nothing": "",
    "blanks": "  ",
    "no JSON": "m1",
    "cut short": model_text()[:-3],
    "an empty list": "[]",
    "an object": "{}",
    "null": "null",
    "a text": '"LogReg"',
    "a number": "1e999",
    "a huge number": "9" * 5000,
    "a list of lists": "[[]]",
    "a list of nothing": "[null]",
    "no id": model_text(id=""),
    "no type": model_text(type=""),
    "an empty id": model_text(id='""'),
    "an id that is a number": model_text(id="1"),
    "an id that is null": model_text(id="null"),
    "an id that is true": model_text(id="true"),
    "an id that is a list": model_text(id='["new"]'),
    "an id of half a character": model_text(id='"\\ud800"'),
    "an id with NUL": model_text(id='"a\\u0000"'),
    "an id that is too long": model_text(id=json.dumps("я" * 129)),
    "an id that is far too long": model_text(id=json.dumps("x" * 500_000)),
    "an unknown type": model_text(type='"Oracle"'),
    "a type in lower case": model_text(type='"logreg"'),
    "a type that is a path": model_text(type='"../../x"'),
    "a type that is far too long": model_text(type=json.dumps("x" * 500_000)),
    "hyperparameters in a list": model_text(hyperparameters="[]"),
    "hyperparameters in a text": model_text(hyperparameters='"C=1"'),
    "too many hyperparameters": model_text(hyperparameters=json.dumps({f"p{n}": n for n in range(20_000)})),
    "an integer of 5000 digits": model_text(hyperparameters='{"C": ' + "9" * 5000 + "}"),
    "nested deeply": "[" * 100_000 + "]" * 100_000,
    "objects nested deeply": '{"a":' * 100_000,
    "hyperparameters nested deeply": model_text(hyperparameters='{"C": ' + "[" * 10_000 + "]" * 10_000 + "}"),
    "text after the end": model_text() + "x",
    "a byte-order mark": "\ufeff" + model_text(),
    "many numbers": "[" + ",".join("1" * 300_000) + "]",
    "30,000 models": json.dumps([{"id": str(n), "type": "LogReg"} for n in range(30_000)], separators=(",", ":")),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_models_are_refused(trained: TestClient, events_csv: Path, text: str) -> None:
    detail = refused(train(trained, MALFORMED[text], events_csv), 422)
    assert len(detail) < 2000


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_comparisons_are_refused(trained: TestClient, events_csv: Path, text: str) -> None:
    detail = refused(compare(trained, MALFORMED[text], events_csv), 422)
    assert len(detail) < 2000


@pytest.mark.parametrize("ids", [[], [1], [None], "m1", {"m1": 1}, ["m1"] * 2000, list(range(100_000))])
def test_malformed_ids_are_refused(trained: TestClient, events_csv: Path, ids: Any) -> None:
    detail = refused(compare(trained, ids, events_csv), 422)
    assert len(detail) < 2000


def test_more_models_than_slots_and_many_ids_twice(trained: TestClient, events_csv: Path) -> None:
    refused(train(trained, [model(f"m{n}") for n in range(1000)], events_csv), 409)
    refused(train(trained, [model("x")] * 1000, events_csv), 409, "'x'")


def test_a_model_text_of_more_than_a_megabyte(trained: TestClient, events_csv: Path) -> None:
    refused(train(trained, model_text() + " " * (1 << 20), events_csv), 400, "1024KB")


ODD_HYPERPARAMETERS = {
    "NaN": '{"C": NaN}',
    "minus infinity": '{"C": -Infinity}',
    "a long integer": '{"C": ' + "9" * 4000 + "}",
    "a large exponent": '{"max_iter": 1e308}',
    "nested": '{"C": ' + "[" * 100 + "]" * 100 + "}",
    "a long name": json.dumps({"x" * 300_000: 1}),
    "an empty name": '{"": 1}',
    "a dunder": '{"__class__": "os.system"}',
    "a nested parameter": '{"classifier__C": 2}',
    "weights of no numbers": '{"class_weight": {"s": [1], "b": {}}}',
    "a text of digits": json.dumps({"C": "9" * 300_000}),
    "underscores": '{"C": "1_000"}',
    "other digits": '{"max_iter": "١٢"}',
}


@pytest.mark.parametrize("name", ODD_HYPERPARAMETERS)
def test_odd_hyperparameters_are_that_models_error(
    settings: Settings, events_csv: Path, name: str, odd: TestClient
) -> None:
    answer = train(odd, model_text(hyperparameters=ODD_HYPERPARAMETERS[name]), events_csv)
    assert answer.status_code == 200
    (outcome,) = answer.json()
    assert outcome["status"] == "error"
    assert 0 < len(outcome["detail"]) < 2000
    assert odd.app.state.service._engine.free == 4


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("odd")
    settings = read_settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=4)
    with TestClient(create_app(settings)) as client:
        yield client


# the form around it


def part(name: str, content: bytes, extra: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + content + b"\r\n"


FORM = "multipart/form-data; boundary=b"
MODELS = part("models_str", b'[{"id": "new", "type": "LogReg"}]')


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", MODELS, 400),
        ("multipart/form-data; boundary=", MODELS, 400),
        ("multipart/form-data; boundary=c", MODELS + b"--b--\r\n", 400),
        (FORM, b"", 422),
        (FORM, b"\0" * 100, 400),
        (FORM, b"--b--\r\n", 422),
        (FORM, MODELS + b"--b--\r\n", 422),
        (FORM, MODELS + part("file", b"EventId\n1\n") + b"--b--\r\n", 422),
        (FORM, MODELS + part("files", b"EventId\n1\n", '; filename="data.csv"') + b"--b--\r\n", 422),
        (FORM, MODELS.replace(b'name="models_str"', b"") + b"--b--\r\n", 400),
        (FORM, part("models_str", b"[]", '; filename="models.json"') + b"--b--\r\n", 422),
        (FORM, part("x", b"1") * 2000 + b"--b--\r\n", 400),
        (FORM, part("file", b"1", '; filename="x"') * 2000 + b"--b--\r\n", 400),
        (FORM + "; charset=undefined", MODELS + b"--b--\r\n", 400),
        (FORM + "; charset=nonsense", MODELS + b"--b--\r\n", 422),
        ("application/json", b'{"models_str": "[]"}', 422),
        ("application/x-www-form-urlencoded", b"models_str=%5B%5D&file=x", 422),
        ("text/csv", b"EventId\n1\n", 422),
        ("", b"EventId\n1\n", 422),
    ],
)
def test_malformed_forms_are_refused(trained: TestClient, kind: str, body: bytes, status: int) -> None:
    for call in ("train_with_file", "compare_models", "predict_with_file"):
        refused(trained.post(ROUTE + call, content=body, headers={"Content-Type": kind}), status)


# Starlette leaves the file to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_form_that_ends_in_the_file_is_no_file(trained: TestClient, events_csv: Path) -> None:
    body = MODELS + part("file", events_csv.read_bytes(), '; filename="data.csv"')
    answer = trained.post(ROUTE + "train_with_file", content=body, headers={"Content-Type": FORM})
    refused(answer, 422, "file")


def test_of_two_files_the_last_counts(trained: TestClient, unlabelled_csv: Path) -> None:
    first = upload(b"no table")["file"]
    second = upload(unlabelled_csv)["file"]
    answer = trained.post(ROUTE + "predict_with_file", files=[("file", first), ("file", second)])
    assert answer.status_code == 200
    refused(trained.post(ROUTE + "predict_with_file", files=[("file", second), ("file", first)]), 422)


# too much


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that takes 1 MB, and 2 MB unpacked."""
    folder = tmp_path_factory.mktemp("small")
    settings = read_settings(
        MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=4, MAX_UPLOAD_MB=1, MAX_TABLE_MB=2
    )
    with TestClient(create_app(settings)) as client:
        yield client


def chunked(table: Table) -> Iterator[bytes]:
    yield part("models_str", b"[]") + part("file", b"", '; filename="data.csv"')[:-2]
    data = table if isinstance(table, bytes) else table.read_bytes()
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize("call", ["train_with_file", "compare_models", "predict_with_file"])
def test_an_upload_that_is_too_large(small: TestClient, call: str) -> None:
    large = b"1," * (1 << 20)
    detail = refused(small.post(ROUTE + call, data={"models_str": "[]"}, files=upload(large)), 413)
    assert "1 MB" in detail
    assert "MAX_UPLOAD_MB" in detail
    answer = small.post(ROUTE + call, content=chunked(large), headers={"Content-Type": FORM})
    assert "content-length" not in answer.request.headers
    refused(answer, 413, "MAX_UPLOAD_MB")
    assert not list(small.app.state.service._files._incoming.iterdir())


def test_an_upload_that_is_just_not_too_large(small: TestClient) -> None:
    room = (1 << 20) - 400
    content = upload(b"x" * room)
    refused(small.post(ROUTE + "compare_models", data={"models_str": '{"ids":["a"]}'}, files=content), 404)


@pytest.mark.parametrize("pack", [gzip.compress, zip_of, None])
def test_a_small_upload_that_unpacks_to_too_much(
    small: TestClient, events: pa.Table, pack: Callable[[bytes], bytes] | None
) -> None:
    line = csv_of(events).split(b"\n")[1] + b"\n"
    text = csv_of(events) + line * 40_000
    table = pack(text) if pack else parquet_of(pa.concat_tables([events] * 200))
    assert len(table) < 1 << 20 < 2 << 20 < len(text)
    refused(train(small, [model("new")], table), 413)


@pytest.mark.parametrize("line", [b"\n", b"1,2\n", b'"\n', b",,\n"])
def test_millions_of_lines_that_are_none(trained: TestClient, events: pa.Table, line: bytes) -> None:
    detail = refused(train(trained, [model("new")], gzip.compress(csv_of(events.slice(0, 0)) + line * 3_000_000)), 422)
    assert len(detail) < 2000
