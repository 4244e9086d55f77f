"""Tables of version 1 are scored in parts, with the answers and refusals that they would have in one piece."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pydantic_core import to_json

from eventsieve.api import v1
from eventsieve.domain import predictions
from eventsieve.domain.simulation import simulate
from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import ModelSpec
from eventsieve.service import Service, core, tables
from eventsieve.service.tables import ScoredTable

ROWS = 3000


@pytest.fixture
def table() -> pa.Table:
    return simulate(ROWS, seed=8).drop_columns(["Weight", "Label"])


@pytest.fixture
def trained(service: Service, events_csv: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    service.wait(service.train(events_csv, [ModelSpec(name="line", type="LogReg")]))
    service.choose("line")
    monkeypatch.setattr(predictions, "LEAST", 512)
    monkeypatch.setattr(predictions, "BATCH", 1024)
    return service


def written(table: pa.Table, path: Path, kind: str) -> Path:
    if kind == "csv":
        pacsv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=700)
    return path


def whole(service: Service, path: Path, monkeypatch: pytest.MonkeyPatch) -> core.Predictions:
    """The predictions of the table read at once."""

    def refused(*_: object) -> ScoredTable:
        raise BadTable("no parts")

    with monkeypatch.context() as patched:
        patched.setattr(tables, "_in_parts", refused)
        return service.predict(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_parts_give_the_same_as_the_whole(
    trained: Service, table: pa.Table, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table, tmp_path / "t", kind)
    expected = whole(trained, path, monkeypatch)
    monkeypatch.setattr(Service, "_read", None)  # which is not called for a good table
    found = trained.predict(path)
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_array_equal(found.signal, expected.signal)
    np.testing.assert_allclose(found.score, expected.score, rtol=0, atol=1e-12)
    assert (found.index_name, found.remarks) == (expected.index_name, expected.remarks)


def test_remarks_are_those_of_the_whole(
    trained: Service, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table.append_column("extra", pa.array(["x"] * ROWS)), tmp_path / "t", "csv")
    assert trained.predict(path).remarks == whole(trained, path, monkeypatch).remarks != ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_number_that_comes_again_in_a_later_part_is_named(
    trained: Service, table: pa.Table, tmp_path: Path, kind: str
) -> None:
    index = table["EventId"].to_numpy().copy()
    index[2900] = index[3]
    again = table.set_column(table.column_names.index("EventId"), "EventId", pa.array(index))
    with pytest.raises(BadTable, match=rf"used more than once; the first is {index[3]} in row 4\b.*row 2901"):
        trained.predict(written(again, tmp_path / "t", kind))


@pytest.mark.parametrize("column", ["EventId", "DER_mass_vis"])
def test_a_column_that_is_missing_is_named(trained: Service, table: pa.Table, tmp_path: Path, column: str) -> None:
    with pytest.raises(BadTable, match=f"Column {column} is missing"):
        trained.predict(written(table.drop_columns([column]), tmp_path / "t", "csv"))


def test_faults_of_all_parts_are_counted_together(trained: Service, table: pa.Table, tmp_path: Path) -> None:
    values = table["DER_mass_vis"].to_numpy().copy()
    values[[700, 2000, 2999]] = np.inf
    faulty = table.set_column(table.column_names.index("DER_mass_vis"), "DER_mass_vis", pa.array(values))
    with pytest.raises(BadTable, match=r"Column DER_mass_vis: 3 values are .*row 701 \(line 702\)"):
        trained.predict(written(faulty, tmp_path / "t", "csv"))


def test_the_limit_of_a_table_holds_for_its_parts_together(
    trained: Service, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table, tmp_path / "t", "parquet")
    monkeypatch.setattr(trained, "_max_table_bytes", ROWS * 8 * 31 - 1)
    with pytest.raises(TooLarge):
        trained.predict(path)


@pytest.mark.parametrize(
    "index", [[0, 1, -5], [10**15 - 1, 1 - 10**15], [10**15, 3], [-(2**63), 2**63 - 1], [10**16, 0], []]
)
def test_the_answer_is_spelled_as_a_list_of_floats_is(index: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.array(index, dtype=np.int64)
    signal = np.arange(len(index)) % 2 == 0
    answer = core.Predictions('m"', 'Event "Id"', numbers, signal, np.zeros(len(index)))
    expected = {
        "predictions": signal.astype(float).tolist(),
        "index": numbers.astype(float).tolist(),
        "index_name": 'Event "Id"',
    }

    class Answering:
        def predict(self, _: Path) -> core.Predictions:
            return answer

    found = v1._predict(Answering(), Path())  # type: ignore[arg-type]
    assert found == to_json(expected)
    assert json.loads(found) == expected
